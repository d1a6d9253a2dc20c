#include "server/plan/planner.h"

#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/db/testing.h"

#define SCREEN                                                                                     \
    "{'format':1,'id':'s.c1.%s','version':%d,'layer':'screen','title':'%s',"                       \
    "'canvas':{'width':64,'height':32},'layouts':[{'name':'one','zones':[{'name':'main'}]}],"      \
    "'carries':['u/c1/bang']}"
// Items of so many seconds.
#define CONTENT                                                                                    \
    "{'format':1,'id':'u.c1.bang','version':%d,'layer':'unit','playlists':[{'name':'p','items':["  \
    "{'id':'a','type':'text','text':'x','seconds':%d}]}],"                                         \
    "'schedule':[{'id':'r','zone':'main','playlist':'p'}%s]%s}"

static int64_t ms(const char *text)
{
    int64_t out;
    assert_int_equal(bt_rfc3339_parse(text, &out), 0);
    return out;
}

static int64_t day(const char *text)
{
    int64_t out;
    assert_int_equal(bt_date_parse(text, &out), 0);
    return out / 86400;
}

static void run(struct bt_db *db, const char *sql)
{
    struct bt_error err = {0};
    int64_t r = bt_db_run_values(db, sql, NULL, 0, &err);
    assert_string_equal(err.msg, "");
    assert_true(r >= 0);
}

static void add_unit(struct bt_db *db)
{
    run(db, "INSERT INTO unit(code, parent, kind, name, path, revision)"
            " VALUES('c1', 'vn', 'commune', 'C', '/vn/c1/', 1)");
}

static void add_screen(struct bt_db *db, const char *id)
{
    assert_int_equal(
        bt_db_run(db, NULL,
                  "INSERT INTO screen (id, unit, name, kind, width, height, place, duty_name,"
                  " duty_phone, open_min, close_min, volume_max_percent, brightness_max_percent,"
                  " note, revision, created_ms) VALUES ($1, 'c1', 'A', 'led', 1, 1, '', '', '', 0,"
                  " 0, 0, 0, '', 1, 0)",
                  BT_TEXT(id)),
        1);
}

// `text` has ' for " and is the caller's no more.
static void publish(struct bt_db *db, const char *target, int64_t version, char *text,
                    const char *published, const char *ended)
{
    static int number;
    struct bt_error err = {0};
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTOFREE char *owned = text;
    BT_AUTOFREE char *id = bt_strf("d-%d", number++);
    for (char *c = strchr(text, '\''); c != NULL; c = strchr(c, '\'')) {
        *c = '"';
    }
    struct bt_sha256 sha256 = bt_sha256_of(text, strlen(text));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    bool over = ended != NULL;
    int64_t r = bt_db_run(
        db, &err,
        "INSERT INTO publication (id, unit, layer, name, target, role, version, state, title,"
        " recipe, document, sha256, created_by, created_ms, changed_ms, published_ms, revision)"
        " VALUES ($1, 'c1', 'unit', 'x', $2, 'u-c1', $3, $4, '', '{}', $5, $6, '', 0, $7, $8, 1)",
        BT_TEXT(id), BT_TEXT(target), BT_INT(version), BT_TEXT(over ? "superseded" : "published"),
        BT_TEXT(owned), BT_TEXT(hex), BT_INT(ms(over ? ended : published)), BT_INT(ms(published)));
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 1);
}

static void publish_screen(struct bt_db *db, const char *id, const char *published)
{
    BT_AUTOFREE char *target = bt_strf("s/c1/%s.json", id);
    publish(db, target, 1, bt_strf(SCREEN, id, 1, id), published, NULL);
}

static void publish_content(struct bt_db *db, int version, int seconds, const char *published,
                            const char *ended)
{
    publish(db, "u/c1/bang.json", version, bt_strf(CONTENT, version, seconds, "", ""), published,
            ended);
}

static void plan(struct bt_planner *planner, struct bt_db *db, const char *now)
{
    struct bt_error err = {0};
    bool more = true;
    for (int i = 0; i < 1000 && more; i++) {
        // One screen's day at a time.
        assert_int_equal(bt_planner_bite(planner, db, ms(now), 0, &more, &err), 0);
        assert_string_equal(err.msg, "");
    }
    assert_false(more);
}

static int64_t number_of(struct bt_db *db, const char *sql, const char *screen, const char *date)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(bt_db_ask_values(db, sql,
                                      (struct bt_db_value[]){BT_TEXT(screen), BT_INT(day(date))}, 2,
                                      &rows, NULL),
                     0);
    assert_true(bt_db_next(rows));
    return bt_db_get_int(rows, 0);
}

static int64_t planned(struct bt_db *db, const char *screen, const char *date)
{
    return number_of(db,
                     "SELECT CAST(COALESCE(sum(planned), 0) AS BIGINT) FROM plan_daily"
                     " WHERE screen = $1 AND day = $2 AND unit = 'c1' AND item = 'a'"
                     " AND publication = 'u.c1.bang' AND campaign = '' AND priority = 'normal'",
                     screen, date);
}

static int64_t made_ms(struct bt_db *db, const char *screen, const char *date)
{
    return number_of(db, "SELECT made_ms FROM plan_done WHERE screen = $1 AND day = $2", screen,
                     date);
}

static void every_day_that_is_over_is_planned(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    add_screen(db, "A");
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T12:00:00+07:00", NULL);
    plan(planner, db, "2026-11-21T09:00:00+07:00");
    assert_int_equal(planned(db, "A", "2026-11-17"), 0);
    assert_int_equal(planned(db, "A", "2026-11-18"), 12 * 360);
    assert_int_equal(planned(db, "A", "2026-11-19"), 24 * 360);
    assert_int_equal(planned(db, "A", "2026-11-20"), 24 * 360);
    assert_int_equal(planned(db, "A", "2026-11-21"), 0);  // not over
    bt_db_release(db);
}

static void a_document_replaced_at_noon_counts_until_then(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    add_screen(db, "A");
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", "2026-11-20T12:00:00+07:00");
    publish_content(db, 2, 30, "2026-11-20T12:00:00+07:00", NULL);
    plan(planner, db, "2026-11-21T00:00:00+07:00");
    assert_int_equal(planned(db, "A", "2026-11-19"), 24 * 360);
    assert_int_equal(planned(db, "A", "2026-11-20"), 12 * 360 + 12 * 120);
    bt_db_release(db);
}

static void one_that_is_to_be_activated_later_waits(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    add_screen(db, "A");
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", "2026-11-19T12:00:00+07:00");
    publish(db, "u/c1/bang.json", 2,
            bt_strf(CONTENT, 2, 30, "", ",'activate':'2026-11-20T18:00:00+07:00'"),
            "2026-11-19T12:00:00+07:00", NULL);
    plan(planner, db, "2026-11-21T00:00:00+07:00");
    assert_int_equal(planned(db, "A", "2026-11-19"), 24 * 360);
    assert_int_equal(planned(db, "A", "2026-11-20"), 18 * 360 + 6 * 120);
    bt_db_release(db);
}

static void days_are_computed_again_only_when_their_documents_were_others(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    add_screen(db, "A");
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", NULL);
    plan(planner, db, "2026-11-21T00:00:00+07:00");
    int64_t first_ms = made_ms(db, "A", "2026-11-20");
    plan(planner, db, "2026-11-21T01:00:00+07:00");
    assert_int_equal(made_ms(db, "A", "2026-11-20"), first_ms);

    // As when a copy of the database was restored and signed documents were brought in again.
    run(db, "DELETE FROM publication WHERE target = 'u/c1/bang.json'");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", "2026-11-20T12:00:00+07:00");
    publish_content(db, 2, 30, "2026-11-20T12:00:00+07:00", NULL);
    plan(planner, db, "2026-11-21T02:00:00+07:00");
    assert_int_equal(planned(db, "A", "2026-11-20"), 12 * 360 + 12 * 120);
    assert_int_equal(made_ms(db, "A", "2026-11-20"), ms("2026-11-21T02:00:00+07:00"));
    assert_int_equal(made_ms(db, "A", "2026-11-19"), first_ms);
    bt_db_release(db);
}

static void screens_that_are_alike_have_the_same(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    add_screen(db, "A");
    add_screen(db, "B");
    add_screen(db, "C");  // has no document
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_screen(db, "B", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", NULL);
    plan(planner, db, "2026-11-20T00:00:00+07:00");
    assert_int_equal(planned(db, "A", "2026-11-19"), 24 * 360);
    assert_int_equal(planned(db, "B", "2026-11-19"), 24 * 360);
    assert_int_equal(planned(db, "C", "2026-11-19"), 0);
    bt_db_release(db);
}

static void take_down(struct bt_db *db, const char *unit, const char *given, const char *lifted)
{
    static const char items[] = "[{\"publication\":\"u.c1.bang\",\"item\":\"a\"}]";
    assert_int_equal(bt_db_run(db, NULL,
                               "INSERT INTO takedown (id, unit, assets, items, reason, issued_by,"
                               " issued_ms) VALUES ('t-1', $1, '[]', $2, '', '', $3)",
                               BT_TEXT(unit), BT_TEXT(items), BT_INT(ms(given))),
                     1);
    assert_int_equal(bt_db_run(db, NULL,
                               "INSERT INTO takedown_lift (takedown, target, version, at_ms)"
                               " VALUES ('t-1', 'u/c1/bang.json', 9, $1)",
                               BT_INT(ms(lifted))),
                     1);
}

// `screens` is the list in it.
static char *activation(const char *screens)
{
    char hash[65];
    memset(hash, '1', 64);
    hash[64] = '\0';
    return bt_strf("{\"signed\":{\"_type\":\"emergency\",\"format\":1,\"id\":\"e-1\","
                   "\"template\":\"u/c1/template-bao\",\"template_sha256\":\"%s\","
                   "\"scope\":[\"c1\"],\"screens\":[%s],\"level\":3,\"from_ms\":0,"
                   "\"until_ms\":1,\"fields\":{}},\"signatures\":[]}",
                   hash, screens);
}

static void warn(struct bt_db *db, const char *screens, const char *given, const char *until,
                 const char *ended)
{
    struct bt_error err = {0};
    BT_AUTOFREE char *text = activation(screens);
    int64_t r = bt_db_run(db, &err,
                          "INSERT INTO emergency (id, unit, template, level, from_ms, until_ms,"
                          " activation, issued_by, issued_ms, ended_ms) VALUES ('e-1', 'c1',"
                          " 'u/c1/template-bao', 3, 0, $1, $2, '', $3, $4)",
                          BT_INT(ms(until)), BT_TEXT(text), BT_INT(ms(given)), BT_INT(ms(ended)));
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 1);
}

static void warned_before(struct bt_db *db, const char *from, const char *until)
{
    BT_AUTOFREE char *text = activation("");
    assert_int_equal(bt_db_run(db, NULL,
                               "INSERT INTO emergency_before (emergency, from_ms, until_ms,"
                               " activation) VALUES ('e-1', $1, $2, $3)",
                               BT_INT(ms(from)), BT_INT(ms(until)), BT_TEXT(text)),
                     1);
}

static void assert_withheld(struct bt_db *db, const char *screen, const char *date,
                            int64_t taken_down, int64_t emergency)
{
    static const char taken_sql[] = "SELECT CAST(sum(taken_down) AS BIGINT) FROM plan_daily"
                                    " WHERE screen = $1 AND day = $2";
    static const char emergency_sql[] = "SELECT CAST(sum(emergency) AS BIGINT) FROM plan_daily"
                                        " WHERE screen = $1 AND day = $2";
    assert_int_equal(number_of(db, taken_sql, screen, date), taken_down);
    assert_int_equal(number_of(db, emergency_sql, screen, date), emergency);
}

static void what_orders_kept_from_being_shown_is_told_from_their_times(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    add_screen(db, "A");
    add_screen(db, "B");
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_screen(db, "B", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", NULL);
    plan(planner, db, "2026-11-21T00:00:00+07:00");
    assert_withheld(db, "A", "2026-11-20", 0, 0);
    int64_t first_ms = made_ms(db, "A", "2026-11-18");

    // From noon of the 19th until six in the morning of the 20th; the warning was renewed with A
    // alone, and ended early. Half an hour of it fell into the takedown.
    take_down(db, "c1", "2026-11-19T12:00:00+07:00", "2026-11-20T06:00:00+07:00");
    warn(db, "\"A\"", "2026-11-20T07:00:00+07:00", "2026-11-20T20:00:00+07:00",
         "2026-11-20T09:00:00+07:00");
    warned_before(db, "2026-11-20T05:30:00+07:00", "2026-11-20T07:00:00+07:00");
    plan(planner, db, "2026-11-21T02:00:00+07:00");
    assert_withheld(db, "A", "2026-11-19", 12 * 360, 0);
    assert_withheld(db, "A", "2026-11-20", 6 * 360, 3 * 360);
    assert_withheld(db, "B", "2026-11-20", 6 * 360, 360);
    assert_int_equal(planned(db, "A", "2026-11-20"), 24 * 360);
    assert_int_equal(made_ms(db, "A", "2026-11-18"), first_ms);
    bt_db_release(db);
}

static void orders_of_other_units_keep_nothing_away(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_planner) planner = bt_planner_create();
    add_unit(db);
    run(db, "INSERT INTO unit(code, parent, kind, name, path, revision)"
            " VALUES('c', 'vn', 'commune', 'C', '/vn/c/', 1)");
    add_screen(db, "A");
    publish_screen(db, "A", "2026-11-18T06:00:00+07:00");
    publish_content(db, 1, 10, "2026-11-18T06:00:00+07:00", NULL);
    take_down(db, "c", "2026-11-19T12:00:00+07:00", "2026-11-20T06:00:00+07:00");
    warn(db, "\"B\"", "2026-11-20T07:00:00+07:00", "2026-11-20T20:00:00+07:00",
         "2026-11-20T09:00:00+07:00");
    plan(planner, db, "2026-11-21T00:00:00+07:00");
    assert_withheld(db, "A", "2026-11-19", 0, 0);
    assert_withheld(db, "A", "2026-11-20", 0, 0);
    bt_db_release(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(every_day_that_is_over_is_planned),
        bt_db_test(a_document_replaced_at_noon_counts_until_then),
        bt_db_test(one_that_is_to_be_activated_later_waits),
        bt_db_test(days_are_computed_again_only_when_their_documents_were_others),
        bt_db_test(screens_that_are_alike_have_the_same),
        bt_db_test(what_orders_kept_from_being_shown_is_told_from_their_times),
        bt_db_test(orders_of_other_units_keep_nothing_away),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
