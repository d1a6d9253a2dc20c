#include "sync/takedowns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
static const char body[] =
    "{\"n\": 3, \"kind\": \"takedown\", \"id\": \"t-1\", \"assets\": [\"" HASH
    "\"], \"items\": [{\"publication\": \"p\", \"item\": \"i\"}]}";

static struct bt_order *order_of(const char *text)
{
    BT_AUTOJSON *json = NULL;
    struct bt_order *order = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, NULL), 0);
    assert_int_equal(bt_order_read(json, &order, NULL), 0);
    return order;
}

static void put(struct bt_documents *documents, const char *target, int version, const char *lifts)
{
    BT_AUTOFREE char *text =
        bt_strf("{\"format\": 1, \"id\": \"x\", \"version\": %d%s, \"playlists\":"
                " [{\"name\": \"p\", \"items\": [{\"id\": \"i\", \"type\":"
                " \"text\", \"text\": \"x\", \"seconds\": 1}]}]}",
                version, lifts);
    struct bt_error err;
    if (bt_documents_add(documents, target, text, strlen(text), 2, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void only_a_newer_version_that_names_it_lifts_it(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_takedowns_finish) struct bt_takedowns takedowns = {0};
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents current = {0};
    put(&current, "u/31333/a", 5, "");
    assert_int_equal(bt_takedowns_add(&takedowns, order_of(body), &current, NULL), 0);
    static const struct {
        const char *target;
        int version;
        const char *lifts;
        bool lifted;
    } cases[] = {
        {"u/31333/a", 5, ", \"lifts\": [\"t-1\"]", false},
        {"u/31333/a", 4, ", \"lifts\": [\"t-1\"]", false},
        {"u/31333/a", 6, "", false},
        {"u/31333/a", 6, ", \"lifts\": [\"t-2\"]", false},
        {"u/31333/a", 6, ", \"lifts\": [\"t-2\", \"t-1\"]", true},
        {"u/31333/b", 1, ", \"lifts\": [\"t-1\"]", true},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFINISH(bt_documents_finish) struct bt_documents next = {0};
        size_t count;
        put(&next, cases[i].target, cases[i].version, cases[i].lifts);
        assert_int_equal(bt_takedown_is_lifted(&takedowns.list[0], &next), cases[i].lifted);
        BT_AUTOFREE struct bt_sha256 *hashes = bt_takedowns_hashes(&takedowns, &next, &count);
        assert_int_equal(count, cases[i].lifted ? 0 : 1);
        assert_int_equal(hashes != NULL, !cases[i].lifted);
    }
}

static void the_same_id_again_counts_from_now(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_takedowns_finish) struct bt_takedowns takedowns = {0};
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents current = {0};
    put(&current, "u/31333/a", 6, ", \"lifts\": [\"t-1\"]");
    assert_int_equal(bt_takedowns_add(&takedowns, order_of(body), &current, NULL), 0);
    assert_int_equal(bt_takedowns_add(&takedowns, order_of(body), &current, NULL), 0);
    assert_int_equal(takedowns.count, 1);
    assert_false(bt_takedown_is_lifted(&takedowns.list[0], &current));
}

static void the_same_id_never_takes_down_less(void **state)
{
    (void)state;
    static const char *const less[] = {
        "{\"n\": 4, \"kind\": \"takedown\", \"id\": \"t-1\"}",
        "{\"n\": 4, \"kind\": \"takedown\", \"id\": \"t-1\", \"assets\": [\"" HASH "\"]}",
        ("{\"n\": 4, \"kind\": \"takedown\", \"id\": \"t-1\", \"items\": [{\"publication\": \"p\","
         " \"item\": \"i\"}]}"),
    };
    BT_AUTOFINISH(bt_takedowns_finish) struct bt_takedowns takedowns = {0};
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents current = {0};
    assert_int_equal(bt_takedowns_add(&takedowns, order_of(body), &current, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(less); i++) {
        assert_int_equal(bt_takedowns_add(&takedowns, order_of(less[i]), &current, NULL), -EEXIST);
        assert_int_equal(takedowns.count, 1);
        assert_int_equal(takedowns.list[0].order->asset_count, 1);
        assert_int_equal(takedowns.list[0].order->item_count, 1);
    }
}

// A takedown with as many items as an order may name.
static struct bt_order *large_order(int number)
{
    struct bt_order *order = order_of(body);
    assert_int_equal(bt_format(order->id, sizeof(order->id), "t-%d", number), 0);
    free(order->items);
    order->item_count = BT_ORDER_MAX_ITEMS;
    order->items = BT_NEW_ARRAY(struct bt_taken_item, order->item_count);
    return order;
}

static void invented_ones_leave_those_before_and_are_refused_aloud(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_takedowns_finish) struct bt_takedowns takedowns = {0};
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents current = {0};
    struct bt_error err = {""};
    int r = 0, number = 0;
    while (r == 0) {
        r = bt_takedowns_add(&takedowns, large_order(number++), &current, &err);
    }
    assert_int_equal(r, -ENOSPC);
    assert_non_null(strstr(err.msg, "takedowns of more than"));
    assert_int_equal(takedowns.count, number - 1);
    assert_in_range(takedowns.bytes, BT_TAKEDOWNS_MAX_BYTES / 2, BT_TAKEDOWNS_MAX_BYTES);
    assert_string_equal(takedowns.list[0].order->id, "t-0");
    // One that is there already takes no more room, and what is lifted makes some.
    assert_int_equal(bt_takedowns_add(&takedowns, large_order(0), &current, &err), 0);
    put(&current, "u/31333/a", 6, ", \"lifts\": [\"t-0\"]");
    bt_takedowns_forget_lifted(&takedowns, &current);
    assert_int_equal(takedowns.count, number - 2);
    assert_int_equal(bt_takedowns_add(&takedowns, large_order(number), &current, &err), 0);
}

static void they_are_kept(void **state)
{
    (void)state;
    char path[] = "/tmp/bt-takedowns-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    {
        BT_AUTOFINISH(bt_takedowns_finish) struct bt_takedowns takedowns = {0};
        BT_AUTOFINISH(bt_documents_finish) struct bt_documents current = {0};
        BT_AUTO(bt_state) kept = NULL;
        put(&current, "u/31333/a", 6, "");
        assert_int_equal(bt_state_open(path, &kept, NULL), 0);
        assert_int_equal(bt_takedowns_add(&takedowns, order_of(body), &current, NULL), 0);
        assert_int_equal(bt_takedown_keep(&takedowns.list[0], body, kept, NULL), 0);
    }
    BT_AUTOFINISH(bt_takedowns_finish) struct bt_takedowns takedowns = {0};
    BT_AUTO(bt_state) kept = NULL;
    assert_int_equal(bt_state_open(path, &kept, NULL), 0);
    assert_int_equal(bt_takedowns_load(&takedowns, kept, NULL), 0);
    assert_int_equal(takedowns.count, 1);
    BT_AUTO(bt_news) news = bt_news_create(BT_NEWS_CONTENT);
    bt_takedowns_fill(&takedowns, news);
    assert_int_equal(news->asset_count, 1);
    assert_string_equal(news->items[0].publication, "p");
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents next = {0};
    put(&next, "u/31333/a", 6, ", \"lifts\": [\"t-1\"]");
    assert_false(bt_takedown_is_lifted(&takedowns.list[0], &next));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_newer_version_that_names_it_lifts_it),
        cmocka_unit_test(the_same_id_again_counts_from_now),
        cmocka_unit_test(the_same_id_never_takes_down_less),
        cmocka_unit_test(invented_ones_leave_those_before_and_are_refused_aloud),
        cmocka_unit_test(they_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
