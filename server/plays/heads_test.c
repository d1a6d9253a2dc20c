#include "server/plays/heads.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/db/testing.h"
#include "server/publications/issuer.h"
#include "trust/countersign.h"

// 21 November 2026, 23:30 in Viet Nam.
#define EVENING_MS 1795278600000LL
#define DAY_NS (86400 * BT_NS_PER_S)
#define HOUR_NS (3600 * BT_NS_PER_S)

struct world {
    struct bt_clock *clock;
    struct bt_server server;
};

static void run(struct bt_test_db *test, const char *sql)
{
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(test);
    int64_t r = bt_db_run_values(db, sql, NULL, 0, &err);
    assert_string_equal(err.msg, "");
    assert_true(r >= 0);
    bt_db_release(db);
}

static void open_world(struct bt_test_db *test, struct world *world)
{
    struct bt_error err = {0};
    *world = (struct world){.clock = bt_clock_create_simulated(0, EVENING_MS)};
    world->server.clock = world->clock;
    world->server.db = test->pool;
    assert_int_equal(bt_issuer_open(test->directory, world->clock, &world->server.issuer, &err), 0);
}

static void add_journal(struct bt_test_db *test)
{
    run(test,
        "INSERT INTO screen (id, unit, name, kind, width, height, place, duty_name,"
        " duty_phone, open_min, close_min, volume_max_percent, brightness_max_percent, note,"
        " revision, created_ms) VALUES ('s-1', 'vn', 'A', 'led', 1, 1, '', '', '', 0, 0, 0, 0,"
        " '', 1, 0)");
    run(test, "INSERT INTO player (id, screen, unit, public_key, state, model, version, paired_ms,"
              " paired_by, last_order, order_ms, channel, channel_ms) VALUES ('d-1', 's-1', 'vn',"
              " 'ab', 'active', '', '', 0, 'u-1', 0, 0, 'obeys', 0)");
    run(test, "INSERT INTO play_journal (player, journal, screen, unit, state, last_seq, last_hash,"
              " tally, boots, first_ms, received_ms, known_ms) VALUES ('d-1', 'j1', 's-1', 'vn',"
              " 'open', 7, 'ff', '', '[]', 0, 0, 0)");
}

static void close_world(struct world *world)
{
    bt_issuer_destroy(world->server.issuer);
    bt_clock_destroy(world->clock);
}

static void make(struct world *world)
{
    struct bt_error err = {0};
    int r = bt_heads_make(&world->server, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
}

static int64_t count(struct bt_test_db *test)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(bt_db_ask(db, &rows, &err, "SELECT COUNT(*) FROM play_heads"), 0);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    return bt_db_get_int(rows, 0);
}

// The newest document's `signed`, for cJSON_Delete, its text having the hash that is kept.
static cJSON *load(struct bt_test_db *test, char hash[BT_SHA256_HEX_BYTES])
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(
        bt_db_ask(db, &rows, &err, "SELECT body, sha256 FROM play_heads ORDER BY day DESC LIMIT 1"),
        0);
    bt_db_release(db);
    assert_true(bt_db_next(rows));
    const char *text = bt_db_get_text(rows, 0);
    struct bt_sha256 sha256 = bt_sha256_of(text, strlen(text));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hash);
    assert_string_equal(hash, bt_db_get_text(rows, 1));
    BT_AUTOJSON *document = NULL;
    assert_int_equal(bt_countersigned_read(text, strlen(text), "plays-heads", &document, &err), 0);
    return cJSON_DetachItemFromObjectCaseSensitive(document, "signed");
}

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void without_plays_there_are_no_heads(void **state)
{
    struct bt_test_db *test = *state;
    struct world world;
    open_world(test, &world);
    make(&world);
    assert_int_equal(count(test), 0);
    close_world(&world);
}

static void one_document_is_made_when_a_day_of_viet_nam_is_over(void **state)
{
    struct bt_test_db *test = *state;
    char hash[BT_SHA256_HEX_BYTES], previous[BT_SHA256_HEX_BYTES];
    struct world world;
    open_world(test, &world);
    add_journal(test);
    make(&world);
    make(&world);
    assert_int_equal(count(test), 1);
    BT_AUTOJSON *first = load(test, previous);
    assert_string_equal(text_of(first, "day"), "2026-11-20");
    assert_int_equal(strspn(text_of(first, "previous"), "0"), 64);

    bt_clock_advance(world.clock, HOUR_NS);
    make(&world);
    make(&world);
    assert_int_equal(count(test), 2);
    BT_AUTOJSON *second = load(test, hash);
    assert_string_equal(text_of(second, "day"), "2026-11-21");
    assert_string_equal(text_of(second, "previous"), previous);
    close_world(&world);
}

static void every_journal_stands_in_it(void **state)
{
    struct bt_test_db *test = *state;
    char hash[BT_SHA256_HEX_BYTES];
    struct world world;
    open_world(test, &world);
    add_journal(test);
    make(&world);
    BT_AUTOJSON *body = load(test, hash);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "journals");
    assert_int_equal(cJSON_GetArraySize(list), 1);
    static const char *const wanted[][2] = {{"player", "d-1"}, {"screen", "s-1"},
                                            {"unit", "vn"},    {"public_key", "ab"},
                                            {"journal", "j1"}, {"last_hash", "ff"}};
    for (size_t i = 0; i < BT_ARRAY_LEN(wanted); i++) {
        assert_string_equal(text_of(list->child, wanted[i][0]), wanted[i][1]);
    }
    int64_t seq;
    assert_int_equal(
        bt_json_whole(cJSON_GetObjectItemCaseSensitive(list->child, "last_seq"), 0, 100, &seq), 0);
    assert_int_equal(seq, 7);
    close_world(&world);
}

static void a_journal_that_was_replaced_long_ago_is_left_out(void **state)
{
    struct bt_test_db *test = *state;
    char hash[BT_SHA256_HEX_BYTES];
    struct world world;
    open_world(test, &world);
    add_journal(test);
    make(&world);
    run(test, "UPDATE play_journal SET state = 'closed', received_ms = 1795278600000");
    bt_clock_advance(world.clock, DAY_NS);
    make(&world);
    BT_AUTOJSON *soon = load(test, hash);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(soon, "journals")), 1);
    bt_clock_advance(world.clock, 40 * DAY_NS);
    make(&world);
    BT_AUTOJSON *late = load(test, hash);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(late, "journals")), 0);
    assert_int_equal(count(test), 3);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(without_plays_there_are_no_heads),
        bt_db_test(one_document_is_made_when_a_day_of_viet_nam_is_over),
        bt_db_test(every_journal_stands_in_it),
        bt_db_test(a_journal_that_was_replaced_long_ago_is_left_out),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
