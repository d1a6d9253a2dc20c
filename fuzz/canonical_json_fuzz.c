// Canonical JSON: the same bytes whatever the order of keys, and never past the limit.
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "trust/canonical.h"

#define LIMIT (256 * 1024)

static void reverse_members(cJSON *value)
{
    cJSON *reversed = NULL;
    for (cJSON *each = value->child; each != NULL; each = each->next) {
        reverse_members(each);
    }
    if (!cJSON_IsObject(value)) {
        return;
    }
    while (value->child != NULL) {
        cJSON *member = value->child;
        value->child = member->next;
        member->next = reversed;
        reversed = member;
    }
    value->child = reversed;  // `prev` is for appending; nothing is appended
}

static int canonical(const cJSON *json, struct bt_buf *out)
{
    struct bt_error err = {0};
    bt_buf_init(out, LIMIT);
    int r = bt_canonical_json(json, out, &err);
    assert((r < 0) == (err.msg[0] != '\0') && out->len <= LIMIT);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTOJSON *json = NULL;
    BT_AUTOJSON *again = NULL;
    BT_AUTOBUF first = {0}, second = {0};
    if (bt_json_parse((const char *)data, size, &json, NULL) < 0 || canonical(json, &first) < 0) {
        return 0;
    }
    // Not printed and parsed: cJSON prints 2^53 with 15 digits.
    again = cJSON_Duplicate(json, true);
    assert(again != NULL);
    reverse_members(again);
    assert(canonical(again, &second) == 0 && first.len == second.len &&
           memcmp(bt_buf_text(&first), bt_buf_text(&second), first.len) == 0);
    return 0;
}
