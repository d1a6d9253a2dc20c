#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static cJSON *parse(const char *text)
{
    cJSON *json = NULL;
    struct bt_error err = {0};
    if (bt_json_parse(text, strlen(text), &json, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return json;
}

static void documents_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        " \t\r\n[ ] ",
        "{}",
        "-0",
        "-0.5e-3",
        "1E+2",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u1ea4\"",
        "\"\\uD83D\\uDE00 Đ\"",
        "{\"a\":{\"a\":[{\"a\":1}]},\"A\":2}",
        "[0,-1,true,false,null]",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        BT_AUTOJSON *json = parse(texts[i]);
        assert_non_null(json);
    }
}

static void wrong_documents_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "line 1, column 1: not a JSON value"},
        {"nul", "line 1, column 1: not a JSON value"},
        {"+1", "line 1, column 1: not a JSON value"},
        {"NaN", "line 1, column 1: not a JSON value"},
        {"01", "line 1, column 2: text after the end of the document"},
        {"1.", "line 1, column 3: a digit must follow the point"},
        {"1e", "line 1, column 3: a digit must follow the exponent"},
        {".5", "line 1, column 1: not a JSON value"},
        {"1e400", "a number is too large"},
        {"[-1e400]", "a number is too large"},
        {"[1,]", "line 1, column 4: not a JSON value"},
        {"[1 2]", "line 1, column 4: ',' or ']' was expected"},
        {"{\"a\" 1}", "line 1, column 6: ':' was expected"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8: ',' or '}' was expected"},
        {"{a:1}", "line 1, column 2: a string was expected"},
        {"{'a':1}", "line 1, column 2: a string was expected"},
        {"{\"a\":1,}", "line 1, column 8: a string was expected"},
        {"{\n  \"Đà Nẵng\": x\n}", "line 2, column 14: not a JSON value"},
        {"\"a", "line 1, column 3: string without an end"},
        {"\"a\nb\"", "line 1, column 3: control character in a string"},
        {"\"\\x41\"", "line 1, column 4: unknown escape"},
        {"\"\\u12g4\"", "line 1, column 6: \\u needs four hex digits"},
        {"\"\\u0000\"", "line 1, column 8: \\u0000 is not allowed"},
        {"\"\\ud800\"", "line 1, column 8: lone surrogate"},
        {"\"\\udc00\"", "line 1, column 8: lone surrogate"},
        {"\"\\ud800\\u0041\"", "line 1, column 14: lone surrogate"},
        {"[] []", "line 1, column 4: text after the end of the document"},
        {"// no\n1", "line 1, column 1: not a JSON value"},
        {"\"\xFF\"", "not valid UTF-8"},
        {"\xEF\xBB\xBF{}", "line 1, column 1: not a JSON value"},  // a byte order mark
        {"{\"a\":1,\"b\":2,\"a\":1}", "the key 'a' appears twice in one object"},
        {"[{\"a\":{\"x\":0,\"\\u0078\":0}}]", "the key 'x' appears twice in one object"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].text);
        BT_AUTOFREE char *exact = bt_alloc(len);  // no NUL: the sanitizer watches the end
        memcpy(exact, rows[i].text, len);
        cJSON *json = NULL;
        struct bt_error err = {0};
        assert_int_equal(bt_json_parse(exact, len, &json, &err), -EINVAL);
        assert_null(json);
        assert_string_equal(err.msg, rows[i].message);
    }
}

static void the_number_of_values_is_bounded(void **state)
{
    (void)state;
    // The list itself is a value too.
    for (size_t count = BT_JSON_MAX_VALUES - 1; count <= BT_JSON_MAX_VALUES; count++) {
        BT_AUTOFREE char *text = bt_alloc(2 * count + 2);
        for (size_t i = 0; i < count; i++) {
            text[2 * i] = ',';
            text[2 * i + 1] = '0';
        }
        text[0] = '[';
        text[2 * count] = ']';
        BT_AUTOJSON *json = NULL;
        struct bt_error err = {0};
        int r = bt_json_parse(text, 2 * count + 1, &json, &err);
        assert_int_equal(r, count < BT_JSON_MAX_VALUES ? 0 : -EINVAL);
        assert_int_equal(strstr(err.msg, "too many values") != NULL, r < 0);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * BT_JSON_MAX_DEPTH + 3];
    for (size_t depth = BT_JSON_MAX_DEPTH; depth <= BT_JSON_MAX_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        BT_AUTOJSON *json = NULL;
        int r = bt_json_parse(text, 2 * depth, &json, NULL);
        assert_int_equal(r, depth <= BT_JSON_MAX_DEPTH ? 0 : -EINVAL);
    }
    BT_AUTOFREE char *many = bt_alloc(1000000);
    memset(many, '[', 1000000);
    BT_AUTOJSON *json = NULL;
    assert_int_equal(bt_json_parse(many, 1000000, &json, NULL), -EINVAL);
}

// Valid JSON that we refuse: a key twice has no meaning we could agree on, and a text with a NUL
// inside would be read differently by the next program.
static const char *const refused_on_purpose[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
};

static bool is_refused_on_purpose(const char *name)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(refused_on_purpose); i++) {
        if (strcmp(name, refused_on_purpose[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void try_suite_file(const char *directory, const char *name)
{
    BT_AUTOFREE char *path = bt_strf("%s/%s", directory, name);
    BT_AUTOBUF text;
    bt_buf_init(&text, 1024 * 1024);
    assert_int_equal(bt_file_read(path, &text, NULL), 0);
    struct bt_error err = {0};
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(bt_buf_text(&text), text.len, &json, &err);
    bool wrong = (name[0] == 'y' && !is_refused_on_purpose(name) && r < 0) ||
                 (name[0] == 'n' && r == 0) || (is_refused_on_purpose(name) && r == 0);
    if (wrong) {
        fail_msg("%s: %s", name, r < 0 ? err.msg : "accepted");
    }
}

// The JSON Parsing Test Suite: y_ must be accepted, n_ refused, i_ is up to us but must not crash.
static void the_parsing_suite_is_judged_right(void **state)
{
    (void)state;
    const char *media = getenv("BT_MEDIA");
    char directory[4096] = "";
    assert_true(media == NULL ||
                bt_format(directory, sizeof(directory), "%s/json/test_parsing", media) == 0);
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        skip();
    }
    int tried = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (bt_str_ends(entry->d_name, ".json")) {
            try_suite_file(directory, entry->d_name);
            tried++;
        }
    }
    closedir(listing);
    assert_true(tried > 100);
}

enum colour { COLOUR_RED, COLOUR_GREEN };
static const char *const colour_words[] = {"red", "green", NULL};

struct thing {
    char name[8];
    char *note;
    int64_t width_px;
    bool loop;
    int colour;
    int64_t doubled;
};

static int read_doubled(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int64_t number;
    if (bt_json_whole(value, 0, 100, &number) < 0) {
        return bt_fail(err, -EINVAL, "'doubled' is no number");
    }
    number *= *(int *)context;
    memcpy(target, &number, sizeof(number));
    return 0;
}

static const struct bt_json_field thing_fields[] = {
    BT_JSON_FIELD(struct thing, name, "name", BT_JSON_STRING, .min = 1, .max = 7),
    BT_JSON_FIELD(struct thing, note, "note", BT_JSON_TEXT, .max = 20, .optional = true),
    BT_JSON_FIELD(struct thing, width_px, "width_px", BT_JSON_INT, .min = 1, .max = 16384),
    BT_JSON_FIELD(struct thing, loop, "loop", BT_JSON_BOOL, .optional = true),
    BT_JSON_FIELD(struct thing, colour, "colour", BT_JSON_ENUM, .words = colour_words,
                  .optional = true),
    BT_JSON_FIELD(struct thing, doubled, "doubled", BT_JSON_CUSTOM, .read = read_doubled,
                  .optional = true),
};

static int read_thing(const char *text, struct thing *thing, struct bt_error *err)
{
    int factor = 2;
    BT_AUTOJSON *json = parse(text);
    return bt_json_read(json, thing_fields, BT_ARRAY_LEN(thing_fields), thing, &factor, err);
}

static void a_table_fills_the_struct(void **state)
{
    (void)state;
    struct thing thing = {0};
    struct bt_error err = {0};
    assert_int_equal(read_thing("{\"width_px\": 1920.0, \"name\": \"wall\", \"note\": \"a\\nb\","
                                " \"loop\": true, \"colour\": \"green\", \"doubled\": 21}",
                                &thing, &err),
                     0);
    assert_string_equal(thing.name, "wall");
    assert_string_equal(thing.note, "a\nb");
    assert_int_equal(thing.width_px, 1920);
    assert_true(thing.loop);
    assert_int_equal(thing.colour, COLOUR_GREEN);
    assert_int_equal(thing.doubled, 42);
    free(thing.note);
}

static void absent_fields_keep_their_defaults_and_unknown_keys_do_not_matter(void **state)
{
    (void)state;
    struct thing thing = {.loop = true, .colour = COLOUR_GREEN, .doubled = 7};
    assert_int_equal(read_thing("{\"name\":\"a\",\"width_px\":1,\"later\":[]}", &thing, NULL), 0);
    assert_true(thing.loop);
    assert_int_equal(thing.colour, COLOUR_GREEN);
    assert_int_equal(thing.doubled, 7);
    assert_null(thing.note);
}

static void a_wrong_field_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"[]", "an object { } was expected"},
        {"{\"width_px\":1}", "'name' is missing"},
        {"{\"name\":null,\"width_px\":1}", "'name' must be a text"},
        {"{\"Name\":\"a\",\"width_px\":1}", "'name' is missing"},
        {"{\"name\":\"\",\"width_px\":1}", "'name' has 0 bytes, outside 1..7"},
        {"{\"name\":\"12345678\",\"width_px\":1}", "'name' has 8 bytes, outside 1..7"},
        {"{\"name\":\"a\\nb\",\"width_px\":1}", "'name' contains a control character"},
        {"{\"name\":\"a\\u007f\",\"width_px\":1}", "'name' contains a control character"},
        {"{\"name\":\"a\",\"width_px\":\"1\"}", "'width_px' must be a number"},
        {"{\"name\":\"a\",\"width_px\":0}", "'width_px' is 0, not a whole number in 1..16384"},
        {"{\"name\":\"a\",\"width_px\":1.5}", "'width_px' is 1.5, not a whole number in 1..16384"},
        {"{\"name\":\"a\",\"width_px\":1e300}",
         "'width_px' is 1e+300, not a whole number in 1..16384"},
        {"{\"name\":\"a\",\"width_px\":1,\"loop\":1}", "'loop' must be true or false"},
        {"{\"name\":\"a\",\"width_px\":1,\"colour\":\"blue\"}",
         "'colour' is 'blue', not one of 'red', 'green'"},
        {"{\"name\":\"a\",\"width_px\":1,\"colour\":0}", "'colour' must be a text"},
        {"{\"name\":\"a\",\"width_px\":1,\"note\":\"a\\tb\"}",
         "'note' contains a control character"},
        {"{\"name\":\"a\",\"width_px\":1,\"doubled\":\"x\"}", "'doubled' is no number"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        struct thing thing = {0};
        struct bt_error err = {0};
        assert_int_equal(read_thing(rows[i].text, &thing, &err), -EINVAL);
        assert_string_equal(err.msg, rows[i].message);
        free(thing.note);
    }
}

static void unknown_keys_are_found(void **state)
{
    (void)state;
    BT_AUTOJSON *json = parse("{\"name\":\"a\",\"widht_px\":1}");
    assert_string_equal(bt_json_unknown_key(json, thing_fields, BT_ARRAY_LEN(thing_fields)),
                        "widht_px");
    BT_AUTOJSON *known = parse("{\"name\":\"a\"}");
    assert_null(bt_json_unknown_key(known, thing_fields, BT_ARRAY_LEN(thing_fields)));
}

static void whole_numbers_are_whole_and_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int r;
        int64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"1e3", 0, 1000},
        {"9007199254740992", 0, 9007199254740992},
        {"-9007199254740992", 0, -9007199254740992},
        {"9007199254740994", -EINVAL, 0},
        {"1e300", -EINVAL, 0},
        {"0.5", -EINVAL, 0},
        {"\"1\"", -EINVAL, 0},
        {"true", -EINVAL, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        BT_AUTOJSON *json = parse(rows[i].text);
        int64_t value = 0;
        assert_int_equal(bt_json_whole(json, INT64_MIN, INT64_MAX, &value), rows[i].r);
        assert_true(value == rows[i].value);
    }
}

static void strings_are_written_so_that_they_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "Bảng tin 😀", "a\"b\\c/d", "\x01\n\t\x1F\x7F"};
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        BT_AUTOBUF buf;
        bt_buf_init(&buf, 100);
        assert_int_equal(bt_json_append_string(&buf, texts[i]), 0);
        BT_AUTOJSON *json = parse(bt_buf_text(&buf));
        assert_string_equal(cJSON_GetStringValue(json), texts[i]);
    }
    BT_AUTOBUF small;
    bt_buf_init(&small, 4);
    assert_int_equal(bt_json_append_string(&small, "abc"), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read),
        cmocka_unit_test(wrong_documents_are_refused_with_their_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(the_parsing_suite_is_judged_right),
        cmocka_unit_test(a_table_fills_the_struct),
        cmocka_unit_test(absent_fields_keep_their_defaults_and_unknown_keys_do_not_matter),
        cmocka_unit_test(a_wrong_field_is_named),
        cmocka_unit_test(unknown_keys_are_found),
        cmocka_unit_test(whole_numbers_are_whole_and_exact),
        cmocka_unit_test(strings_are_written_so_that_they_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
