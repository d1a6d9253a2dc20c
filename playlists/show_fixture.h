// For tests: shows out of publications written down with ' for ".
#ifndef BT_PLAYLISTS_SHOW_FIXTURE_H
#define BT_PLAYLISTS_SHOW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "playlists/show.h"

static inline struct bt_publication *fixture_publication(const char *quoted)
{
    BT_AUTOFREE char *text = bt_strdup(quoted);
    for (char *c = strchr(text, '\''); c != NULL; c = strchr(c, '\'')) {
        *c = '"';
    }
    struct bt_publication *out = NULL;
    struct bt_error err;
    if (bt_publication_parse(text, strlen(text), BT_UNKNOWN_REFUSE, &out, &err) < 0) {
        fail_msg("%s\n%s", err.msg, text);
    }
    return out;
}

// In UTC+7, all year round.
static inline int fixture_try_show(const char *const *quoted, size_t count, struct bt_show **out,
                                   struct bt_error *err)
{
    struct bt_publication *publications[BT_MAX_PUBLICATIONS];
    for (size_t i = 0; i < count; i++) {
        publications[i] = fixture_publication(quoted[i]);
    }
    return bt_show_create(publications, count, bt_tz_create_fixed(7 * 3600), out, err);
}

static inline struct bt_show *fixture_show(const char *quoted)
{
    struct bt_show *show = NULL;
    struct bt_error err;
    if (fixture_try_show(&quoted, 1, &show, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return show;
}

static inline int64_t fixture_ns(const char *time)
{
    int64_t ms;
    assert_int_equal(bt_rfc3339_parse(time, &ms), 0);
    return ms * BT_NS_PER_MS;
}

#endif
