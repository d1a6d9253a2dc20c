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

static void add_list(cJSON *body, const struct bt_member *member,
                     const struct bt_arguments *arguments)
{
    cJSON *list = cJSON_AddArrayToObject(body, member->key);
    if (member->option != NULL) {
        for (size_t i = 0; i < bt_argument_count(arguments, member->option); i++) {
            const char *text = bt_argument_at(arguments, member->option, i);
            cJSON_AddItemToArray(list, cJSON_CreateString(text));
        }
        return;
    }
    for (size_t i = (size_t)member->operand; i < bt_operand_count(arguments); i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(bt_operand(arguments, i)));
    }
}

static int add_member(cJSON *body, const struct bt_member *member,
                      const struct bt_arguments *arguments, struct bt_error *err)
{
    int64_t number;
    const char *text = member->kind == BT_MEMBER_WORD ? member->word
                       : member->option != NULL       ? bt_argument(arguments, member->option)
                                                : bt_operand(arguments, (size_t)member->operand);
    if (text == NULL) {
        return 0;
    }
    switch (member->kind) {
    case BT_MEMBER_TEXT:
    case BT_MEMBER_WORD:
        cJSON_AddStringToObject(body, member->key, text);
        return 0;
    case BT_MEMBER_INT:
        if (bt_parse_int(text, -(INT64_C(1) << 53), INT64_C(1) << 53, &number) < 0) {
            return bt_fail(err, -EINVAL, "'%s' không phải số / is no number", text);
        }
        cJSON_AddNumberToObject(body, member->key, (double)number);
        return 0;
    case BT_MEMBER_FLAG:
        cJSON_AddTrueToObject(body, member->key);
        return 0;
    case BT_MEMBER_LIST:
        add_list(body, member, arguments);
        return 0;
    case BT_MEMBER_TIME:
        return add_time(body, member->key, text, err);
    case BT_MEMBER_FILE:
        return add_file(body, member->key, text, err);
    }
    return 0;
}

int bt_rest_body(const struct bt_rest *rest, const struct bt_arguments *arguments, cJSON **out,
                 struct bt_error *err)
{
    BT_AUTOJSON *body = cJSON_CreateObject();
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
    if (r == 0) {
        bt_rest_show(client, rest, all);
    }
    return r;
}

// What is edited must be what was seen.
static int ask_version(struct bt_client *client, const char *path, char etag[BT_ETAG_BYTES],
                       struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    int r = bt_client_get(client, path, &answer, err);
    bt_copy_cut(etag, BT_ETAG_BYTES, r == 0 ? answer.etag : "");
    return r;
}

int bt_rest_run(const struct bt_arguments *arguments, struct bt_error *err)
{
    const struct bt_rest *rest = bt_arguments_command(arguments)->request;
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *body = NULL;
    BT_AUTOANSWER answer = {0};
    char etag[BT_ETAG_BYTES] = "";
    int r = bt_rest_body(rest, arguments, &body, err);
    if (r < 0 || (r = bt_client_open(arguments, &client, err)) < 0) {
        return r;
    }
    BT_AUTOFREE char *path = bt_rest_path(rest, arguments);
    if (strcmp(rest->method, "GET") == 0) {
        BT_AUTOFREE char *query = with_query(path, body);
        return run_list(client, rest, query, err);
    }
    if (rest->edits && (r = ask_version(client, path, etag, err)) < 0) {
        return r;
    }
    const struct bt_request request = {.method = rest->method,
                                       .path = path,
                                       .json = rest->member_count > 0 ? body : NULL,
                                       .if_match = etag[0] != '\0' ? etag : NULL};
    r = bt_client_ask(client, &request, &answer, err);
    if (r == 0) {
        bt_rest_show(client, rest, answer.json);
    }
    return r;
}
