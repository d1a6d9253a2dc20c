// What a handler reads of a request: query, cookies, body. Every refusal is a problem of ours.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "server/http/call_private.h"

struct sample {
    char name[32];
    char *text;
    int64_t number;
    bool flag;
    int choice;
};

static const char *const words[] = {"one", "two", NULL};

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct sample, name, "name", BT_JSON_STRING, .min = 1, .max = 31),
    BT_JSON_FIELD(struct sample, text, "text", BT_JSON_TEXT, .max = 1000, .optional = true),
    BT_JSON_FIELD(struct sample, number, "number", BT_JSON_INT, .min = -5, .max = 1000000),
    BT_JSON_FIELD(struct sample, flag, "flag", BT_JSON_BOOL, .optional = true),
    BT_JSON_FIELD(struct sample, choice, "choice", BT_JSON_ENUM, .words = words, .optional = true),
};

static const struct bt_route route = {"POST", "/v1/sample"};

static void check_problem(struct bt_call *call)
{
    assert(call->reply.kind == BT_REPLY_BYTES && call->reply.status == 400);
    BT_AUTOJSON *problem = NULL;
    assert(bt_json_parse(call->reply.bytes, call->reply.len, &problem, NULL) == 0);
    assert(cJSON_GetObjectItem(problem, "detail") != NULL);
}

// Query, a line break, cookies, a line break, the body.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_server server = {0};
    BT_AUTO(bt_call) call = bt_call_create(&server);
    call->route = &route;
    BT_AUTOFREE char *text = bt_strndup((const char *)data, size);
    char *cookies = strchr(text, '\n');
    char *body = cookies == NULL ? NULL : strchr(cookies + 1, '\n');
    if (body == NULL) {
        return 0;
    }
    *cookies++ = *body++ = '\0';
    int64_t number;
    if (bt_call_take_query(call, text) == 0 &&
        !bt_call_query_int(call, "limit", 1, 200, 50, &number)) {
        check_problem(call);
    }
    assert(bt_pairs_add(&call->headers, "Cookie", cookies) == 0);
    assert(bt_call_take_cookies(call) <= 0);
    bt_buf_init(&call->body, BT_BODY_DEFAULT_MAX_BYTES);
    if (bt_buf_append(&call->body, body, strlen(body)) < 0) {
        return 0;
    }
    bt_call_start_over(call);
    struct sample sample = {0};
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &sample)) {
        check_problem(call);
    }
    free(sample.text);
    return 0;
}
