#include "sync/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"

// Vietnam; the people who read a time on a wall are there.
#define LOCAL_OFFSET_S (7 * 3600)

enum { GAP_TEXT, GAP_NUMBER, GAP_TIME };
static const char *const gap_types[] = {"text", "number", "time", NULL};

struct gap {
    char name[64];
    int type;
    int64_t max_bytes;
    char value[BT_FIELD_MAX_BYTES + 1];
};

struct gaps {
    struct gap list[BT_ACTIVATION_MAX_FIELDS];
    size_t count;
};

static int read_gaps(const cJSON *fields, struct gaps *out, struct bt_error *err)
{
    static const struct bt_json_field members[] = {
        BT_JSON_FIELD(struct gap, name, "name", BT_JSON_STRING, .min = 1, .max = 63),
        BT_JSON_FIELD(struct gap, type, "type", BT_JSON_ENUM, .words = gap_types),
        BT_JSON_FIELD(struct gap, max_bytes, "max_bytes", BT_JSON_INT, .min = 1,
                      .max = BT_FIELD_MAX_BYTES, .optional = true),
    };
    const cJSON *first = cJSON_IsArray(fields) ? fields->child : NULL;
    for (const cJSON *entry = first; entry != NULL; entry = entry->next) {
        if (out->count == BT_ACTIVATION_MAX_FIELDS) {
            return bt_fail(err, -EINVAL, "the template has more than %d fields",
                           BT_ACTIVATION_MAX_FIELDS);
        }
        out->list[out->count].max_bytes = BT_FIELD_MAX_BYTES;
        int r =
            bt_json_read(entry, members, BT_ARRAY_LEN(members), &out->list[out->count], NULL, err);
        if (r < 0) {
            return bt_fail_in(err, r, "fields[%zu]", out->count);
        }
        out->count++;
    }
    return 0;
}

static bool is_number(const char *text)
{
    const char *digits = *text == '-' ? text + 1 : text;
    size_t whole = strspn(digits, "0123456789");
    if (whole == 0 || whole > 12) {
        return false;
    }
    const char *rest = digits + whole;
    if (*rest == '.' || *rest == ',') {
        size_t part = strspn(rest + 1, "0123456789");
        return part >= 1 && part <= 6 && rest[1 + part] == '\0';
    }
    return *rest == '\0';
}

// "HH:MM" stays; an instant with its offset becomes "HH:MM dd/mm/yyyy" of the local wall.
static int set_time(const char *text, char *out, size_t size)
{
    int64_t s, ms;
    if (strlen(text) == 5 && bt_time_of_day_parse(text, &s) == 0) {
        return bt_format(out, size, "%s", text);
    }
    if (bt_rfc3339_parse(text, &ms) < 0) {
        return -EINVAL;
    }
    struct bt_civil at = bt_civil_from_s(ms / 1000 + LOCAL_OFFSET_S);
    return bt_format(out, size, "%02d:%02d %02d/%02d/%d", at.hour, at.minute, at.day, at.month,
                     at.year);
}

static bool is_printable(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        // Controls, and U+0080..U+009F, U+200E/F, U+202A..U+202E, U+2066..U+2069: they turn text.
        if (*c < 0x20 || *c == 0x7F || (c[0] == 0xC2 && c[1] < 0xA0) ||
            (c[0] == 0xE2 && c[1] == 0x80 &&
             (c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE))) ||
            (c[0] == 0xE2 && c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9)) {
            return false;
        }
    }
    return bt_utf8_valid(text, strlen(text));
}

static int fill_gap(struct gap *gap, const char *value, struct bt_error *err)
{
    int r = 0;
    if (!is_printable(value) || (int64_t)strlen(value) > gap->max_bytes) {
        r = -EINVAL;
    } else if (gap->type == GAP_TIME) {
        r = set_time(value, gap->value, sizeof(gap->value));
    } else if (gap->type == GAP_NUMBER && !is_number(value)) {
        r = -EINVAL;
    } else {
        r = bt_format(gap->value, sizeof(gap->value), "%s", value);
    }
    return r < 0 ? bt_fail(err, -EINVAL, "the field '%s' is not a %s of at most %lld bytes",
                           gap->name, gap_types[gap->type], (long long)gap->max_bytes)
                 : 0;
}

static int find_gap(const struct gaps *gaps, const char *name, size_t len)
{
    for (size_t i = 0; i < gaps->count; i++) {
        if (strlen(gaps->list[i].name) == len && memcmp(gaps->list[i].name, name, len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int fill_gaps(struct gaps *gaps, const struct bt_activation *activation,
                     struct bt_error *err)
{
    bool given[BT_ACTIVATION_MAX_FIELDS] = {false};
    for (size_t i = 0; i < activation->field_count; i++) {
        const struct bt_activation_field *field = &activation->fields[i];
        int gap = find_gap(gaps, field->name, strlen(field->name));
        if (gap < 0) {
            return bt_fail(err, -EINVAL, "the template has no field '%s'", field->name);
        }
        int r = fill_gap(&gaps->list[gap], field->value, err);
        if (r < 0) {
            return r;
        }
        given[gap] = true;
    }
    for (size_t i = 0; i < gaps->count; i++) {
        if (!given[i]) {
            return bt_fail(err, -EINVAL, "the field '%s' is missing", gaps->list[i].name);
        }
    }
    return 0;
}

// One pass: what a value brings is not looked at again.
static int fill_text(const char *text, const struct gaps *gaps, struct bt_buf *out)
{
    int r = 0;
    for (const char *at = text; *at != '\0' && r == 0;) {
        size_t plain = strcspn(at, "{");
        r = bt_buf_append(out, at, plain);
        at += plain;
        if (*at == '\0' || r < 0) {
            break;
        }
        size_t len = strcspn(at + 1, "{}");
        int gap = at[1 + len] == '}' ? find_gap(gaps, at + 1, len) : -1;
        if (gap >= 0) {
            const char *value = gaps->list[gap].value;
            r = bt_buf_append(out, value, strlen(value));
            at += len + 2;
        } else {
            r = bt_buf_append(out, at++, 1);
        }
    }
    return r;
}

static int fill_item(cJSON *item, const struct gaps *gaps, struct bt_error *err)
{
    cJSON *text = cJSON_GetObjectItemCaseSensitive(item, "text");
    if (!cJSON_IsString(text)) {
        return 0;
    }
    BT_AUTOBUF filled;
    bt_buf_init(&filled, BT_ITEM_TEXT_MAX_BYTES);
    if (fill_text(text->valuestring, gaps, &filled) < 0) {
        return bt_fail(err, -EMSGSIZE, "a filled text has more than %d bytes",
                       BT_ITEM_TEXT_MAX_BYTES);
    }
    cJSON *value = cJSON_CreateString(bt_buf_text(&filled));
    return cJSON_ReplaceItemInObjectCaseSensitive(item, "text", value) ? 0 : -ENOMEM;
}

static int fill_items(cJSON *document, const struct gaps *gaps, struct bt_error *err)
{
    cJSON *playlist;
    cJSON_ArrayForEach(playlist, cJSON_GetObjectItemCaseSensitive(document, "playlists"))
    {
        cJSON *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(playlist, "items"))
        {
            int r = fill_item(item, gaps, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static int set_times(cJSON *document, const struct bt_activation *activation)
{
    char from[BT_RFC3339_BYTES], until[BT_RFC3339_BYTES];
    bt_rfc3339_format(activation->from_ms, LOCAL_OFFSET_S, from);
    bt_rfc3339_format(activation->until_ms, LOCAL_OFFSET_S, until);
    cJSON_DeleteItemFromObjectCaseSensitive(document, "fields");
    cJSON_DeleteItemFromObjectCaseSensitive(document, "valid");
    cJSON_DeleteItemFromObjectCaseSensitive(document, "activate");
    cJSON *valid = cJSON_AddObjectToObject(document, "valid");
    bool done = valid != NULL && cJSON_AddStringToObject(valid, "from", from) != NULL &&
                cJSON_AddStringToObject(valid, "until", until) != NULL &&
                cJSON_AddStringToObject(document, "activate", "now") != NULL;
    return done ? 0 : -ENOMEM;
}

int bt_template_fill(const char *text, size_t len, const struct bt_activation *activation,
                     char **out, struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int r = bt_json_parse(text, len, &document, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE struct gaps *gaps = BT_NEW(struct gaps);
    r = read_gaps(cJSON_GetObjectItemCaseSensitive(document, "fields"), gaps, err);
    r = r < 0 ? r : fill_gaps(gaps, activation, err);
    r = r < 0 ? r : fill_items(document, gaps, err);
    if (r < 0) {
        return r;
    }
    char *printed = set_times(document, activation) == 0 ? cJSON_PrintUnformatted(document) : NULL;
    if (printed == NULL) {
        return bt_fail(err, -ENOMEM, "no memory for the filled template");
    }
    // What is shown is read as every publication is, so it must still be one.
    BT_AUTO(bt_publication) publication = NULL;
    r = bt_publication_parse(printed, strlen(printed), BT_UNKNOWN_IGNORE, &publication, err);
    if (r == 0 && publication->layer != BT_LAYER_EMERGENCY) {
        r = bt_fail(err, -EINVAL, "the template is not of the layer emergency");
    }
    if (r == 0) {
        *out = bt_strdup(printed);
    }
    cJSON_free(printed);
    return r;
}
