#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "media/check.h"
#include "player/commands.h"

// A report's line: paths are the longest part.
#define LINE_MAX_BYTES 65536

static const char help[] =
    "Cách dùng / usage: bangtin-player check [--] FILE…\n"
    "\n"
    "Mỗi tệp một dòng JSON: phát được hay không, vì sao, và nên làm gì.\n"
    "A JSON line per file: `plays`, `plays-with-notice:CODE` or `refused:CODE`, the facts, and\n"
    "advice. The codes are in docs/media.md.\n"
    "\n"
    "Trạng thái kết thúc / exit status: 0 tất cả phát được / all play, 1 có lưu ý / some with a\n"
    "notice, 2 có tệp bị từ chối / some are refused, 64 dòng lệnh sai / wrong command line.\n";

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

int bt_command_check(int argc, char **argv)
{
    static const struct option long_options[] = {{"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int key = getopt_long(argc, argv, "", long_options, NULL);
    if (key == 'h') {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    if (key != -1 || optind >= argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    enum bt_verdict worst = BT_VERDICT_PLAYS;
    for (int i = optind; i < argc; i++) {
        enum bt_verdict verdict = check_file(argv[i]);
        worst = BT_MAX(worst, verdict);
    }
    return (int)worst;
}
