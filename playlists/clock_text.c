#include "playlists/clock_text.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/mem.h"
#include "playlists/lunar.h"

// A pattern of the longest text whose every two bytes become a lunar date stays below this.
#define MAX_TEXT_BYTES (256 * 1024)

static const char *const weekdays[] = {"Thứ Hai", "Thứ Ba",  "Thứ Tư",  "Thứ Năm",
                                       "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"};

int bt_clock_pattern_check(const char *pattern, struct bt_error *err)
{
    for (const char *at = strchr(pattern, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] == '\0' || strchr("HMSdmYAlL%", at[1]) == NULL) {
            return bt_fail(err, -EINVAL,
                           "unknown placeholder at byte %zu; known are %%H %%M %%S %%d %%m %%Y %%A "
                           "%%l %%L %%%%",
                           (size_t)(at - pattern));
        }
    }
    return 0;
}

// Nothing where the calendar ends.
static int append_lunar(struct bt_buf *buf, void (*write)(const struct bt_lunar *, char *),
                        int64_t local_s)
{
    char text[BT_LUNAR_BYTES] = "";
    struct bt_lunar lunar;
    if (bt_lunar_from_s(local_s, &lunar)) {
        write(&lunar, text);
    }
    return bt_buf_append(buf, text, strlen(text));
}

static int append(struct bt_buf *buf, char placeholder, const struct bt_civil *now, int64_t local_s)
{
    switch (placeholder) {
    case 'H':
        return bt_buf_appendf(buf, "%02d", now->hour);
    case 'M':
        return bt_buf_appendf(buf, "%02d", now->minute);
    case 'S':
        return bt_buf_appendf(buf, "%02d", now->second);
    case 'd':
        return bt_buf_appendf(buf, "%02d", now->day);
    case 'm':
        return bt_buf_appendf(buf, "%02d", now->month);
    case 'Y':
        return bt_buf_appendf(buf, "%d", now->year);
    case 'A':
        return bt_buf_appendf(buf, "%s", weekdays[bt_civil_weekday(local_s)]);
    case 'l':
        return append_lunar(buf, bt_lunar_short, local_s);
    case 'L':
        return append_lunar(buf, bt_lunar_long, local_s);
    default:
        return bt_buf_append(buf, "%", 1);
    }
}

char *bt_clock_text(const char *pattern, int64_t local_s)
{
    struct bt_civil now = bt_civil_from_s(local_s);
    BT_AUTOBUF buf;
    bt_buf_init(&buf, MAX_TEXT_BYTES);
    int r = 0;
    for (const char *at = pattern; *at != '\0' && r == 0; at++) {
        if (*at == '%' && at[1] != '\0') {
            r = append(&buf, *++at, &now, local_s);
        } else {
            r = bt_buf_append(&buf, at, 1);
        }
    }
    return bt_strdup(bt_buf_text(&buf));
}

bool bt_clock_shows_seconds(const char *pattern)
{
    for (const char *at = strchr(pattern, '%'); at != NULL && at[1] != '\0';
         at = strchr(at + 2, '%')) {
        if (at[1] == 'S') {
            return true;
        }
    }
    return false;
}
