// bangtin plays: what was shown, out of a player's journal, and whether the journal is whole.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "plays/export.h"
#include "plays/summary.h"
#include "plays/verify.h"

// A line for each of the items a summary tells apart.
#define SUMMARY_MAX_BYTES (1024 * 1024)

static const char help[] =
    "Cách dùng / usage:\n"
    "  bangtin plays export --journal DB [--format jsonl|csv] [--from TIME] [--to TIME]\n"
    "                       [--time-zone NAME] [--separator ';'|',']\n"
    "  bangtin plays summary --journal DB\n"
    "  bangtin plays verify --journal DB | --export FILE\n"
    "\n"
    "summary đếm lượt phát của từng nội dung. / summary counts the plays of each item.\n"
    "\n"
    "export xuất sổ lượt phát ra màn hình; thêm > TEN-TEP để lưu. Máy đang phát vẫn xuất được.\n"
    "export writes the record of plays to standard output; > FILE keeps it. The player may be\n"
    "running meanwhile.\n"
    "  --format jsonl   mọi bản ghi, đúng từng byte, để máy đọc và kiểm tra lại (mặc định)\n"
    "                   every record, byte for byte, for machines and for verify (default)\n"
    "  --format csv     bảng cho Excel, LibreOffice / a table for spreadsheets\n"
    "  --from, --to     từ lúc, đến trước lúc / from, until before: 2026-11-01, hoặc / or\n"
    "                   2026-11-01T06:00:00+07:00\n"
    "  --time-zone      giờ trong bảng và của --from, --to / of the table's times and of --from\n"
    "                   and --to (Asia/Ho_Chi_Minh)\n"
    "  --separator      dấu ngăn cột của CSV / between the columns of CSV (;)\n"
    "\n"
    "verify kiểm tra chuỗi băm và số thứ tự: có bản ghi nào bị sửa, mất, chèn thêm không. Mã "
    "thoát\n"
    "0: nguyên vẹn; 1: có lỗi.\n"
    "verify checks the chain of hashes and the numbers: was any record changed, lost or put in?\n"
    "Exit status 0: whole; 1: not. --export FILE checks a file that export wrote as jsonl.\n";

static const struct option long_options[] = {
    {"journal", required_argument, NULL, 'j'},
    {"format", required_argument, NULL, 'f'},
    {"from", required_argument, NULL, 'a'},
    {"to", required_argument, NULL, 'b'},
    {"time-zone", required_argument, NULL, 'z'},
    {"separator", required_argument, NULL, 's'},
    {"export", required_argument, NULL, 'e'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *journal, *export, *from, *to, *time_zone;
    enum bt_export_format format;
    char separator;
    bool help;
};

static int parse_format(const char *word, struct options *options)
{
    if (strcmp(word, "csv") != 0 && strcmp(word, "jsonl") != 0) {
        fprintf(stderr, "bangtin plays: --format '%s': chọn / choose jsonl, csv\n", word);
        return -EINVAL;
    }
    options->format = strcmp(word, "csv") == 0 ? BT_EXPORT_CSV : BT_EXPORT_JSONL;
    return 0;
}

static int parse_separator(const char *word, struct options *options)
{
    if (strcmp(word, ";") != 0 && strcmp(word, ",") != 0) {
        fprintf(stderr, "bangtin plays: --separator '%s': chọn / choose ';' ','\n", word);
        return -EINVAL;
    }
    options->separator = word[0];
    return 0;
}

static int parse_option(int key, struct options *options)
{
    switch (key) {
    case 'f':
        return parse_format(optarg, options);
    case 's':
        return parse_separator(optarg, options);
    case 'j':
        options->journal = optarg;
        return 0;
    case 'e':
        options->export = optarg;
        return 0;
    case 'a':
        options->from = optarg;
        return 0;
    case 'b':
        options->to = optarg;
        return 0;
    case 'z':
        options->time_zone = optarg;
        return 0;
    case 'h':
        options->help = true;
        return 0;
    default:
        return -EINVAL;
    }
}

static int parse_options(int argc, char **argv, struct options *options)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread is there yet
    for (int key; (key = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (parse_option(key, options) < 0) {
            return -EINVAL;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "bangtin plays: không hiểu / what is '%s'?\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

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

static int export(const struct options *options, struct bt_error *err)
{
    BT_AUTO(bt_tz) tz = NULL;
    int r = bt_tz_load(options->time_zone, &tz, err);
    if (r < 0) {
        return r;
    }
    struct bt_export_options how = {
        .format = options->format, .separator = options->separator, .tz = tz, .to_ms = INT64_MAX};
    if ((r = parse_time(options->from, tz, &how.from_ms, err)) < 0 ||
        (r = parse_time(options->to, tz, &how.to_ms, err)) < 0) {
        return r;
    }
    r = bt_plays_export(options->journal, &how, write_piece, stdout, err);
    if (r == 0 && fflush(stdout) != 0) {
        r = bt_fail_errno(err, "Cannot write the export");
    }
    return r;
}

static int need_journal(const struct options *options, const char *verb)
{
    if (options->journal == NULL) {
        fprintf(stderr, "bangtin plays %s: cần / needed: --journal DB\n", verb);
        return -EINVAL;
    }
    return 0;
}

static int run_export(const struct options *options)
{
    struct bt_error err = {""};
    if (need_journal(options, "export") < 0) {
        return BT_EXIT_USAGE;
    }
    if (export(options, &err) < 0) {
        fprintf(stderr, "bangtin plays export: %s\n", err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static int run_summary(const struct options *options)
{
    struct bt_error err = {""};
    BT_AUTOBUF table;
    bt_buf_init(&table, SUMMARY_MAX_BYTES);
    if (need_journal(options, "summary") < 0) {
        return BT_EXIT_USAGE;
    }
    if (bt_plays_summary(options->journal, &table, &err) < 0) {
        fprintf(stderr, "bangtin plays summary: %s\n", err.msg);
        return BT_EXIT_FAILED;
    }
    fputs(bt_buf_text(&table), stdout);
    return BT_EXIT_OK;
}

static int run_verify(const struct options *options)
{
    struct bt_error err = {""};
    struct bt_plays_verdict verdict;
    if ((options->journal == NULL) == (options->export == NULL)) {
        fputs("bangtin plays verify: cần một trong hai / one is needed: --journal DB, "
              "--export FILE\n",
              stderr);
        return BT_EXIT_USAGE;
    }
    int r = options->journal != NULL ? bt_plays_verify(options->journal, &verdict, &err)
                                     : bt_plays_verify_export(options->export, &verdict, &err);
    if (r < 0) {
        fprintf(stderr, "bangtin plays verify: %s\n", err.msg);
        return BT_EXIT_FAILED;
    }
    printf("%s\n%s\n", verdict.vi, verdict.en);
    return verdict.faults == 0 ? BT_EXIT_OK : BT_EXIT_FAILED;
}

static const struct {
    const char *name;
    int (*run)(const struct options *options);
} verbs[] = {
    {"export", run_export},
    {"summary", run_summary},
    {"verify", run_verify},
};

int bt_command_plays(int argc, char **argv)
{
    struct options options = {.time_zone = "Asia/Ho_Chi_Minh"};
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, verb) != 0) {
            continue;
        }
        if (parse_options(argc - 1, argv + 1, &options) < 0) {
            fputs("bangtin plays --help\n", stderr);
            return BT_EXIT_USAGE;
        }
        if (options.help) {
            fputs(help, stdout);
            return BT_EXIT_OK;
        }
        return verbs[i].run(&options);
    }
    fprintf(stderr, "bangtin plays: '%s'? export, summary, verify\nbangtin plays --help\n", verb);
    return BT_EXIT_USAGE;
}
