#include "tests/ledger/courier.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/plays.h"

// A proxy that cuts leaves nobody waiting for long.
#define STALL_S 5

struct courier {
    struct bt_sync sync;
    bool trusted;
};

static bool is_trusted(void *context)
{
    return *(const bool *)context;
}

static int open_state(const char *directory, struct bt_state **out, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/state.db", directory);
    return bt_state_open(path, out, err);
}

static int open_key(const char *directory, struct bt_private_key **out, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/identity.json", directory);
    return bt_identity_key(path, out, err);
}

int courier_prepare(const char *directory, char out_key[BT_PLAYER_HEX_BYTES], struct bt_error *err)
{
    BT_AUTO(bt_private_key) key = NULL;
    int r = bt_file_make_dirs(directory, err);
    r = r < 0 ? r : open_key(directory, &key, err);
    return r < 0 ? r : bt_identity_public(key, out_key, err);
}

// Who it is, as if it had been paired.
static int name_player(struct bt_state *state, const char *player, struct bt_error *err)
{
    int r = bt_state_set(state, "player", player, err);
    r = r < 0 ? r : bt_state_set(state, "unit", "vn", err);
    return r < 0 ? r : bt_state_set(state, "screen", player, err);
}

static int open_parts(struct courier *courier, const struct courier_options *options,
                      struct bt_error *err)
{
    struct bt_sync *sync = &courier->sync;
    struct bt_address address = {0};
    int r = bt_format(address.url, sizeof(address.url), "%s", options->url);
    r = r < 0 ? bt_fail(err, r, "The address is too long")
              : open_state(options->directory, &sync->state, err);
    r = r < 0 ? r : name_player(sync->state, options->player, err);
    r = r < 0 ? r : open_key(options->directory, &sync->key, err);
    if (r < 0) {
        return r;
    }
    sync->troubles = bt_troubles_create();
    sync->time = bt_time_floor_create(options->clock, 0);
    sync->servers = bt_servers_create(sync->state, &address);
    const struct bt_standing_parts parts = {.state = sync->state, .time = sync->time};
    return bt_standing_open(&parts, &sync->standing, err);
}

int courier_open(const struct courier_options *options, struct courier **out, struct bt_error *err)
{
    BT_AUTO(courier) courier = BT_NEW(struct courier);
    courier->trusted = options->trusted;
    courier->sync.options = (struct bt_sync_options){.clock = options->clock,
                                                     .plays = bt_strdup(options->journal),
                                                     .retry_max_s = 60,
                                                     .stall_s = STALL_S,
                                                     .clock_is_trusted = is_trusted,
                                                     .clock_context = &courier->trusted};
    int r = open_parts(courier, options, err);
    if (r == 0) {
        *out = BT_TAKE(courier);
    }
    return r;
}

void courier_destroy(struct courier *courier)
{
    if (courier == NULL) {
        return;
    }
    courier_stop(courier);
    bt_standing_destroy(courier->sync.standing);
    bt_servers_destroy(courier->sync.servers);
    bt_time_floor_destroy(courier->sync.time);
    bt_troubles_destroy(courier->sync.troubles);
    bt_private_key_destroy(courier->sync.key);
    bt_state_destroy(courier->sync.state);
    free((void *)(uintptr_t)courier->sync.options.plays);
    free(courier);
}

int courier_start(struct courier *courier, struct bt_error *err)
{
    atomic_store(&courier->sync.stopping, false);
    int r = bt_plays_create(&courier->sync, &courier->sync.plays, err);
    return r < 0 ? r : bt_plays_run(courier->sync.plays, err);
}

void courier_stop(struct courier *courier)
{
    struct bt_plays *plays = BT_TAKE(courier->sync.plays);
    atomic_store(&courier->sync.stopping, true);
    bt_plays_close(plays);
    bt_plays_join(plays);
    bt_plays_destroy(plays);
}

void courier_wake(struct courier *courier)
{
    bt_plays_close(courier->sync.plays);  // it looks at the clock, and whether it is to stop
}

bool courier_is_home(struct courier *courier, int64_t last_seq)
{
    BT_AUTOJSON *status = cJSON_CreateObject();
    bt_plays_status(courier->sync.plays, status);
    const cJSON *plays = cJSON_GetObjectItemCaseSensitive(status, "plays");
    const cJSON *counted = cJSON_GetObjectItemCaseSensitive(plays, "counted");
    return cJSON_IsNumber(counted) && (int64_t)counted->valuedouble == last_seq;
}
