#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/export.h"
#include "plays/journal.h"
#include "plays/record.h"
#include "plays/testing.h"

#define HOUR_MS 3600000LL

static int collect(const char *bytes, size_t len, void *context)
{
    return bt_buf_append(context, bytes, len);
}

// A start, three plays an hour apart, a loss.
static void make_journal(const struct bt_test_dir *dir)
{
    struct bt_journal_options options = {
        .path = dir->journal,
        .screen = "Cổng chào",
        .player = "test",
        .now = {.wall_ms = BT_TEST_WALL_MS, .clock_trust = BT_CLOCK_SYNCED},
    };
    BT_AUTO(bt_journal) journal = NULL;
    struct bt_error err;
    assert_int_equal(bt_journal_open(&options, &journal, &err), 0);
    for (int i = 0; i < 3; i++) {
        struct bt_play play;
        struct bt_play_start start = bt_test_start("phong-su", 10000);
        start.wall_ms += i * HOUR_MS;
        bt_play_begin(&play, 1, &start);
        bt_play_end(&play, &(struct bt_play_counts){10000, 1, 5, 0}, "schedule");
        assert_int_equal(bt_journal_put(journal, &play, NULL), 0);
    }
    struct bt_loss loss = {.plays = 7,
                           .start_ms = BT_TEST_WALL_MS,
                           .end_ms = BT_TEST_WALL_MS + 5,
                           .cause = "journal unwritable"};
    assert_int_equal(bt_journal_put_loss(journal, &loss, NULL), 0);
    assert_int_equal(bt_journal_commit(journal, NULL), 0);
}

static void export(const char *path, const struct bt_export_options *options, struct bt_buf *out)
{
    struct bt_error err;
    bt_buf_init(out, 1 << 20);
    if (bt_plays_export(path, options, collect, out, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (const char *c = strchr(text, '\n'); c != NULL; c = strchr(c + 1, '\n')) {
        count++;
    }
    return count;
}

static void a_line_gives_back_the_exact_bytes(void **state)
{
    const struct bt_test_dir *dir = *state;
    make_journal(dir);
    struct bt_error err;
    struct bt_row row, again;
    struct bt_sha256 previous = {{7}}, previous_again;
    BT_AUTO(bt_reader) reader = NULL;
    assert_int_equal(bt_reader_open(dir->journal, &reader, &err), 0);
    while (bt_reader_next(reader, &row, &err) == 1) {
        BT_AUTOBUF line;
        bt_buf_init(&line, BT_EXPORT_LINE_MAX_BYTES);
        assert_int_equal(bt_export_jsonl(&row, &previous, &line), 0);
        assert_int_equal(bt_export_parse_line(line.data, line.len, &again, &previous_again, &err),
                         0);
        assert_int_equal(again.seq, row.seq);
        assert_int_equal(again.len, row.len);
        assert_memory_equal(again.body, row.body, row.len);
        assert_memory_equal(&again.hash, &row.hash, sizeof(row.hash));
        assert_memory_equal(&previous, &previous_again, sizeof(previous));
    }
}

static void from_and_to_choose_by_the_start(void **state)
{
    static const struct {
        int64_t from_ms, to_ms;
        size_t lines;
    } cases[] = {
        {0, 0, 5},
        {BT_TEST_WALL_MS, 0, 5},
        {BT_TEST_WALL_MS + 1, 0, 2},
        {0, BT_TEST_WALL_MS + HOUR_MS, 3},
        {BT_TEST_WALL_MS + HOUR_MS, BT_TEST_WALL_MS + HOUR_MS + 1, 1},
        {BT_TEST_WALL_MS + 9 * HOUR_MS, 0, 0},
    };
    const struct bt_test_dir *dir = *state;
    make_journal(dir);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_export_options options = {.from_ms = cases[i].from_ms, .to_ms = cases[i].to_ms};
        BT_AUTOBUF out;
        export(dir->journal, &options, &out);
        assert_int_equal(count_lines(bt_buf_text(&out)), cases[i].lines);
    }
}

static void csv_is_what_a_vietnamese_spreadsheet_expects(void **state)
{
    const struct bt_test_dir *dir = *state;
    make_journal(dir);
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    struct bt_export_options options = {.format = BT_EXPORT_CSV, .tz = tz};
    BT_AUTOBUF out;
    export(dir->journal, &options, &out);
    const char *text = bt_buf_text(&out);
    assert_memory_equal(text, "\xEF\xBB\xBF\"Số bản ghi\";\"Loại bản ghi\";", 33);
    assert_int_equal(count_lines(text), 5);  // headings, three plays, the loss; no start
    assert_non_null(strstr(text, "2;\"lượt phát\";\"Cổng chào\";\"phong-su\";\"ảnh\";;;1;"));
    assert_non_null(strstr(text, ";2026-11-21 12:46:40;2026-11-21 12:46:50;\"đã đồng bộ\";10000;"));
    assert_non_null(strstr(text, "5;\"khai báo mất\";\"Cổng chào\";;;"));
    assert_non_null(strstr(text, ";7;\"không ghi được sổ\";"));
}

// Cells of the line that begins here, and where the next begins.
static size_t count_cells(const char **at, char separator)
{
    size_t count = 1;
    bool quoted = false;
    const char *c = *at;
    for (; *c != '\0' && *c != '\n'; c++) {
        quoted = *c == '"' ? !quoted : quoted;
        count += *c == separator && !quoted;
    }
    *at = *c == '\n' ? c + 1 : c;
    return count;
}

static void every_line_of_csv_has_as_many_cells_as_there_are_headings(void **state)
{
    const struct bt_test_dir *dir = *state;
    make_journal(dir);
    bt_test_exec(dir->journal, "INSERT INTO record VALUES(99, zeroblob(32), NULL, 'junk')");
    struct bt_export_options options = {.format = BT_EXPORT_CSV, .separator = ','};
    BT_AUTOBUF out;
    export(dir->journal, &options, &out);
    const char *at = bt_buf_text(&out);
    assert_int_equal(count_lines(at), 6);
    while (*at != '\0') {
        assert_int_equal(count_cells(&at, ','), 37);
    }
}

static void csv_of(const char *item, struct bt_buf *out)
{
    struct bt_play play;
    struct bt_play_start start = bt_test_start(item, 10000);
    static const struct bt_record_origin origin;
    BT_AUTOBUF tail, body;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    bt_buf_init(out, BT_EXPORT_LINE_MAX_BYTES);
    bt_play_begin(&play, 1, &start);
    assert_int_equal(bt_record_play(&play, &origin, &tail), 0);
    assert_int_equal(bt_record_seal(1, bt_buf_text(&tail), &body), 0);
    struct bt_row row = {.seq = 1, .body = body.data, .len = body.len};
    assert_int_equal(bt_export_csv(&row, ';', NULL, out), 0);
}

static void no_cell_is_taken_for_a_formula(void **state)
{
    static const struct {
        const char *item, *cell;
    } cases[] = {
        {"=1+1", ";\"'=1+1\";"},  {"+84", ";\"'+84\";"},
        {"-5", ";\"'-5\";"},      {"@sum", ";\"'@sum\";"},
        {"a=b", ";\"a=b\";"},     {"nói \"không\"; rồi", ";\"nói \"\"không\"\"; rồi\";"},
        {"\"=1", ";\"\"\"=1\";"},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOBUF out;
        csv_of(cases[i].item, &out);
        if (strstr(bt_buf_text(&out), cases[i].cell) == NULL) {
            fail_msg("%s is not in %s", cases[i].cell, bt_buf_text(&out));
        }
    }
}

static void a_damaged_record_is_said_to_be_damaged(void **state)
{
    static const char *const bodies[] = {"", "junk\xff", "{\"format\":1,\n\"seq\":1}"};
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(bodies); i++) {
        struct bt_row row = {.seq = 3, .body = bodies[i], .len = strlen(bodies[i])};
        BT_AUTOBUF out;
        bt_buf_init(&out, BT_EXPORT_LINE_MAX_BYTES);
        assert_int_equal(bt_export_jsonl(&row, &row.hash, &out), 0);
        assert_non_null(strstr(bt_buf_text(&out), "\"record\":null,\"damaged\":\""));
        assert_int_equal(count_lines(bt_buf_text(&out)), 1);
        bt_buf_clear(&out);
        assert_int_equal(bt_export_csv(&row, ';', NULL, &out), 0);
        assert_non_null(strstr(bt_buf_text(&out), "3;\"bản ghi hỏng\";"));
    }
}

static void what_is_no_line_of_an_export_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "{}",
        "{\"seq\":}",
        "{\"seq\":1,\"prev\":\"00\"",
        "{\"seq\":99999999999999999999999999,\"prev\":\"",
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(lines); i++) {
        struct bt_row row;
        struct bt_sha256 previous;
        struct bt_error err;
        assert_int_equal(bt_export_parse_line(lines[i], strlen(lines[i]), &row, &previous, &err),
                         -EINVAL);
    }
}

static int refuse(const char *bytes, size_t len, void *context)
{
    (void)bytes, (void)len, (void)context;
    return -EPIPE;
}

static void a_writer_that_refuses_ends_the_export(void **state)
{
    const struct bt_test_dir *dir = *state;
    struct bt_export_options options = {.format = BT_EXPORT_CSV};
    struct bt_error err;
    make_journal(dir);
    assert_int_equal(bt_plays_export(dir->journal, &options, refuse, NULL, &err), -EPIPE);
    options.separator = '\t';
    assert_int_equal(bt_plays_export(dir->journal, &options, refuse, NULL, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(a_line_gives_back_the_exact_bytes),
        BT_TEST_IN_DIR(from_and_to_choose_by_the_start),
        BT_TEST_IN_DIR(csv_is_what_a_vietnamese_spreadsheet_expects),
        BT_TEST_IN_DIR(every_line_of_csv_has_as_many_cells_as_there_are_headings),
        BT_TEST_IN_DIR(a_writer_that_refuses_ends_the_export),
        cmocka_unit_test(no_cell_is_taken_for_a_formula),
        cmocka_unit_test(a_damaged_record_is_said_to_be_damaged),
        cmocka_unit_test(what_is_no_line_of_an_export_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
