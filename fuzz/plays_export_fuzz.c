// An export from outside: lines that are read become rows, and rows that are exported read again.
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "plays/check.h"
#include "plays/export.h"
#include "plays/record.h"

static void export_again(const struct bt_row *row, const struct bt_sha256 *previous)
{
    struct bt_row again;
    struct bt_sha256 previous_again;
    struct bt_error err;
    BT_AUTOBUF line;
    bt_buf_init(&line, BT_EXPORT_LINE_MAX_BYTES);
    assert(bt_export_csv(row, ';', NULL, &line) == 0);
    bt_buf_clear(&line);
    assert(bt_export_jsonl(row, previous, &line) == 0);
    assert(memchr(line.data, '\n', line.len) == line.data + line.len - 1);
    assert(bt_export_parse_line(line.data, line.len, &again, &previous_again, &err) == 0);
    assert(again.seq == row->seq && memcmp(&again.hash, &row->hash, sizeof(again.hash)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bt_sha256 zero;
    const char *text = (const char *)data;
    struct bt_row row = {.seq = 1, .body = text, .len = size};
    struct bt_sha256 previous = zero;
    struct bt_error err;
    struct bt_check check;
    bt_check_init(&check, 0, &zero);
    if (size > BT_EXPORT_LINE_MAX_BYTES) {
        return 0;
    }
    if (bt_export_parse_line(text, size, &row, &previous, &err) == 0) {
        bt_check_add_exported(&check, &row);
    }
    bt_check_add(&check, &row);
    bt_check_conclude(&check);
    assert(check.verdict.records > 0 && check.verdict.vi[0] != '\0');
    export_again(&row, &previous);
    return 0;
}
