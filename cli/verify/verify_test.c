#include "cli/verify/verify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants those four first.
#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/verify/marks.h"
#include "cli/verify/recount.h"
#include "cli/verify/testing.h"
#include "cli/verify/vouch.h"
#include "cli/verify/witness.h"
#include "plays/evidence_file.h"

#define NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

struct world {
    char directory[64], root[96], evidence[96];
    struct bt_test_province province;
};

static int open_world(void **state)
{
    struct world *world = test_malloc(sizeof(*world));
    *world = (struct world){.directory = "/tmp/bangtin-verify-XXXXXX"};
    assert_non_null(mkdtemp(world->directory));
    assert_int_equal(bt_format(world->root, sizeof(world->root), "%s/root.json", world->directory),
                     0);
    assert_int_equal(
        bt_format(world->evidence, sizeof(world->evidence), "%s/e.btx", world->directory), 0);
    bt_test_province_init(&world->province, 2, 50, 20);
    const char *root = world->province.root_text;
    assert_int_equal(bt_file_replace(world->root, root, strlen(root), NULL), 0);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    (void)unlink(world->evidence);
    (void)unlink(world->root);
    (void)rmdir(world->directory);
    bt_test_province_finish(&world->province);
    test_free(world);
    return 0;
}

#define IN_WORLD(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

// Threads are for the few that matter to them: starting some thousand costs more than all the rest.
static struct bt_verdict *verify_file(const struct world *world, int threads,
                                      struct bt_verify_sum *sum)
{
    struct bt_error err = {0};
    const struct bt_verify_options options = {
        .evidence = world->evidence, .root = world->root, .threads = threads};
    struct bt_verdict *verdict = bt_verdict_create();
    int r = bt_verify(&options, verdict, sum, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    return verdict;
}

// Packed as the server would, by whoever holds its key.
static struct bt_verdict *verify(const struct world *world, const struct bt_test_lines *lines,
                                 struct bt_verify_sum *sum)
{
    bt_test_pack(lines, world->province.timestamp, world->evidence);
    return verify_file(world, 2, sum);
}

static struct bt_verdict *verify_alone(const struct world *world, const struct bt_test_lines *lines,
                                       struct bt_verify_sum *sum)
{
    bt_test_pack(lines, world->province.timestamp, world->evidence);
    return verify_file(world, -1, sum);
}

static void assert_holds(struct bt_verdict *verdict)
{
    if (bt_verdict_count(verdict, BT_FINDING_FAULT) > 0) {
        bt_verdict_print(verdict, stderr);
    }
    assert_int_equal(bt_verdict_count(verdict, BT_FINDING_FAULT), 0);
    assert_true(bt_verdict_count(verdict, BT_FINDING_HOLDS) > 0);
}

static void assert_found(const struct world *world, const struct bt_test_lines *lines,
                         const char *code)
{
    struct bt_verify_sum sum;
    BT_AUTO(bt_verdict) verdict = verify(world, lines, &sum);
    if (bt_verdict_count_code(verdict, code) == 0) {
        bt_verdict_print(verdict, stderr);
        fail_msg("'%s' was not found", code);
    }
    assert_true(bt_verdict_count(verdict, BT_FINDING_FAULT) > 0);
}

// Replaces a line's text, from the first `old` on.
static void replace(struct bt_test_lines *lines, size_t index, const char *old, const char *new)
{
    char *line = lines->lines[index], *at = strstr(line, old);
    assert_non_null(at);
    lines->lines[index] = bt_strf("%.*s%s%s", (int)(at - line), line, new, at + strlen(old));
    free(line);
}

static void what_is_true_holds(void **state)
{
    const struct world *world = *state;
    struct bt_verify_sum sum;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    BT_AUTO(bt_verdict) verdict = verify(world, &lines, &sum);
    assert_holds(verdict);
    assert_int_equal(bt_verdict_count(verdict, BT_FINDING_NOTE), 0);
    assert_int_equal(sum.journals, 2);
    assert_int_equal(sum.records, 100);
    assert_int_equal(sum.batches, 6);
    assert_int_equal(sum.heads, 4);
    assert_int_equal(sum.counts.complete, 2 * bt_test_complete(&world->province));
    assert_int_equal(sum.counts.complete + sum.counts.partial, 98);
    assert_string_equal(sum.root_sha256, sum.newest_root_sha256);
    bt_test_lines_finish(&lines);
}

static void a_true_report_holds(void **state)
{
    const struct world *world = *state;
    struct bt_verify_sum sum;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, true, &lines);
    BT_AUTO(bt_verdict) verdict = verify(world, &lines, &sum);
    assert_holds(verdict);
    assert_int_equal(bt_verdict_count_code(verdict, "report"), 1);
    bt_test_lines_finish(&lines);
}

static void the_one_altered_number_is_named(void **state)
{
    const struct world *world = *state;
    struct bt_verify_sum sum;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, true, &lines);
    replace(&lines, bt_test_lines_find(&lines, "report", 0), "\\\"s-2\\\",null,44,",
            "\\\"s-2\\\",null,1235,");
    BT_AUTO(bt_verdict) verdict = verify(world, &lines, &sum);
    assert_int_equal(bt_verdict_count(verdict, BT_FINDING_FAULT), 1);
    BT_AUTOJSON *list = bt_verdict_json(verdict);
    const char *found = NULL;
    const cJSON *each;
    cJSON_ArrayForEach(each, list)
    {
        if (bt_str_equal(cJSON_GetStringValue(cJSON_GetObjectItem(each, "kind")), "fault")) {
            found = cJSON_GetStringValue(cJSON_GetObjectItem(each, "vi"));
        }
    }
    assert_string_equal(found, "dòng 2, cột Trọn vẹn: báo cáo 1.235, đếm lại 44");
    bt_test_lines_finish(&lines);
}

// The report says that 50 were scheduled on the first screen, 60 on the second.
static void add_plan(struct bt_test_lines *lines, int64_t second, int64_t made_ms)
{
    size_t report = bt_test_lines_find(lines, "report", 0);
    replace(lines, report, "\\\"s-1\\\",null,44,5,0,0,", "\\\"s-1\\\",50,44,5,0,0,");
    replace(lines, report, ",1,null,null]", ",1,null,6]");
    replace(lines, report, "\\\"s-2\\\",null,44,5,0,0,", "\\\"s-2\\\",60,44,5,0,0,");
    replace(lines, report, ",1,null,null]", ",1,null,16]");
    replace(lines, report, "\\\"total\\\":[\\\"\\\",\\\"\\\",null,",
            "\\\"total\\\":[\\\"\\\",\\\"\\\",110,");
    replace(lines, report, ",2,null,null]", ",2,null,22]");
    replace(lines, report, "\\\"title\\\"", "\\\"created_ms\\\":1800000000000,\\\"title\\\"");
    for (int i = 1; i <= 2; i++) {
        char *line =
            bt_strf("{\"kind\":\"plan\",\"day\":\"2026-11-20\",\"screen\":\"s-%d\",\"unit\":"
                    "\"31333\",\"made_ms\":%lld,\"rows\":[[\"p\",\"a\",\"\",\"\",\"normal\",40],"
                    "[\"p\",\"b\",\"\",\"c-1\",\"normal\",%lld]]}",
                    i, (long long)made_ms, (long long)(i == 1 ? 10 : second));
        bt_test_lines_add(lines, line);
        size_t at = bt_test_lines_find(lines, "journal", 0);
        char *taken = lines->lines[lines->count - 1];
        memmove(&lines->lines[at + 1], &lines->lines[at],
                (lines->count - 1 - at) * sizeof(lines->lines[0]));
        lines->lines[at] = taken;
    }
}

static void what_was_scheduled_is_held_against_the_plan_of_each_day(void **state)
{
    static const struct {
        int64_t second, made_ms;
        const char *code, *found;  // NULL: it holds
    } cases[] = {
        {20, 1700000000000, "plan-by-server", NULL},
        {21, 1700000000000, "plan-by-server", "dòng 2, cột Theo lịch: báo cáo 60, đếm lại 61"},
        {99, 1900000000000, "plan-later", NULL},
    };
    const struct world *world = *state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_verify_sum sum;
        struct bt_test_lines lines;
        bt_test_evidence(&world->province, true, &lines);
        add_plan(&lines, cases[i].second, cases[i].made_ms);
        BT_AUTO(bt_verdict) verdict = verify(world, &lines, &sum);
        BT_AUTOJSON *list = bt_verdict_json(verdict);
        char *text = cJSON_PrintUnformatted(list);
        assert_int_equal(bt_verdict_count_code(verdict, cases[i].code), 1);
        if (cases[i].found == NULL) {
            assert_holds(verdict);
        } else {
            assert_non_null(strstr(text, cases[i].found));
        }
        cJSON_free(text);
        bt_test_lines_finish(&lines);
    }
}

static void a_plan_that_the_report_leaves_out_and_one_without_report_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, true, &lines);
    add_plan(&lines, 20, 0);
    replace(&lines, bt_test_lines_find(&lines, "plan", 0), "\"s-1\"", "\"s-9\"");
    assert_found(world, &lines, "report-row");
    assert_found(world, &lines, "report-cell");
    replace(&lines, bt_test_lines_find(&lines, "plan", 0), "\"31333\"", "\"31334\"");
    assert_found(world, &lines, "evidence");
    bt_test_lines_finish(&lines);
    bt_test_evidence(&world->province, true, &lines);
    add_plan(&lines, 20, 0);
    bt_test_lines_remove(&lines, bt_test_lines_find(&lines, "report", 0));
    assert_found(world, &lines, "evidence");
    bt_test_lines_finish(&lines);
}

static void coverage_is_counted_again(void **state)
{
    static const struct {
        const char *coverage;
        int64_t faults;
    } cases[] = {
        {"{\\\"screens_shown\\\":2,\\\"missing\\\":[]}", 0},
        {"{\\\"screens_shown\\\":3,\\\"missing\\\":[{\\\"screen\\\":\\\"s-9\\\"}]}", 1},
        {"{\\\"screens_shown\\\":1,\\\"missing\\\":[{\\\"screen\\\":\\\"s-2\\\"}]}", 2},
    };
    const struct world *world = *state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_verify_sum sum;
        struct bt_test_lines lines;
        bt_test_evidence(&world->province, true, &lines);
        BT_AUTOFREE char *with =
            bt_strf("\\\"coverage\\\":%s,\\\"watermarks\\\":", cases[i].coverage);
        replace(&lines, bt_test_lines_find(&lines, "report", 0), "\\\"watermarks\\\":", with);
        BT_AUTO(bt_verdict) verdict = verify(world, &lines, &sum);
        assert_int_equal(bt_verdict_count_code(verdict, "report-coverage"), cases[i].faults);
        assert_int_equal(bt_verdict_count(verdict, BT_FINDING_FAULT), cases[i].faults);
        bt_test_lines_finish(&lines);
    }
}

// Of the rows and the sum, whatever column they stand in.
static void every_changed_digit_of_a_report_is_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    int digits = 0;
    bt_test_evidence(&world->province, true, &lines);
    add_plan(&lines, 20, 0);
    char *rows = strstr(lines.lines[bt_test_lines_find(&lines, "report", 0)], "\\\"rows\\\"");
    assert_non_null(rows);
    for (char *c = rows; !bt_str_starts(c, "\\\"watermarks"); c++) {
        if (*c < '0' || *c > '9') {
            continue;
        }
        struct bt_verify_sum sum;
        char digit = *c;
        *c = digit == '9' ? '1' : (char)(digit + 1);
        BT_AUTO(bt_verdict) verdict = verify_alone(world, &lines, &sum);
        if (bt_verdict_count(verdict, BT_FINDING_FAULT) == 0) {
            fail_msg("'%c' instead of '%c' in '%.40s' was not found", *c, digit, c);
        }
        *c = digit;
        digits++;
    }
    assert_in_range(digits, 40, 400);
    bt_test_lines_finish(&lines);
}

// What others than the server signed, and what it said on those days: whatever byte it changes, it
// is found, or no count has changed.
static void no_byte_of_signed_lines_changes_a_count_unseen(void **state)
{
    static const char *const kinds[] = {"metadata", "document", "heads", "batch"};
    const struct world *world = *state;
    struct bt_test_lines lines;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes it
    size_t step = getenv("BT_LONG") != NULL ? 1 : 53, tried = 0;
    int64_t complete = 2 * bt_test_complete(&world->province);
    bt_test_evidence(&world->province, false, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        char *line = lines.lines[i];
        bool is_signed = false;
        for (size_t k = 0; k < BT_ARRAY_LEN(kinds); k++) {
            BT_AUTOFREE char *start = bt_strf("{\"kind\":\"%s\"", kinds[k]);
            is_signed |= bt_str_starts(line, start);
        }
        size_t len = is_signed ? strlen(line) : 0;
        for (size_t at = i % step; at < len; at += step, tried++) {
            struct bt_verify_sum sum;
            char byte = line[at], changed = (char)(byte ^ (1 << tried % 7));
            line[at] = changed == '\0' || changed == '\n' ? '?' : changed;
            BT_AUTO(bt_verdict) verdict = verify_alone(world, &lines, &sum);
            if (bt_verdict_count(verdict, BT_FINDING_FAULT) == 0 &&
                sum.counts.complete != complete) {
                fail_msg("byte %zu of line %zu: %.60s", at, i, line);
            }
            line[at] = byte;
        }
    }
    assert_true(tried > 100);
    bt_test_lines_finish(&lines);
}

static void rows_put_in_and_left_out_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, true, &lines);
    size_t report = bt_test_lines_find(&lines, "report", 0);
    replace(&lines, report, "\\\"s-2\\\",null,44,", "\\\"s-3\\\",null,44,");
    assert_found(world, &lines, "report-row");
    assert_found(world, &lines, "report-cell");
    replace(&lines, report, "\\\"s-3\\\",null,44,", "\\\"s-1\\\",null,44,");
    assert_found(world, &lines, "report-shape");
    bt_test_lines_finish(&lines);
}

static void every_changed_bit_of_the_file_is_found(void **state)
{
    struct world *world = *state;
    struct bt_test_lines lines;
    struct bt_test_province small;
    bt_test_province_init(&small, 1, 3, 3);
    assert_int_equal(bt_file_replace(world->root, small.root_text, strlen(small.root_text), NULL),
                     0);
    bt_test_evidence(&small, false, &lines);
    bt_test_pack(&lines, small.timestamp, world->evidence);
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, 1 << 20);
    assert_int_equal(bt_file_read(world->evidence, &bytes, NULL), 0);
    for (size_t i = 0; i < bytes.len; i++) {
        struct bt_verify_sum sum;
        bytes.data[i] = (char)(bytes.data[i] ^ (1 << i % 8));
        FILE *file = fopen(world->evidence, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
        assert_int_equal(fclose(file), 0);
        BT_AUTO(bt_verdict) verdict = verify_file(world, -1, &sum);
        if (bt_verdict_count(verdict, BT_FINDING_FAULT) == 0) {
            fail_msg("a changed bit in byte %zu of %zu was not found", i, bytes.len);
        }
        bytes.data[i] = (char)(bytes.data[i] ^ (1 << i % 8));
    }
    bt_test_lines_finish(&lines);
    bt_test_province_finish(&small);
}

static void a_file_that_is_cut_off_is_found(void **state)
{
    struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    bt_test_pack(&lines, world->province.timestamp, world->evidence);
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, 1 << 20);
    assert_int_equal(bt_file_read(world->evidence, &bytes, NULL), 0);
    for (size_t len = 0; len < bytes.len; len += 1 + bytes.len / 97) {
        struct bt_verify_sum sum;
        assert_int_equal(truncate(world->evidence, (off_t)0), 0);
        assert_int_equal(bt_file_replace(world->evidence, bytes.data, len, NULL), 0);
        BT_AUTO(bt_verdict) verdict = verify_file(world, -1, &sum);
        assert_int_equal(bt_verdict_count_code(verdict, "evidence"), 1);
    }
    bt_test_lines_finish(&lines);
}

// The server itself, with its own key: bytes of what others signed, one after the other.
static void whoever_holds_the_servers_key_changes_no_batch(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    BT_AUTOBUF batch = {0};
    bt_test_evidence(&world->province, false, &lines);
    size_t at = bt_test_lines_find(&lines, "batch", 1);
    bt_test_batch(&world->province, 0, 21, NULL, &batch);
    for (size_t i = 0; i < batch.len; i += 1 + batch.len / 61) {
        batch.data[i] = (char)(batch.data[i] ^ (1 << i % 8));
        char *line = lines.lines[at];
        lines.lines[at] = bt_test_batch_line(&batch);
        struct bt_verify_sum sum;
        BT_AUTO(bt_verdict) verdict = verify_alone(world, &lines, &sum);
        // Bits that zstd does not look at change no record: the file's seal is what finds them.
        assert_true(bt_verdict_count(verdict, BT_FINDING_FAULT) > 0 ||
                    sum.counts.complete == 2 * bt_test_complete(&world->province));
        free(lines.lines[at]);
        lines.lines[at] = line;
        batch.data[i] = (char)(batch.data[i] ^ (1 << i % 8));
    }
    bt_test_lines_finish(&lines);
}

static void a_batch_that_somebody_else_signed_is_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    BT_AUTOBUF batch = {0};
    bt_test_evidence(&world->province, false, &lines);
    bt_test_batch(&world->province, 0, 21, world->province.stranger, &batch);
    size_t at = bt_test_lines_find(&lines, "batch", 1);
    free(lines.lines[at]);
    lines.lines[at] = bt_test_batch_line(&batch);
    assert_found(world, &lines, "batch-signature");
    bt_test_lines_finish(&lines);
}

static void a_missing_batch_is_found_wherever_it_lay(void **state)
{
    const struct world *world = *state;
    static const size_t places[] = {0, 1, 2};
    for (size_t i = 0; i < BT_ARRAY_LEN(places); i++) {
        struct bt_test_lines lines;
        bt_test_evidence(&world->province, false, &lines);
        bt_test_lines_remove(&lines, bt_test_lines_find(&lines, "batch", places[i]));
        assert_found(world, &lines, "records-missing");
        bt_test_lines_finish(&lines);
    }
}

static void a_missing_journal_is_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    size_t at = bt_test_lines_find(&lines, "journal", 1);
    while (lines.count > at) {
        bt_test_lines_remove(&lines, at);
    }
    assert_found(world, &lines, "journal-missing");
    bt_test_lines_finish(&lines);
}

static void batches_in_the_wrong_place_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    size_t ours = bt_test_lines_find(&lines, "batch", 0);
    size_t theirs = bt_test_lines_find(&lines, "batch", 3);
    char *line = lines.lines[ours];
    lines.lines[ours] = lines.lines[theirs];
    lines.lines[theirs] = line;
    assert_found(world, &lines, "batch-foreign");
    bt_test_lines_finish(&lines);

    bt_test_evidence(&world->province, false, &lines);
    bt_test_lines_add(&lines, bt_strdup(lines.lines[bt_test_lines_find(&lines, "batch", 3)]));
    assert_found(world, &lines, "batch-order");
    bt_test_lines_finish(&lines);
}

static void swapped_players_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    size_t one = bt_test_lines_find(&lines, "journal", 0);
    replace(&lines, one, "\"screen\":\"s-1\"", "\"screen\":\"s-2\"");
    assert_found(world, &lines, "heads-key");
    assert_found(world, &lines, "player-unknown");
    bt_test_lines_finish(&lines);
}

static void heads_that_go_back_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    size_t last = bt_test_lines_find(&lines, "heads", 3);
    char *line = lines.lines[last];
    lines.lines[last] = bt_strdup(lines.lines[bt_test_lines_find(&lines, "heads", 1)]);
    assert_found(world, &lines, "heads");  // an old one again
    free(lines.lines[last]);
    lines.lines[last] = line;

    // A new chain that the server signs again, with fewer plays than it had said.
    char previous[65] = NO_HASH;
    for (int i = 0; i < 4; i++) {
        size_t at = bt_test_lines_find(&lines, "heads", (size_t)i);
        free(lines.lines[at]);
        lines.lines[at] = bt_test_heads(&world->province, BT_TEST_DAY - 2 + i, i < 2 ? 0 : 53 - i,
                                        world->province.timestamp, previous);
    }
    assert_found(world, &lines, "heads-go-back");
    bt_test_lines_finish(&lines);
}

static void heads_that_others_sign_or_nobody_kept_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_lines lines;
    char previous[65] = NO_HASH;
    bt_test_evidence(&world->province, false, &lines);
    size_t first = bt_test_lines_find(&lines, "heads", 0);
    free(lines.lines[first]);
    lines.lines[first] =
        bt_test_heads(&world->province, BT_TEST_DAY - 2, 0, world->province.stranger, previous);
    assert_found(world, &lines, "heads");
    bt_test_lines_remove(&lines, first);
    assert_found(world, &lines, "heads-start");
    while (bt_str_starts(lines.lines[first + 1], "{\"kind\":\"heads\"")) {
        bt_test_lines_remove(&lines, first + 1);
    }
    assert_found(world, &lines, "heads-short");
    bt_test_lines_remove(&lines, first);
    assert_found(world, &lines, "heads-none");
    bt_test_lines_finish(&lines);
}

// Heads that name more than the batches hold.
static void plays_that_were_taken_out_since_are_found(void **state)
{
    const struct world *world = *state;
    struct bt_test_province more = world->province;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    more.records = 53;
    char previous[65] = NO_HASH;
    for (int i = 0; i < 4; i++) {
        size_t at = bt_test_lines_find(&lines, "heads", (size_t)i);
        free(lines.lines[at]);
        lines.lines[at] = bt_test_heads(&more, BT_TEST_DAY - 2 + i, i < 2 ? 0 : 53,
                                        world->province.timestamp, previous);
    }
    assert_found(world, &lines, "records-missing");
    bt_test_lines_finish(&lines);
}

static void a_player_that_the_server_invented_is_found(void **state)
{
    struct world *world = *state;
    struct bt_test_lines lines;
    struct bt_private_key *own = world->province.players[1];
    struct bt_test_lines honest;
    bt_test_evidence(&world->province, false, &honest);
    // Everything that the server can make anew, with a key of its own for the second player.
    world->province.players[1] = world->province.stranger;
    bt_test_evidence(&world->province, false, &lines);
    world->province.players[1] = own;
    size_t documents[] = {bt_test_lines_find(&lines, "metadata", 2),
                          bt_test_lines_find(&lines, "document", 0),
                          bt_test_lines_find(&lines, "document", 1)};
    for (size_t i = 0; i < BT_ARRAY_LEN(documents); i++) {
        free(lines.lines[documents[i]]);
        lines.lines[documents[i]] = bt_strdup(honest.lines[documents[i]]);
    }
    assert_found(world, &lines, "player-unknown");
    bt_test_lines_remove(&lines, documents[2]);
    assert_found(world, &lines, "document-missing");
    bt_test_lines_finish(&lines);
    bt_test_lines_finish(&honest);
}

static void keys_that_nobody_signed_are_said(void **state)
{
    struct world *world = *state;
    struct bt_verify_sum sum;
    struct bt_test_lines lines;
    world->province.named = false;
    bt_test_evidence(&world->province, false, &lines);
    BT_AUTO(bt_verdict) verdict = verify(world, &lines, &sum);
    assert_holds(verdict);
    assert_int_equal(bt_verdict_count_code(verdict, "keys-by-server"), 1);
    assert_int_equal(bt_verdict_count_code(verdict, "keys"), 0);
    bt_test_lines_finish(&lines);
}

// Its heads say that the journal had come as far under the name it had before.
static void a_machine_that_was_paired_again_goes_on(void **state)
{
    const struct world *world = *state;
    static const struct bt_witness_facts facts = {.player = "d-2",
                                                  .journal = "00000000000000000000000000000001",
                                                  .screen = "s-1",
                                                  .unit = "31333",
                                                  .time_zone = "Asia/Ho_Chi_Minh",
                                                  .state = "open",
                                                  .last_seq = 40};
    struct bt_witness_facts again = facts;
    struct bt_error err = {0};
    struct bt_recount_plan plan = {.from_day = BT_TEST_DAY, .until_day = BT_TEST_DAY};
    BT_AUTO(bt_recount) rows = bt_recount_create();
    BT_AUTO(bt_recount) screens = bt_recount_create();
    const struct bt_witness_counts counts = {&plan, rows, screens};
    for (int there = 0; there < 2; there++) {
        BT_AUTO(bt_verdict) verdict = bt_verdict_create();
        BT_AUTO(bt_marks) marks = bt_marks_create();
        BT_AUTO(bt_vouch) vouch = NULL;
        BT_AUTO(bt_witness) witness = NULL;
        BT_AUTOBUF batch = {0};
        BT_AUTOJSON *units = cJSON_Parse("[\"31333\"]");
        const char *root = world->province.root_text;
        assert_int_equal(bt_vouch_create(root, strlen(root), &vouch, &err), 0);
        char previous[65] = NO_HASH;
        BT_AUTOFREE char *line = bt_test_heads(&world->province, BT_TEST_DAY, there ? 20 : 19,
                                               world->province.timestamp, previous);
        BT_AUTOJSON *heads = cJSON_Parse(line);
        bt_marks_add(marks, cJSON_GetStringValue(cJSON_GetObjectItem(heads, "text")), vouch, units,
                     verdict);
        bt_marks_settle(marks, BT_TEST_DAY, verdict);
        bt_test_batch_of(&world->province, 0, 21, "d-2", &batch);
        bt_test_public_key(world->province.players[0], again.public_key);
        assert_int_equal(
            bt_witness_create(&again, "31333", marks, INT64_MAX, verdict, &witness, &err), 0);
        BT_AUTO(bt_testimony)
        testimony = bt_testimony_read(witness, BT_TEST_MIDNIGHT_MS, batch.data, batch.len);
        assert_int_equal(bt_witness_take(witness, testimony, &counts, &err), 0);
        assert_int_equal(bt_verdict_count(verdict, BT_FINDING_FAULT), there ? 0 : 1);
        assert_int_equal(bt_verdict_count_code(verdict, "records-missing"), there ? 0 : 1);
    }
}

static void metadata_that_others_signed_are_found(void **state)
{
    const struct world *world = *state;
    static const char *const kinds[] = {"metadata", "metadata", "metadata"};
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        struct bt_test_lines lines;
        bt_test_evidence(&world->province, false, &lines);
        replace(&lines, bt_test_lines_find(&lines, kinds[i], i), "2100", "2101");
        assert_found(world, &lines, "metadata");
        bt_test_lines_finish(&lines);
    }
}

static void another_root_than_the_inspectors_proves_nothing(void **state)
{
    struct world *world = *state;
    struct bt_test_province other;
    struct bt_test_lines lines;
    bt_test_province_init(&other, 2, 50, 20);
    bt_test_evidence(&other, false, &lines);
    bt_test_pack(&lines, other.timestamp, world->evidence);
    struct bt_verify_sum sum;
    BT_AUTO(bt_verdict) verdict = verify_file(world, -1, &sum);
    assert_true(bt_verdict_count_code(verdict, "metadata") > 0);
    bt_test_lines_finish(&lines);
    bt_test_province_finish(&other);
}

static void a_seal_of_somebody_else_is_found(void **state)
{
    const struct world *world = *state;
    struct bt_verify_sum sum;
    struct bt_test_lines lines;
    bt_test_evidence(&world->province, false, &lines);
    bt_test_pack(&lines, world->province.stranger, world->evidence);
    BT_AUTO(bt_verdict) verdict = verify_file(world, -1, &sum);
    assert_int_equal(bt_verdict_count_code(verdict, "evidence"), 1);
    bt_test_lines_finish(&lines);
}

static void lines_out_of_order_and_unknown_ones_are_refused(void **state)
{
    const struct world *world = *state;
    static const char *const odd[] = {
        "{\"kind\":\"evidence\"}",        "{\"kind\":\"heads\",\"text\":\"\"}",
        "{\"kind\":\"surprise\"}",        "no JSON",
        "{\"kind\":\"journal\"}",         "",
        "{\"kind\":\"end\",\"lines\":1}", "{\"kind\":\"batch\",\"received_ms\":1,\"body\":\"%\"}"};
    for (size_t i = 0; i < BT_ARRAY_LEN(odd); i++) {
        struct bt_test_lines lines;
        bt_test_evidence(&world->province, false, &lines);
        bt_test_lines_add(&lines, bt_strdup(odd[i]));
        assert_found(world, &lines, "evidence");
        bt_test_lines_finish(&lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(what_is_true_holds),
        IN_WORLD(a_true_report_holds),
        IN_WORLD(the_one_altered_number_is_named),
        IN_WORLD(what_was_scheduled_is_held_against_the_plan_of_each_day),
        IN_WORLD(a_plan_that_the_report_leaves_out_and_one_without_report_are_found),
        IN_WORLD(coverage_is_counted_again),
        IN_WORLD(every_changed_digit_of_a_report_is_found),
        IN_WORLD(no_byte_of_signed_lines_changes_a_count_unseen),
        IN_WORLD(rows_put_in_and_left_out_are_found),
        IN_WORLD(every_changed_bit_of_the_file_is_found),
        IN_WORLD(a_file_that_is_cut_off_is_found),
        IN_WORLD(whoever_holds_the_servers_key_changes_no_batch),
        IN_WORLD(a_batch_that_somebody_else_signed_is_found),
        IN_WORLD(a_missing_batch_is_found_wherever_it_lay),
        IN_WORLD(a_missing_journal_is_found),
        IN_WORLD(batches_in_the_wrong_place_are_found),
        IN_WORLD(swapped_players_are_found),
        IN_WORLD(heads_that_go_back_are_found),
        IN_WORLD(heads_that_others_sign_or_nobody_kept_are_found),
        IN_WORLD(plays_that_were_taken_out_since_are_found),
        IN_WORLD(a_player_that_the_server_invented_is_found),
        IN_WORLD(keys_that_nobody_signed_are_said),
        IN_WORLD(a_machine_that_was_paired_again_goes_on),
        IN_WORLD(metadata_that_others_signed_are_found),
        IN_WORLD(another_root_than_the_inspectors_proves_nothing),
        IN_WORLD(a_seal_of_somebody_else_is_found),
        IN_WORLD(lines_out_of_order_and_unknown_ones_are_refused),
    };
    return cmocka_run_group_tests_name("cli/verify", tests, NULL, NULL);
}
