/**
 * JSON from outside, read by table (cJSON underneath).
 *
 * bt_json_parse refuses what RFC 8259 forbids and cJSON lets through: duplicate keys, bad UTF-8,
 * lone surrogates, NUL inside strings, odd number forms, text after the document. Its depth and
 * its number of values are bounded. bt_json_read then checks every type and range of one object
 * against a table and fills a struct; absent optional fields keep the value the struct came with.
 *
 * Thread-safe; touches no files and does not log.
 */
#ifndef BT_BASE_JSON_H
#define BT_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

// Deeper nesting than any of our documents has.
#define BT_JSON_MAX_DEPTH 32

// "[0,0,0…" of 4 MiB would become 160 MiB of cJSON. Ours have 16 bytes and more to a value.
#define BT_JSON_MAX_VALUES 262144

static inline void bt_json_delete_auto(cJSON **json)
{
    cJSON_Delete(*json);
}
#define BT_AUTOJSON __attribute__((cleanup(bt_json_delete_auto))) cJSON

// *out is for cJSON_Delete. Errors: -EINVAL with line and column, -ENOMEM.
int bt_json_parse(const char *text, size_t len, cJSON **out, struct bt_error *err) BT_NODISCARD;

enum bt_json_kind {
    BT_JSON_STRING,  // char[min_room]: min..max bytes, UTF-8, no control characters
    BT_JSON_TEXT,    // char *, allocated: likewise, but line breaks are allowed
    BT_JSON_INT,     // int64_t: min..max, a whole number
    BT_JSON_BOOL,    // bool
    BT_JSON_ENUM,    // int: index into `words`, which ends with NULL
    BT_JSON_CUSTOM,  // whatever `read` makes of the value; `target` is the member
};

// Says in `err` which key is wrong itself; value->string is the key.
typedef int (*bt_json_read_fn)(const cJSON *value, void *target, void *context,
                               struct bt_error *err);

struct bt_json_field {
    const char *key;
    enum bt_json_kind kind;
    size_t offset, size;  // of the member
    int64_t min, max;     // STRING, TEXT: bytes; INT: value
    bool optional;
    const char *const *words;
    bt_json_read_fn read;
};

#define BT_JSON_FIELD(type, member, json_key, json_kind, ...)                                      \
    {                                                                                              \
        .key = (json_key), .kind = (json_kind), .offset = offsetof(type, member),                  \
        .size = sizeof(((type *)NULL)->member), __VA_ARGS__                                        \
    }

/**
 * Reads one object. `context` is handed to CUSTOM readers. On error `target` may be half filled;
 * its TEXT members still belong to the caller.
 */
int bt_json_read(const cJSON *object, const struct bt_json_field *fields, size_t count,
                 void *target, void *context, struct bt_error *err) BT_NODISCARD;

// A CUSTOM reader of a SHA-256 in hex, into a struct bt_sha256.
int bt_json_read_sha256(const cJSON *value, void *target, void *context, struct bt_error *err);

// The first key of the object that is not in the table, or NULL. Borrowed from the object.
const char *bt_json_unknown_key(const cJSON *object, const struct bt_json_field *fields,
                                size_t count);

// A whole number that survives the trip through cJSON's double, within [min, max].
int bt_json_whole(const cJSON *value, int64_t min, int64_t max, int64_t *out) BT_NODISCARD;

// Appends a quoted and escaped JSON string.
int bt_json_append_string(struct bt_buf *buf, const char *text) BT_NODISCARD;

#endif
