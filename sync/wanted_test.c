#include "sync/wanted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define DAY_MS INT64_C(86400000)

static char *asset(const char *name, unsigned first_byte, int64_t size)
{
    return bt_strf("{\"name\": \"%s\", \"sha256\": \"%02x%062d\", \"size\": %lld, \"type\":"
                   " \"image/png\"}",
                   name, first_byte, 0, (long long)size);
}

// Items show asset "a" at any time and asset "b" from the given time on.
static void add_document(struct bt_documents *documents, const char *target, const char *layer,
                         const char *b_from, const char *activate, unsigned first_byte)
{
    BT_AUTOFREE char *a = asset("a", first_byte, 1000);
    BT_AUTOFREE char *b = asset("b", first_byte + 1, 10);
    BT_AUTOFREE char *text = bt_strf(
        "{\"format\": 1, \"id\": \"x\", \"version\": 1, \"layer\": \"%s\", \"activate\": \"%s\","
        " \"assets\": [%s, %s], \"playlists\": [{\"name\": \"p\", \"items\": ["
        " {\"id\": \"a\", \"type\": \"image\", \"asset\": \"a\", \"seconds\": 1},"
        " {\"id\": \"b\", \"type\": \"image\", \"asset\": \"b\", \"seconds\": 1%s}]}]}",
        layer, activate, a, b, b_from);
    struct bt_error err;
    if (bt_documents_add(documents, target, text, strlen(text), 1, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static bool has_none(const struct bt_asset *asset_, void *context)
{
    (void)asset_;
    (void)context;
    return false;
}

static bool has_first(const struct bt_asset *asset_, void *context)
{
    return asset_->sha256.bytes[0] == *(const unsigned *)context;
}

static void emergencies_come_first_then_what_is_due(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents documents = {0};
    BT_AUTOFINISH(bt_wanted_finish) struct bt_wanted wanted = {0};
    add_document(&documents, "u/31333/later", "unit", "", "2030-01-01T00:00:00Z", 0x10);
    add_document(&documents, "u/31333/now", "unit", ", \"from\": \"2029-01-01T00:00:00Z\"", "now",
                 0x20);
    add_document(&documents, "u/31333/template-x", "emergency", "", "now", 0x30);
    bt_wanted_add(&wanted, &documents, has_none, NULL);
    bt_wanted_add(&wanted, &documents, has_none, NULL);
    bt_wanted_sort(&wanted);
    static const unsigned order[] = {0x31, 0x30, 0x20, 0x21, 0x11, 0x10};
    assert_int_equal(wanted.count, BT_ARRAY_LEN(order));
    for (size_t i = 0; i < wanted.count; i++) {
        assert_int_equal(wanted.list[i].sha256.bytes[0], order[i]);
        assert_int_equal(wanted.list[i].emergency, i < 2);
    }
    assert_true(wanted.list[2].due_ms == INT64_MIN);
}

static void what_is_there_is_not_wanted(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents documents = {0};
    BT_AUTOFINISH(bt_wanted_finish) struct bt_wanted wanted = {0};
    unsigned there = 0x10;
    add_document(&documents, "u/31333/x", "unit", "", "now", 0x10);
    bt_wanted_add(&wanted, &documents, has_first, &there);
    assert_int_equal(wanted.count, 1);
    assert_int_equal(wanted.list[0].sha256.bytes[0], 0x11);
}

static void what_is_not_due_soon_waits_for_the_night(void **state)
{
    (void)state;
    const struct bt_fetch_window night = {
        .from_min = 22 * 60, .until_min = 5 * 60, .soon_ms = DAY_MS};
    const struct bt_fetch_window always = {.soon_ms = DAY_MS};
    const int64_t midnight_ms = 20000 * DAY_MS;
    const struct bt_want later = {.due_ms = midnight_ms + 9 * DAY_MS};
    const struct bt_want soon = {.due_ms = midnight_ms + DAY_MS};
    const struct bt_want urgent = {.due_ms = midnight_ms + 9 * DAY_MS, .emergency = true};
    const int64_t noon_ms = midnight_ms + DAY_MS / 2;
    assert_false(bt_want_is_open(&later, &night, noon_ms, 0));
    assert_true(bt_want_is_open(&later, &always, noon_ms, 0));
    assert_true(bt_want_is_open(&soon, &night, noon_ms, 0));
    assert_true(bt_want_is_open(&urgent, &night, noon_ms, 0));
    assert_true(bt_want_is_open(&later, &night, midnight_ms + 23 * 3600000, 0));
    assert_true(bt_want_is_open(&later, &night, midnight_ms, 0));
    assert_false(bt_want_is_open(&later, &night, midnight_ms, 7 * 3600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emergencies_come_first_then_what_is_due),
        cmocka_unit_test(what_is_there_is_not_wanted),
        cmocka_unit_test(what_is_not_due_soon_waits_for_the_night),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
