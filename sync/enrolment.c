#include "sync/enrolment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

// With the end of its line.
#define MAX_BYTES 80

static const struct bt_log logger = {"sync/enrolment"};

static bool is_secret(const char *text, size_t len)
{
    return len == BT_ENROLMENT_BYTES - 1 && strspn(text, "0123456789abcdef") == len;
}

void bt_enrolment_read(const char *directory, char out[BT_ENROLMENT_BYTES])
{
    BT_AUTOFREE char *path = bt_strf("%s/enrolment", directory);
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    struct bt_error err = {0};
    out[0] = '\0';
    int r = bt_file_read(path, &text, &err);
    if (r == -ENOENT) {
        return;
    }
    const char *line = bt_buf_text(&text);
    size_t len = strcspn(line, "\r\n");
    if (r == 0 && is_secret(line, len)) {
        bt_copy_cut(out, BT_ENROLMENT_BYTES, line);
        out[len] = '\0';
        return;
    }
    bt_log_warn(&logger, "'%s' is not usable (%s); pairing by code", path,
                r < 0 ? err.msg : "not 64 hex digits");
    if (r == 0 || r == -EMSGSIZE) {
        bt_enrolment_forget(directory);
    }
}

void bt_enrolment_forget(const char *directory)
{
    BT_AUTOFREE char *path = bt_strf("%s/enrolment", directory);
    if (unlink(path) < 0) {
        struct bt_error err;
        if (errno != ENOENT) {
            bt_fail_errno(&err, "Cannot remove '%s'", path);
            bt_log_warn(&logger, "%s", err.msg);
        }
        return;
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}
