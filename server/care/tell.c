#include "server/care/tell.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/care/message.h"
#include "server/care/outbox.h"

// In one round; the next one is a minute later.
#define MAX_TOLD 2000
#define MAX_HOOKS 200

struct telling {
    struct bt_db *db;  // borrowed, like limits
    const struct bt_all_limits *limits;
    int64_t now_ms;
    struct bt_db_rows *rows;  // the alerts; what `news` borrows from
    struct bt_alert_news news[MAX_TOLD];
    const char *paths[MAX_TOLD];  // of their units
    size_t count;
    struct bt_alert_news group[MAX_TOLD];
    struct bt_db_rows *hooks;
};

static void telling_destroy(struct telling *telling)
{
    bt_db_rows_destroy(telling->rows);
    bt_db_rows_destroy(telling->hooks);
    free(telling);
}
static void telling_auto(struct telling **telling)
{
    telling_destroy(*telling);
}

static bool is_due(const struct telling *telling, const struct bt_db_rows *row,
                   enum bt_news *out_news)
{
    const struct bt_rule *rule = bt_rule_find(bt_db_get_text(row, 1));
    bool told = !bt_db_is_null(row, 8), over = !bt_db_is_null(row, 7);
    if (over) {
        *out_news = BT_NEWS_ENDED;
        return told;
    }
    *out_news = told ? BT_NEWS_STILL : BT_NEWS_ON;
    return !told || (rule != NULL && rule->remind_ms > 0 && bt_db_is_null(row, 9) &&
                     telling->now_ms - bt_db_get_int(row, 8) >= rule->remind_ms);
}

static bool is_quiet(const struct telling *telling, const struct bt_db_rows *row)
{
    struct bt_care_limits limits;
    bt_all_limits_find(telling->limits, bt_db_get_text(row, 11), &limits);
    return strcmp(bt_db_get_text(row, 2), "urgent") != 0 &&
           bt_quiet(&limits, bt_all_limits_tz(telling->limits), telling->now_ms);
}

static void take(struct telling *telling, const struct bt_db_rows *row)
{
    enum bt_news news;
    if (telling->count == MAX_TOLD || !is_due(telling, row, &news) || is_quiet(telling, row)) {
        return;
    }
    telling->paths[telling->count] = bt_db_get_text(row, 11);
    telling->news[telling->count++] = (struct bt_alert_news){.news = news,
                                                             .id = bt_db_get_text(row, 0),
                                                             .kind = bt_db_get_text(row, 1),
                                                             .severity = bt_db_get_text(row, 2),
                                                             .object = bt_db_get_text(row, 3),
                                                             .vi = bt_db_get_text(row, 4),
                                                             .en = bt_db_get_text(row, 5),
                                                             .since_ms = bt_db_get_int(row, 6),
                                                             .until_ms = bt_db_get_int(row, 7),
                                                             .unit = bt_db_get_text(row, 10),
                                                             .unit_name = bt_db_get_text(row, 12),
                                                             .screen_name = bt_db_get_text(row, 13),
                                                             .duty_name = bt_db_get_text(row, 14),
                                                             .duty_phone = bt_db_get_text(row, 15)};
}

static int find_news(struct telling *telling, struct bt_error *err)
{
    // Reminders come a day after the last word, and all reminded rules say so daily or seldomer.
    int r = bt_db_ask(telling->db, &telling->rows, err,
                      "SELECT a.id, a.kind, a.severity, a.object, a.vi, a.en, a.since_ms,"
                      " a.until_ms, a.told_ms, a.acknowledged_ms, a.unit, u.path, u.name, s.name,"
                      " s.duty_name, s.duty_phone FROM alert a JOIN unit u ON u.code = a.unit"
                      " LEFT JOIN screen s ON s.id = a.screen"
                      " WHERE (a.until_ms IS NULL AND a.raised_ms IS NOT NULL AND"
                      " (a.told_ms IS NULL OR (a.acknowledged_ms IS NULL AND a.told_ms <= $1)))"
                      " OR (a.until_ms IS NOT NULL AND a.told_ms IS NOT NULL AND a.end_told = 0)"
                      " ORDER BY CASE a.severity WHEN 'urgent' THEN 0 WHEN 'warning' THEN 1"
                      " ELSE 2 END, u.path, a.object, a.kind LIMIT 20000",
                      BT_INT(telling->now_ms - BT_MS_PER_DAY));
    while (r == 0 && bt_db_next(telling->rows)) {
        take(telling, telling->rows);
    }
    return r;
}

static int put_mail(struct telling *telling, const char *to, size_t count, struct bt_error *err)
{
    BT_AUTOBUF subject;
    BT_AUTOBUF text;
    bt_buf_init(&subject, 1024);
    bt_buf_init(&text, BT_MESSAGE_MAX_BYTES);
    int r = bt_message_subject(telling->group, count, &subject);
    r = r < 0 ? r
              : bt_message_text(telling->group, count, bt_all_limits_tz(telling->limits), &text);
    return r < 0 ? bt_fail(err, r, "A message is too long")
                 : bt_outbox_put(telling->db, BT_CHANNEL_MAIL, to, bt_buf_text(&subject),
                                 bt_buf_text(&text), telling->now_ms, err);
}

// Those whose readers are named by the same unit as those of number `first`; marks them as done.
static int mail_group(struct telling *telling, size_t first, bool *done, struct bt_error *err)
{
    const char *from, *other;
    const char *to = bt_all_limits_mail_to(telling->limits, telling->paths[first], &from);
    size_t count = 0;
    for (size_t i = first; i < telling->count; i++) {
        (void)bt_all_limits_mail_to(telling->limits, telling->paths[i], &other);
        if (strcmp(other, from) == 0) {
            done[i] = true;
            telling->group[count++] = telling->news[i];
        }
    }
    return to[0] == '\0' ? 0 : put_mail(telling, to, count, err);
}

static int mail_all(struct telling *telling, struct bt_error *err)
{
    bool done[MAX_TOLD] = {false};
    int r = 0;
    for (size_t i = 0; r == 0 && i < telling->count; i++) {
        r = done[i] ? 0 : mail_group(telling, i, done, err);
    }
    return r;
}

static int call_hook(struct telling *telling, const char *hook, const char *path,
                     struct bt_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < telling->count; i++) {
        if (bt_str_starts(telling->paths[i], path)) {
            telling->group[count++] = telling->news[i];
        }
    }
    if (count == 0) {
        return 0;
    }
    BT_AUTOJSON *json = bt_message_json(telling->group, count, telling->now_ms);
    char *text = cJSON_PrintUnformatted(json);
    int r = bt_outbox_put(telling->db, BT_CHANNEL_WEBHOOK, hook, "", text, telling->now_ms, err);
    cJSON_free(text);
    return r;
}

static int call_hooks(struct telling *telling, struct bt_error *err)
{
    int r = bt_db_ask(telling->db, &telling->hooks, err,
                      "SELECT w.id, u.path FROM webhook w JOIN unit u ON u.code = w.unit"
                      " ORDER BY w.id LIMIT $1",
                      BT_INT(MAX_HOOKS));
    while (r == 0 && bt_db_next(telling->hooks)) {
        r = call_hook(telling, bt_db_get_text(telling->hooks, 0), bt_db_get_text(telling->hooks, 1),
                      err);
    }
    return r;
}

static int mark(struct telling *telling, struct bt_error *err)
{
    int64_t r = 0;
    for (size_t i = 0; r >= 0 && i < telling->count; i++) {
        struct bt_db_value id = BT_TEXT(telling->news[i].id);
        r = telling->news[i].news == BT_NEWS_ENDED
                ? bt_db_run(telling->db, err, "UPDATE alert SET end_told = 1 WHERE id = $1", id)
                : bt_db_run(telling->db, err, "UPDATE alert SET told_ms = $2 WHERE id = $1", id,
                            BT_INT(telling->now_ms));
    }
    return r < 0 ? (int)r : 0;
}

static int tell(struct telling *telling, struct bt_error *err)
{
    int r = mail_all(telling, err);
    r = r < 0 ? r : call_hooks(telling, err);
    return r < 0 ? r : mark(telling, err);
}

int bt_tell(struct bt_db *db, const struct bt_all_limits *limits, int64_t now_ms,
            struct bt_error *err)
{
    BT_AUTOFINISH(telling_auto) struct telling *telling = BT_NEW(struct telling);
    telling->db = db;
    telling->limits = limits;
    telling->now_ms = now_ms;
    // Looked for first: most minutes there is nothing to say, and no writer is waited for.
    int r = find_news(telling, err);
    if (r < 0 || telling->count == 0) {
        return r;
    }
    r = bt_db_begin(db, true, err);
    r = r < 0 ? r : tell(telling, err);
    r = r < 0 ? r : bt_db_commit(db, err);
    if (r < 0) {
        bt_db_rollback(db);
    }
    return r;
}
