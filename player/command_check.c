#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "media/check.h"
#include "player/commands.h"

// A report's line: paths are the longest part.
#define LINE_MAX_BYTES 65536

// Apart from the verdicts' own 0, 1 and 2 (sysexits' EX_USAGE).
#define EXIT_USAGE 64

static enum bt_verdict check_file(const char *path)
{
    struct bt_media_report report;
    bt_media_check(path, &report);
    BT_AUTOBUF line;
    bt_buf_init(&line, LINE_MAX_BYTES);
    if (bt_media_check_write_json(path, &report, &line) < 0) {
        fprintf(stderr, "bangtin-player check: '%.200s…': tên quá dài / the name is too long\n",
                path);
        return BT_VERDICT_REFUSED;
    }
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
    return report.verdict;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)err;
    enum bt_verdict worst = BT_VERDICT_PLAYS;
    for (size_t i = 0; i < bt_operand_count(arguments); i++) {
        enum bt_verdict verdict = check_file(bt_operand(arguments, i));
        worst = BT_MAX(worst, verdict);
    }
    return (int)worst;
}

static const struct bt_subcommand commands[] = {
    {NULL, "[--] FILE…", 1, INT32_MAX,
     "Mỗi tệp một dòng JSON: phát được hay không, vì sao, và nên làm gì.\n"
     "A JSON line per file: `plays`, `plays-with-notice:CODE` or `refused:CODE`, the facts, and\n"
     "advice. The codes are in docs/media.md.\n"
     "Trạng thái kết thúc / exit status: 0 tất cả phát được / all play, 1 có lưu ý / some with a\n"
     "notice, 2 có tệp bị từ chối / some are refused, 64 dòng lệnh sai / wrong command line.",
     .run = run},
};

const struct bt_command_group bt_check_commands = {
    .name = "check",
    .summary = "Kiểm tra ảnh, clip / would these files play, and if not why",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
    .usage_status = EXIT_USAGE,
};
