#include "sync/documents.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define AT_MS INT64_C(1893456000000)  // 2030-01-01T00:00:00Z

static int add(struct bt_documents *documents, const char *target, const char *layer, int version,
               const char *activate)
{
    BT_AUTOFREE char *text =
        bt_strf("{\"format\": 1, \"id\": \"x\", \"version\": %d, \"layer\": \"%s\", \"activate\":"
                " \"%s\", \"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"i\", \"type\":"
                " \"text\", \"text\": \"x\", \"seconds\": 1}]}]}",
                version, layer, activate);
    return bt_documents_add(documents, target, text, strlen(text), 2, NULL);
}

static void a_layer_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *target, *layer;
        int r;
    } cases[] = {
        {"s/31333/s-1", "screen", 0},
        {"p/tinh", "province", 0},
        {"u/31333/a", "unit", 0},
        {"u/31333/template-a", "emergency", 0},
        {"p/template-a", "emergency", 0},
        {"u/31333/a", "province", -EINVAL},
        {"u/31333/a", "screen", -EINVAL},
        {"p/tinh", "unit", -EINVAL},
        {"u/31333/a", "emergency", -EINVAL},
        {"s/31333/s-1", "unit", -EINVAL},
        {"u/31333/template-a", "unit", -EINVAL},
        {"x/a", "unit", -EINVAL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFINISH(bt_documents_finish) struct bt_documents documents = {0};
        assert_int_equal(add(&documents, cases[i].target, cases[i].layer, 1, "now"), cases[i].r);
        assert_int_equal(documents.count, cases[i].r == 0 ? 1 : 0);
    }
}

static void other_units_are_none_of_mine(void **state)
{
    (void)state;
    static const char *const mine[] = {"p/tinh", "u/31333/a", "s/31333/s-1", "u/31333/template-a"};
    static const char *const others[] = {"u/31334/a",   "u/313330/a",     "u/3133/a",
                                         "s/31333/s-2", "s/31334/s-1",    "u/31333/",
                                         "p/",          "p/../u/31334/a", "u/31333/../31334/a",
                                         "u/31333/.a",  "x/31333/a",      ""};
    for (size_t i = 0; i < BT_ARRAY_LEN(mine); i++) {
        assert_true(bt_target_is_mine(mine[i], "31333", "s-1"));
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(others); i++) {
        assert_false(bt_target_is_mine(others[i], "31333", "s-1"));
    }
}

static void what_is_for_later_leaves_the_one_before_until_then(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents current = {0};
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents newest = {0};
    assert_int_equal(add(&current, "u/31333/a", "unit", 1, "now"), 0);
    assert_int_equal(add(&newest, "u/31333/a", "unit", 2, "2030-01-01T00:00:00Z"), 0);
    assert_int_equal(add(&newest, "u/31333/b", "unit", 7, "2030-01-01T00:00:00Z"), 0);
    for (int64_t late_ms = -1; late_ms <= 0; late_ms++) {
        BT_AUTOFINISH(bt_documents_finish) struct bt_documents out = {0};
        int64_t next_ms;
        bt_documents_effective(&newest, &current, AT_MS + late_ms, &out, &next_ms);
        assert_true(next_ms == (late_ms < 0 ? AT_MS : INT64_MAX));
        assert_int_equal(out.count, late_ms < 0 ? 1 : 2);
        assert_int_equal(bt_documents_find(&out, "u/31333/a")->publication->version,
                         late_ms < 0 ? 1 : 2);
        assert_int_equal(bt_documents_equal(&out, &current), late_ms < 0);
    }
}

static void one_target_has_one_document(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents documents = {0};
    assert_int_equal(add(&documents, "u/31333/a", "unit", 1, "now"), 0);
    assert_int_equal(add(&documents, "u/31333/a", "unit", 2, "now"), 0);
    assert_int_equal(documents.count, 1);
    assert_int_equal(documents.list[0]->publication->version, 2);
    char target[64];
    for (int i = 1; i < BT_MAX_DOCUMENTS; i++) {
        assert_int_equal(bt_format(target, sizeof(target), "u/31333/a%d", i), 0);
        assert_int_equal(add(&documents, target, "unit", 1, "now"), 0);
    }
    assert_int_equal(add(&documents, "u/31333/more", "unit", 1, "now"), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_has_its_place),
        cmocka_unit_test(other_units_are_none_of_mine),
        cmocka_unit_test(what_is_for_later_leaves_the_one_before_until_then),
        cmocka_unit_test(one_target_has_one_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
