#include "server/fleet/player_status.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define MAX_NUMBER (1LL << 52)  // instants before 1970 too: a player may not know the time

// Entries of a list.
#define MAX_ENTRIES 64

struct shape;

// What one key may hold: a whole number, a text of at most max bytes, true or false, an object of a
// shape, or a list of those or of texts.
struct member {
    const char *key;
    enum { NUMBER, TEXT, FLAG, OBJECT, OBJECTS, TEXTS } kind;
    int64_t min, max;
    const struct shape *shape;
};

struct shape {
    const struct member *members;
    size_t count;
};

#define SHAPE(name_)                                                                               \
    static const struct shape name_ = {name_##_members, BT_ARRAY_LEN(name_##_members)}

static const struct member clock_members[] = {
    {"trust", TEXT, .max = 32},
    {"offset_ms", NUMBER, .min = -MAX_NUMBER, .max = MAX_NUMBER},
};
SHAPE(clock);

static const struct member publication_members[] = {
    {"target", TEXT, .max = 191},
    {"id", TEXT, .max = 63},
    {"version", NUMBER, .max = MAX_NUMBER},
    {"since_ms", NUMBER, .min = -MAX_NUMBER, .max = MAX_NUMBER},
};
SHAPE(publication);

static const struct member waiting_members[] = {
    {"target", TEXT, .max = 191},
    {"version", NUMBER, .max = MAX_NUMBER},
    {"missing_bytes", NUMBER, .max = MAX_NUMBER},
    {"activate", TEXT, .max = 63},
};
SHAPE(waiting);

static const struct member on_members[] = {
    {"zone", TEXT, .max = 63},
    {"publication", TEXT, .max = 63},
    {"item", TEXT, .max = 63},
    {"local", FLAG},
    {"since_ms", NUMBER, .min = -MAX_NUMBER, .max = MAX_NUMBER},
};
SHAPE(on);

static const struct member storage_members[] = {
    {"free_bytes", NUMBER, .max = MAX_NUMBER},
    {"assets_bytes", NUMBER, .max = MAX_NUMBER},
};
SHAPE(storage);

static const struct member display_members[] = {
    {"width", NUMBER, .max = 65536},
    {"height", NUMBER, .max = 65536},
    {"refresh_hz", NUMBER, .max = 1000},
    {"state", TEXT, .max = 15},
};
SHAPE(display);

static const struct member sound_members[] = {
    {"state", TEXT, .max = 15},
};
SHAPE(sound);

static const struct member machine_members[] = {
    {"celsius", NUMBER, .min = -100, .max = 200},
    {"throttled", FLAG},
    {"low_power", FLAG},
};
SHAPE(machine);

static const struct member update_members[] = {
    {"platform", TEXT, .max = 32}, {"state", TEXT, .max = 15}, {"next", TEXT, .max = 23},
    {"why", TEXT, .max = 15},      {"last", TEXT, .max = 23},  {"outcome", TEXT, .max = 15},
};
SHAPE(update);

static const struct member trouble_members[] = {
    {"code", TEXT, .max = 32},
    {"detail", TEXT, .max = 512},
    {"since_ms", NUMBER, .min = -MAX_NUMBER, .max = MAX_NUMBER},
};
SHAPE(trouble);

static const struct member plays_members[] = {
    {"last", NUMBER, .max = MAX_NUMBER},
    {"counted", NUMBER, .max = MAX_NUMBER},
    {"since_ms", NUMBER, .min = -MAX_NUMBER, .max = MAX_NUMBER},
};
SHAPE(plays);

static const struct member status_members[] = {
    {"at_ms", NUMBER, .max = MAX_NUMBER},
    {"clock", OBJECT, .shape = &clock},
    {"version", TEXT, .max = 32},
    {"timestamp", NUMBER, .max = MAX_NUMBER},
    {"publications", OBJECTS, .max = MAX_ENTRIES, .shape = &publication},
    {"waiting", OBJECTS, .max = MAX_ENTRIES, .shape = &waiting},
    {"on", OBJECTS, .max = MAX_ENTRIES, .shape = &on},
    {"emergency", TEXTS, .max = MAX_ENTRIES},
    {"takedowns", TEXTS, .max = 4096},
    {"blank", FLAG},
    {"volume_percent", NUMBER, .max = 100},
    {"brightness_percent", NUMBER, .max = 100},
    {"anchor_ms", NUMBER, .min = -MAX_NUMBER, .max = MAX_NUMBER},
    {"presented", NUMBER, .max = MAX_NUMBER},
    {"dropped", NUMBER, .max = MAX_NUMBER},
    {"plays", OBJECT, .shape = &plays},
    {"storage", OBJECT, .shape = &storage},
    {"display", OBJECT, .shape = &display},
    {"sound", OBJECT, .shape = &sound},
    {"machine", OBJECT, .shape = &machine},
    {"update", OBJECT, .shape = &update},
    {"troubles", OBJECTS, .max = MAX_ENTRIES, .shape = &trouble},
};
SHAPE(status);

#define ID_MAX_BYTES 63  // in lists of texts

static int copy_shape(const struct shape *shape, const cJSON *from, cJSON *to,
                      struct bt_error *err);

static int copy_text(const char *key, const cJSON *value, int64_t max, cJSON **out,
                     struct bt_error *err)
{
    if (!cJSON_IsString(value) || (int64_t)strlen(value->valuestring) > max) {
        return bt_fail(err, -EINVAL, "'%s' must be a text of at most %lld bytes", key,
                       (long long)max);
    }
    *out = cJSON_CreateString(value->valuestring);
    return 0;
}

static int copy_number(const struct member *member, const cJSON *value, cJSON **out,
                       struct bt_error *err)
{
    int64_t number;
    if (bt_json_whole(value, member->min, member->max, &number) < 0) {
        return bt_fail(err, -EINVAL, "'%s' must be a whole number in %lld..%lld", member->key,
                       (long long)member->min, (long long)member->max);
    }
    *out = cJSON_CreateNumber((double)number);
    return 0;
}

static int copy_object(const struct member *member, const cJSON *value, cJSON **out,
                       struct bt_error *err)
{
    BT_AUTOJSON *object = cJSON_CreateObject();
    int r = copy_shape(member->shape, value, object, err);
    if (r < 0) {
        return bt_fail_in(err, r, "%s", member->key);
    }
    *out = BT_TAKE(object);
    return 0;
}

static int copy_list(const struct member *member, const cJSON *value, cJSON **out,
                     struct bt_error *err)
{
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > member->max) {
        return bt_fail(err, -EINVAL, "'%s' must be a list of at most %lld", member->key,
                       (long long)member->max);
    }
    BT_AUTOJSON *list = cJSON_CreateArray();
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        cJSON *copy = NULL;
        int r = member->kind == TEXTS ? copy_text(member->key, entry, ID_MAX_BYTES, &copy, err)
                                      : copy_object(member, entry, &copy, err);
        if (r < 0) {
            return r;
        }
        cJSON_AddItemToArray(list, copy);
    }
    *out = BT_TAKE(list);
    return 0;
}

static int copy_value(const struct member *member, const cJSON *value, cJSON **out,
                      struct bt_error *err)
{
    switch (member->kind) {
    case NUMBER:
        return copy_number(member, value, out, err);
    case TEXT:
        return copy_text(member->key, value, member->max, out, err);
    case FLAG:
        if (!cJSON_IsBool(value)) {
            return bt_fail(err, -EINVAL, "'%s' must be true or false", member->key);
        }
        *out = cJSON_CreateBool(cJSON_IsTrue(value));
        return 0;
    case OBJECT:
        return copy_object(member, value, out, err);
    case OBJECTS:
    case TEXTS:
        break;
    }
    return copy_list(member, value, out, err);
}

static int copy_shape(const struct shape *shape, const cJSON *from, cJSON *to, struct bt_error *err)
{
    if (!cJSON_IsObject(from)) {
        return bt_fail(err, -EINVAL, "an object { } was expected");
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct member *member = &shape->members[i];
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(from, member->key);
        cJSON *copy = NULL;
        if (value == NULL || cJSON_IsNull(value)) {
            continue;
        }
        int r = copy_value(member, value, &copy, err);
        if (r < 0) {
            return r;
        }
        cJSON_AddItemToObject(to, member->key, copy);
    }
    return 0;
}

int bt_player_status_read(const cJSON *said, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *copy = cJSON_CreateObject();
    int r = copy_shape(&status, said, copy, err);
    if (r < 0) {
        return r;
    }
    if (!cJSON_HasObjectItem(copy, "at_ms")) {
        return bt_fail(err, -EINVAL, "'at_ms' is missing");
    }
    *out = BT_TAKE(copy);
    return 0;
}

static bool is_code(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(words, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

int bt_player_status_troubles(const cJSON *said, struct bt_buf *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(said, "troubles");
    const cJSON *entry;
    int r = 0;
    cJSON_ArrayForEach(entry, list)
    {
        const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "code"));
        if (r == 0 && code != NULL && is_code(code) && !has_word(bt_buf_text(out), code)) {
            r = bt_buf_appendf(out, "%s%s", out->len > 0 ? " " : "", code);
        }
    }
    return r;
}
