#include "sync/activation.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sync/order.h"

#define ACTIVATION_FORMAT 1
#define MAX_MS (INT64_C(1) << 53)

// What bt_json_read fills besides the activation itself.
struct reading {
    struct bt_activation *activation;
    char type[16];
    int64_t format;
};

static int read_template_hash(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct reading *reading = target;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (strlen(text) != BT_SHA256_HEX_BYTES - 1 ||
        bt_unhex(text, reading->activation->template_sha256.bytes, BT_SHA256_BYTES) < 0) {
        return bt_fail(err, -EINVAL, "'%s' is not a SHA-256 in hex", value->string);
    }
    return 0;
}

// A list of short texts into rows of `size` bytes.
static int read_texts(const cJSON *value, char *rows, size_t size, size_t max, size_t *count,
                      struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list", value->string);
    }
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (*count == max) {
            return bt_fail(err, -EINVAL, "'%s' has more than %zu entries", value->string, max);
        }
        if (!cJSON_IsString(entry) || entry->valuestring[0] == '\0' ||
            bt_format(rows + *count * size, size, "%s", entry->valuestring) < 0) {
            return bt_fail(err, -EINVAL, "%s[%zu] is not a name", value->string, *count);
        }
        ++*count;
    }
    return 0;
}

static int read_scope(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_activation *activation = ((struct reading *)target)->activation;
    return read_texts(value, activation->scope[0], sizeof(activation->scope[0]),
                      BT_ACTIVATION_MAX_SCOPE, &activation->scope_count, err);
}

static int read_screens(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_activation *activation = ((struct reading *)target)->activation;
    return read_texts(value, activation->screens[0], sizeof(activation->screens[0]),
                      BT_ACTIVATION_MAX_SCREENS, &activation->screen_count, err);
}

static int read_field_values(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_activation *activation = ((struct reading *)target)->activation;
    if (!cJSON_IsObject(value)) {
        return bt_fail(err, -EINVAL, "'fields' must be an object");
    }
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (activation->field_count == BT_ACTIVATION_MAX_FIELDS) {
            return bt_fail(err, -EINVAL, "'fields' has more than %d entries",
                           BT_ACTIVATION_MAX_FIELDS);
        }
        struct bt_activation_field *field = &activation->fields[activation->field_count];
        if (!cJSON_IsString(entry) ||
            bt_format(field->name, sizeof(field->name), "%s", entry->string) < 0 ||
            bt_format(field->value, sizeof(field->value), "%s", entry->valuestring) < 0) {
            return bt_fail(err, -EINVAL, "the field '%.60s' is not a text of at most %d bytes",
                           entry->string, BT_FIELD_MAX_BYTES);
        }
        activation->field_count++;
    }
    return 0;
}

#define LEAF(key_, reader_, ...)                                                                   \
    {                                                                                              \
        .key = (key_), .kind = BT_JSON_CUSTOM, .read = (reader_), __VA_ARGS__                      \
    }

static const struct bt_json_field head_fields[] = {
    BT_JSON_FIELD(struct reading, type, "_type", BT_JSON_STRING, .min = 1, .max = 15),
    BT_JSON_FIELD(struct reading, format, "format", BT_JSON_INT, .min = 1,
                  .max = ACTIVATION_FORMAT),
    LEAF("template_sha256", read_template_hash),
    LEAF("scope", read_scope),
    LEAF("screens", read_screens, .optional = true),
    LEAF("fields", read_field_values, .optional = true),
};

static const struct bt_json_field plain_fields[] = {
    BT_JSON_FIELD(struct bt_activation, id, "id", BT_JSON_STRING, .min = 1, .max = 63),
    BT_JSON_FIELD(struct bt_activation, template_target, "template", BT_JSON_STRING, .min = 1,
                  .max = 191),
    BT_JSON_FIELD(struct bt_activation, level, "level", BT_JSON_INT, .min = 1, .max = 5),
    BT_JSON_FIELD(struct bt_activation, from_ms, "from_ms", BT_JSON_INT, .min = 0, .max = MAX_MS),
    BT_JSON_FIELD(struct bt_activation, until_ms, "until_ms", BT_JSON_INT, .min = 0, .max = MAX_MS),
};

static int check_span(const struct bt_activation *activation, struct bt_error *err)
{
    int64_t length_ms = activation->until_ms - activation->from_ms;
    if (length_ms <= 0 || length_ms > BT_ACTIVATION_MAX_MS) {
        return bt_fail(err, -EINVAL, "it lasts %lld s, outside 1 s..24 h",
                       (long long)length_ms / 1000);
    }
    return 0;
}

static int parse_document(const char *text, size_t len, cJSON **out, struct bt_error *err)
{
    if (len > BT_ACTIVATION_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "%zu bytes are more than an activation's %d", len,
                       BT_ACTIVATION_MAX_BYTES);
    }
    return bt_json_parse(text, len, out, err);
}

int bt_activation_parse(const char *text, size_t len, struct bt_activation *out,
                        struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    int r = parse_document(text, len, &json, err);
    if (r < 0) {
        return r;
    }
    struct bt_activation activation = {0};
    struct reading reading = {.activation = &activation};
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(json, "signed");
    if (body == NULL) {
        return bt_fail(err, -EINVAL, "'signed' is missing");
    }
    r = bt_json_read(body, head_fields, BT_ARRAY_LEN(head_fields), &reading, NULL, err);
    r = r < 0
            ? r
            : bt_json_read(body, plain_fields, BT_ARRAY_LEN(plain_fields), &activation, NULL, err);
    if (r == 0 && strcmp(reading.type, "emergency") != 0) {
        r = bt_fail(err, -EINVAL, "'_type' is '%s', not 'emergency'", reading.type);
    }
    r = r < 0 ? r : check_span(&activation, err);
    if (r == 0) {
        *out = activation;
    }
    return r;
}

int bt_activation_role(const struct bt_activation *activation, char out[BT_ROLE_BYTES],
                       struct bt_error *err)
{
    const char *target = activation->template_target;
    if (bt_str_starts(target, "p/template-")) {
        return bt_format(out, BT_ROLE_BYTES, "em-p");
    }
    size_t len = bt_str_starts(target, "u/") ? strcspn(target + 2, "/") : 0;
    if (len == 0 || len >= BT_UNIT_BYTES || !bt_str_starts(target + 2 + len, "/template-")) {
        return bt_fail(err, -EINVAL, "'%s' is not a template", target);
    }
    return bt_format(out, BT_ROLE_BYTES, "em-%.*s", (int)len, target + 2);
}

// The keys of a unit speak for that unit alone.
static int check_scope(const struct bt_activation *activation, const char *role,
                       struct bt_error *err)
{
    for (size_t i = 0; i < activation->scope_count && strcmp(role, "em-p") != 0; i++) {
        if (strcmp(activation->scope[i], role + strlen("em-")) != 0) {
            return bt_fail(err, -EACCES, "role '%s' may not name unit '%s'", role,
                           activation->scope[i]);
        }
    }
    return 0;
}

int bt_activation_verify(const char *text, size_t len, const struct bt_activation *activation,
                         const struct bt_keyring *ring, int64_t now_ms, struct bt_error *err)
{
    char role[BT_ROLE_BYTES];
    BT_AUTOJSON *json = NULL;
    int r = bt_activation_role(activation, role, err);
    r = r < 0 ? r : check_scope(activation, role, err);
    r = r < 0 ? r : parse_document(text, len, &json, err);
    r = r < 0 ? r : bt_signatures_check(json, ring, err);
    if (r == 0 && activation->from_ms > now_ms + BT_ACTIVATION_MAX_MS) {
        r = bt_fail(err, -EINVAL, "it begins more than 24 hours from now");
    }
    return r;
}

bool bt_activation_concerns(const struct bt_activation *activation, const char *unit,
                            const char *screen)
{
    bool in_scope = false;
    for (size_t i = 0; i < activation->scope_count && !in_scope; i++) {
        in_scope = strcmp(activation->scope[i], unit) == 0;
    }
    bool meant = activation->screen_count == 0;
    for (size_t i = 0; i < activation->screen_count && !meant; i++) {
        meant = strcmp(activation->screens[i], screen) == 0;
    }
    return in_scope && meant;
}

int bt_activation_compare(const struct bt_activation *a, const struct bt_activation *b)
{
    if (a->level != b->level) {
        return a->level > b->level ? 1 : -1;
    }
    if (a->from_ms != b->from_ms) {
        return a->from_ms > b->from_ms ? 1 : -1;
    }
    return strcmp(a->id, b->id);
}
