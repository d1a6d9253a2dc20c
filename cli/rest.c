#include "cli/rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define PATH_MAX_BYTES 4096
#define FILE_MAX_BYTES (4 * 1024 * 1024)
#define MAX_LISTED 100000  // rows of all pages together

static int add_time(cJSON *body, const char *key, const char *text, struct bt_error *err)
{
    int64_t ms;
    if (bt_rfc3339_parse(text, &ms) < 0) {
        return bt_fail(err, -EINVAL, "'%s': cần dạng / must look like 2026-11-21T09:30:00+07:00",
                       text);
    }
    cJSON_AddNumberToObject(body, key, (double)ms);
    return 0;
}

static int add_file(cJSON *body, const char *key, const char *path, struct bt_error *err)
{
    BT_AUTOBUF text;
    cJSON *value;
    bt_buf_init(&text, FILE_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    if (r < 0 || (r = bt_json_parse(bt_buf_text(&text), text.len, &value, err)) < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    cJSON_AddItemToObject(body, key, value);
    return 0;
}

// The object a dotted key stands in, made when it is not there; *key becomes its last part.
static cJSON *object_of(cJSON *body, const char **key)
{
    const char *dot = strchr(*key, '.');
    if (dot == NULL) {
        return body;
    }
    BT_AUTOFREE char *name = bt_strndup(*key, (size_t)(dot - *key));
    cJSON *inside = cJSON_GetObjectItemCaseSensitive(body, name);
    *key = dot + 1;
    return inside != NULL ? inside : cJSON_AddObjectToObject(body, name);
}

// Of an option that was not given nothing is said.
static void add_list(cJSON *body, const struct bt_member *member,
                     const struct bt_arguments *arguments)
{
    bool named = member->option != NULL;
    size_t first = named ? 0 : (size_t)member->operand;
    size_t end = named ? bt_argument_count(arguments, member->option) : bt_operand_count(arguments);
    if (named && end == 0) {
        return;
    }
    const char *key = member->key;
    cJSON *object = object_of(body, &key);
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t i = first; i < end; i++) {
        const char *text =
            named ? bt_argument_at(arguments, member->option, i) : bt_operand(arguments, i);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
}

static int add_value(cJSON *body, const char *key, const struct bt_member *member, const char *text,
                     struct bt_error *err)
{
    int64_t number;
    switch (member->kind) {
    case BT_MEMBER_TEXT:
    case BT_MEMBER_WORD:
        cJSON_AddStringToObject(body, key, text);
        return 0;
    case BT_MEMBER_INT:
        if (bt_parse_int(text, -(INT64_C(1) << 53), INT64_C(1) << 53, &number) < 0) {
            return bt_fail(err, -EINVAL, "'%s' không phải số / is no number", text);
        }
        cJSON_AddNumberToObject(body, key, (double)number);
        return 0;
    case BT_MEMBER_TIME:
        return add_time(body, key, text, err);
    case BT_MEMBER_FILE:
        return add_file(body, key, text, err);
    case BT_MEMBER_FLAG:
        cJSON_AddTrueToObject(body, key);
        return 0;
    case BT_MEMBER_LIST:
        break;
    }
    return 0;
}

// NULL: nothing is said of it.
static const char *text_of(const struct bt_member *member, const struct bt_arguments *arguments)
{
    if (member->kind == BT_MEMBER_WORD) {
        return member->word;
    }
    if (member->kind == BT_MEMBER_FLAG) {
        return bt_argument_flag(arguments, member->option) ? "" : NULL;
    }
    return member->option != NULL ? bt_argument(arguments, member->option)
                                  : bt_operand(arguments, (size_t)member->operand);
}

static int add_member(cJSON *body, const struct bt_member *member,
                      const struct bt_arguments *arguments, struct bt_error *err)
{
    if (member->kind == BT_MEMBER_LIST) {
        add_list(body, member, arguments);
        return 0;
    }
    const char *text = text_of(member, arguments);
    if (text == NULL) {
        return 0;
    }
    const char *key = member->key;
    cJSON *object = object_of(body, &key);
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    return add_value(object, key, member, text, err);
}

// What stays of an object that is written anew.
static cJSON *kept(const struct bt_rest *rest, const cJSON *present)
{
    cJSON *body = cJSON_CreateObject();
    for (const char *const *key = rest->keeps; key != NULL && *key != NULL; key++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(present, *key);
        if (value != NULL && !cJSON_IsNull(value)) {
            cJSON_AddItemToObject(body, *key, cJSON_Duplicate(value, true));
        }
    }
    return body;
}

int bt_rest_body(const struct bt_rest *rest, const struct bt_arguments *arguments,
                 const cJSON *present, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *body = kept(rest, present);
    for (size_t i = 0; i < rest->member_count; i++) {
        int r = add_member(body, &rest->members[i], arguments, err);
        if (r < 0) {
            return r;
        }
    }
    *out = BT_TAKE(body);
    return 0;
}

char *bt_rest_path(const struct bt_rest *rest, const struct bt_arguments *arguments)
{
    BT_AUTOBUF path;
    bt_buf_init(&path, PATH_MAX_BYTES);
    int r = 0;
    for (const char *c = rest->path; *c != '\0' && r == 0; c++) {
        if (*c != '{') {
            r = bt_buf_append(&path, c, 1);
            continue;
        }
        const char *operand = bt_operand(arguments, (size_t)(c[1] - '0'));
        BT_AUTOFREE char *part = bt_path_part(operand != NULL ? operand : "");
        r = bt_buf_append(&path, part, strlen(part));
        c += 2;
    }
    return bt_strdup(r < 0 ? "" : bt_buf_text(&path));
}

// A body's members as a query.
static char *with_query(const char *path, const cJSON *query)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, PATH_MAX_BYTES);
    int r = bt_buf_appendf(&text, "%s", path);
    for (const cJSON *each = query->child; each != NULL && r == 0; each = each->next) {
        BT_AUTOFREE char *plain = cJSON_IsString(each) ? bt_strdup(each->valuestring)
                                                       : bt_strf("%.15g", each->valuedouble);
        BT_AUTOFREE char *value = bt_path_part(plain);
        r = bt_buf_appendf(&text, "%c%s=%s", strchr(bt_buf_text(&text), '?') ? '&' : '?',
                           each->string, value);
    }
    return bt_strdup(bt_buf_text(&text));
}

static void take_items(cJSON *page, cJSON *into)
{
    cJSON *items = cJSON_GetObjectItemCaseSensitive(page, "items");
    while (items != NULL && items->child != NULL) {
        cJSON_AddItemToArray(into, cJSON_DetachItemViaPointer(items, items->child));
    }
}

// Where the list goes on, or NULL.
static char *next_page(const char *path, const cJSON *page)
{
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");
    if (!cJSON_IsString(next) && !cJSON_IsNumber(next)) {
        return NULL;
    }
    BT_AUTOJSON *query = cJSON_CreateObject();
    cJSON_AddItemToObject(query, "after", cJSON_Duplicate(next, true));
    return with_query(path, query);
}

int bt_rest_list(struct bt_client *client, const char *path, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *all = cJSON_CreateArray();
    BT_AUTOFREE char *at = bt_strdup(path);
    while (at != NULL && cJSON_GetArraySize(all) < MAX_LISTED) {
        BT_AUTOANSWER answer = {0};
        int r = bt_client_get(client, at, &answer, err);
        if (r < 0) {
            return r;
        }
        take_items(answer.json, all);
        free(at);
        at = next_page(path, answer.json);
    }
    *out = BT_TAKE(all);
    return 0;
}

const char *const bt_severities[] = {"urgent", "warning", "notice", NULL};

static size_t rank_of(const cJSON *item, const char *key, const char *const *words)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
    size_t rank = 0;
    while (words[rank] != NULL && !bt_str_equal(words[rank], word)) {
        rank++;
    }
    return rank;
}

cJSON *bt_rest_ranked(const cJSON *items, const char *key, const char *const *words)
{
    cJSON *list = cJSON_CreateArray();
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    for (size_t rank = 0; rank <= count; rank++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, items)
        {
            if (rank_of(item, key, words) == rank) {
                cJSON_AddItemToArray(list, cJSON_Duplicate(item, true));
            }
        }
    }
    return list;
}

static void print_json(const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    puts(text != NULL ? text : "null");
    cJSON_free(text);
}

void bt_rest_show(const struct bt_client *client, const struct bt_rest *rest, const cJSON *json)
{
    if (bt_client_json(client)) {
        print_json(json);
        return;
    }
    if (rest->column_count > 0 && cJSON_IsArray(json)) {
        bt_table_print(json, rest->columns, rest->column_count, stdout);
    } else if (rest->column_count > 0 && cJSON_IsObject(json)) {
        bt_table_print_object(json, rest->columns, rest->column_count, stdout);
    }
    if (rest->done != NULL) {
        puts(rest->done);
    }
}

static int run_list(struct bt_client *client, const struct bt_rest *rest, const char *path,
                    struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0) {
        return r;
    }
    if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(answer.json, "items"))) {
        bt_rest_show(client, rest, answer.json);
        return 0;
    }
    BT_AUTOJSON *all = NULL;
    r = bt_rest_list(client, path, &all, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *ranked =
        rest->rank_by != NULL ? bt_rest_ranked(all, rest->rank_by, rest->ranks) : NULL;
    bt_rest_show(client, rest, ranked != NULL ? ranked : all);
    return 0;
}

static int run_change(struct bt_client *client, const struct bt_rest *rest, const char *path,
                      const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOANSWER present = {0}, answer = {0};
    BT_AUTOJSON *body = NULL;
    // What is edited must be what was seen.
    int r = rest->edits ? bt_client_get(client, path, &present, err) : 0;
    if (r < 0 || (r = bt_rest_body(rest, arguments, present.json, &body, err)) < 0) {
        return r;
    }
    const struct bt_request request = {.method = rest->method,
                                       .path = path,
                                       .json = rest->member_count > 0 ? body : NULL,
                                       .if_match = rest->edits ? present.etag : NULL};
    r = bt_client_ask(client, &request, &answer, err);
    if (r == 0) {
        bt_rest_show(client, rest, answer.json);
    }
    return r;
}

int bt_rest_run(const struct bt_arguments *arguments, struct bt_error *err)
{
    const struct bt_rest *rest = bt_arguments_command(arguments)->request;
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *query = NULL;
    BT_AUTOFREE char *path = bt_rest_path(rest, arguments);
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    if (strcmp(rest->method, "GET") != 0) {
        return run_change(client, rest, path, arguments, err);
    }
    if ((r = bt_rest_body(rest, arguments, NULL, &query, err)) < 0) {
        return r;
    }
    BT_AUTOFREE char *asked = with_query(path, query);
    return run_list(client, rest, asked, err);
}
