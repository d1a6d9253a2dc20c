#include "server/publications/activation.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define MAX_MS BT_MS_PER_DAY
#define MAX_TIME_MS (INT64_C(1) << 53)
#define FIELDS_MAX 16
#define VALUE_MAX_BYTES 256

// The signed part as its table reads it.
struct draft {
    char type[16];
    int64_t format;
    char template[BT_TARGET_BYTES];
};

static int read_names(const cJSON *value, char *out, size_t size, size_t *count, size_t least,
                      struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list [ ]", value->string);
    }
    *count = 0;
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (!cJSON_IsString(entry) || entry->valuestring[0] == '\0' ||
            strlen(entry->valuestring) >= size || *count == BT_ACTIVATION_MAX_NAMES) {
            return bt_fail(err, -EINVAL, "'%s' has an entry that is none, or too many",
                           value->string);
        }
        memcpy(out + *count * size, entry->valuestring, strlen(entry->valuestring) + 1);
        (*count)++;
    }
    return *count < least ? bt_fail(err, -EINVAL, "'%s' is empty", value->string) : 0;
}

static int read_scope(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_activation *a = context;
    return read_names(value, a->scope[0], sizeof(a->scope[0]), &a->scope_count, 1, err);
}

static int read_screens(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_activation *a = context;
    return read_names(value, a->screens[0], sizeof(a->screens[0]), &a->screen_count, 0, err);
}

// Which fields the template has, only players and the template's readers know.
static int read_values(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    size_t count = 0;
    for (const cJSON *m = cJSON_IsObject(value) ? value->child : NULL; m != NULL; m = m->next) {
        if (!cJSON_IsString(m) || strlen(m->valuestring) > VALUE_MAX_BYTES) {
            return bt_fail(err, -EINVAL, "'fields': '%.64s' must be a text of at most %d bytes",
                           m->string, VALUE_MAX_BYTES);
        }
        count++;
    }
    return cJSON_IsObject(value) && count <= FIELDS_MAX
               ? 0
               : bt_fail(err, -EINVAL, "'fields' must be an object of at most %d texts",
                         FIELDS_MAX);
}

#define CUSTOM(key_, read_)                                                                        \
    {                                                                                              \
        .key = (key_), .kind = BT_JSON_CUSTOM, .read = (read_)                                     \
    }

static const struct bt_json_field outer_fields[] = {
    BT_JSON_FIELD(struct draft, type, "_type", BT_JSON_STRING, .min = 1, .max = 15),
    BT_JSON_FIELD(struct draft, format, "format", BT_JSON_INT, .min = 1, .max = 1),
    BT_JSON_FIELD(struct draft, template, "template", BT_JSON_STRING, .min = 1,
                  .max = BT_TARGET_BYTES - 6),
};
static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct bt_activation, id, "id", BT_JSON_STRING, .min = 3,
                  .max = BT_EMERGENCY_ID_BYTES - 1),
    BT_JSON_FIELD(struct bt_activation, template_sha256, "template_sha256", BT_JSON_STRING,
                  .min = BT_SHA256_HEX_BYTES - 1, .max = BT_SHA256_HEX_BYTES - 1),
    BT_JSON_FIELD(struct bt_activation, level, "level", BT_JSON_INT, .min = 1, .max = 5),
    BT_JSON_FIELD(struct bt_activation, from_ms, "from_ms", BT_JSON_INT, .max = MAX_TIME_MS),
    BT_JSON_FIELD(struct bt_activation, until_ms, "until_ms", BT_JSON_INT, .max = MAX_TIME_MS),
    CUSTOM("scope", read_scope),
    CUSTOM("screens", read_screens),
    CUSTOM("fields", read_values),
};

static int check_id(const char *id, struct bt_error *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return bt_str_starts(id, "e-") && strspn(id, allowed) == strlen(id)
               ? 0
               : bt_fail(err, -EINVAL,
                         "'id' must begin with 'e-' and have a-z A-Z 0-9 - _ . alone");
}

static int read_template(const char *name, struct bt_activation *activation, struct bt_error *err)
{
    char path[BT_TARGET_BYTES];
    int r = bt_format(path, sizeof(path), "%s.json", name);
    r = r == 0 ? bt_target_read(path, &activation->template, err) : r;
    if (r < 0 || activation->template.layer != BT_DOCUMENT_TEMPLATE) {
        return bt_fail(err, -EINVAL, "'template' is '%.96s', which is no template", name);
    }
    const struct bt_target *target = &activation->template;
    return bt_format(activation->role, sizeof(activation->role), "em-%s",
                     target->everywhere ? "p" : target->unit);
}

static int check_scope(const struct bt_activation *activation, struct bt_error *err)
{
    const struct bt_target *target = &activation->template;
    if (!target->everywhere &&
        (activation->scope_count != 1 || strcmp(activation->scope[0], target->unit) != 0)) {
        return bt_fail(err, -EINVAL, "'scope' may name '%s' alone with this template",
                       target->unit);
    }
    return 0;
}

int bt_activation_read(const cJSON *document, struct bt_activation *out, struct bt_error *err)
{
    const cJSON *signed_part = cJSON_GetObjectItemCaseSensitive(document, "signed");
    struct draft draft = {0};
    *out = (struct bt_activation){0};
    int r = bt_json_read(signed_part, outer_fields, BT_ARRAY_LEN(outer_fields), &draft, NULL, err);
    if (r == 0 && strcmp(draft.type, "emergency") != 0) {
        r = bt_fail(err, -EINVAL, "'_type' is '%s', not 'emergency'", draft.type);
    }
    r = r == 0 ? bt_json_read(signed_part, fields, BT_ARRAY_LEN(fields), out, out, err) : r;
    r = r == 0 ? check_id(out->id, err) : r;
    r = r == 0 ? read_template(draft.template, out, err) : r;
    return r == 0 ? check_scope(out, err) : r;
}

int bt_activation_check_time(const struct bt_activation *a, int64_t now_ms, struct bt_error *err)
{
    if (a->until_ms <= a->from_ms || a->until_ms - a->from_ms > MAX_MS) {
        return bt_fail(err, -ETIME, "it must last more than nothing and at most 24 hours");
    }
    if (a->until_ms <= now_ms) {
        return bt_fail(err, -ETIME, "it is over");
    }
    if (a->from_ms < now_ms - MAX_MS) {
        return bt_fail(err, -ETIME, "it began more than 24 hours ago");
    }
    return 0;
}
