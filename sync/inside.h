// What the threads of sync/ share. Private to sync/.
#ifndef BT_SYNC_INSIDE_H
#define BT_SYNC_INSIDE_H

#include <stdatomic.h>

#include "assets/store.h"
#include "sync/flusher.h"
#include "sync/servers.h"
#include "sync/standing.h"
#include "sync/sync.h"
#include "sync/troubles.h"

struct bt_channel;
struct bt_plays;
struct bt_repository;
struct bt_transfers;
struct bt_usb;

struct bt_sync {
    // Set by start, never changed; each is thread-safe or belongs to the thread it is named after.
    struct bt_sync_options options;  // its texts are owned
    char *store_directory, *metadata_directory;
    struct bt_queue *news;  // borrowed
    struct bt_store *store;
    struct bt_state *state;
    struct bt_flusher *flusher;
    struct bt_time_floor *time;
    struct bt_troubles *troubles;
    struct bt_servers *servers;
    struct bt_standing *standing;
    struct bt_private_key *key;
    struct bt_channel *channel;
    struct bt_repository *repository;
    struct bt_transfers *transfers;
    struct bt_plays *plays;
    struct bt_usb *usb;
    atomic_int open_from,
        open_until;         // the screen's opening hours, minutes; alike: always, unknown
    atomic_bool shows;      // a display is there
    atomic_bool importing;  // assets come by a stick: the network brings emergencies' alone
    atomic_bool stopping;   // requests end at the next byte, or at the next second
};

// Raises a trouble, and logs it when it is a new one.
void bt_sync_trouble(struct bt_sync *sync, enum bt_trouble trouble, const char *detail);

// It works again.
void bt_sync_fine(struct bt_sync *sync, enum bt_trouble trouble);

// An error of the disk or of the network, as the trouble it is.
void bt_sync_disk_trouble(struct bt_sync *sync, int r, const char *detail);

// Removes the files of a directory of ours; fine when there is none.
int bt_sync_clear_directory(const char *path, struct bt_error *err) BT_NODISCARD;

#endif
