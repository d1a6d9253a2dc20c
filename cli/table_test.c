#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static cJSON *parse(const char *text)
{
    cJSON *json;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

static void cells_read_as_people_do(void **state)
{
    (void)state;
    BT_AUTOJSON *row =
        parse("{\"name\":\"Đông\\u001b[31m\",\"size\":1536,\"when\":1798761600000,"
              "\"ok\":true,\"tags\":[\"a\",\"b\"],\"duty\":{\"phone\":\"0912\"},"
              "\"hash\":\"0123456789abcdef\",\"none\":null,\"state\":\"not-obeying\"}");
    static const struct {
        struct bt_column column;
        const char *text;
    } cases[] = {
        {{"", "name", BT_COLUMN_TEXT}, "Đông [31m"},
        {{"", "size", BT_COLUMN_TEXT}, "1536"},
        {{"", "size", BT_COLUMN_BYTES}, "1.5 KiB"},
        {{"", "when", BT_COLUMN_TIME}, "2027-01-01 07:00:00"},
        {{"", "none", BT_COLUMN_TIME}, ""},
        {{"", "none", BT_COLUMN_BYTES}, ""},
        {{"", "name", BT_COLUMN_TIME}, ""},
        {{"", "ok", BT_COLUMN_TEXT}, "có / yes"},
        {{"", "tags", BT_COLUMN_TEXT}, "a, b"},
        {{"", "duty.phone", BT_COLUMN_TEXT}, "0912"},
        {{"", "duty.name", BT_COLUMN_TEXT}, ""},
        {{"", "hash", BT_COLUMN_HASH}, "0123456789ab"},
        {{"", "missing", BT_COLUMN_TEXT}, ""},
        {{"", "state", BT_COLUMN_STATE}, "KHÔNG NHẬN LỆNH / not obeying"},
        {{"", "name", BT_COLUMN_STATE}, "Đông [31m"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *text = bt_table_cell(row, &cases[i].column);
        assert_string_equal(text, cases[i].text);
    }
}

static void columns_line_up_whatever_the_letters(void **state)
{
    (void)state;
    static const struct bt_column columns[] = {
        {"tên", "name", BT_COLUMN_TEXT},
        {"n", "n", BT_COLUMN_TEXT},
    };
    BT_AUTOJSON *rows = parse("[{\"name\":\"Ưu\",\"n\":1},{\"name\":\"漢字ab\",\"n\":22}]");
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    bt_table_print(rows, columns, BT_ARRAY_LEN(columns), to);
    fclose(to);
    assert_string_equal(text, "tên     n\n"
                              "Ưu      1\n"
                              "漢字ab  22\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_read_as_people_do),
        cmocka_unit_test(columns_line_up_whatever_the_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
