#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/str.h"

void bt_secret_destroy(char *secret)
{
    if (secret != NULL) {
        OPENSSL_cleanse(secret, strlen(secret));
        free(secret);
    }
}

// One line byte by byte, so that what follows stays for whoever reads next.
static int read_line(int fd, char line[BT_SECRET_MAX_BYTES], struct bt_error *err)
{
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return bt_fail_errno(err, "Cannot read the secret");
        }
        if (got == 0 || c == '\n') {
            break;
        }
        if (c == '\0' || len + 1 == BT_SECRET_MAX_BYTES) {
            return bt_fail(err, -EMSGSIZE, "A secret longer than %d bytes, or with a NUL",
                           BT_SECRET_MAX_BYTES - 1);
        }
        line[len++] = c;
    }
    len -= len > 0 && line[len - 1] == '\r';
    line[len] = '\0';
    return 0;
}

// As every keyboard and the browser's page would give it.
static int normalise(const char *line, char **out, struct bt_error *err)
{
    if (line[0] == '\0') {
        return bt_fail(err, -EINVAL, "Mật khẩu trống / the secret is empty");
    }
    utf8proc_uint8_t *normal = utf8proc_NFC((const utf8proc_uint8_t *)line);
    if (normal == NULL) {
        return bt_fail(err, -EINVAL, "Mật khẩu không phải UTF-8 / the secret is not UTF-8");
    }
    *out = (char *)normal;
    return 0;
}

static int read_from(int fd, char **out, struct bt_error *err)
{
    char line[BT_SECRET_MAX_BYTES];
    int r = read_line(fd, line, err);
    if (r == 0) {
        r = normalise(line, out, err);
    }
    OPENSSL_cleanse(line, sizeof(line));
    return r;
}

static int ask(int terminal, const char *prompt, char **out, struct bt_error *err)
{
    struct termios shown, hidden;
    sigset_t all, before;
    if (tcgetattr(terminal, &shown) < 0) {
        return bt_fail_errno(err, "Cannot ask at the terminal");
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);  // whoever leaves here leaves a terminal with echo
    tcsetattr(terminal, TCSAFLUSH, &hidden);
    dprintf(terminal, "%s: ", prompt);
    int r = read_from(terminal, out, err);
    tcsetattr(terminal, TCSADRAIN, &shown);
    sigprocmask(SIG_SETMASK, &before, NULL);
    dprintf(terminal, "\n");
    return r;
}

static int ask_terminal(const char *kind, const char *prompt, bool twice, char **out,
                        struct bt_error *err)
{
    BT_AUTOCLOSE int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return bt_fail(err, -ENOTTY,
                       "Không có màn hình lệnh để hỏi; dùng / no terminal to ask at; use "
                       "--%s-file, --%s-fd",
                       kind, kind);
    }
    BT_AUTOSECRET char *first = NULL;
    BT_AUTOSECRET char *second = NULL;
    int r = ask(terminal, prompt, &first, err);
    if (r == 0 && twice) {
        r = ask(terminal, "Nhập lại / again", &second, err);
        if (r == 0 && strcmp(first, second) != 0) {
            r = bt_fail(err, -EINVAL, "Hai lần nhập khác nhau / the two are not the same");
        }
    }
    if (r == 0) {
        *out = BT_TAKE(first);
    }
    return r;
}

int bt_secret_read(const struct bt_arguments *arguments, const char *kind, const char *prompt,
                   bool twice, char **out, struct bt_error *err)
{
    BT_AUTOFREE char *by_file = bt_strf("%s-file", kind), *by_fd = bt_strf("%s-fd", kind);
    const char *path = bt_argument(arguments, by_file);
    if (path != NULL) {
        BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? bt_fail_errno(err, "Cannot open '%s'", path) : read_from(fd, out, err);
    }
    int64_t fd = bt_argument_int(arguments, by_fd, -1);
    return fd >= 0 ? read_from((int)fd, out, err) : ask_terminal(kind, prompt, twice, out, err);
}
