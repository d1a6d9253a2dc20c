#include "sync/told.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define HASH "00000000000000000000000000000000000000000000000000000000000000aa"

static const char text[] =
    "{\"format\":1,\"takedowns\":["
    "{\"id\":\"t-1\",\"units\":[\"1\"],\"assets\":[\"" HASH "\"],\"items\":[],\"issued_ms\":1},"
    "{\"id\":\"t-2\",\"units\":[\"2\"],\"assets\":[\"" HASH "\"],\"items\":[],\"issued_ms\":1},"
    "{\"id\":\"t-3\",\"units\":[\"2\",\"1\"],\"assets\":[\"nonsense\"],\"items\":[]},"
    "{\"id\":\"t-4\",\"units\":[\"2\",\"1\"],\"assets\":[],\"items\":[{\"publication\":\"a\","
    "\"item\":\"b\"}],\"issued_ms\":2}],"
    "\"counted\":[{\"player\":\"d-1\",\"journal\":\"j1\",\"last\":41,\"hash\":\"" HASH "\"},"
    "{\"player\":\"d-2\",\"journal\":\"j1\",\"last\":7,\"hash\":\"zz\"}]}";

static void takedowns_are_those_of_the_unit_that_can_be_read(void **state)
{
    (void)state;
    struct bt_told told;
    const cJSON *cursor = NULL;
    struct bt_order *order = NULL;
    char *body = NULL;
    static const char *const expected[] = {"t-1", "t-4"};
    assert_int_equal(bt_told_parse(text, strlen(text), &told, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(expected); i++) {
        BT_AUTOJSON *json = NULL;
        BT_AUTO(bt_order) again = NULL;
        assert_int_equal(bt_told_next_takedown(&told, "1", &cursor, &order, &body), 1);
        assert_string_equal(order->id, expected[i]);
        assert_int_equal(order->n, 0);
        // What is kept can be read again.
        assert_int_equal(bt_json_parse(body, strlen(body), &json, NULL), 0);
        assert_int_equal(bt_order_read(json, &again, NULL), 0);
        assert_int_equal(again->asset_count, order->asset_count);
        assert_int_equal(again->item_count, order->item_count);
        bt_order_destroy(order);
        cJSON_free(body);
    }
    assert_int_equal(bt_told_next_takedown(&told, "1", &cursor, &order, &body), 0);
    bt_told_finish(&told);
}

static void it_says_how_far_a_journal_is_counted(void **state)
{
    (void)state;
    struct bt_told told;
    struct bt_sha256 hash;
    int64_t seq;
    assert_int_equal(bt_told_parse(text, strlen(text), &told, NULL), 0);
    assert_int_equal(bt_told_counted(&told, "d-1", "j1", &seq, &hash), 0);
    assert_int_equal(seq, 41);
    assert_int_equal(hash.bytes[31], 0xaa);
    assert_int_equal(bt_told_counted(&told, "d-1", "j2", &seq, &hash), -ENOENT);
    assert_int_equal(bt_told_counted(&told, "d-2", "j1", &seq, &hash), -ENOENT);
    bt_told_finish(&told);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "{}", "{\"takedowns\":[]}",
                                      "{\"takedowns\":{},\"counted\":[]}"};
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        struct bt_told told;
        assert_true(bt_told_parse(bad[i], strlen(bad[i]), &told, NULL) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takedowns_are_those_of_the_unit_that_can_be_read),
        cmocka_unit_test(it_says_how_far_a_journal_is_counted),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
