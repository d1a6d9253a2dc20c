// The short way of reading says the same as the careful one, or nothing.
#include "plays/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plays/testing.h"

struct thing {
    char name[8];
    int64_t number;
    bool yes;
    int word;
    int64_t maybe;
};

static const char *const words[] = {"one", "two", NULL};
static const struct bt_json_field first[] = {
    BT_JSON_FIELD(struct thing, name, "name", BT_JSON_STRING, .min = 1, .max = 7),
    BT_JSON_FIELD(struct thing, number, "number", BT_JSON_INT, .min = -50, .max = 999999999999999),
};
static const struct bt_json_field second[] = {
    BT_JSON_FIELD(struct thing, yes, "yes", BT_JSON_BOOL),
    BT_JSON_FIELD(struct thing, word, "word", BT_JSON_ENUM, .words = words),
    BT_JSON_FIELD(struct thing, maybe, "maybe", BT_JSON_INT, .max = 9, .optional = true),
};
static const struct bt_scan_part parts[] = {{first, BT_ARRAY_LEN(first)},
                                            {second, BT_ARRAY_LEN(second)}};

static bool scan(const char *text, size_t len, struct thing *out)
{
    // An exact copy on the heap, so that a byte too far is noticed.
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    *out = (struct thing){.maybe = 5};
    bool read = bt_scan_object(copy, len, parts, BT_ARRAY_LEN(parts), out);
    free(copy);
    return read;
}

static bool read_carefully(const char *text, size_t len, struct thing *out)
{
    BT_AUTOJSON *json = NULL;
    *out = (struct thing){.maybe = 5};
    return bt_json_parse(text, len, &json, NULL) == 0 &&
           bt_json_read(json, first, BT_ARRAY_LEN(first), out, NULL, NULL) == 0 &&
           bt_json_read(json, second, BT_ARRAY_LEN(second), out, NULL, NULL) == 0;
}

static const struct {
    const char *text;
    bool read;
} cases[] = {
    {"{\"name\":\"ngã tư\",\"number\":12,\"yes\":true,\"word\":\"two\"}", false},  // 8 bytes
    {"{\"name\":\"ngã\",\"number\":12,\"yes\":true,\"word\":\"two\"}", true},
    {"{\"word\":\"one\",\"maybe\":7,\"yes\":false,\"number\":-50,\"name\":\"x\"}", true},
    {"{\"name\":\"x\",\"number\":999999999999999,\"yes\":true,\"word\":\"two\"}", true},
    {"{\"name\":\"x\",\"number\":0,\"yes\":true,\"word\":\"two\"}", true},
    {"{\"name\":\"x\",\"number\":9999999999999999,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":-51,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":012,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":-0,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":-,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":1.5,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":1e2,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true,\"word\":\"tw\"}", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true,\"word\":\"twoo\"}", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true}", false},
    {"{\"name\":\"x\",\"name\":\"y\",\"number\":1,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true,\"word\":\"two\",\"new\":1}", false},
    {"{\"name\":\"\\u0041\",\"number\":1,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"\x7f\",\"number\":1,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"\xc3\",\"number\":1,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"\",\"number\":1,\"yes\":true,\"word\":\"two\"}", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true,\"word\":\"two\",}", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true,\"word\":\"two\"} ", false},
    {"{\"name\":\"x\",\"number\":1,\"yes\":true,\"word\":\"two\"", false},
    {"{\"name\":[],\"number\":1,\"yes\":true,\"word\":\"two\"}", false},
    {"{}", false},
    {"", false},
};

static void what_is_written_plainly_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct thing thing, careful;
        size_t len = strlen(cases[i].text);
        assert_int_equal(scan(cases[i].text, len, &thing), cases[i].read);
        if (cases[i].read) {
            assert_true(read_carefully(cases[i].text, len, &careful));
            assert_memory_equal(&thing, &careful, sizeof(thing));
        }
    }
}

// Texts are looked at eight bytes at a time: what may not stand in one is noticed at every place,
// and so is the quote that ends it.
static void every_byte_of_a_text_is_looked_at(void **state)
{
    (void)state;
    static const char spoilers[] = {'\\',   '\x01', '\x1f', '\x7f', '\xc3',
                                    '\xff', '"',    'z',    ' ',    '!'};
    static const struct bt_json_field field[] = {
        {.key = "text", .kind = BT_JSON_STRING, .size = 40, .max = 39},
    };
    static const struct bt_scan_part part = {field, 1};
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < sizeof(spoilers); i++) {
                char text[64] = "{\"text\":\"", scanned[40] = "", careful[40] = "";
                size_t begin = strlen(text);
                memset(text + begin, 'a', len);
                text[begin + at] = spoilers[i];
                memcpy(text + begin + len, "\"}", 2);
                BT_AUTOJSON *json = NULL;
                bool read = bt_scan_object(text, begin + len + 2, &part, 1, scanned);
                assert_int_equal(read, bt_json_parse(text, begin + len + 2, &json, NULL) == 0 &&
                                           bt_json_read(json, field, 1, careful, NULL, NULL) == 0);
                assert_string_equal(read ? scanned : "", read ? careful : "");
                assert_int_equal(read, i >= 7);
            }
        }
    }
}

static struct bt_test_options options;

// Of a good text some bytes are replaced, doubled or taken out.
static size_t spoil(char *text, size_t len, size_t room)
{
    static const char bytes[] = "\"\\{}[],:-0159e. \tnamewordtrue\x7f\xc3\xa3";
    for (int64_t i = bt_test_draw(&options, 3); i >= 0; i--) {
        size_t at = (size_t)bt_test_draw(&options, (int64_t)len);
        char byte = bytes[bt_test_draw(&options, (int64_t)sizeof(bytes) - 1)];
        switch (bt_test_draw(&options, 3)) {
        case 0:
            text[at] = byte;
            break;
        case 1:
            memmove(&text[at], &text[at + 1], len - at - 1);
            len--;
            break;
        default:
            if (len + 1 < room) {
                memmove(&text[at + 1], &text[at], len - at);
                text[at] = byte;
                len++;
            }
            break;
        }
    }
    return len;
}

static void whatever_it_reads_the_careful_way_reads_alike(void **state)
{
    (void)state;
    int64_t read = 0;
    for (int64_t i = 0; i < options.rounds * 1000; i++) {
        char text[256];
        const char *from = cases[bt_test_draw(&options, 5)].text;
        size_t len = strlen(from);
        memcpy(text, from, len);
        len = spoil(text, len, sizeof(text));
        struct thing thing, careful;
        if (scan(text, len, &thing)) {
            read++;
            assert_true(read_carefully(text, len, &careful));
            assert_memory_equal(&thing, &careful, sizeof(thing));
        }
    }
    assert_true(read > 0);
}

int main(int argc, char **argv)
{
    options = (struct bt_test_options){.rounds = 20, .seed = 1};
    bt_test_read_options(argc, argv, &options);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_plainly_is_read),
        cmocka_unit_test(every_byte_of_a_text_is_looked_at),
        cmocka_unit_test(whatever_it_reads_the_careful_way_reads_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
