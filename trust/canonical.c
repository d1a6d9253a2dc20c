#include "trust/canonical.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// Whole numbers up to here survive the trip through cJSON's double.
#define MAX_WHOLE 9007199254740992.0

static int append(const cJSON *value, struct bt_buf *out, struct bt_error *err);

static int put(struct bt_buf *out, const char *bytes, size_t len, struct bt_error *err)
{
    int r = bt_buf_append(out, bytes, len);
    return r < 0 ? bt_fail(err, r, "Canonical JSON is longer than %zu bytes", out->limit) : 0;
}

static int append_string(const char *text, struct bt_buf *out, struct bt_error *err)
{
    int r = put(out, "\"", 1, err);
    while (r == 0 && *text != '\0') {
        size_t plain = strcspn(text, "\"\\");
        r = put(out, text, plain, err);
        text += plain;
        if (r == 0 && *text != '\0') {
            char escaped[2] = {'\\', *text++};
            r = put(out, escaped, sizeof(escaped), err);
        }
    }
    return r < 0 ? r : put(out, "\"", 1, err);
}

static int append_number(const cJSON *value, struct bt_buf *out, struct bt_error *err)
{
    double number = value->valuedouble;
    if (!(fabs(number) <= MAX_WHOLE) || floor(number) != number) {
        return bt_fail(err, -EINVAL, "Canonical JSON has whole numbers up to 2^53 alone");
    }
    int r = bt_buf_appendf(out, "%lld", (long long)number);
    return r < 0 ? bt_fail(err, r, "Canonical JSON is longer than %zu bytes", out->limit) : 0;
}

static int append_array(const cJSON *array, struct bt_buf *out, struct bt_error *err)
{
    int r = put(out, "[", 1, err);
    for (const cJSON *each = array->child; r == 0 && each != NULL; each = each->next) {
        r = append(each, out, err);
        if (r == 0 && each->next != NULL) {
            r = put(out, ",", 1, err);
        }
    }
    return r < 0 ? r : put(out, "]", 1, err);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static int append_member(const cJSON *member, struct bt_buf *out, struct bt_error *err)
{
    int r = append_string(member->string, out, err);
    if (r == 0) {
        r = put(out, ":", 1, err);
    }
    return r < 0 ? r : append(member, out, err);
}

static int append_object(const cJSON *object, struct bt_buf *out, struct bt_error *err)
{
    size_t count = (size_t)cJSON_GetArraySize(object);
    BT_AUTOFREE const cJSON **members = bt_alloc_array(count + 1, sizeof(*members));
    size_t filled = 0;
    for (const cJSON *each = object->child; each != NULL; each = each->next) {
        members[filled++] = each;
    }
    qsort(members, filled, sizeof(*members), by_key);
    int r = put(out, "{", 1, err);
    for (size_t i = 0; r == 0 && i < filled; i++) {
        if (i > 0) {
            r = put(out, ",", 1, err);
        }
        if (r == 0) {
            r = append_member(members[i], out, err);
        }
    }
    return r < 0 ? r : put(out, "}", 1, err);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as bt_json_parse lets a document be
static int append(const cJSON *value, struct bt_buf *out, struct bt_error *err)
{
    if (cJSON_IsObject(value)) {
        return append_object(value, out, err);
    }
    if (cJSON_IsArray(value)) {
        return append_array(value, out, err);
    }
    if (cJSON_IsString(value)) {
        return append_string(value->valuestring, out, err);
    }
    if (cJSON_IsNumber(value)) {
        return append_number(value, out, err);
    }
    if (cJSON_IsNull(value)) {
        return put(out, "null", 4, err);
    }
    return cJSON_IsTrue(value) ? put(out, "true", 4, err) : put(out, "false", 5, err);
}

int bt_canonical_json(const cJSON *value, struct bt_buf *out, struct bt_error *err)
{
    return append(value, out, err);
}
