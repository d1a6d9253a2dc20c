#include "sync/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"

static const char plain[] =
    "{\"format\": 1, \"id\": \"bao\", \"version\": 3, \"layer\": \"emergency\","
    " \"fields\": [{\"name\": \"ten\", \"type\": \"text\", \"max_bytes\": 24},"
    "  {\"name\": \"cap\", \"type\": \"number\", \"max_bytes\": 4},"
    "  {\"name\": \"gio\", \"type\": \"time\"}],"
    " \"playlists\": [{\"name\": \"bao\", \"items\": [{\"id\": \"bao\", \"type\": \"text\","
    "  \"text\": \"{ten} cap {cap} luc {gio} {ten}\", \"seconds\": 10}]}],"
    " \"schedule\": [{\"zone\": \"chinh\", \"playlist\": \"bao\"}]}";

static struct bt_activation values(const char *ten, const char *cap, const char *gio)
{
    const char *const names[] = {"ten", "cap", "gio"};
    const char *const texts[] = {ten, cap, gio};
    struct bt_activation activation = {
        .from_ms = 1795240000000, .until_ms = 1795247200000, .field_count = 0};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        if (texts[i] == NULL) {
            continue;
        }
        struct bt_activation_field *field = &activation.fields[activation.field_count++];
        bt_copy_cut(field->name, sizeof(field->name), names[i]);
        bt_copy_cut(field->value, sizeof(field->value), texts[i]);
    }
    return activation;
}

static int fill(struct bt_activation activation, struct bt_publication **out)
{
    BT_AUTOFREE char *text = NULL;
    struct bt_error err;
    int r = bt_template_fill(plain, strlen(plain), &activation, &text, &err);
    if (r == 0) {
        assert_int_equal(bt_publication_parse(text, strlen(text), BT_UNKNOWN_IGNORE, out, &err), 0);
    }
    return r;
}

static void values_stand_where_the_template_has_gaps(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(fill(values("Số 9", "12", "21:30"), &publication), 0);
    assert_string_equal(publication->playlists[0].items[0].text, "Số 9 cap 12 luc 21:30 Số 9");
    assert_int_equal(publication->valid_from_ms, 1795240000000);
    assert_int_equal(publication->valid_until_ms, 1795247200000);
    assert_int_equal(publication->activate, BT_ACTIVATE_NOW);
    assert_int_equal(publication->version, 3);
}

static void an_instant_is_shown_as_the_wall_clock_says(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(fill(values("x", "1", "2026-11-21T14:05:00Z"), &publication), 0);
    assert_string_equal(publication->playlists[0].items[0].text, "x cap 1 luc 21:05 21/11/2026 x");
}

static void a_value_cannot_break_out_of_the_text(void **state)
{
    (void)state;
    static const char *const tries[] = {"\", \"x\": \"", "{cap}{gio}", "\\u0022}]", "}{ten}{",
                                        "</text>%s%n"};
    for (size_t i = 0; i < BT_ARRAY_LEN(tries); i++) {
        BT_AUTO(bt_publication) publication = NULL;
        BT_AUTOFREE char *expected = bt_strf("%s cap 1 luc 21:30 %s", tries[i], tries[i]);
        assert_int_equal(fill(values(tries[i], "1", "21:30"), &publication), 0);
        assert_int_equal(publication->playlists[0].item_count, 1);
        assert_string_equal(publication->playlists[0].items[0].text, expected);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const struct bt_activation bad[] = {
        values("more than twenty-four bytes", "1", "21:30"),
        values("two\nlines", "1", "21:30"),
        values("turned \xE2\x80\xAE round", "1", "21:30"),
        values("x", "ten", "21:30"),
        values("x", "12345", "21:30"),
        values("x", "1", "later"),
        values("x", "1", NULL),
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        BT_AUTO(bt_publication) publication = NULL;
        assert_int_equal(fill(bad[i], &publication), -EINVAL);
    }
    struct bt_activation unknown = values("x", "1", "21:30");
    bt_copy_cut(unknown.fields[0].name, sizeof(unknown.fields[0].name), "other");
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(fill(unknown, &publication), -EINVAL);
}

static void only_the_layer_emergency_is_filled(void **state)
{
    (void)state;
    static const char text[] = "{\"format\": 1, \"id\": \"x\", \"version\": 1, \"playlists\":"
                               " [{\"name\": \"x\", \"items\": [{\"id\": \"x\", \"type\": \"text\","
                               " \"text\": \"x\", \"seconds\": 1}]}]}";
    struct bt_activation activation = values(NULL, NULL, NULL);
    BT_AUTOFREE char *out = NULL;
    assert_int_equal(bt_template_fill(text, strlen(text), &activation, &out, NULL), -EINVAL);
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_where_the_template_has_gaps),
        cmocka_unit_test(an_instant_is_shown_as_the_wall_clock_says),
        cmocka_unit_test(a_value_cannot_break_out_of_the_text),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(only_the_layer_emergency_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
