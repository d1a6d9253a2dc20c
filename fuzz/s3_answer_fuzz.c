// What a store says: a list's entries have keys and sizes, and nothing is read beyond the answer.
#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "fuzz/fuzz.h"
#include "server/media/s3_answer.h"

static int look(void *context, const struct bt_s3_entry *entry)
{
    (void)context;
    assert(strlen(entry->key) < BT_S3_KEY_BYTES && entry->size >= 0);
    assert(bt_utf8_valid(entry->key, strlen(entry->key)));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char next[BT_S3_TOKEN_BYTES], code[64];
    struct bt_error err = {0};
    const char *text = (const char *)data;
    if (bt_s3_read_list(text, size, look, NULL, next, &err) < 0) {
        assert(err.msg[0] != '\0');
    } else {
        assert(strlen(next) < sizeof(next));
    }
    if (bt_s3_element(text, size, "Code", code, sizeof(code)) == 0) {
        assert(strlen(code) < sizeof(code));
    }
    return 0;
}
