#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#ifdef __clang_analyzer__
#undef bt_fail
#undef bt_fail_in
#undef bt_fail_errno
#endif

static void BT_PRINTF(2, 0) write_message(struct bt_error *err, const char *format, va_list args)
{
    vsnprintf(err->msg, sizeof(err->msg), format, args);
    bt_utf8_drop_invalid(err->msg);
}

int bt_fail(struct bt_error *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        write_message(err, format, args);
        va_end(args);
    }
    return code;
}

int bt_fail_in(struct bt_error *err, int code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    struct bt_error what = *err;
    va_list args;
    va_start(args, format);
    write_message(err, format, args);
    va_end(args);
    size_t len = strlen(err->msg);
    snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", what.msg);
    bt_utf8_drop_invalid(err->msg);
    return code;
}

int bt_fail_errno(struct bt_error *err, const char *format, ...)
{
    int saved = errno;
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        write_message(err, format, args);
        va_end(args);
        char reason[128];
        size_t len = strlen(err->msg);
        snprintf(err->msg + len, sizeof(err->msg) - len, ": %s",
                 strerror_r(saved, reason, sizeof(reason)));
        bt_utf8_drop_invalid(err->msg);
    }
    return saved > 0 ? -saved : -EIO;
}
