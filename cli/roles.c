#include "cli/roles.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define SHORT_KEYID 8  // characters that tell one of a province's keys from the others
#define UNIT_MAX 24

static const char *const top_roles[] = {"root", "targets", "snapshot", "timestamp"};

// Delegated roles: their prefix and in which folder of the targets they sign for their unit.
static const struct {
    const char *prefix, *folder;
    int64_t threshold;
} delegated[] = {
    {"u-", "u", 2}, {"s-", "s", 1}, {"em-", NULL, 1},  // activations, no files
};

void bt_role_members_finish(struct bt_role_members *members)
{
    cJSON_Delete(members->keys);
    *members = (struct bt_role_members){0};
}

bool bt_role_is_top(const char *role)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(top_roles); i++) {
        if (strcmp(top_roles[i], role) == 0) {
            return true;
        }
    }
    return false;
}

// The row of a delegated role and its unit, or -1.
static int find_delegated(const char *role, const char **out_unit)
{
    *out_unit = "";
    for (size_t i = 0; i < BT_ARRAY_LEN(delegated); i++) {
        if (bt_str_starts(role, delegated[i].prefix)) {
            *out_unit = role + strlen(delegated[i].prefix);
            size_t len = strlen(*out_unit);
            bool good = len >= 1 && len <= UNIT_MAX &&
                        strspn(*out_unit, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
            return good ? (int)i : -1;
        }
    }
    return -1;
}

int bt_role_name_check(const char *role, struct bt_error *err)
{
    const char *unit;
    if (bt_role_is_top(role) || find_delegated(role, &unit) >= 0) {
        return 0;
    }
    return bt_fail(err, -EINVAL,
                   "'%s' không phải vai trò / is no role: root, targets, u-UNIT, s-UNIT, em-UNIT, "
                   "em-p",
                   role);
}

int64_t bt_role_usual_threshold(const char *role)
{
    const char *unit;
    int row = find_delegated(role, &unit);
    if (row >= 0) {
        return delegated[row].threshold;
    }
    return strcmp(role, "root") == 0 || strcmp(role, "targets") == 0 ? 2 : 1;
}

// As it will be: the pending document, or the current one.
static const cJSON *newest(const struct bt_offline *offline, enum bt_top_role role)
{
    const cJSON *pending = bt_offline_pending(offline, role);
    const cJSON *document = pending != NULL ? pending : bt_offline_current(offline, role);
    return cJSON_GetObjectItemCaseSensitive(document, "signed");
}

static const cJSON *delegations_of(const struct bt_offline *offline)
{
    return cJSON_GetObjectItemCaseSensitive(newest(offline, BT_TOP_TARGETS), "delegations");
}

static const cJSON *find_delegation(const cJSON *delegations, const char *name)
{
    const cJSON *role;
    cJSON_ArrayForEach(role, cJSON_GetObjectItemCaseSensitive(delegations, "roles"))
    {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(role, "name"));
        if (bt_str_equal(text, name)) {
            return role;
        }
    }
    return NULL;
}

// Fills in the members of {keyids, threshold} with its table of keys.
static void read_members(const cJSON *role, const cJSON *keys, struct bt_role_members *out)
{
    const cJSON *threshold = cJSON_GetObjectItemCaseSensitive(role, "threshold");
    out->keys = cJSON_CreateArray();
    out->threshold = cJSON_IsNumber(threshold) ? (int64_t)threshold->valuedouble : 0;
    const cJSON *keyid;
    cJSON_ArrayForEach(keyid, cJSON_GetObjectItemCaseSensitive(role, "keyids"))
    {
        const char *text = cJSON_GetStringValue(keyid);
        const cJSON *key = text ? cJSON_GetObjectItemCaseSensitive(keys, text) : NULL;
        if (key != NULL) {
            cJSON_AddItemToArray(out->keys, cJSON_Duplicate(key, true));
        }
    }
}

int bt_roles_read(const struct bt_offline *offline, const char *role, struct bt_role_members *out,
                  struct bt_error *err)
{
    int r = bt_role_name_check(role, err);
    if (r < 0) {
        return r;
    }
    const cJSON *root = newest(offline, BT_TOP_ROOT);
    const cJSON *holder = bt_role_is_top(role) ? root : delegations_of(offline);
    const cJSON *entry = bt_role_is_top(role)
                             ? cJSON_GetObjectItemCaseSensitive(
                                   cJSON_GetObjectItemCaseSensitive(root, "roles"), role)
                             : find_delegation(holder, role);
    read_members(entry, cJSON_GetObjectItemCaseSensitive(holder, "keys"), out);
    return 0;
}

struct bt_role_keys bt_role_members_borrow(const struct bt_role_members *members,
                                           const cJSON ***out_list)
{
    size_t count = 0;
    const cJSON **list = BT_NEW_ARRAY(const cJSON *, (size_t)cJSON_GetArraySize(members->keys) + 1);
    const cJSON *key;
    cJSON_ArrayForEach(key, members->keys)
    {
        list[count++] = key;
    }
    *out_list = list;
    return (struct bt_role_keys){list, count, members->threshold};
}

// A root is written anew from the members of its four roles.
static int write_root(struct bt_offline *offline, const char *changed,
                      const struct bt_role_members *members, int64_t now_ms, struct bt_error *err)
{
    struct bt_role_members others[BT_ARRAY_LEN(top_roles)] = {{0}};
    struct bt_role_keys keys[BT_ARRAY_LEN(top_roles)];
    const cJSON **lists[BT_ARRAY_LEN(top_roles)] = {NULL};
    cJSON *old, *root;
    int r = bt_offline_edit(offline, BT_TOP_ROOT, now_ms, &old, err);
    for (size_t i = 0; i < BT_ARRAY_LEN(top_roles) && r == 0; i++) {
        bool is_changed = strcmp(top_roles[i], changed) == 0;
        r = is_changed ? 0 : bt_roles_read(offline, top_roles[i], &others[i], err);
        keys[i] = bt_role_members_borrow(is_changed ? members : &others[i], &lists[i]);
    }
    if (r == 0) {
        const struct bt_root_roles roles = {keys[0], keys[1], keys[2], keys[3]};
        r = bt_signing_root(bt_offline_version(old), bt_offline_expires_ms(old), &roles, &root,
                            err);
    }
    if (r == 0) {
        const cJSON *demo = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(old, "signed"), "x-demo");
        if (demo != NULL) {
            cJSON_AddItemToObject(cJSON_GetObjectItemCaseSensitive(root, "signed"), "x-demo",
                                  cJSON_Duplicate(demo, true));
        }
        bt_offline_put(offline, BT_TOP_ROOT, root);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(top_roles); i++) {
        bt_role_members_finish(&others[i]);
        bt_free_auto(&lists[i]);
    }
    return r;
}

static int write_delegation(struct bt_offline *offline, const char *role,
                            const struct bt_role_members *members, int64_t now_ms,
                            struct bt_error *err)
{
    const char *unit;
    int row = find_delegated(role, &unit);
    cJSON *targets;
    int r = bt_offline_edit(offline, BT_TOP_TARGETS, now_ms, &targets, err);
    if (r < 0) {
        return r;
    }
    const char *folder = delegated[row].folder;
    BT_AUTOFREE char *pattern = folder != NULL ? bt_strf("%s/%s/*", folder, unit) : NULL;
    BT_AUTOFREE const cJSON **list = NULL;
    struct bt_role_keys keys = bt_role_members_borrow(members, &list);
    const char *const patterns[] = {pattern};
    return bt_signing_delegate(targets, role, patterns, pattern != NULL, &keys, err);
}

int bt_roles_write(struct bt_offline *offline, const char *role,
                   const struct bt_role_members *members, int64_t now_ms, struct bt_error *err)
{
    int r = bt_role_name_check(role, err);
    if (r < 0) {
        return r;
    }
    if (!bt_role_is_top(role)) {
        return write_delegation(offline, role, members, now_ms, err);
    }
    cJSON *targets;
    r = write_root(offline, role, members, now_ms, err);
    // Those who hold the province's role now sign what is in force under the new root.
    return r == 0 && strcmp(role, "targets") == 0
               ? bt_offline_edit(offline, BT_TOP_TARGETS, now_ms, &targets, err)
               : r;
}

int bt_roles_remove(struct bt_offline *offline, const char *role, int64_t now_ms,
                    struct bt_error *err)
{
    cJSON *targets;
    int r = bt_role_is_top(role) ? bt_fail(err, -EINVAL, "'%s' cannot be without keys", role)
                                 : bt_offline_edit(offline, BT_TOP_TARGETS, now_ms, &targets, err);
    if (r == 0) {
        bt_signing_undelegate(targets, role);
    }
    return r;
}

cJSON *bt_roles_list(const struct bt_offline *offline)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < BT_ARRAY_LEN(top_roles); i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(top_roles[i]));
    }
    const cJSON *role;
    cJSON_ArrayForEach(role, cJSON_GetObjectItemCaseSensitive(delegations_of(offline), "roles"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(role, "name"));
        if (name != NULL) {
            cJSON_AddItemToArray(list, cJSON_CreateString(name));
        }
    }
    return list;
}

static bool is_meant(const cJSON *key, const char *who)
{
    char keyid[BT_KEYID_BYTES];
    const char *holder = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(key, "x-holder"));
    if (bt_str_equal(holder, who)) {
        return true;
    }
    return bt_key_id_of(key, keyid, NULL) == 0 && strlen(who) >= SHORT_KEYID &&
           bt_str_starts(keyid, who);
}

int bt_role_members_find(const struct bt_role_members *members, const char *who, int from)
{
    int index = 0;
    const cJSON *key;
    cJSON_ArrayForEach(key, members->keys)
    {
        if (index >= from && is_meant(key, who)) {
            return index;
        }
        index++;
    }
    return -1;
}

bool bt_role_members_add(struct bt_role_members *members, const cJSON *key)
{
    char keyid[BT_KEYID_BYTES];
    if (bt_key_id_of(key, keyid, NULL) == 0 && bt_role_members_find(members, keyid, 0) >= 0) {
        return false;
    }
    return cJSON_AddItemToArray(members->keys, cJSON_Duplicate(key, true));
}
