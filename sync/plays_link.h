/**
 * The requests of the plays thread, one after the other, each waited for: how far a journal is
 * counted, and batches. Logs in by itself. Belongs to the thread. Private to sync/.
 */
#ifndef BT_SYNC_PLAYS_LINK_H
#define BT_SYNC_PLAYS_LINK_H

#include "plays/packer.h"
#include "sync/inside.h"
#include "sync/wire.h"

#define BT_PLAYS_STATE_BYTES 16

// What the server says of a journal.
struct bt_plays_answer {
    struct bt_packer_counted counted;
    char state[BT_PLAYS_STATE_BYTES];  // "open", "closed", "forked"
    int64_t every_s;
};

struct bt_plays_link {
    struct bt_sync *sync;  // borrowed
    CURLM *multi;
    struct bt_wire wire;
    struct bt_buf got;
    char token[BT_TOKEN_BYTES];
    int64_t token_until_ns;
    int64_t retry_after_s;  // of the last answer; 0: it said none
};

int bt_plays_link_init(struct bt_plays_link *link, struct bt_sync *sync,
                       struct bt_error *err) BT_NODISCARD;
void bt_plays_link_finish(struct bt_plays_link *link);
void bt_plays_link_wake(struct bt_plays_link *link);  // any thread: waiting ends

// Until the instant, or until sync stops.
void bt_plays_link_wait(struct bt_plays_link *link, int64_t until_ns);

/**
 * Errors of both, besides -ENETUNREACH (no answer, or one that is no answer): -EAGAIN the server
 * has too much to do (retry_after_s), -ERANGE it wants another number, -ESTALE it says the journal
 * is forked, -EMSGSIZE too much at once, -EACCES it does not take this batch at all, -ECANCELED
 * sync stops.
 */
int bt_plays_link_ask(struct bt_plays_link *link, const char *journal, struct bt_plays_answer *out,
                      struct bt_error *err) BT_NODISCARD;
int bt_plays_link_send(struct bt_plays_link *link, const struct bt_buf *packed,
                       struct bt_plays_answer *out, struct bt_error *err) BT_NODISCARD;

// What a restored server lost (sync/returning.h): 0 when it has taken note. Logs in like the
// others.
int bt_plays_link_return(struct bt_plays_link *link, const struct bt_buf *body,
                         struct bt_error *err) BT_NODISCARD;

#endif
