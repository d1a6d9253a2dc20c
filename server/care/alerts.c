#include "server/care/alerts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/backup/nightly.h"
#include "server/ids.h"

struct open_alert {
    char id[BT_SERVER_ID_BYTES], object[80], kind[32];
    struct bt_alert_row row;
};

// What happens to one of them.
struct change {
    enum bt_alert_step step;
    char id[BT_SERVER_ID_BYTES];  // "" of a new one
    struct bt_sighting sighting;
};

// One round over some objects.
struct round {
    struct bt_db *db;  // borrowed
    int64_t now_ms;
    struct open_alert *open;
    size_t open_count, open_capacity;
    struct change *changes;
    size_t change_count, change_capacity;
};

static void round_finish(struct round *round)
{
    free(round->open);
    free(round->changes);
}

enum bt_alert_step bt_alert_step(const struct bt_rule *rule, const struct bt_alert_row *row,
                                 bool found, int64_t now_ms)
{
    bool calm = row->calm_ms != BT_CARE_UNKNOWN;
    if (found && !row->there) {
        return rule->hold_ms == 0 ? BT_ALERT_RAISE : BT_ALERT_NOTICE;
    }
    if (found && !row->raised) {
        return now_ms - row->seen_ms >= rule->hold_ms ? BT_ALERT_RAISE : BT_ALERT_NOTHING;
    }
    if (found) {
        return calm ? BT_ALERT_STIR : BT_ALERT_NOTHING;
    }
    if (!row->there) {
        return BT_ALERT_NOTHING;
    }
    if (!row->raised) {
        return BT_ALERT_FORGET;
    }
    if (rule->calm_ms == 0 || (calm && now_ms - row->calm_ms >= rule->calm_ms)) {
        return BT_ALERT_END;
    }
    return calm ? BT_ALERT_NOTHING : BT_ALERT_CALM;
}

static int load_open(struct round *round, const char *first, const char *last, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    round->open_count = round->change_count = 0;
    int r = bt_db_ask(round->db, &rows, err,
                      "SELECT id, object, kind, seen_ms, raised_ms, calm_ms FROM alert"
                      " WHERE until_ms IS NULL AND object >= $1 AND object <= $2"
                      " ORDER BY object, kind LIMIT 20000",
                      BT_TEXT(first), BT_TEXT(last));
    while (r == 0 && bt_db_next(rows)) {
        BT_GROW(round->open, round->open_capacity, round->open_count + 1);
        struct open_alert *alert = &round->open[round->open_count++];
        bt_copy_cut(alert->id, sizeof(alert->id), bt_db_get_text(rows, 0));
        bt_copy_cut(alert->object, sizeof(alert->object), bt_db_get_text(rows, 1));
        bt_copy_cut(alert->kind, sizeof(alert->kind), bt_db_get_text(rows, 2));
        alert->row = (struct bt_alert_row){
            .there = true,
            .raised = !bt_db_is_null(rows, 4),
            .seen_ms = bt_db_get_int(rows, 3),
            .calm_ms = bt_db_is_null(rows, 5) ? BT_CARE_UNKNOWN : bt_db_get_int(rows, 5)};
    }
    return r;
}

static int compare_open(const void *a, const void *b)
{
    const struct open_alert *left = a, *right = b;
    int order = strcmp(left->object, right->object);
    return order != 0 ? order : strcmp(left->kind, right->kind);
}

static const struct open_alert *find_open(const struct round *round, const char *object,
                                          const char *kind)
{
    struct open_alert wanted;
    bt_copy_cut(wanted.object, sizeof(wanted.object), object);
    bt_copy_cut(wanted.kind, sizeof(wanted.kind), kind);
    return round->open_count == 0
               ? NULL
               : bsearch(&wanted, round->open, round->open_count, sizeof(wanted), compare_open);
}

static void meet(struct round *round, const struct bt_sighting *sighting)
{
    static const struct bt_alert_row none = {.calm_ms = BT_CARE_UNKNOWN};
    const struct open_alert *alert = find_open(round, sighting->object, sighting->rule->kind);
    enum bt_alert_step step = bt_alert_step(sighting->rule, alert != NULL ? &alert->row : &none,
                                            sighting->found, round->now_ms);
    if (step == BT_ALERT_NOTHING) {
        return;
    }
    BT_GROW(round->changes, round->change_capacity, round->change_count + 1);
    struct change *change = &round->changes[round->change_count++];
    *change = (struct change){.step = step, .sighting = *sighting};
    bt_copy_cut(change->id, sizeof(change->id), alert != NULL ? alert->id : "");
}

static int64_t insert(struct round *round, const struct change *change, struct bt_error *err)
{
    const struct bt_sighting *sighting = &change->sighting;
    char id[BT_SERVER_ID_BYTES];
    bt_server_id('a', id);
    bool raised = change->step == BT_ALERT_RAISE;
    return bt_db_run(round->db, err,
                     "INSERT INTO alert(id, kind, object, screen, unit, severity, vi, en, since_ms,"
                     " seen_ms, raised_ms) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                     " ON CONFLICT DO NOTHING",
                     BT_TEXT(id), BT_TEXT(sighting->rule->kind), BT_TEXT(sighting->object),
                     BT_TEXT(sighting->screen), BT_TEXT(sighting->unit),
                     BT_TEXT(bt_severity_word(sighting->rule->severity)),
                     BT_TEXT(sighting->finding.vi), BT_TEXT(sighting->finding.en),
                     BT_INT(sighting->finding.since_ms), BT_INT(round->now_ms),
                     raised ? BT_INT(round->now_ms) : BT_NULL);
}

static int64_t apply(struct round *round, const struct change *change, struct bt_error *err)
{
    const struct bt_finding *finding = &change->sighting.finding;
    struct bt_db_value id = BT_TEXT(change->id), now = BT_INT(round->now_ms);
    if (change->id[0] == '\0') {
        return insert(round, change, err);
    }
    switch (change->step) {
    case BT_ALERT_RAISE:
        return bt_db_run(round->db, err,
                         "UPDATE alert SET raised_ms = $2, vi = $3, en = $4 WHERE id = $1", id, now,
                         BT_TEXT(finding->vi), BT_TEXT(finding->en));
    case BT_ALERT_FORGET:
        return bt_db_run(round->db, err, "DELETE FROM alert WHERE id = $1", id);
    case BT_ALERT_CALM:
        return bt_db_run(round->db, err, "UPDATE alert SET calm_ms = $2 WHERE id = $1", id, now);
    case BT_ALERT_STIR:
        return bt_db_run(round->db, err, "UPDATE alert SET calm_ms = NULL WHERE id = $1", id);
    case BT_ALERT_END:
        return bt_db_run(round->db, err,
                         "UPDATE alert SET until_ms = COALESCE(calm_ms, $2) WHERE id = $1", id,
                         now);
    case BT_ALERT_NOTHING:
    case BT_ALERT_NOTICE:
        break;
    }
    return 0;
}

static int write_changes(struct round *round, struct bt_error *err)
{
    if (round->change_count == 0) {
        return 0;
    }
    int64_t r = bt_db_begin(round->db, true, err);
    for (size_t i = 0; r >= 0 && i < round->change_count; i++) {
        r = apply(round, &round->changes[i], err);
    }
    r = r < 0 ? r : bt_db_commit(round->db, err);
    if (r < 0) {
        bt_db_rollback(round->db);
    }
    return r < 0 ? (int)r : 0;
}

static void judge_screen(struct round *round, const struct bt_all_limits *all,
                         const struct bt_care_screen *screen)
{
    struct bt_care_limits limits;
    bt_all_limits_find(all, screen->path, &limits);
    for (size_t i = 0; i < bt_rules_count; i++) {
        const struct bt_rule *rule = &bt_rules[i];
        struct bt_sighting sighting = {.screen = screen->id, .unit = screen->unit, .rule = rule};
        bt_copy_cut(sighting.object, sizeof(sighting.object), screen->id);
        if (rule->holds == NULL) {
            continue;
        }
        const struct open_alert *alert = find_open(round, screen->id, rule->kind);
        const struct bt_judge judge = {&screen->facts, &limits, round->now_ms,
                                       alert != NULL && alert->row.raised};
        sighting.found = rule->holds(&judge, &sighting.finding);
        meet(round, &sighting);
    }
}

static int keep_screens(struct round *round, const struct bt_all_limits *all, int64_t watched_ms,
                        struct bt_error *err)
{
    char after[32] = "";
    int r = 0;
    for (bool more = true; more && r == 0;) {
        BT_AUTO(bt_care_page) page = NULL;
        r = bt_care_page_load(round->db, "/", after, round->now_ms, watched_ms, &page, err);
        more = r == 0 && page->count > 0;
        if (!more) {
            break;
        }
        const char *last = page->screens[page->count - 1].id;
        r = load_open(round, page->screens[0].id, last, err);
        for (size_t i = 0; r == 0 && i < page->count; i++) {
            judge_screen(round, all, &page->screens[i]);
        }
        r = r < 0 ? r : write_changes(round, err);
        bt_copy_cut(after, sizeof(after), last);
    }
    return r;
}

// Of screens that are no longer in use.
static int end_retired(struct round *round, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(round->db, &rows, err,
                      "SELECT a.id FROM alert a JOIN screen s ON s.id = a.screen"
                      " WHERE a.until_ms IS NULL AND s.retired_ms IS NOT NULL LIMIT 1000");
    while (r == 0 && bt_db_next(rows)) {
        int64_t ended = bt_db_run(round->db, err, "UPDATE alert SET until_ms = $2 WHERE id = $1",
                                  BT_TEXT(bt_db_get_text(rows, 0)), BT_INT(round->now_ms));
        r = ended < 0 ? (int)ended : 0;
    }
    return r;
}

// Three kinds, of which one holds at most.
static void judge_role(struct round *round, const char *role, const char *unit, int64_t expires_ms)
{
    static const char *const kinds[] = {"expiry-1", "expiry-7", "expiry-30"};
    const char *kind = bt_expiry_kind(expires_ms, round->now_ms);
    char date[BT_RFC3339_BYTES];
    bt_rfc3339_format(expires_ms, 7 * 3600, date);
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        struct bt_sighting sighting = {.unit = unit,
                                       .rule = bt_rule_find(kinds[i]),
                                       .found = kind != NULL && strcmp(kind, kinds[i]) == 0,
                                       .finding.since_ms = round->now_ms};
        BT_AUTOFREE char *object = bt_strf("role/%s", role);
        BT_AUTOFREE char *vi = bt_strf("chữ ký của '%s' hết hạn ngày %.10s", role, date);
        BT_AUTOFREE char *en = bt_strf("the signatures of '%s' end on %.10s", role, date);
        bt_copy_cut(sighting.object, sizeof(sighting.object), object);
        bt_copy_cut(sighting.finding.vi, sizeof(sighting.finding.vi), vi);
        bt_copy_cut(sighting.finding.en, sizeof(sighting.finding.en), en);
        meet(round, &sighting);
    }
}

// The server renews snapshot and timestamp by itself.
static int keep_roles(struct round *round, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = load_open(round, "role/", "role0", err);
    r = r < 0 ? r
              : bt_db_ask(round->db, &rows, err,
                          "SELECT m.role, m.expires_ms, COALESCE(u.code, $1) FROM tuf_metadata m"
                          " LEFT JOIN unit u ON u.code = substr(m.role,"
                          " CASE WHEN m.role LIKE 'em-%' THEN 4 ELSE 3 END)"
                          " WHERE u.until_ms IS NULL AND m.role NOT IN ('snapshot', 'timestamp') "
                          "AND m.version ="
                          " (SELECT MAX(n.version) FROM tuf_metadata n WHERE n.role = m.role)"
                          " ORDER BY m.role LIMIT 50000",
                          BT_TEXT(BT_ROOT_UNIT));
    while (r == 0 && bt_db_next(rows)) {
        judge_role(round, bt_db_get_text(rows, 0), bt_db_get_text(rows, 2), bt_db_get_int(rows, 1));
        // Borrowed from rows that are about to go.
        r = round->change_count > 0 ? write_changes(round, err) : 0;
        round->change_count = 0;
    }
    return r;
}

// DATA/last-backup is touched by whoever makes one; before the first, the data directory's age
// counts.
static int64_t backup_ms(const struct bt_server *server)
{
    BT_AUTOFREE char *made = bt_backup_note_path(server->data_dir);
    BT_AUTOFREE char *begun = bt_strf("%s/lock", server->data_dir);
    const char *const files[] = {made, begun};
    for (size_t i = 0; i < BT_ARRAY_LEN(files); i++) {
        struct stat about;
        if (stat(files[i], &about) == 0) {
            return (int64_t)about.st_mtim.tv_sec * 1000;
        }
    }
    return BT_CARE_UNKNOWN;
}

static int keep_server(struct bt_server *server, struct round *round, struct bt_error *err)
{
    int64_t days, made_ms = backup_ms(server);
    int r = load_open(round, "server", "server", err);
    r = r < 0 ? r : bt_setting_number(round->db, "alert_backup_days", NULL, &days, err);
    if (r < 0) {
        return r;
    }
    struct bt_sighting sighting = {.object = "server",
                                   .unit = BT_ROOT_UNIT,
                                   .rule = bt_rule_find("backup"),
                                   .found = days > 0 && made_ms != BT_CARE_UNKNOWN &&
                                            round->now_ms - made_ms > days * BT_MS_PER_DAY,
                                   .finding = {.since_ms = made_ms,
                                               .vi = "máy chủ chưa được sao lưu quá lâu",
                                               .en = "the server has had no backup for too long"}};
    meet(round, &sighting);
    return write_changes(round, err);
}

int bt_alerts_keep(struct bt_server *server, struct bt_db *db, const struct bt_all_limits *limits,
                   int64_t watched_ms, struct bt_error *err)
{
    struct round round = {.db = db, .now_ms = bt_clock_wall_ms(server->clock)};
    int r = keep_screens(&round, limits, watched_ms, err);
    r = r < 0 ? r : end_retired(&round, err);
    r = r < 0 ? r : keep_roles(&round, err);
    r = r < 0 ? r : keep_server(server, &round, err);
    round_finish(&round);
    return r;
}
