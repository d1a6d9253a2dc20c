/**
 * A live HLS stream as one run of bytes: the playlist is read anew as it grows, its segments come
 * one after the other. Begins three segments before the end; falls forward when it is left behind.
 */
#ifndef BT_LIVE_HLS_H
#define BT_LIVE_HLS_H

#include "live/fetch.h"

struct bt_hls;

// `fetch` is borrowed; `text` is the playlist that came from bt_fetch_url(fetch).
int bt_hls_open(struct bt_fetch *fetch, const atomic_bool *stop, const struct bt_buf *text,
                struct bt_hls **out, struct bt_error *err) BT_NODISCARD;
void bt_hls_destroy(struct bt_hls *hls);
BT_DEFINE_AUTO(bt_hls)

/**
 * Bytes of the present run; 0: the run ends here. Errors as bt_fetch_read; -EINVAL a playlist or
 * an address that is none; -ETIMEDOUT the playlist no longer grows; -ENODATA the stream is over.
 */
ssize_t bt_hls_read(struct bt_hls *hls, uint8_t *out, size_t size,
                    struct bt_error *err) BT_NODISCARD;

// A run ended at a discontinuity: the next may be of another size, and needs a reader of its own.
void bt_hls_next_run(struct bt_hls *hls);

#endif
