#include "server/plays/sender.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/settings/settings.h"

// Another server on the same database may have ended a player.
#define KEPT_NS (10 * BT_NS_PER_S)

// Each player has one place, found by its id; two that share it take turns.
#define PLACES 16384

// The tz database has about six hundred.
#define MAX_ZONES 1024

struct kept {
    struct bt_sender *sender;  // NULL: the place is free
    int64_t until_ns;
};

struct zone {
    char name[64];
    struct bt_tz *tz;
};

struct bt_senders {
    struct bt_db_pool *db;  // borrowed
    pthread_mutex_t lock;   // leaf lock
    // Protected by lock.
    struct kept kept[PLACES];
    struct zone zones[MAX_ZONES];
    size_t zone_count;
};

struct bt_senders *bt_senders_create(struct bt_db_pool *db)
{
    struct bt_senders *senders = BT_NEW(struct bt_senders);
    senders->db = db;
    pthread_mutex_init(&senders->lock, NULL);
    return senders;
}

void bt_senders_destroy(struct bt_senders *senders)
{
    if (senders == NULL) {
        return;
    }
    for (size_t i = 0; i < PLACES; i++) {
        free(senders->kept[i].sender);
    }
    for (size_t i = 0; i < senders->zone_count; i++) {
        bt_tz_destroy(senders->zones[i].tz);
    }
    pthread_mutex_destroy(&senders->lock);
    free(senders);
}

static struct kept *place_of(struct bt_senders *senders, const char *player)
{
    uint32_t hash = 2166136261U;  // FNV-1a
    for (const char *c = player; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    }
    return &senders->kept[hash % PLACES];
}

static bool look(struct bt_senders *senders, const char *player, struct bt_sender *out)
{
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    pthread_mutex_lock(&senders->lock);
    const struct kept *kept = place_of(senders, player);
    bool found = kept->sender != NULL && kept->until_ns > now_ns &&
                 strcmp(kept->sender->player, player) == 0;
    if (found) {
        *out = *kept->sender;
    }
    pthread_mutex_unlock(&senders->lock);
    return found;
}

static void keep(struct bt_senders *senders, const struct bt_sender *sender)
{
    pthread_mutex_lock(&senders->lock);
    struct kept *kept = place_of(senders, sender->player);
    if (kept->sender == NULL) {
        kept->sender = BT_NEW(struct bt_sender);
    }
    *kept->sender = *sender;
    kept->until_ns = bt_clock_mono_ns(bt_clock_real()) + KEPT_NS;
    pthread_mutex_unlock(&senders->lock);
}

void bt_senders_forget(struct bt_senders *senders, const char *player)
{
    pthread_mutex_lock(&senders->lock);
    place_of(senders, player)->until_ns = 0;
    pthread_mutex_unlock(&senders->lock);
}

// With the lock held. A zone stays: senders that were handed out point to it.
static const struct bt_tz *find_zone(struct bt_senders *senders, const char *name,
                                     struct bt_error *err)
{
    for (size_t i = 0; i < senders->zone_count; i++) {
        if (strcmp(senders->zones[i].name, name) == 0) {
            return senders->zones[i].tz;
        }
    }
    struct zone *zone = &senders->zones[senders->zone_count];
    if (senders->zone_count == MAX_ZONES || strlen(name) >= sizeof(zone->name)) {
        bt_fail(err, -EMSGSIZE, "too many time zones");
        return NULL;
    }
    if (bt_tz_load(name, &zone->tz, err) < 0) {
        return NULL;
    }
    bt_copy_cut(zone->name, sizeof(zone->name), name);
    senders->zone_count++;
    return zone->tz;
}

static int set_zone(struct bt_senders *senders, const char *name, struct bt_sender *out,
                    struct bt_error *err)
{
    pthread_mutex_lock(&senders->lock);
    out->tz = find_zone(senders, name, err);
    pthread_mutex_unlock(&senders->lock);
    return out->tz != NULL ? 0 : bt_fail_in(err, -EIO, "The time zone of screen %s", out->screen);
}

static enum bt_sender_state state_of(const char *word)
{
    return bt_str_equal(word, "active")     ? BT_SENDER_ACTIVE
           : bt_str_equal(word, "replaced") ? BT_SENDER_REPLACED
                                            : BT_SENDER_REVOKED;
}

static int take_row(struct bt_senders *senders, const struct bt_db_rows *row, const char *player,
                    struct bt_sender *out, struct bt_error *err)
{
    *out = (struct bt_sender){.state = state_of(bt_db_get_text(row, 3)),
                              .ended_ms = bt_db_get_int(row, 4),
                              .paired_ms = bt_db_get_int(row, 5)};
    bt_copy_cut(out->player, sizeof(out->player), player);
    bt_copy_cut(out->screen, sizeof(out->screen), bt_db_get_text(row, 0));
    bt_copy_cut(out->unit, sizeof(out->unit), bt_db_get_text(row, 1));
    if (bt_unhex(bt_db_get_text(row, 2), out->key, sizeof(out->key)) < 0) {
        return bt_fail(err, -EIO, "The key of player %s is damaged", player);
    }
    return set_zone(senders, bt_db_get_text(row, 6), out, err);
}

static int ask(struct bt_senders *senders, const char *player, struct bt_sender *out,
               struct bt_error *err)
{
    struct bt_db *db = NULL;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_acquire(senders->db, &db, err);
    if (r < 0) {
        return r;
    }
    r = bt_db_ask(db, &rows, err,
                  "SELECT p.screen, p.unit, p.public_key, p.state, p.ended_ms, p.paired_ms,"
                  " s.time_zone FROM player p JOIN screen s ON s.id = p.screen WHERE p.id = $1",
                  BT_TEXT(player));
    if (r == 0) {
        r = bt_db_next(rows) ? take_row(senders, rows, player, out, err)
                             : bt_fail(err, -ENOENT, "There is no player '%.32s'", player);
    }
    r = r < 0 ? r : bt_setting_number(db, "plays_every_s", out->unit, &out->every_s, err);
    bt_db_release(db);
    return r;
}

int bt_senders_find(struct bt_senders *senders, const char *player, struct bt_sender *out,
                    struct bt_error *err)
{
    if (look(senders, player, out)) {
        return 0;
    }
    int r = ask(senders, player, out, err);
    if (r == 0) {
        keep(senders, out);
    }
    return r;
}
