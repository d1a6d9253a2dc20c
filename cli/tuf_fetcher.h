// Fetches a TUF repository's files over HTTP for trust/tuf_client.h (libcurl). One thread at a
// time.
#ifndef BT_CLI_TUF_FETCHER_H
#define BT_CLI_TUF_FETCHER_H

#include "base/compiler.h"
#include "base/error.h"
#include "trust/tuf_client.h"

struct bt_tuf_http;

/**
 * `metadata_url` and `targets_url` stand in place of "metadata/" and "targets/"; targets_url may be
 * NULL when no target is wanted. http and https only, no redirections.
 */
int bt_tuf_http_create(const char *metadata_url, const char *targets_url, struct bt_tuf_http **out,
                       struct bt_error *err) BT_NODISCARD;
void bt_tuf_http_destroy(struct bt_tuf_http *http);
BT_DEFINE_AUTO(bt_tuf_http)

// Borrowed; lives as long as http.
const struct bt_tuf_fetcher *bt_tuf_http_fetcher(const struct bt_tuf_http *http);

#endif
