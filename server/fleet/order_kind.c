#include "server/fleet/order_kind.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

// Until a moment, or 0: until it is undone. The year 2200.
#define MAX_UNTIL_MS 7258118400000LL

struct command {
    char kind[16];
    int64_t number;
};

static const struct bt_json_field kind_field =
    BT_JSON_FIELD(struct command, kind, "kind", BT_JSON_STRING, .min = 1, .max = 15);

// A command with at most one number. `number` is NULL for those with none.
static int read_command(const cJSON *body, const struct bt_json_field *number, cJSON **out,
                        struct bt_error *err)
{
    struct bt_json_field fields[2] = {kind_field};
    size_t count = 1;
    if (number != NULL) {
        fields[count++] = *number;
    }
    const char *unknown = bt_json_unknown_key(body, fields, count);
    if (unknown != NULL) {
        return bt_fail(err, -EINVAL, "the key '%.64s' is not known here", unknown);
    }
    struct command command = {0};
    int r = bt_json_read(body, fields, count, &command, NULL, err);
    if (r < 0) {
        return r;
    }
    cJSON *stored = cJSON_CreateObject();
    if (number != NULL) {
        cJSON_AddNumberToObject(stored, number->key, (double)command.number);
    }
    *out = stored;
    return 0;
}

static int read_bare(const cJSON *body, cJSON **out, struct bt_error *err)
{
    return read_command(body, NULL, out, err);
}

static int read_blank(const cJSON *body, cJSON **out, struct bt_error *err)
{
    static const struct bt_json_field until =
        BT_JSON_FIELD(struct command, number, "until_ms", BT_JSON_INT, .min = 0,
                      .max = MAX_UNTIL_MS, .optional = true);
    return read_command(body, &until, out, err);
}

static int read_identify(const cJSON *body, cJSON **out, struct bt_error *err)
{
    static const struct bt_json_field seconds =
        BT_JSON_FIELD(struct command, number, "seconds", BT_JSON_INT, .min = 1, .max = 600);
    return read_command(body, &seconds, out, err);
}

static int read_percent(const cJSON *body, cJSON **out, struct bt_error *err)
{
    static const struct bt_json_field percent =
        BT_JSON_FIELD(struct command, number, "percent", BT_JSON_INT, .min = 0, .max = 100);
    return read_command(body, &percent, out, err);
}

static const struct bt_order_kind_rule rules[] = {
    {"takedown", .standing = true, .replaces = {"", ""}},
    {"emergency", .standing = true, .replaces = {"emergency", "emergency_end"},
     .same_reference = true},
    {"emergency_end", .standing = true, .replaces = {"emergency", "emergency_end"},
     .same_reference = true},
    {"screenshot", .transient = true, .replaces = {"screenshot", ""}, .read = read_bare},
    {"blank", .standing = true, .replaces = {"blank", "unblank"}, .read = read_blank},
    {"unblank", .replaces = {"blank", "unblank"}, .read = read_bare},
    {"identify", .transient = true, .replaces = {"identify", ""}, .read = read_identify},
    {"restart", .transient = true, .replaces = {"restart", ""}, .read = read_bare},
    {"volume", .replaces = {"volume", ""}, .read = read_percent},
    {"brightness", .replaces = {"brightness", ""}, .read = read_percent},
};

const struct bt_order_kind_rule *bt_order_kind_find(const char *name)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(rules); i++) {
        if (strcmp(rules[i].name, name) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

bool bt_order_is_stale(const char *kind, int64_t given_ms, int64_t now_ms)
{
    const struct bt_order_kind_rule *rule = bt_order_kind_find(kind);
    return rule != NULL && rule->transient && now_ms - given_ms > BT_ORDER_STALE_MS;
}

int bt_order_command_read(const cJSON *body, const struct bt_order_kind_rule **out_rule,
                          cJSON **out, struct bt_error *err)
{
    struct command command = {0};
    int r = bt_json_read(body, &kind_field, 1, &command, NULL, err);
    if (r < 0) {
        return r;
    }
    const struct bt_order_kind_rule *rule = bt_order_kind_find(command.kind);
    if (rule == NULL || rule->read == NULL) {
        return bt_fail(err, -EINVAL, "'kind' is '%s', which is not a command", command.kind);
    }
    *out_rule = rule;
    return rule->read(body, out, err);
}
