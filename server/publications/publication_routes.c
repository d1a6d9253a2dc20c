// Drafts, and what became of them.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "server/accounts/audit.h"
#include "server/publications/handlers.h"
#include "server/publications/progress.h"
#include "server/publications/publication_row.h"

static void add_int_or_null(cJSON *object, const char *key, const struct bt_db_rows *rows,
                            int column)
{
    cJSON_AddItemToObject(object, key,
                          bt_db_is_null(rows, column)
                              ? cJSON_CreateNull()
                              : cJSON_CreateNumber((double)bt_db_get_int(rows, column)));
}

// Recipes are large: a list of them would be more than one answer of the database may be.
#define COLUMNS(recipe)                                                                            \
    "SELECT p.id, u.path, p.unit, p.layer, p.name, p.target, p.role, p.version, p.state, p.title," \
    " p.sha256, p.created_by, p.created_ms, p.changed_ms, p.published_ms, p.revision, " recipe     \
    " FROM publication p JOIN unit u ON u.code = p.unit"

static cJSON *show(struct bt_db_rows *rows)
{
    static const char *const texts[] = {NULL,     NULL,   "unit", "layer", "name",
                                        "target", "role", NULL,   "state", "title"};
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddStringToObject(shown, "id", bt_db_get_text(rows, 0));
    for (int i = 0; i < (int)BT_ARRAY_LEN(texts); i++) {
        if (texts[i] != NULL) {
            cJSON_AddStringToObject(shown, texts[i], bt_db_get_text(rows, i));
        }
    }
    cJSON_AddNumberToObject(shown, "version", (double)bt_db_get_int(rows, 7));
    cJSON_AddItemToObject(shown, "sha256",
                          bt_db_is_null(rows, 10) ? cJSON_CreateNull()
                                                  : cJSON_CreateString(bt_db_get_text(rows, 10)));
    cJSON_AddStringToObject(shown, "created_by", bt_db_get_text(rows, 11));
    cJSON_AddNumberToObject(shown, "created_ms", (double)bt_db_get_int(rows, 12));
    cJSON_AddNumberToObject(shown, "changed_ms", (double)bt_db_get_int(rows, 13));
    add_int_or_null(shown, "published_ms", rows, 14);
    cJSON_AddNumberToObject(shown, "revision", (double)bt_db_get_int(rows, 15));
    return shown;
}

static cJSON *show_row(struct bt_call *call, struct bt_db_rows *rows)
{
    (void)call;
    return show(rows);
}

int bt_handle_publications(struct bt_call *call, struct bt_error *err)
{
    const struct bt_db_value filters[] = {bt_desk_filter(call, "unit"),
                                          bt_desk_filter(call, "state"),
                                          bt_desk_filter(call, "target")};
    static const char sql[] =
        BT_DESK_LIST(COLUMNS("''"), "p.id",
                     BT_DESK_FILTER("p.unit", "$5") BT_DESK_FILTER("p.state", "$6")
                         BT_DESK_FILTER("p.target", "$7"));
    return bt_desk_list(call, sql, filters, BT_ARRAY_LEN(filters), show_row, err);
}

bool bt_unit_of_publication(struct bt_call *call, char *out, size_t size)
{
    return bt_desk_unit_of_row(call, "SELECT unit FROM publication WHERE id = $1", out, size);
}

static int answer_one(struct bt_call *call, const char *id, int status, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err, COLUMNS("p.recipe") " WHERE p.id = $1",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_desk_not_found(call);
    }
    cJSON *shown = show(rows), *recipe = NULL;
    const char *text = bt_db_get_text(rows, 16);
    if (bt_json_parse(text, strlen(text), &recipe, NULL) == 0) {
        cJSON_AddItemToObject(shown, "recipe", recipe);
    }
    bt_call_set_revision(call, bt_db_get_int(rows, 15));
    return bt_call_json_reply(call, status, shown);
}

int bt_handle_publication(struct bt_call *call, struct bt_error *err)
{
    return answer_one(call, bt_call_path(call, "id"), 200, err);
}

static int audit(struct bt_call *call, const char *verb, const char *id, const char *unit,
                 struct bt_error *err)
{
    BT_AUTOFREE char *what = bt_strf("publication.%s", verb);
    BT_AUTOFREE char *object = bt_strf("publication/%s", id);
    return bt_audit(call, what, object, unit, NULL, err);
}

static int read_layer(const char *word, enum bt_document_layer *out, struct bt_error *err)
{
    for (int i = 0; bt_document_layer_words[i] != NULL; i++) {
        if (strcmp(bt_document_layer_words[i], word) == 0) {
            *out = (enum bt_document_layer)i;
            return 0;
        }
    }
    return bt_fail(err, -EINVAL, "'layer' is '%.32s', not one of province, unit, screen, template",
                   word);
}

static int check_screen(struct bt_db *db, const struct bt_target *target, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    if (target->layer != BT_DOCUMENT_SCREEN) {
        return 0;
    }
    int r = bt_db_ask(db, &rows, err, "SELECT id FROM screen WHERE id = $1 AND unit = $2",
                      BT_TEXT(target->name), BT_TEXT(target->unit));
    if (r == 0 && !bt_db_next(rows)) {
        r = bt_fail(err, -EINVAL, "unit '%s' has no screen '%s'", target->unit, target->name);
    }
    return r;
}

// Recipe and title of the request. False after an answer.
static bool read_content(struct bt_call *call, const char **out_title, char **out_recipe)
{
    if (!bt_desk_text(call, "title", BT_TITLE_MAX_BYTES, false, out_title)) {
        return false;
    }
    const cJSON *recipe = cJSON_GetObjectItemCaseSensitive(bt_call_json(call), "recipe");
    if (!cJSON_IsObject(recipe)) {
        bt_call_problem(call, 422, "invalid", "Thiếu 'recipe': nội dung của văn bản phát.",
                        "'recipe', what the document is made of, is missing.");
        return false;
    }
    *out_recipe = cJSON_PrintUnformatted(recipe);
    return *out_recipe != NULL;
}

static int make_target(struct bt_call *call, const char *unit, const char *layer_word,
                       const char *name, struct bt_target *out, struct bt_error *err)
{
    struct bt_unit_facts facts;
    enum bt_document_layer layer = BT_DOCUMENT_UNIT;
    int r = bt_unit_facts(bt_call_db(call), unit, &facts, err);
    r = r == 0 ? read_layer(layer_word, &layer, err) : r;
    r = r == 0 ? bt_target_make(layer, unit, facts.root, name, out, err) : r;
    return r == 0 ? check_screen(bt_call_db(call), out, err) : r;
}

static int insert(struct bt_call *call, const char *id, const char *unit,
                  const struct bt_target *target, const char *title, const char *recipe,
                  struct bt_error *err)
{
    int64_t changed = bt_db_run(
        bt_call_db(call), err,
        "INSERT INTO publication (id, unit, layer, name, target, role, version, state, title,"
        " recipe, created_by, created_ms, changed_ms, revision)"
        " VALUES ($1, $2, $3, $4, $5, $6, 0, 'draft', $7, $8, $9, $10, $10, 1)",
        BT_TEXT(id), BT_TEXT(unit), BT_TEXT(bt_document_layer_words[target->layer]),
        BT_TEXT(target->name), BT_TEXT(target->path), BT_TEXT(target->role), BT_TEXT(title),
        BT_TEXT(recipe), BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    return changed < 0 ? (int)changed : 0;
}

int bt_handle_publication_create(struct bt_call *call, struct bt_error *err)
{
    const char *unit, *layer, *name, *title;
    BT_AUTOFREE char *recipe = NULL;
    struct bt_target target;
    char id[BT_SERVER_ID_BYTES];
    static const char *const keys[] = {"unit", "layer", "name", "title", "recipe", NULL};
    if (!bt_desk_keys(call, keys) ||
        !bt_desk_text(call, "unit", BT_UNIT_CODE_BYTES - 1, true, &unit) ||
        !bt_desk_text(call, "layer", 32, true, &layer) ||
        !bt_desk_text(call, "name", BT_DOCUMENT_NAME_BYTES - 1, true, &name) ||
        !read_content(call, &title, &recipe)) {
        return 0;
    }
    int r = make_target(call, unit, layer, name, &target, err);
    if (r < 0) {
        return bt_desk_refuse(call, r, "invalid", "Nội dung không hợp lệ.", err);
    }
    bt_server_id('n', id);
    r = insert(call, id, unit, &target, title, recipe, err);
    r = r == 0 ? audit(call, "create", id, unit, err) : r;
    return r < 0 ? r : answer_one(call, id, 201, err);
}

// Loads the row of the path; NULL after an answer or with *out_r < 0.
static struct bt_publication_row *load(struct bt_call *call, int *out_r, struct bt_error *err)
{
    struct bt_publication_row *row = NULL;
    *out_r = bt_publication_row_load(bt_call_db(call), bt_call_path(call, "id"), &row, err);
    if (*out_r == -ENOENT) {
        *out_r = bt_desk_not_found(call);
    }
    return row;
}

int bt_handle_publication_put(struct bt_call *call, struct bt_error *err)
{
    int r;
    const char *title;
    BT_AUTOFREE char *recipe = NULL;
    static const char *const keys[] = {"title", "recipe", NULL};
    BT_AUTO(bt_publication_row) row = load(call, &r, err);
    if (row == NULL || !bt_call_check_revision(call, row->revision) || !bt_desk_keys(call, keys) ||
        !read_content(call, &title, &recipe)) {
        return r;
    }
    if (strcmp(row->state, "draft") != 0) {
        return bt_call_problem(call, 409, "not-a-draft",
                               "Chỉ sửa được bản nháp; hãy tạo bản nháp mới.",
                               "Only a draft can be changed; make a new one.");
    }
    int64_t changed =
        bt_db_run(bt_call_db(call), err,
                  "UPDATE publication SET title = $2, recipe = $3, changed_ms = $4,"
                  " revision = revision + 1 WHERE id = $1",
                  BT_TEXT(row->id), BT_TEXT(title), BT_TEXT(recipe), BT_INT(bt_call_now_ms(call)));
    r = changed < 0 ? (int)changed : audit(call, "change", row->id, row->unit.code, err);
    return r < 0 ? r : answer_one(call, row->id, 200, err);
}

int bt_handle_publication_document(struct bt_call *call, struct bt_error *err)
{
    int r;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    BT_AUTO(bt_publication_row) row = load(call, &r, err);
    if (row == NULL) {
        return r;
    }
    if (row->document[0] != '\0' && strcmp(row->state, "draft") != 0) {
        return bt_call_bytes_reply(call, 200, "application/json", row->document,
                                   strlen(row->document));
    }
    r = bt_publication_row_compose(bt_call_db(call), row, BT_MAX(row->version, 1), &text, err);
    return r < 0 ? bt_desk_refuse(call, r, "invalid", "Bản nháp chưa thể phát.", err)
                 : bt_call_bytes_reply(call, 200, "application/json", text.data, text.len);
}

int bt_handle_publication_withdraw(struct bt_call *call, struct bt_error *err)
{
    int r;
    BT_AUTO(bt_publication_row) row = load(call, &r, err);
    if (row == NULL) {
        return r;
    }
    if (strcmp(row->state, "draft") != 0) {
        return bt_call_problem(call, 409, "not-a-draft",
                               "Chỉ bỏ được bản nháp ở đây. Đang chờ ký: rút đề nghị. Đang phát: "
                               "lập đề nghị với 'withdraw', hoặc gỡ khẩn cấp.",
                               "Only a draft is withdrawn here. Proposed: withdraw the proposal. "
                               "Published: propose with 'withdraw', or take it down.");
    }
    r = bt_publication_row_step(bt_call_db(call), row->id, row->state, BT_PUBLICATION_WITHDRAW,
                                bt_call_now_ms(call), err);
    r = r == 0 ? audit(call, "withdraw", row->id, row->unit.code, err) : r;
    return r < 0 ? r : answer_one(call, row->id, 200, err);
}
