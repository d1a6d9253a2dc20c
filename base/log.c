#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

// One line of a log is for reading; what is longer is cut.
#define LINE_MAX_BYTES 1024

static atomic_int threshold = BT_LOG_INFO;  // allow: one for the process, set once by main

static const struct {
    const char *journal_prefix;  // systemd's sd-daemon.h levels
    const char *word;
} levels[] = {
    [BT_LOG_ERROR] = {"<3>", "error: "},
    [BT_LOG_WARN] = {"<4>", "warning: "},
    [BT_LOG_INFO] = {"<6>", ""},
    [BT_LOG_DEBUG] = {"<7>", "debug: "},
};

void bt_log_set_level(enum bt_log_level level)
{
    atomic_store(&threshold, (int)level);
}

// Text from outside may carry control characters that would forge a second line or move a cursor.
static void make_printable(char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = '?';
        }
    }
}

void bt_log_write(const struct bt_log *log, enum bt_log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&threshold)) {
        return;
    }
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    bt_utf8_trim_partial(line);
    make_printable(line);
    // Nobody here calls setenv, so getenv is safe in any thread.
    bool journal = getenv("JOURNAL_STREAM") != NULL;  // NOLINT(concurrency-mt-unsafe)
    const char *prefix = journal ? levels[level].journal_prefix : "";
    fprintf(stderr, "%s%s: %s%s\n", prefix, log != NULL ? log->name : "bangtin", levels[level].word,
            line);
}
