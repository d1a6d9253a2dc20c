/**
 * A connection to a live stream: bytes from the network → packets of its picture and its sound.
 * Everything of a publication's stream comes through bt_fetch; FFmpeg opens nothing itself. Only
 * what the installer wrote down on this machine (rtsp, udp) is opened by FFmpeg.
 *
 * One thread at a time; ends soon after *stop was set.
 */
#ifndef BT_LIVE_SOURCE_H
#define BT_LIVE_SOURCE_H

#include <libavformat/avformat.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_source_options {
    const char *url;          // https, or with `local` rtsp or udp
    const char *pins;         // of an https address
    bool local;               // the installer's word
    bool private_addresses;   // the installer allows them
    const atomic_bool *stop;  // borrowed
};

struct bt_source;

// Errors: as bt_fetch_begin; -EINVAL, -ENOTSUP nothing we play; -EFBIG; -ENODATA no picture.
int bt_source_open(const struct bt_source_options *options, struct bt_source **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_source_destroy(struct bt_source *source);
BT_DEFINE_AUTO(bt_source)

// The sender says how fast packets come; else they are fetched as they are needed.
bool bt_source_is_pushed(const struct bt_source *source);

// What the packets are of, until the next run.
const AVStream *bt_source_stream(const struct bt_source *source);

const AVStream *bt_source_sound(const struct bt_source *source);  // NULL: none that we play

/**
 * 1: a packet of one of them. 0: the run ended here; bt_source_next_run goes on with another, which
 * may be of another kind. Errors: -ENODATA the stream is over; -ETIMEDOUT and so on.
 */
int bt_source_read(struct bt_source *source, AVPacket *packet, struct bt_error *err) BT_NODISCARD;
int bt_source_next_run(struct bt_source *source, struct bt_error *err) BT_NODISCARD;

#endif
