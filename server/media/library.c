#include "server/media/library.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/media/blobs.h"

#define MAX_LISTED 200
#define TITLE_BYTES 256
#define NOTE_BYTES 2048
#define TYPE_BYTES 64

// Columns of `media_columns`, in this order.
enum {
    ID,
    UNIT,
    TITLE,
    NOTE,
    ASSET,
    REVISION,
    CREATED,
    SIZE,
    TYPE,
    KIND,
    WIDTH,
    HEIGHT,
    DURATION,
    REPORT,
    THUMBNAIL,
    FILMSTRIP
};

#define MEDIA_COLUMNS                                                                              \
    "SELECT media.id, media.unit, media.title, media.note, media.asset, media.revision, "          \
    "media.created_ms, asset.size, asset.type, asset.kind, asset.width, asset.height, "            \
    "asset.duration_ms, asset.report, asset.thumbnail, asset.filmstrip "                           \
    "FROM media JOIN asset ON asset.sha256 = media.asset "

static int not_found(struct bt_call *call)
{
    return bt_call_problem(call, 404, "not-found", "Không có tệp này", "There is no such media");
}

static void add_numbers(cJSON *object, const struct bt_db_rows *row)
{
    static const struct {
        const char *key;
        int column;
    } numbers[] = {{"revision", REVISION}, {"created_ms", CREATED}, {"size", SIZE},
                   {"width", WIDTH},       {"height", HEIGHT},      {"duration_ms", DURATION}};
    for (size_t i = 0; i < BT_ARRAY_LEN(numbers); i++) {
        cJSON_AddNumberToObject(object, numbers[i].key,
                                (double)bt_db_get_int(row, numbers[i].column));
    }
}

static cJSON *describe(const struct bt_db_rows *row)
{
    static const struct {
        const char *key;
        int column;
    } texts[] = {{"id", ID},        {"unit", UNIT}, {"title", TITLE}, {"note", NOTE},
                 {"sha256", ASSET}, {"type", TYPE}, {"kind", KIND}};
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        cJSON_AddStringToObject(object, texts[i].key, bt_db_get_text(row, texts[i].column));
    }
    add_numbers(object, row);
    cJSON_AddBoolToObject(object, "has_thumbnail", !bt_db_is_null(row, THUMBNAIL));
    cJSON_AddBoolToObject(object, "has_filmstrip", !bt_db_is_null(row, FILMSTRIP));
    cJSON_AddItemToObject(object, "report", cJSON_Parse(bt_db_get_text(row, REPORT)));
    return object;
}

bool bt_media_unit_of_path(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err;
    if (bt_db_ask(bt_call_db(call), &rows, &err,
                  "SELECT unit FROM media WHERE id = $1 AND hidden_ms IS NULL",
                  BT_TEXT(bt_call_path(call, "media"))) < 0 ||
        !bt_db_next(rows)) {
        not_found(call);
        return false;
    }
    bt_copy_cut(out, size, bt_db_get_text(rows, 0));
    return true;
}

static bool is_below(const char *path, char *const *allowed)
{
    for (size_t i = 0; allowed != NULL && allowed[i] != NULL; i++) {
        if (bt_str_starts(path, allowed[i])) {
            return true;
        }
    }
    return false;
}

/*
 * Pages are cut before filtering by unit, so a page may be short; `next` says whether there is
 * more.
 */
static int list_rows(struct bt_call *call, int64_t limit, struct bt_db_rows **out,
                     struct bt_error *err)
{
    const char *after = bt_call_query(call, "after"), *unit = bt_call_query(call, "unit");
    return bt_db_ask(bt_call_db(call), out, err,
                     "SELECT media.id, media.unit, media.title, media.note, media.asset, "
                     "media.revision, media.created_ms, asset.size, asset.type, asset.kind, "
                     "asset.width, asset.height, asset.duration_ms, asset.report, asset.thumbnail, "
                     "asset.filmstrip, unit.path "
                     "FROM media JOIN asset ON asset.sha256 = media.asset "
                     "JOIN unit ON unit.code = media.unit "
                     "WHERE media.hidden_ms IS NULL AND media.id > $1 "
                     "AND ($2 = '' OR media.unit = $2) ORDER BY media.id LIMIT $3",
                     BT_TEXT(after == NULL ? "" : after), BT_TEXT(unit == NULL ? "" : unit),
                     BT_INT(limit));
}

int bt_media_list(struct bt_call *call, struct bt_error *err)
{
    int64_t limit = MAX_LISTED;
    const char *said = bt_call_query(call, "limit");
    if (said != NULL && bt_parse_int(said, 1, MAX_LISTED, &limit) < 0) {
        return bt_call_problem(call, 400, "query", "Tham số limit không hợp lệ",
                               "'limit' is a number from 1 to 200");
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = list_rows(call, limit, &rows, err);
    if (r < 0) {
        return r;
    }
    char **allowed = bt_access_units(call, BT_ACTION_VIEW);
    cJSON *body = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(body, "items");
    const char *last = NULL;
    while (bt_db_next(rows)) {
        last = bt_db_get_text(rows, ID);
        if (is_below(bt_db_get_text(rows, FILMSTRIP + 1), allowed)) {
            cJSON_AddItemToArray(items, describe(rows));
        }
    }
    bt_access_units_free(allowed);
    bool more = (int64_t)bt_db_count(rows) == limit;
    cJSON_AddItemToObject(body, "next", more ? cJSON_CreateString(last) : cJSON_CreateNull());
    return bt_call_json_reply(call, 200, body);
}

// The media's row; *out is empty (no next) when it answered 404 or failed with the code returned.
static int find(struct bt_call *call, struct bt_db_rows **out, bool *out_found,
                struct bt_error *err)
{
    int r = bt_db_ask(bt_call_db(call), out, err,
                      MEDIA_COLUMNS "WHERE media.id = $1 AND media.hidden_ms IS NULL",
                      BT_TEXT(bt_call_path(call, "media")));
    if (r < 0) {
        return r;
    }
    *out_found = bt_db_next(*out);
    return *out_found ? 0 : not_found(call);
}

int bt_media_show(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    bool found = false;
    int r = find(call, &rows, &found, err);
    if (!found) {
        return r;
    }
    bt_call_set_revision(call, bt_db_get_int(rows, REVISION));
    return bt_call_json_reply(call, 200, describe(rows));
}

struct edit {
    char title[TITLE_BYTES];
    char note[NOTE_BYTES];
};

static const struct bt_json_field edit_fields[] = {
    BT_JSON_FIELD(struct edit, title, "title", BT_JSON_STRING, .min = 1, .max = TITLE_BYTES - 1,
                  .optional = true),
    BT_JSON_FIELD(struct edit, note, "note", BT_JSON_STRING, .min = 0, .max = NOTE_BYTES - 1,
                  .optional = true),
};

static int refuse_body(struct bt_call *call, const char *why)
{
    return bt_call_problem(call, 400, "body", "Nội dung yêu cầu không hợp lệ", why);
}

int bt_media_edit(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    bool found = false;
    int r = find(call, &rows, &found, err);
    if (!found) {
        return r;
    }
    int64_t revision = bt_db_get_int(rows, REVISION);
    const cJSON *body = bt_call_json(call);
    if (body == NULL || !bt_call_check_revision(call, revision)) {
        return 0;
    }
    struct edit edit;
    struct bt_error why = {0};
    bt_copy_cut(edit.title, sizeof(edit.title), bt_db_get_text(rows, TITLE));
    bt_copy_cut(edit.note, sizeof(edit.note), bt_db_get_text(rows, NOTE));
    const char *unknown = bt_json_unknown_key(body, edit_fields, BT_ARRAY_LEN(edit_fields));
    if (unknown != NULL) {
        return refuse_body(call, "An unknown key; 'title' and 'note' can be changed");
    }
    if (bt_json_read(body, edit_fields, BT_ARRAY_LEN(edit_fields), &edit, NULL, &why) < 0) {
        return refuse_body(call, why.msg);
    }
    const char *id = bt_db_get_text(rows, ID);
    int64_t changed = bt_db_run(bt_call_db(call), err,
                                "UPDATE media SET title = $2, note = $3, revision = revision + 1 "
                                "WHERE id = $1",
                                BT_TEXT(id), BT_TEXT(edit.title), BT_TEXT(edit.note));
    if (changed < 0) {
        return (int)changed;
    }
    r = bt_audit(call, "media.edit", id, bt_db_get_text(rows, UNIT), NULL, err);
    return r < 0 ? r : bt_media_show(call, err);
}

int bt_media_hide(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    bool found = false;
    int r = find(call, &rows, &found, err);
    if (!found || !bt_call_check_revision(call, bt_db_get_int(rows, REVISION))) {
        return found ? 0 : r;
    }
    const char *id = bt_db_get_text(rows, ID);
    int64_t changed =
        bt_db_run(bt_call_db(call), err,
                  "UPDATE media SET hidden_ms = $2, revision = revision + 1 WHERE id = $1",
                  BT_TEXT(id), BT_INT(bt_call_now_ms(call)));
    if (changed < 0) {
        return (int)changed;
    }
    r = bt_audit(call, "media.hide", id, bt_db_get_text(rows, UNIT), NULL, err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

// What somebody waits for.
struct wanted {
    struct bt_call *call;
    char hex[BT_SHA256_HEX_BYTES];
    char type[TYPE_BYTES];
    struct bt_sha256 sha256;
    int code;  // how fetching it went
};

static int refuse_blob(struct bt_call *call, int code)
{
    bool coming = code == -EINPROGRESS || code == -EAGAIN || code == -ECANCELED;
    bt_call_set_header(call, "Retry-After", coming ? "3" : "10");
    if (coming) {
        return bt_call_problem(call, 503, "blob-coming",
                               "Nội dung đang được lấy từ kho; hãy thử lại sau giây lát",
                               "The content is on its way from the store; try again in a moment");
    }
    return code == -EBADMSG
               ? bt_call_problem(call, 503, "store",
                                 "Kho nội dung trả về dữ liệu sai; máy chủ không dùng dữ liệu ấy",
                                 "The store gives other bytes for this content; they are not used")
               : bt_call_problem(call, 503, "store",
                                 "Kho nội dung không trả lời và máy chủ không giữ nội dung này",
                                 "The store does not answer, and this content is not here");
}

static int look(struct bt_call *call, const struct wanted *wanted, struct bt_error *err)
{
    int fd = -1;
    int r = bt_blobs_look(bt_call_server(call)->blobs, &wanted->sha256, &fd, err);
    return r < 0 ? r : bt_call_open_file_reply(call, fd, wanted->type, wanted->hex, true);
}

static void note_fetched(void *context, int code)
{
    struct wanted *wanted = context;
    wanted->code = code;
    bt_call_go_on(wanted->call);
}

static int answer_fetched(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct wanted *wanted = context;
    if (wanted->code < 0) {
        return wanted->code == -ENOENT ? not_found(call) : refuse_blob(call, wanted->code);
    }
    int r = look(call, wanted, err);
    return r == -EINPROGRESS ? refuse_blob(call, r) : r;
}

static int wait_for(struct bt_call *call, const struct wanted *wanted)
{
    BT_AUTOFREE struct wanted *kept = BT_NEW(struct wanted);
    *kept = *wanted;
    int r = bt_blobs_fetch(bt_call_server(call)->blobs, &kept->sha256, note_fetched, kept);
    if (r < 0) {
        return refuse_blob(call, r);
    }
    bt_call_put_off(call, answer_fetched, BT_TAKE(kept), free);
    return 0;
}

static int serve_blob(struct bt_call *call, const char *hex, const char *type, struct bt_error *err)
{
    struct wanted wanted = {.call = call};
    if (bt_unhex(hex, wanted.sha256.bytes, BT_SHA256_BYTES) < 0) {
        return not_found(call);
    }
    bt_copy_cut(wanted.hex, sizeof(wanted.hex), hex);
    bt_copy_cut(wanted.type, sizeof(wanted.type), type);
    int r = look(call, &wanted, err);
    return r == -ENOENT ? not_found(call) : r == -EINPROGRESS ? wait_for(call, &wanted) : r;
}

static int serve_picture(struct bt_call *call, int column, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    bool found = false;
    int r = find(call, &rows, &found, err);
    if (!found) {
        return r;
    }
    return bt_db_is_null(rows, column)
               ? not_found(call)
               : serve_blob(call, bt_db_get_text(rows, column), "image/jpeg", err);
}

int bt_media_thumbnail(struct bt_call *call, struct bt_error *err)
{
    return serve_picture(call, THUMBNAIL, err);
}

int bt_media_filmstrip(struct bt_call *call, struct bt_error *err)
{
    return serve_picture(call, FILMSTRIP, err);
}

// What was published is public: it stands on a square. The rest is for those who are logged in.
int bt_media_blob(struct bt_call *call, struct bt_error *err)
{
    const char *hex = bt_call_path(call, "hash");
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT asset.type, published_asset.sha256 FROM asset "
                      "LEFT JOIN published_asset ON published_asset.sha256 = asset.sha256 "
                      "WHERE asset.sha256 = $1 AND asset.state = 'ready'",
                      BT_TEXT(hex));
    if (r < 0) {
        return r;
    }
    const struct bt_caller *caller = bt_call_caller(call);
    bool known = caller->user[0] != '\0' || caller->player[0] != '\0';
    if (!bt_db_next(rows) || (bt_db_is_null(rows, 1) && !known)) {
        return not_found(call);
    }
    return serve_blob(call, hex, bt_db_get_text(rows, 0), err);
}
