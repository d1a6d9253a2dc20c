#include "server/publications/activation.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"

#define NOW 1795240000000
#define HASH "1111111111111111111111111111111111111111111111111111111111111111"

static cJSON *make(const char *key, const char *value)
{
    static const char text[] =
        "{\"signed\": {\"_type\": \"emergency\", \"format\": 1, \"id\": \"e-7K3QZ5\","
        " \"template\": \"u/31333/template-bao\", \"template_sha256\": \"" HASH "\","
        " \"scope\": [\"31333\"], \"screens\": [], \"level\": 3, \"from_ms\": 1795240000000,"
        " \"until_ms\": 1795247200000, \"fields\": {\"cap\": \"3\", \"ten\": \"Bão số 9\"}},"
        " \"signatures\": []}";
    cJSON *document = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &document, NULL), 0);
    if (key != NULL) {
        cJSON *part = cJSON_GetObjectItemCaseSensitive(document, "signed");
        cJSON *parsed = cJSON_Parse(value);
        assert_non_null(parsed);
        cJSON_ReplaceItemInObjectCaseSensitive(part, key, parsed);
    }
    return document;
}

static void an_activation_says_what_where_and_how_long(void **state)
{
    (void)state;
    BT_AUTOJSON *document = make(NULL, NULL);
    struct bt_activation activation;
    struct bt_error err = {0};
    assert_int_equal(bt_activation_read(document, &activation, &err), 0);
    assert_string_equal(activation.id, "e-7K3QZ5");
    assert_string_equal(activation.template.path, "u/31333/template-bao.json");
    assert_string_equal(activation.template.role, "u-31333");
    assert_string_equal(activation.role, "em-31333");
    assert_int_equal(activation.scope_count, 1);
    assert_string_equal(activation.scope[0], "31333");
    assert_int_equal(activation.screen_count, 0);
    assert_int_equal(activation.level, 3);
    assert_int_equal(bt_activation_check_time(&activation, NOW, &err), 0);
}

static void the_provinces_template_may_go_to_many_units(void **state)
{
    (void)state;
    BT_AUTOJSON *document = make("template", "\"p/template-bao\"");
    cJSON *part = cJSON_GetObjectItemCaseSensitive(document, "signed");
    cJSON_ReplaceItemInObjectCaseSensitive(part, "scope", cJSON_Parse("[\"31333\", \"31334\"]"));
    struct bt_activation activation;
    assert_int_equal(bt_activation_read(document, &activation, NULL), 0);
    assert_string_equal(activation.role, "em-p");
    assert_int_equal(activation.scope_count, 2);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"_type", "\"targets\""},
        {"format", "2"},
        {"id", "\"t-7K3QZ5\""},
        {"id", "\"e-../x\""},
        {"id", "7"},
        {"template", "\"u/31333/quang-truong\""},
        {"template", "\"u/31333/template-bao.json\""},
        {"template_sha256", "\"11\""},
        {"scope", "[]"},
        {"scope", "[\"31334\"]"},
        {"scope", "[\"31333\", \"31334\"]"},
        {"scope", "\"31333\""},
        {"screens", "[7]"},
        {"screens", "[\"s-7K3QZ5MX2A7K3QZ5MX2A\"]"},
        {"level", "0"},
        {"level", "6"},
        {"fields", "[]"},
        {"fields", "{\"cap\": 3}"},
        {"from_ms", "-1"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOJSON *document = make(cases[i].key, cases[i].value);
        struct bt_activation activation;
        assert_int_equal(bt_activation_read(document, &activation, NULL), -EINVAL);
    }
    struct bt_activation activation;
    assert_int_equal(bt_activation_read(NULL, &activation, NULL), -EINVAL);
}

static void it_lasts_a_day_at_most_and_is_not_given_late(void **state)
{
    (void)state;
    static const struct {
        int64_t from_ms, until_ms;
        int result;
    } cases[] = {
        {NOW, NOW + BT_MS_PER_DAY, 0},
        {NOW, NOW + BT_MS_PER_DAY + 1, -ETIME},
        {NOW, NOW, -ETIME},
        {NOW - 1000, NOW, -ETIME},
        {NOW - BT_MS_PER_DAY, NOW + 1, -ETIME},
        {NOW - BT_MS_PER_DAY + 1, NOW + 1, 0},
        {NOW + 3600000, NOW + 7200000, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_activation activation = {.from_ms = cases[i].from_ms,
                                           .until_ms = cases[i].until_ms};
        assert_int_equal(bt_activation_check_time(&activation, NOW, NULL), cases[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_activation_says_what_where_and_how_long),
        cmocka_unit_test(the_provinces_template_may_go_to_many_units),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(it_lasts_a_day_at_most_and_is_not_given_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
