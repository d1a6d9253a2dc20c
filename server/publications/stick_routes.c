// USB sticks (docs/usb.md): what is newest, said for longer than a timestamp may, to somebody who
// carries it; with the takedowns given and how far plays are counted.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/publications/desk.h"
#include "server/publications/handlers.h"
#include "server/publications/issuer.h"
#include "server/publications/needed.h"
#include "trust/stick.h"

#define DEFAULT_DAYS 30
#define MAX_JOURNALS 8192

// Of a unit in all its years, and of them those that a stick carries: the newest that are needed.
// What is older than a month is needed while something that was published still shows it.
#define MAX_TAKEDOWNS 10000
#define MAX_CARRIED 1024
#define TAKEDOWNS_MAX_BYTES (4 * 1024 * 1024)
#define RECENT_MS (31 * BT_MS_PER_DAY)

// Documents that are looked at together.
#define PAGE 32
#define PUBLICATION_ID_BYTES 64

// What one stick is made of.
struct stick {
    char id[BT_SERVER_ID_BYTES];
    struct bt_unit_facts unit;
    int64_t days;
    cJSON *units, *screens;  // x-units, x-screens
    cJSON *places;           // {unit: path} of all of them
    cJSON *told;
};

static void finish_stick(struct stick *stick)
{
    cJSON_Delete(stick->units);
    cJSON_Delete(stick->screens);
    cJSON_Delete(stick->places);
    cJSON_Delete(stick->told);
}

static int add_units(struct bt_db *db, struct stick *stick, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err,
                  "SELECT code, path FROM unit WHERE path LIKE $1 || '%' ORDER BY path LIMIT $2",
                  BT_TEXT(stick->unit.path), BT_INT(BT_STICK_MAX_NAMES + 1));
    if (r == 0 && bt_db_count(rows) > BT_STICK_MAX_NAMES) {
        return bt_fail(err, -EINVAL, "more than %d units on one stick", BT_STICK_MAX_NAMES);
    }
    while (r == 0 && bt_db_next(rows)) {
        cJSON_AddItemToArray(stick->units, cJSON_CreateString(bt_db_get_text(rows, 0)));
        cJSON_AddStringToObject(stick->places, bt_db_get_text(rows, 0), bt_db_get_text(rows, 1));
    }
    return r;
}

static int add_screen(struct bt_db *db, struct stick *stick, const char *screen,
                      struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT u.code, u.path FROM screen s JOIN unit u ON u.code = s.unit"
                      " WHERE s.id = $1 AND u.path LIKE $2 || '%'",
                      BT_TEXT(screen), BT_TEXT(stick->unit.path));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -EINVAL, "'%.40s' is no screen of '%s'", screen, stick->unit.code);
    }
    const char *code = bt_db_get_text(rows, 0);
    if (cJSON_GetObjectItemCaseSensitive(stick->places, code) == NULL) {
        cJSON_AddStringToObject(stick->places, code, bt_db_get_text(rows, 1));
    }
    cJSON_AddItemToArray(stick->screens, cJSON_CreateString(screen));
    return 0;
}

// All of the unit, or some of its screens alone.
static int add_places(struct bt_call *call, struct stick *stick, struct bt_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(bt_call_json(call), "screens");
    if (list != NULL && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > BT_STICK_MAX_NAMES)) {
        return bt_fail(err, -EINVAL, "'screens' must be a list of at most %d", BT_STICK_MAX_NAMES);
    }
    if (list == NULL || list->child == NULL) {
        return add_units(bt_call_db(call), stick, err);
    }
    int r = 0;
    for (const cJSON *each = list->child; each != NULL && r == 0; each = each->next) {
        r = cJSON_IsString(each) ? add_screen(bt_call_db(call), stick, each->valuestring, err)
                                 : bt_fail(err, -EINVAL, "'screens' must be texts");
    }
    return r;
}

static void add_stored(cJSON *object, const char *key, const char *text)
{
    cJSON *json = NULL;
    if (bt_json_parse(text, strlen(text), &json, NULL) < 0) {
        json = cJSON_CreateArray();
    }
    cJSON_AddItemToObject(object, key, json);
}

// A takedown holds in its unit and below: which of the stick's units that are, is said with it.
static cJSON *units_below(const struct stick *stick, const char *path)
{
    cJSON *units = cJSON_CreateArray();
    for (const cJSON *each = stick->places->child; each != NULL; each = each->next) {
        if (bt_str_starts(each->valuestring, path)) {
            cJSON_AddItemToArray(units, cJSON_CreateString(each->string));
        }
    }
    return units;
}

// All of them, the newest first.
static int load_takedowns(struct bt_db *db, const struct stick *stick, cJSON *list,
                          struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT t.id, u.path, t.assets, t.items, t.issued_ms FROM takedown t"
                      " JOIN unit u ON u.code = t.unit WHERE $1 LIKE u.path || '%'"
                      " OR u.path LIKE $1 || '%' ORDER BY t.issued_ms DESC, t.id LIMIT $2",
                      BT_TEXT(stick->unit.path), BT_INT(MAX_TAKEDOWNS));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *units = units_below(stick, bt_db_get_text(rows, 1));
        if (units->child == NULL) {
            cJSON_Delete(units);
            continue;
        }
        cJSON *takedown = cJSON_CreateObject();
        cJSON_AddStringToObject(takedown, "id", bt_db_get_text(rows, 0));
        cJSON_AddItemToObject(takedown, "units", units);
        add_stored(takedown, "assets", bt_db_get_text(rows, 2));
        add_stored(takedown, "items", bt_db_get_text(rows, 3));
        cJSON_AddNumberToObject(takedown, "issued_ms", (double)bt_db_get_int(rows, 4));
        cJSON_AddItemToArray(list, takedown);
    }
    return r;
}

// The documents after `after` that were ever published for these units. 1: there are more.
static int see_page(struct bt_db *db, const struct stick *stick, int64_t now_ms, char *after,
                    size_t after_size, struct bt_needed *needed, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT p.id, p.document FROM publication p JOIN unit u ON u.code = p.unit"
                      " WHERE p.id > $1 AND p.published_ms IS NOT NULL AND p.document IS NOT NULL"
                      " AND ($2 LIKE u.path || '%' OR u.path LIKE $2 || '%')"
                      " ORDER BY p.id LIMIT $3",
                      BT_TEXT(after), BT_TEXT(stick->unit.path), BT_INT(PAGE));
    if (r < 0) {
        return r;
    }
    bool more = bt_db_count(rows) == PAGE;
    while (bt_db_next(rows)) {
        BT_AUTOJSON *document = NULL;
        const char *text = bt_db_get_text(rows, 1);
        bt_copy_cut(after, after_size, bt_db_get_text(rows, 0));
        if (bt_json_parse(text, strlen(text), &document, NULL) == 0) {
            bt_needed_see(needed, document, now_ms);
        }
    }
    return more;
}

static int find_needed(struct bt_db *db, const struct stick *stick, int64_t now_ms,
                       const cJSON *takedowns, struct bt_needed *needed, struct bt_error *err)
{
    char after[PUBLICATION_ID_BYTES] = "";
    const cJSON *each;
    cJSON_ArrayForEach(each, takedowns)
    {
        bt_needed_add(needed, cJSON_GetObjectItemCaseSensitive(each, "assets"),
                      cJSON_GetObjectItemCaseSensitive(each, "items"));
    }
    int r = takedowns->child != NULL;
    while (r > 0) {
        r = see_page(db, stick, now_ms, after, sizeof(after), needed, err);
    }
    return r;
}

static size_t size_of(const cJSON *object)
{
    char *text = cJSON_PrintUnformatted(object);
    size_t size = text != NULL ? strlen(text) : SIZE_MAX;
    cJSON_free(text);
    return size;
}

static void carry_needed(const struct stick *stick, int64_t now_ms, cJSON *all,
                         const struct bt_needed *needed)
{
    cJSON *list = cJSON_AddArrayToObject(stick->told, "takedowns");
    size_t room = TAKEDOWNS_MAX_BYTES;
    for (size_t i = 0, carried = 0; all->child != NULL && carried < MAX_CARRIED; i++) {
        cJSON *takedown = cJSON_DetachItemViaPointer(all, all->child);
        const cJSON *issued = cJSON_GetObjectItemCaseSensitive(takedown, "issued_ms");
        bool recent = issued->valuedouble >= (double)(now_ms - RECENT_MS);
        size_t size = recent || bt_needed_has(needed, i) ? size_of(takedown) : SIZE_MAX;
        if (size <= room) {
            cJSON_AddItemToArray(list, takedown);
            room -= size;
            carried++;
        } else {
            cJSON_Delete(takedown);
        }
    }
}

static int add_takedowns(struct bt_db *db, const struct stick *stick, int64_t now_ms,
                         struct bt_error *err)
{
    BT_AUTO(bt_needed) needed = bt_needed_create();
    BT_AUTOJSON *all = cJSON_CreateArray();
    int r = load_takedowns(db, stick, all, err);
    r = r < 0 ? r : find_needed(db, stick, now_ms, all, needed, err);
    if (r == 0) {
        carry_needed(stick, now_ms, all, needed);
    }
    return r;
}

// So that players send what is missing, and not all they have.
static int add_counted(struct bt_db *db, const struct stick *stick, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    cJSON *list = cJSON_AddArrayToObject(stick->told, "counted");
    int r = bt_db_ask(db, &rows, err,
                      "SELECT j.player, j.journal, j.last_seq, j.last_hash FROM play_journal j"
                      " JOIN unit u ON u.code = j.unit WHERE u.path LIKE $1 || '%'"
                      " AND j.state <> 'forked' ORDER BY j.received_ms DESC LIMIT $2",
                      BT_TEXT(stick->unit.path), BT_INT(MAX_JOURNALS));
    while (r == 0 && bt_db_next(rows)) {
        cJSON *journal = cJSON_CreateObject();
        cJSON_AddStringToObject(journal, "player", bt_db_get_text(rows, 0));
        cJSON_AddStringToObject(journal, "journal", bt_db_get_text(rows, 1));
        cJSON_AddNumberToObject(journal, "last", (double)bt_db_get_int(rows, 2));
        cJSON_AddStringToObject(journal, "hash", bt_db_get_text(rows, 3));
        cJSON_AddItemToArray(list, journal);
    }
    return r;
}

// What the word says of the stick, with the hash of told.json.
static cJSON *body_of(const struct stick *stick, const char *told)
{
    char hex[BT_SHA256_HEX_BYTES];
    size_t len = strlen(told);
    struct bt_sha256 hash = bt_sha256_of(told, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "x-stick", stick->id);
    cJSON_AddItemToObject(body, "x-units", cJSON_Duplicate(stick->units, true));
    cJSON_AddItemToObject(body, "x-screens", cJSON_Duplicate(stick->screens, true));
    cJSON *file = cJSON_AddObjectToObject(body, "x-told");
    cJSON_AddNumberToObject(file, "length", (double)len);
    cJSON_AddStringToObject(file, "sha256", hex);
    return body;
}

static int audit(struct bt_call *call, const struct stick *stick, struct bt_error *err)
{
    BT_AUTOFREE char *object = bt_strf("stick/%s", stick->id);
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "days", (double)stick->days);
    cJSON_AddItemToObject(details, "screens", cJSON_Duplicate(stick->screens, true));
    return bt_audit(call, "stick.issue", object, stick->unit.code, details, err);
}

static int answer(struct bt_call *call, const struct stick *stick, struct bt_error *err)
{
    BT_AUTOBUF word;
    bt_buf_init(&word, BT_STICK_MAX_BYTES);
    char *told = cJSON_PrintUnformatted(stick->told);
    int r = told == NULL || strlen(told) > BT_STICK_TOLD_MAX_BYTES
                ? bt_fail(err, -EMSGSIZE, "too much to be told on one stick")
                : bt_issuer_stick(bt_call_server(call)->issuer, bt_call_db(call), stick->days,
                                  body_of(stick, told), &word, err);
    r = r == 0 ? audit(call, stick, err) : r;
    if (r == 0) {
        cJSON *shown = cJSON_CreateObject();
        cJSON_AddStringToObject(shown, "id", stick->id);
        cJSON_AddStringToObject(shown, "word", bt_buf_text(&word));
        cJSON_AddStringToObject(shown, "told", told);
        cJSON *units = cJSON_AddArrayToObject(shown, "units");
        for (const cJSON *each = stick->places->child; each != NULL; each = each->next) {
            cJSON_AddItemToArray(units, cJSON_CreateString(each->string));
        }
        r = bt_call_json_reply(call, 201, shown);
    }
    cJSON_free(told);
    return r;
}

static bool read_days(struct bt_call *call, int64_t *out)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(bt_call_json(call), "days");
    *out = DEFAULT_DAYS;
    if (value == NULL || bt_json_whole(value, 1, BT_STICK_MAX_DAYS, out) == 0) {
        return true;
    }
    bt_call_problem(call, 422, "invalid", "Thời hạn của USB từ 1 đến 31 ngày.",
                    "'days' must be from 1 to 31.");
    return false;
}

int bt_handle_stick_issue(struct bt_call *call, struct bt_error *err)
{
    static const char *const keys[] = {"unit", "screens", "days", NULL};
    const char *unit;
    BT_AUTOFINISH(finish_stick)
    struct stick stick = {.units = cJSON_CreateArray(),
                          .screens = cJSON_CreateArray(),
                          .places = cJSON_CreateObject(),
                          .told = cJSON_CreateObject()};
    if (!bt_desk_keys(call, keys) ||
        !bt_desk_text(call, "unit", BT_UNIT_CODE_BYTES - 1, true, &unit) ||
        !read_days(call, &stick.days)) {
        return 0;
    }
    bt_server_id('y', stick.id);
    int r = bt_unit_facts(bt_call_db(call), unit, &stick.unit, err);
    r = r == 0 ? add_places(call, &stick, err) : r;
    cJSON_AddNumberToObject(stick.told, "format", 1);
    r = r == 0 ? add_takedowns(bt_call_db(call), &stick, bt_call_now_ms(call), err) : r;
    r = r == 0 ? add_counted(bt_call_db(call), &stick, err) : r;
    r = r == 0 ? answer(call, &stick, err) : r;
    return r == 0 ? 0 : bt_desk_refuse(call, r, "invalid", "Không lập được USB.", err);
}
