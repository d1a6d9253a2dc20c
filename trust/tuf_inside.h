// What trust/tuf_client.c and trust/tuf_search.c share; nobody else includes it.
#ifndef BT_TRUST_TUF_INSIDE_H
#define BT_TRUST_TUF_INSIDE_H

#include "trust/tuf_client.h"
#include "trust/tuf_document.h"

// A delegated role that was verified since the last refresh, and by whose word.
struct bt_tuf_loaded {
    char role[BT_ROLE_BYTES], parent[BT_ROLE_BYTES];
    struct bt_tuf_document *document;
};

struct bt_tuf_client {
    char *directory;
    struct bt_tuf_fetcher fetcher;
    // What is trusted. The root is always there, the others once they were verified.
    struct bt_tuf_document *root, *timestamp, *snapshot, *targets;
    struct bt_tuf_document *stick;  // the last stick's word that was accepted; a floor for all
    bool carried;                   // the last refresh went by it, not by the timestamp
    struct bt_tuf_loaded *loaded;
    size_t loaded_count, loaded_capacity;
};

/**
 * A targets role: the trusted one on the disk when it is what the snapshot names, else fetched,
 * verified with the ring and kept.
 */
int bt_tuf_load_targets(struct bt_tuf_client *client, const char *role,
                        const struct bt_keyring *ring, int64_t now_ms, struct bt_tuf_document **out,
                        struct bt_error *err) BT_NODISCARD;

void bt_tuf_forget_loaded(struct bt_tuf_client *client);

// -ETIME when the document is not valid any more.
int bt_tuf_check_time(const struct bt_tuf_document *document, const char *role, int64_t now_ms,
                      struct bt_error *err) BT_NODISCARD;

#endif
