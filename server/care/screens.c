#include "server/care/screens.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

// Rows that go with the page: what they ask, and where an answer goes. $1 and $2: its first and
// last id, $3: the time. The first column is the screen.
struct addition {
    const char *sql;
    void (*take)(const struct bt_db_rows *row, struct bt_care_screen *screen);
};

static int64_t number_or_unknown(const struct bt_db_rows *row, int column)
{
    return bt_db_is_null(row, column) ? BT_CARE_UNKNOWN : bt_db_get_int(row, column);
}

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int64_t said_number(const cJSON *object, const char *key)
{
    int64_t number;
    return bt_json_whole(get(object, key), -(INT64_C(1) << 52), INT64_C(1) << 52, &number) == 0
               ? number
               : BT_CARE_UNKNOWN;
}

// Of the last version that it tried: did it go back, and why?
static void take_update(const cJSON *update, struct bt_care_facts *facts)
{
    const char *last = cJSON_GetStringValue(get(update, "last"));
    const char *outcome = cJSON_GetStringValue(get(update, "outcome"));
    bool back = last != NULL && outcome != NULL && !bt_str_equal(outcome, "kept");
    bt_copy_cut(facts->back_from, sizeof(facts->back_from), back ? last : "");
    bt_copy_cut(facts->back_why, sizeof(facts->back_why), back ? outcome : "");
}

// What the player's status says; it was checked when it came in.
static void take_status(const char *text, struct bt_care_facts *facts)
{
    BT_AUTOJSON *status = NULL;
    if (bt_json_parse(text, strlen(text), &status, NULL) < 0) {
        return;
    }
    const cJSON *display = get(status, "display"), *clock = get(status, "clock");
    const char *state = cJSON_GetStringValue(get(display, "state"));
    const char *trust = cJSON_GetStringValue(get(clock, "trust"));
    facts->celsius = said_number(get(status, "machine"), "celsius");
    facts->throttled = cJSON_IsTrue(get(get(status, "machine"), "throttled"));
    facts->free_bytes = said_number(get(status, "storage"), "free_bytes");
    facts->clock_offset_ms = said_number(clock, "offset_ms");
    facts->clock_untrusted = bt_str_equal(trust, "unknown");
    facts->no_display = said_number(display, "width") == 0;
    bt_copy_cut(facts->display, sizeof(facts->display), state != NULL ? state : "");
    take_update(get(status, "update"), facts);
}

static void take_player(const struct bt_db_rows *row, struct bt_care_screen *screen)
{
    struct bt_care_facts *facts = &screen->facts;
    facts->has_player = true;
    bt_copy_cut(screen->player, sizeof(screen->player), bt_db_get_text(row, 10));
    bt_copy_cut(facts->channel, sizeof(facts->channel), bt_db_get_text(row, 11));
    facts->channel_ms = bt_db_get_int(row, 12);
    facts->seen_ms = number_or_unknown(row, 13);
    facts->paired_ms = bt_db_get_int(row, 14);
    facts->status_ms = number_or_unknown(row, 15);
    bt_copy_cut(facts->troubles, sizeof(facts->troubles), bt_db_get_text(row, 16));
    if (!bt_db_is_null(row, 17)) {
        screen->status = bt_strdup(bt_db_get_text(row, 17));
        take_status(screen->status, facts);
    }
}

// The zone of the screen before; nearly all have the same.
struct zone {
    char name[64];
    struct bt_tz *tz;
};

static const struct bt_tz *zone_of(struct zone *zone, const char *name)
{
    if (zone->tz == NULL || strcmp(zone->name, name) != 0) {
        bt_tz_destroy(zone->tz);
        zone->tz = NULL;
        bt_copy_cut(zone->name, sizeof(zone->name), name);
        (void)!bt_tz_load(name, &zone->tz, NULL);
    }
    return zone->tz;
}

static int64_t opening(const struct bt_db_rows *row, int64_t now_ms, struct zone *zone)
{
    int64_t from = bt_db_get_int(row, 7), until = bt_db_get_int(row, 8);
    const struct bt_tz *tz = from == until ? NULL : zone_of(zone, bt_db_get_text(row, 9));
    return tz == NULL ? 0 : bt_opening(from, until, tz, now_ms);
}

static void take_screen(const struct bt_db_rows *row, int64_t now_ms, int64_t watched_ms,
                        struct zone *zone, struct bt_care_screen *screen)
{
    static const struct bt_care_facts nothing = {.celsius = BT_CARE_UNKNOWN,
                                                 .free_bytes = BT_CARE_UNKNOWN,
                                                 .clock_offset_ms = BT_CARE_UNKNOWN,
                                                 .seen_ms = BT_CARE_UNKNOWN,
                                                 .status_ms = BT_CARE_UNKNOWN,
                                                 .order_given_ms = BT_CARE_UNKNOWN,
                                                 .order_failed_ms = BT_CARE_UNKNOWN,
                                                 .plays_known_ms = BT_CARE_UNKNOWN,
                                                 .loss_ms = BT_CARE_UNKNOWN};
    screen->facts = nothing;
    bt_copy_cut(screen->id, sizeof(screen->id), bt_db_get_text(row, 0));
    bt_copy_cut(screen->unit, sizeof(screen->unit), bt_db_get_text(row, 1));
    bt_copy_cut(screen->path, sizeof(screen->path), bt_db_get_text(row, 2));
    bt_copy_cut(screen->name, sizeof(screen->name), bt_db_get_text(row, 3));
    bt_copy_cut(screen->place, sizeof(screen->place), bt_db_get_text(row, 4));
    bt_copy_cut(screen->duty_name, sizeof(screen->duty_name), bt_db_get_text(row, 5));
    bt_copy_cut(screen->duty_phone, sizeof(screen->duty_phone), bt_db_get_text(row, 6));
    screen->picture_ms = number_or_unknown(row, 18);
    screen->facts.watched_ms = watched_ms;
    screen->facts.open_since_ms = opening(row, now_ms, zone);
    if (!bt_db_is_null(row, 10)) {
        take_player(row, screen);
    }
}

static void take_orders(const struct bt_db_rows *row, struct bt_care_screen *screen)
{
    screen->facts.order_given_ms = number_or_unknown(row, 1);
    screen->facts.order_failed_ms = number_or_unknown(row, 2);
}

static void take_journals(const struct bt_db_rows *row, struct bt_care_screen *screen)
{
    screen->facts.plays_known_ms = number_or_unknown(row, 1);
    screen->facts.forked = bt_db_get_int(row, 2) != 0;
}

static void take_loss(const struct bt_db_rows *row, struct bt_care_screen *screen)
{
    screen->facts.loss_ms = number_or_unknown(row, 1);
}

static void take_plays(const struct bt_db_rows *row, struct bt_care_screen *screen)
{
    screen->facts.plays_lit = bt_db_get_int(row, 1);
    screen->facts.plays_unlit = bt_db_get_int(row, 2);
}

static void take_content(const struct bt_db_rows *row, struct bt_care_screen *screen)
{
    bool endless = bt_db_get_int(row, 2) != 0;
    screen->facts.content_end_ms = endless ? BT_CARE_NEVER : bt_db_get_int(row, 1);
}

static const struct addition additions[] = {
    {"SELECT o.screen, MIN(CASE WHEN o.state IN ('waiting', 'sent') THEN o.given_ms END),"
     " MAX(CASE WHEN o.state = 'failed' THEN o.given_ms END)"
     " FROM player_order o JOIN player p ON p.id = o.player AND p.state = 'active'"
     " WHERE o.screen >= $1 AND o.screen <= $2 AND o.given_ms >= $3 - 604800000"
     " GROUP BY o.screen ORDER BY o.screen LIMIT 1000",
     take_orders},
    {"SELECT j.screen, MAX(CASE WHEN p.state = 'active' THEN j.known_ms END),"
     " MAX(CASE WHEN j.state = 'forked' AND j.resolved_ms IS NULL THEN 1 ELSE 0 END)"
     " FROM play_journal j JOIN player p ON p.id = j.player"
     " WHERE j.screen >= $1 AND j.screen <= $2 AND $3 > 0"
     " GROUP BY j.screen ORDER BY j.screen LIMIT 1000",
     take_journals},
    {"SELECT screen, MAX(end_ms) FROM play_loss"
     " WHERE screen >= $1 AND screen <= $2 AND end_ms >= $3 - 604800000"
     " AND cause IN ('journal unwritable', 'journal damaged or gone', 'open play damaged',"
     " 'record unreadable')"
     " GROUP BY screen ORDER BY screen LIMIT 1000",
     take_loss},
    // Today is Viet Nam's, which a screen elsewhere may count as its yesterday for a while.
    {"SELECT screen,"
     " CAST(SUM(CASE WHEN evidence LIKE '%:on' THEN complete + partial ELSE 0 END) AS BIGINT),"
     " CAST(SUM(CASE WHEN evidence LIKE '%:off' OR evidence LIKE '%:standby'"
     " OR evidence LIKE '%:none' THEN complete + partial ELSE 0 END) AS BIGINT)"
     " FROM play_daily WHERE screen >= $1 AND screen <= $2 AND day = ($3 + 25200000) / 86400000"
     " GROUP BY screen ORDER BY screen LIMIT 1000",
     take_plays},
    {"SELECT d.name, COALESCE(MAX(e.end_ms), 0),"
     " MAX(CASE WHEN e.publication IS NOT NULL AND e.end_ms IS NULL THEN 1 ELSE 0 END)"
     " FROM publication d JOIN content_carry c ON c.publication = d.id"
     " JOIN publication p ON p.target = c.target AND p.state = 'published'"
     " JOIN content_end e ON e.publication = p.id"
     " WHERE d.layer = 'screen' AND d.state = 'published' AND d.name >= $1 AND d.name <= $2"
     " AND $3 > 0 GROUP BY d.name ORDER BY d.name LIMIT 1000",
     take_content},
};

static int add(struct bt_db *db, const struct addition *addition, int64_t now_ms,
               struct bt_care_page *page, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    const struct bt_db_value values[] = {
        BT_TEXT(page->screens[0].id), BT_TEXT(page->screens[page->count - 1].id), BT_INT(now_ms)};
    int r = bt_db_ask_values(db, addition->sql, values, BT_ARRAY_LEN(values), &rows, err);
    size_t at = 0;
    while (r == 0 && bt_db_next(rows)) {
        const char *id = bt_db_get_text(rows, 0);
        while (at < page->count && strcmp(page->screens[at].id, id) < 0) {
            at++;
        }
        if (at < page->count && strcmp(page->screens[at].id, id) == 0) {
            addition->take(rows, &page->screens[at]);
        }
    }
    return r;
}

int bt_care_page_load(struct bt_db *db, const char *path, const char *after, int64_t now_ms,
                      int64_t watched_ms, struct bt_care_page **out, struct bt_error *err)
{
    BT_AUTO(bt_care_page) page = BT_NEW(struct bt_care_page);
    BT_AUTO(bt_db_rows) rows = NULL;
    struct zone zone = {.tz = NULL};
    int r = bt_db_ask(db, &rows, err,
                      "SELECT s.id, s.unit, u.path, s.name, s.place, s.duty_name, s.duty_phone,"
                      " s.open_min, s.close_min, s.time_zone, p.id, p.channel, p.channel_ms,"
                      " p.seen_ms, p.paired_ms, t.received_ms, t.troubles, t.body, c.received_ms"
                      " FROM screen s JOIN unit u ON u.code = s.unit"
                      " LEFT JOIN player p ON p.screen = s.id AND p.state = 'active'"
                      " LEFT JOIN player_status t ON t.player = p.id"
                      " LEFT JOIN screenshot c ON c.screen = s.id"
                      " WHERE substr(u.path, 1, length($1)) = $1 AND s.id > $2"
                      " AND s.retired_ms IS NULL ORDER BY s.id LIMIT $3",
                      BT_TEXT(path), BT_TEXT(after), BT_INT(BT_CARE_PAGE));
    while (r == 0 && bt_db_next(rows)) {
        take_screen(rows, now_ms, watched_ms, &zone, &page->screens[page->count++]);
    }
    bt_tz_destroy(zone.tz);
    for (size_t i = 0; r == 0 && page->count > 0 && i < BT_ARRAY_LEN(additions); i++) {
        r = add(db, &additions[i], now_ms, page, err);
    }
    if (r == 0) {
        *out = BT_TAKE(page);
    }
    return r;
}

void bt_care_page_destroy(struct bt_care_page *page)
{
    if (page == NULL) {
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        free(page->screens[i].status);
    }
    free(page);
}
