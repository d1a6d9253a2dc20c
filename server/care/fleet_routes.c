// GET /v1/fleet: every screen that the caller may see, on one page.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/care/handlers.h"
#include "server/care/limits.h"
#include "server/care/screens.h"
#include "server/fleet/fleet.h"

// 20,000 screens that say much.
#define PAGE_MAX_BYTES (24 * 1024 * 1024)
#define ON_MAX_BYTES 4096

static const char *const states[] = {"ok",     "trouble",    "dark",     "not-obeying",
                                     "silent", "never-seen", "no-player"};

struct fleet {
    struct bt_call *call;  // borrowed
    const struct bt_all_limits *limits;
    const char *state;  // wanted, or NULL
    int64_t counts[BT_ARRAY_LEN(states)];
    struct bt_buf items;
    struct bt_db_rows *alerts;  // of the page, by object; the cursor stands on the next one
    bool has_alert;
};

static int put_text(struct bt_buf *out, const char *key, const char *text)
{
    int r = bt_buf_appendf(out, ",\"%s\":", key);
    return r < 0 ? r : bt_json_append_string(out, text);
}

static int put_number(struct bt_buf *out, const char *key, int64_t number)
{
    return number == BT_CARE_UNKNOWN ? bt_buf_appendf(out, ",\"%s\":null", key)
                                     : bt_buf_appendf(out, ",\"%s\":%lld", key, (long long)number);
}

// Codes with blanks between as a list.
static int put_words(struct bt_buf *out, const char *key, const char *words)
{
    int r = bt_buf_appendf(out, ",\"%s\":[", key);
    for (bool first = true; r == 0 && *words != '\0'; first = false) {
        size_t len = strcspn(words, " ");
        r = bt_buf_appendf(out, "%s\"%.*s\"", first ? "" : ",", (int)len, words);
        words += len + (words[len] == ' ');
    }
    return r < 0 ? r : bt_buf_append(out, "]", 1);
}

// Of the player's status; what is longer than a page has room for is left out.
static int put_on(struct bt_buf *out, const char *status)
{
    BT_AUTOJSON *json = NULL;
    const char *text = "[]";
    char *printed = NULL;
    if (status != NULL && bt_json_parse(status, strlen(status), &json, NULL) == 0) {
        const cJSON *on = cJSON_GetObjectItemCaseSensitive(json, "on");
        printed = on != NULL ? cJSON_PrintUnformatted(on) : NULL;
        text = printed != NULL && strlen(printed) <= ON_MAX_BYTES ? printed : text;
    }
    int r = bt_buf_appendf(out, ",\"on\":%s", text);
    cJSON_free(printed);
    return r;
}

static int put_alerts(struct fleet *fleet, const char *screen)
{
    int r = bt_buf_appendf(&fleet->items, ",\"alerts\":[");
    bool first = true;
    while (fleet->has_alert && strcmp(bt_db_get_text(fleet->alerts, 0), screen) < 0) {
        fleet->has_alert = bt_db_next(fleet->alerts);
    }
    while (r == 0 && fleet->has_alert && strcmp(bt_db_get_text(fleet->alerts, 0), screen) == 0) {
        r = bt_buf_appendf(&fleet->items, "%s\"%s\"", first ? "" : ",",
                           bt_db_get_text(fleet->alerts, 1));
        first = false;
        fleet->has_alert = bt_db_next(fleet->alerts);
    }
    return r < 0 ? r : bt_buf_append(&fleet->items, "]", 1);
}

static int put_screen(struct fleet *fleet, const struct bt_care_screen *screen, const char *state,
                      int64_t since_ms)
{
    struct bt_buf *out = &fleet->items;
    const struct bt_care_facts *facts = &screen->facts;
    int r = bt_buf_appendf(out, "%s{\"id\":\"%s\"", out->len > 0 ? "," : "", screen->id);
    r = r < 0 ? r : put_text(out, "name", screen->name);
    r = r < 0 ? r : put_text(out, "unit", screen->unit);
    r = r < 0 ? r : put_text(out, "place", screen->place);
    r = r < 0 ? r : put_text(out, "state", state);
    r = r < 0 ? r : put_number(out, "since_ms", since_ms);
    r = r < 0 ? r : put_number(out, "seen_ms", facts->seen_ms);
    r = r < 0 ? r
              : bt_buf_appendf(out, ",\"open\":%s",
                               facts->open_since_ms != BT_CARE_UNKNOWN ? "true" : "false");
    r = r < 0 ? r : put_words(out, "troubles", facts->troubles);
    r = r < 0 ? r : put_alerts(fleet, screen->id);
    r = r < 0 ? r : put_on(out, screen->status);
    r = r < 0 ? r : put_number(out, "picture_ms", screen->picture_ms);
    r = r < 0 ? r : put_number(out, "plays_until_ms", facts->plays_known_ms);
    r = r < 0 ? r : put_number(out, "celsius", facts->celsius);
    r = r < 0 ? r : put_text(out, "duty_name", screen->duty_name);
    r = r < 0 ? r : put_text(out, "duty_phone", screen->duty_phone);
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

static int add_screen(struct fleet *fleet, const struct bt_care_screen *screen)
{
    int64_t since_ms;
    struct bt_care_limits limits;
    bt_all_limits_find(fleet->limits, screen->path, &limits);
    const char *state =
        bt_screen_state(&screen->facts, &limits, bt_call_now_ms(fleet->call), &since_ms);
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        fleet->counts[i] += strcmp(states[i], state) == 0;
    }
    return fleet->state != NULL && strcmp(fleet->state, state) != 0
               ? 0
               : put_screen(fleet, screen, state, since_ms);
}

static int ask_alerts(struct fleet *fleet, const struct bt_care_page *page, struct bt_error *err)
{
    bt_db_rows_destroy(fleet->alerts);
    fleet->alerts = NULL;
    int r = bt_db_ask(bt_call_db(fleet->call), &fleet->alerts, err,
                      "SELECT object, kind FROM alert WHERE until_ms IS NULL AND raised_ms IS NOT"
                      " NULL AND object >= $1 AND object <= $2 ORDER BY object, kind LIMIT 20000",
                      BT_TEXT(page->screens[0].id), BT_TEXT(page->screens[page->count - 1].id));
    fleet->has_alert = r == 0 && bt_db_next(fleet->alerts);
    return r;
}

static int add_below(struct fleet *fleet, const char *path, struct bt_error *err)
{
    char after[32] = "";
    int64_t now_ms = bt_call_now_ms(fleet->call);
    int r = 0;
    for (bool more = true; more && r == 0;) {
        BT_AUTO(bt_care_page) page = NULL;
        r = bt_care_page_load(bt_call_db(fleet->call), path, after, now_ms, 0, &page, err);
        more = r == 0 && page->count > 0;
        r = more ? ask_alerts(fleet, page, err) : r;
        for (size_t i = 0; more && r == 0 && i < page->count; i++) {
            bt_copy_cut(after, sizeof(after), page->screens[i].id);
            r = add_screen(fleet, &page->screens[i]);
            r = r < 0 ? bt_fail(err, r, "The fleet is too large for a page") : 0;
        }
    }
    return r;
}

// The part of an allowed path that was asked for, unless another allowed one holds it as well.
static const char *part_of(char *const *allowed, size_t i, const char *wanted)
{
    for (size_t k = 0; allowed[k] != NULL; k++) {
        bool above = k != i && bt_str_starts(allowed[i], allowed[k]);
        if (above && (strcmp(allowed[i], allowed[k]) != 0 || k < i)) {
            return NULL;
        }
    }
    if (bt_str_starts(wanted, allowed[i])) {
        return wanted;
    }
    return bt_str_starts(allowed[i], wanted) ? allowed[i] : NULL;
}

static int add_all(struct fleet *fleet, const char *wanted, struct bt_error *err)
{
    char **allowed = bt_access_units(fleet->call, BT_ACTION_VIEW);
    int r = 0;
    for (size_t i = 0; r == 0 && allowed != NULL && allowed[i] != NULL; i++) {
        const char *path = part_of(allowed, i, wanted);
        r = path == NULL ? 0 : add_below(fleet, path, err);
    }
    bt_access_units_free(allowed);
    return r;
}

static int reply(struct fleet *fleet)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, PAGE_MAX_BYTES + 4096);
    int r = bt_buf_appendf(&text, "{\"counts\":{");
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(states); i++) {
        r = bt_buf_appendf(&text, "%s\"%s\":%lld", i == 0 ? "" : ",", states[i],
                           (long long)fleet->counts[i]);
    }
    r = r < 0 ? r : bt_buf_appendf(&text, "},\"items\":[");
    r = r < 0 ? r : bt_buf_append(&text, bt_buf_text(&fleet->items), fleet->items.len);
    r = r < 0 ? r : bt_buf_appendf(&text, "],\"next\":null}");
    if (r < 0) {
        return r;
    }
    char hex[BT_SHA256_HEX_BYTES], etag[40];
    struct bt_sha256 sha256 = bt_sha256_of(text.data, text.len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    r = bt_format(etag, sizeof(etag), "\"%.32s\"", hex);
    const char *known = bt_call_header(fleet->call, "If-None-Match");
    r = r < 0 ? r
        : bt_str_equal(known, etag)
            ? bt_call_empty_reply(fleet->call, 304)
            : bt_call_bytes_reply(fleet->call, 200, "application/json", text.data, text.len);
    bt_call_set_header(fleet->call, "ETag", etag);
    return r;
}

static bool is_state(const char *word)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        if (strcmp(states[i], word) == 0) {
            return true;
        }
    }
    return false;
}

int bt_handle_fleet(struct bt_call *call, struct bt_error *err)
{
    char wanted[BT_UNIT_PATH_BYTES] = "/";
    const char *unit = bt_call_query(call, "unit");
    struct fleet fleet = {.call = call, .state = bt_call_query(call, "state")};
    BT_AUTO(bt_all_limits) limits = NULL;
    int r = unit == NULL ? 0 : bt_fleet_unit_path(call, unit, wanted, sizeof(wanted), err);
    r = r < 0 ? r : bt_all_limits_load(bt_call_db(call), &limits, err);
    if (r < 0) {
        return r;
    }
    if (wanted[0] == '\0') {
        return bt_call_problem(call, 404, "not-found", "Không có đơn vị này.",
                               "There is no such unit.");
    }
    if (fleet.state != NULL && !is_state(fleet.state)) {
        return bt_call_problem(call, 400, "fields", "Không có trạng thái này.",
                               "There is no such state.");
    }
    fleet.limits = limits;
    bt_buf_init(&fleet.items, PAGE_MAX_BYTES);
    r = add_all(&fleet, wanted, err);
    r = r < 0 ? r : reply(&fleet);
    bt_db_rows_destroy(fleet.alerts);
    bt_buf_finish(&fleet.items);
    return r;
}
