// The insides of struct bt_repository: the thread (repository.c) and what it fetches
// (repository_fetch.c). Private to those.
#ifndef BT_SYNC_REPOSITORY_INSIDE_H
#define BT_SYNC_REPOSITORY_INSIDE_H

#include <pthread.h>

#include "sync/fetcher.h"
#include "sync/import.h"
#include "sync/plays_link.h"
#include "sync/repository.h"
#include "sync/software.h"
#include "trust/tuf_client.h"

// Documents that were refused as they were signed; of more the oldest is asked for again.
#define BT_MAX_NO_GOOD 32

// Whether the screen's own document names this player.
enum bt_binding { BT_BINDING_UNKNOWN, BT_BINDING_NONE, BT_BINDING_MINE };

struct bt_repository {
    struct bt_sync *sync;  // borrowed
    pthread_t thread;
    bool started;
    // The thread's own.
    struct bt_fetcher fetcher;
    struct bt_plays_link link;  // for what is brought back
    int64_t brought;            // the snapshot whose "x-lost" was answered
    struct bt_tuf_client *client;
    struct bt_documents newest;     // verified; without templates
    struct bt_documents templates;  // verified
    struct bt_documents current;    // what the main loop was told last
    struct bt_documents leaving;    // what is still on the screen until it says otherwise
    struct bt_documents effective;  // of the newest, what is to be shown as of `effective_until_ms`
    int64_t effective_until_ms;     // UTC; changes then
    bool urgent;                    // the change comes by the clock
    struct bt_sha256 servers;       // the servers.json in force
    struct bt_sha256 no_good[BT_MAX_NO_GOOD];  // documents that were refused as they were signed
    size_t no_good_count;
    enum bt_binding told_binding;  // what the main loop was told of it
    unsigned failures, refusals;   // rounds in a row; of this round, that may be gone in the next
    struct bt_asset missing;       // one that the effective ones miss; size 0: not known
    int64_t look_at_ns;            // templates and wants are looked at again
    struct bt_newer *newer;        // new versions of the player; its status is thread-safe
    int64_t newer_at_ns;           // they are looked at again
    pthread_mutex_t lock;          // leaf lock: nothing is called while it is held
    pthread_cond_t changed;
    // Protected by lock.
    int64_t refresh_at_ns;  // INT64_MAX: no need known
    bool look, arrived, stream_up;
    bool content_on;  // what was told last is on the screen
    int64_t timestamp, expires_ms;
    uint64_t asked, answered;  // tickets
    cJSON *waiting;            // for the status; owned
    struct bt_import *import;  // a stick is to be looked at; borrowed from who waits; NULL: none
    bool *import_done;         // set when it was; borrowed likewise
    pthread_cond_t imported;
};

// For sync/import.c. The thread's own.
int bt_repository_open_client(struct bt_repository *repository, struct bt_error *err) BT_NODISCARD;
void bt_repository_use_network(struct bt_repository *repository);  // fetches from there again

// The newest documents and templates by what was refreshed last.
int bt_repository_fetch_all(struct bt_repository *repository, struct bt_error *err) BT_NODISCARD;

// What is missing, wanted and complete; the missing assets are written to the empty list.
void bt_repository_look_now(struct bt_repository *repository, struct bt_wanted *out);
cJSON *bt_repository_waiting(struct bt_repository *repository) BT_NODISCARD;
void bt_repository_handle_import(struct bt_repository *repository, struct bt_import *import);

int64_t bt_repository_wall_ms(const struct bt_repository *repository);

// The network or our disk, as opposed to what came over it.
bool bt_repository_is_outage(int r);

// Raises the trouble that a refused document is; the next round comes soon.
void bt_repository_refuse(struct bt_repository *repository, int r, const char *target,
                          const struct bt_error *err);

/**
 * The newest documents for this screen, its templates, the list of servers. What is refused leaves
 * the version before in `out`; as long as the screen's own document does not name this player,
 * nothing new is taken. An error is an outage: everything stays as it was.
 */
int bt_repository_fetch_mine(struct bt_repository *repository, struct bt_documents *out,
                             struct bt_error *err) BT_NODISCARD;
int bt_repository_fetch_templates(struct bt_repository *repository, struct bt_documents *out,
                                  struct bt_error *err) BT_NODISCARD;
int bt_repository_fetch_servers(struct bt_repository *repository,
                                struct bt_error *err) BT_NODISCARD;

// What the province signed of new versions. What fails leaves what was known, and comes again.
void bt_repository_fetch_software(struct bt_repository *repository);

// Who may activate, and whether thresholds of one are a demo, by what is trusted.
void bt_repository_read_keys(struct bt_repository *repository);

#endif
