// bangtin plays: what was shown, out of a player's journal, and whether the journal is whole.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "plays/export.h"
#include "plays/summary.h"
#include "plays/verify.h"

// A line for each of the items a summary tells apart.
#define SUMMARY_MAX_BYTES (1024 * 1024)

// A day or an instant → UTC.
static int parse_time(const char *text, const struct bt_tz *tz, int64_t *out_ms,
                      struct bt_error *err)
{
    int64_t local_s;
    if (text == NULL || bt_rfc3339_parse(text, out_ms) == 0) {
        return 0;
    }
    if (bt_date_parse(text, &local_s) < 0) {
        return bt_fail(err, -EINVAL,
                       "'%s': cần dạng / must look like 2026-11-01 or 2026-11-01T06:00:00+07:00",
                       text);
    }
    *out_ms = bt_tz_to_utc_s(tz, local_s) * 1000;
    return 0;
}

static int write_piece(const char *bytes, size_t len, void *context)
{
    return fwrite(bytes, 1, len, context) == len ? 0 : -EPIPE;
}

static int run_export(const struct bt_arguments *arguments, struct bt_error *err)
{
    const char *format = bt_argument(arguments, "format");
    const char *separator = bt_argument(arguments, "separator");
    const char *time_zone = bt_argument(arguments, "time-zone");
    BT_AUTO(bt_tz) tz = NULL;
    int r = bt_tz_load(time_zone != NULL ? time_zone : "Asia/Ho_Chi_Minh", &tz, err);
    if (r < 0) {
        return r;
    }
    struct bt_export_options how = {.format = bt_str_equal(format, "csv") ? BT_EXPORT_CSV
                                                                          : BT_EXPORT_JSONL,
                                    .separator = separator != NULL ? separator[0] : ';',
                                    .tz = tz,
                                    .to_ms = INT64_MAX};
    if ((r = parse_time(bt_argument(arguments, "from"), tz, &how.from_ms, err)) < 0 ||
        (r = parse_time(bt_argument(arguments, "to"), tz, &how.to_ms, err)) < 0) {
        return r;
    }
    r = bt_plays_export(bt_argument(arguments, "journal"), &how, write_piece, stdout, err);
    if (r == 0 && fflush(stdout) != 0) {
        r = bt_fail_errno(err, "Cannot write the export");
    }
    return r;
}

static int run_summary(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOBUF table;
    bt_buf_init(&table, SUMMARY_MAX_BYTES);
    int r = bt_plays_summary(bt_argument(arguments, "journal"), &table, err);
    if (r == 0) {
        fputs(bt_buf_text(&table), stdout);
    }
    return r;
}

static int check_verify(const struct bt_arguments *arguments, struct bt_error *err)
{
    return bt_argument_flag(arguments, "journal") == bt_argument_flag(arguments, "export")
               ? bt_fail(err, -EINVAL,
                         "cần một trong hai / one is needed: --journal DB, --export FILE")
               : 0;
}

static int run_verify(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_plays_verdict verdict;
    const char *journal = bt_argument(arguments, "journal");
    int r = journal != NULL
                ? bt_plays_verify(journal, &verdict, err)
                : bt_plays_verify_export(bt_argument(arguments, "export"), &verdict, err);
    if (r < 0) {
        return r;
    }
    printf("%s\n%s\n", verdict.vi, verdict.en);
    return verdict.faults == 0 ? BT_EXIT_OK : BT_EXIT_FAILED;
}

#define JOURNAL "journal", "DB", "sổ lượt phát của máy phát / a player's record of plays"

static const char *const formats[] = {"jsonl", "csv", NULL};
static const char *const separators[] = {";", ",", NULL};
static const struct bt_option export_options[] = {
    {JOURNAL, .required = true},
    {"format", "WORD",
     "jsonl: mọi bản ghi, đúng từng byte, để kiểm tra lại (mặc định); csv: bảng cho Excel, "
     "LibreOffice / jsonl: every record, byte for byte, for verify (default); csv: a table",
     .words = formats},
    {"from", "TIME", "từ lúc / from: 2026-11-01, 2026-11-01T06:00:00+07:00"},
    {"to", "TIME", "đến trước lúc / until before"},
    {"time-zone", "NAME",
     "giờ trong bảng và của --from, --to / of the table's times and of --from and --to "
     "(Asia/Ho_Chi_Minh)"},
    {"separator", "';'|','", "dấu ngăn cột của CSV / between the columns of CSV (;)",
     .words = separators},
};
static const struct bt_option summary_options[] = {{JOURNAL, .required = true}};
static const struct bt_option verify_options[] = {
    {JOURNAL},
    {"export", "FILE", "hoặc tệp jsonl do export viết / or a file that export wrote as jsonl"},
};

static const struct bt_subcommand commands[] = {
    {"export", NULL, 0, 0,
     "Xuất sổ lượt phát ra màn hình; thêm > TEN-TEP để lưu. Máy đang phát vẫn xuất được.\n"
     "Writes the record of plays to standard output; > FILE keeps it. The player may be running\n"
     "meanwhile.",
     BT_OPTIONS(export_options), .run = run_export},
    {"summary", NULL, 0, 0, "Đếm lượt phát của từng nội dung. / Counts the plays of each item.",
     BT_OPTIONS(summary_options), .run = run_summary},
    {"verify", NULL, 0, 0,
     "Kiểm tra chuỗi băm và số thứ tự: có bản ghi nào bị sửa, mất, chèn thêm không. Mã thoát 0:\n"
     "nguyên vẹn; 1: có lỗi.\n"
     "Checks the chain of hashes and the numbers: was any record changed, lost or put in? Exit\n"
     "status 0: whole; 1: not.",
     BT_OPTIONS(verify_options), .check = check_verify, .run = run_verify},
};

const struct bt_command_group bt_plays_commands = {
    .name = "plays",
    .summary = "Đếm, xuất, kiểm tra lượt phát / count, export and verify what was shown",
    .example =
        "  bangtin plays summary --journal plays.db\n"
        "  bangtin plays export --journal plays.db --format csv --from 2026-11-01 > luot.csv\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
