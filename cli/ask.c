#include "cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"

enum { BAR_COLUMNS = 30 };

int bt_ask_line(const char *question, char *out, size_t size, struct bt_error *err)
{
    if (!isatty(STDIN_FILENO)) {
        return bt_fail(err, -ENOTTY, "Không có ai để hỏi / nobody is there to ask: %s", question);
    }
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    if (fgets(out, (int)size, stdin) == NULL) {
        return bt_fail(err, -ECANCELED, "Đã thôi / given up");
    }
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

int bt_ask_yes(const char *question, bool *out, struct bt_error *err)
{
    static const char *const words[] = {"có", "co", "c", "yes", "y"};
    char line[32];
    int r = bt_ask_line(question, line, sizeof(line), err);
    *out = false;
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(words); i++) {
        *out |= strcasecmp(line, words[i]) == 0;
    }
    return r;
}

void bt_progress_bar(void *context, int64_t done, int64_t total)
{
    char bar[BAR_COLUMNS + 1];
    if (!isatty(STDERR_FILENO) || total <= 0) {
        return;
    }
    int filled = (int)(done * BAR_COLUMNS / total);
    for (int i = 0; i < BAR_COLUMNS; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[BAR_COLUMNS] = '\0';
    fprintf(stderr, "\r\033[K%s [%s] %3d %%", (const char *)context, bar,
            (int)(done * 100 / total));
}

void bt_progress_end(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}
