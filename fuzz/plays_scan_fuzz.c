// An object from anybody, read the short way and the careful way with the same tables. What the
// short way takes, the careful way takes, and fills in the same.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "plays/scan.h"

struct thing {
    char name[24], note[64];
    int64_t number, maybe;
    int word;
    bool yes;
};

static const char *const words[] = {"", "on", "one", NULL};
static const struct bt_json_field first[] = {
    BT_JSON_FIELD(struct thing, name, "name", BT_JSON_STRING, .min = 1, .max = 23),
    BT_JSON_FIELD(struct thing, number, "n", BT_JSON_INT, .min = -50, .max = 999999999999999),
};
static const struct bt_json_field second[] = {
    BT_JSON_FIELD(struct thing, yes, "yes", BT_JSON_BOOL),
    BT_JSON_FIELD(struct thing, note, "names", BT_JSON_STRING, .max = 63, .optional = true),
    BT_JSON_FIELD(struct thing, word, "word", BT_JSON_ENUM, .words = words),
    BT_JSON_FIELD(struct thing, maybe, "nn", BT_JSON_INT, .max = 9, .optional = true),
};
static const struct bt_scan_part parts[] = {{first, BT_ARRAY_LEN(first)},
                                            {second, BT_ARRAY_LEN(second)}};

static bool read_carefully(const char *text, size_t len, struct thing *out)
{
    BT_AUTOJSON *json = NULL;
    return bt_json_parse(text, len, &json, NULL) == 0 &&
           bt_json_read(json, first, BT_ARRAY_LEN(first), out, NULL, NULL) == 0 &&
           bt_json_read(json, second, BT_ARRAY_LEN(second), out, NULL, NULL) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct thing scanned, careful;
    memset(&scanned, 0, sizeof(scanned));
    memset(&careful, 0, sizeof(careful));
    // An exact copy, so that a byte too far is noticed.
    char *text = malloc(size > 0 ? size : 1);
    assert(text != NULL);
    memcpy(text, data, size);
    if (bt_scan_object(text, size, parts, BT_ARRAY_LEN(parts), &scanned)) {
        assert(read_carefully(text, size, &careful));
        assert(strcmp(scanned.name, careful.name) == 0);
        assert(strcmp(scanned.note, careful.note) == 0);
        assert(scanned.number == careful.number && scanned.maybe == careful.maybe);
        assert(scanned.word == careful.word && scanned.yes == careful.yes);
    }
    free(text);
    return 0;
}
