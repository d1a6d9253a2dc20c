// Playlists, campaigns and schedules: three kinds of one thing, told apart by the letter of their
// id.
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/publications/compose.h"
#include "server/publications/desk.h"
#include "server/publications/handlers.h"
#include "server/publications/sources.h"

#define NAME_MAX_BYTES 200

struct kind {
    char letter;
    const char *word;
};
static const struct kind playlist = {'l', "playlist"};
static const struct kind campaign = {'c', "campaign"};
static const struct kind schedule = {'r', "schedule"};

static const struct kind *kind_of(const char *id)
{
    return id[0] == 'c' ? &campaign : id[0] == 'r' ? &schedule : &playlist;
}

// The keys that are columns; everything else in a request is the body.
static const char *const column_keys[] = {"id",         "unit",       "name",
                                          "changed_by", "changed_ms", "revision"};

// As the API shows it: the body's keys beside the row's.
static cJSON *show(struct bt_db_rows *rows, const char *text)
{
    cJSON *shown = NULL;
    if (bt_json_parse(text, strlen(text), &shown, NULL) < 0) {
        shown = cJSON_CreateObject();
    }
    cJSON_AddStringToObject(shown, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(shown, "unit", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(shown, "name", bt_db_get_text(rows, 3));
    cJSON_AddStringToObject(shown, "changed_by", bt_db_get_text(rows, 5));
    cJSON_AddNumberToObject(shown, "changed_ms", (double)bt_db_get_int(rows, 6));
    cJSON_AddNumberToObject(shown, "revision", (double)bt_db_get_int(rows, 7));
    return shown;
}

// Of a list only what is shown is read whole: all bodies of a province are more than one answer of
// the database may be.
static cJSON *show_row(struct bt_call *call, struct bt_db_rows *rows)
{
    BT_AUTO(bt_db_rows) body = NULL;
    int r = bt_db_ask(bt_call_db(call), &body, NULL, "SELECT body FROM arrangement WHERE id = $1",
                      BT_TEXT(bt_db_get_text(rows, 0)));
    return show(rows, r == 0 && bt_db_next(body) ? bt_db_get_text(body, 0) : "");
}

#define COLUMNS(body)                                                                              \
    "SELECT a.id, u.path, a.unit, a.name, " body ", a.changed_by, a.changed_ms, a.revision"        \
    " FROM arrangement a JOIN unit u ON u.code = a.unit"

#define LIST(kind)                                                                                 \
    BT_DESK_LIST(COLUMNS("''"), "a.id", " AND a.kind = '" kind "'" BT_DESK_FILTER("a.unit", "$5"))

static int list(struct bt_call *call, const char *sql, struct bt_error *err)
{
    const struct bt_db_value unit = bt_desk_filter(call, "unit");
    return bt_desk_list(call, sql, &unit, 1, show_row, err);
}

int bt_handle_playlists(struct bt_call *call, struct bt_error *err)
{
    return list(call, LIST("playlist"), err);
}

int bt_handle_campaigns(struct bt_call *call, struct bt_error *err)
{
    return list(call, LIST("campaign"), err);
}

int bt_handle_schedules(struct bt_call *call, struct bt_error *err)
{
    return list(call, LIST("schedule"), err);
}

bool bt_unit_of_arrangement(struct bt_call *call, char *out, size_t size)
{
    return bt_desk_unit_of_row(call, "SELECT unit FROM arrangement WHERE id = $1", out, size);
}

static int check_body(struct bt_call *call, const char *id, const char *unit, const char *name,
                      const cJSON *body, struct bt_error *err)
{
    struct bt_source_context context = {.db = bt_call_db(call)};
    struct bt_compose_sources sources = bt_sources(&context);
    int r = bt_unit_facts(context.db, unit, &context.unit, err);
    return r < 0 ? r : bt_compose_check(id, name, body, &sources, err);
}

// Reads name and body of the request and judges them; false after an answer or with *out_r < 0.
static bool read_request(struct bt_call *call, const char *id, const char *unit,
                         const char **out_name, char **out_body, int *out_r, struct bt_error *err)
{
    *out_r = 0;
    if (!bt_desk_text(call, "name", NAME_MAX_BYTES, true, out_name)) {
        return false;
    }
    BT_AUTOJSON *body = cJSON_Duplicate(bt_call_json(call), true);
    for (size_t i = 0; i < BT_ARRAY_LEN(column_keys); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(body, column_keys[i]);
    }
    int r = check_body(call, id, unit, *out_name, body, err);
    if (r < 0) {
        *out_r = bt_desk_refuse(call, r, "invalid", "Nội dung không hợp lệ.", err);
        return false;
    }
    *out_body = cJSON_PrintUnformatted(body);
    return true;
}

static int answer_one(struct bt_call *call, const char *id, int status, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(bt_call_db(call), &rows, err, COLUMNS("a.body") " WHERE a.id = $1", BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_desk_not_found(call);
    }
    bt_call_set_revision(call, bt_db_get_int(rows, 7));
    return bt_call_json_reply(call, status, show(rows, bt_db_get_text(rows, 4)));
}

static int audit(struct bt_call *call, const char *id, const char *verb, const char *unit,
                 struct bt_error *err)
{
    const char *word = kind_of(id)->word;
    BT_AUTOFREE char *what = bt_strf("%s.%s", word, verb);
    BT_AUTOFREE char *object = bt_strf("%s/%s", word, id);
    return bt_audit(call, what, object, unit, NULL, err);
}

static int create(struct bt_call *call, const struct kind *kind, struct bt_error *err)
{
    char id[BT_SERVER_ID_BYTES];
    const char *unit, *name;
    BT_AUTOFREE char *body = NULL;
    int r = 0;
    bt_server_id(kind->letter, id);
    if (!bt_desk_text(call, "unit", BT_UNIT_CODE_BYTES - 1, true, &unit) ||
        !read_request(call, id, unit, &name, &body, &r, err)) {
        return r;
    }
    int64_t changed =
        bt_db_run(bt_call_db(call), err,
                  "INSERT INTO arrangement (id, kind, unit, name, body, changed_by, changed_ms,"
                  " revision) VALUES ($1, $2, $3, $4, $5, $6, $7, 1)",
                  BT_TEXT(id), BT_TEXT(kind->word), BT_TEXT(unit), BT_TEXT(name), BT_TEXT(body),
                  BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    r = changed < 0 ? (int)changed : audit(call, id, "create", unit, err);
    return r < 0 ? r : answer_one(call, id, 201, err);
}

int bt_handle_playlist_create(struct bt_call *call, struct bt_error *err)
{
    return create(call, &playlist, err);
}

int bt_handle_campaign_create(struct bt_call *call, struct bt_error *err)
{
    return create(call, &campaign, err);
}

int bt_handle_schedule_create(struct bt_call *call, struct bt_error *err)
{
    return create(call, &schedule, err);
}

int bt_handle_arrangement(struct bt_call *call, struct bt_error *err)
{
    return answer_one(call, bt_call_path(call, "id"), 200, err);
}

// The unit of the row, when the caller has seen its newest revision; false after an answer.
static bool begin_change(struct bt_call *call, char unit[BT_UNIT_CODE_BYTES], int *out_r,
                         struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    *out_r = bt_db_ask(bt_call_db(call), &rows, err,
                       "SELECT unit, revision FROM arrangement WHERE id = $1",
                       BT_TEXT(bt_call_path(call, "id")));
    if (*out_r < 0) {
        return false;
    }
    if (!bt_db_next(rows)) {
        *out_r = bt_desk_not_found(call);
        return false;
    }
    bt_copy_cut(unit, BT_UNIT_CODE_BYTES, bt_db_get_text(rows, 0));
    return bt_call_check_revision(call, bt_db_get_int(rows, 1));
}

int bt_handle_arrangement_put(struct bt_call *call, struct bt_error *err)
{
    const char *id = bt_call_path(call, "id"), *name;
    char unit[BT_UNIT_CODE_BYTES];
    BT_AUTOFREE char *body = NULL;
    int r;
    if (!begin_change(call, unit, &r, err) ||
        !read_request(call, id, unit, &name, &body, &r, err)) {
        return r;
    }
    int64_t changed = bt_db_run(bt_call_db(call), err,
                                "UPDATE arrangement SET name = $2, body = $3, changed_by = $4,"
                                " changed_ms = $5, revision = revision + 1 WHERE id = $1",
                                BT_TEXT(id), BT_TEXT(name), BT_TEXT(body),
                                BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    r = changed < 0 ? (int)changed : audit(call, id, "change", unit, err);
    return r < 0 ? r : answer_one(call, id, 200, err);
}

int bt_handle_arrangement_delete(struct bt_call *call, struct bt_error *err)
{
    const char *id = bt_call_path(call, "id");
    char unit[BT_UNIT_CODE_BYTES];
    int r;
    if (!begin_change(call, unit, &r, err)) {
        return r;
    }
    int64_t changed =
        bt_db_run(bt_call_db(call), err, "DELETE FROM arrangement WHERE id = $1", BT_TEXT(id));
    r = changed < 0 ? (int)changed : audit(call, id, "delete", unit, err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}
