#include "trust/delegation.h"

#include <errno.h>
#include <string.h>

#include "base/sha256.h"
#include "base/str.h"
#include "trust/metadata.h"

#define MAX_PATTERN_BYTES 1024

// The names of the top roles mean those alone; as a delegation they would be a second file of them.
static bool is_top_role(const char *name)
{
    static const char *const top[] = {"root", "timestamp", "snapshot", "targets"};
    for (size_t i = 0; i < BT_ARRAY_LEN(top); i++) {
        if (strcmp(top[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int check_name(const cJSON *delegation, struct bt_error *err)
{
    const char *name = bt_delegation_role(delegation);
    if (name == NULL || name[0] == '\0' || strlen(name) >= BT_ROLE_BYTES) {
        return bt_fail(err, -EINVAL, "A delegation's 'name' has 1..%d bytes", BT_ROLE_BYTES - 1);
    }
    return is_top_role(name) ? bt_fail(err, -EINVAL, "'%s' cannot be delegated", name) : 0;
}

static int check_texts(const cJSON *list, struct bt_error *err)
{
    if (!cJSON_IsArray(list)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list", list->string);
    }
    for (const cJSON *each = list->child; each != NULL; each = each->next) {
        if (!cJSON_IsString(each) || strlen(each->valuestring) > MAX_PATTERN_BYTES) {
            return bt_fail(err, -EINVAL, "'%s' must be texts of at most %d bytes", list->string,
                           MAX_PATTERN_BYTES);
        }
    }
    return 0;
}

int bt_delegation_check(const cJSON *delegation, struct bt_error *err)
{
    int r = check_name(delegation, err);
    if (r < 0) {
        return r;
    }
    const cJSON *paths = cJSON_GetObjectItemCaseSensitive(delegation, "paths");
    const cJSON *prefixes = cJSON_GetObjectItemCaseSensitive(delegation, "path_hash_prefixes");
    if ((paths == NULL) == (prefixes == NULL)) {
        return bt_fail(err, -EINVAL, "'%s' needs 'paths' or 'path_hash_prefixes', one of them",
                       bt_delegation_role(delegation));
    }
    if (!cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(delegation, "terminating"))) {
        return bt_fail(err, -EINVAL, "'terminating' must be true or false");
    }
    return check_texts(paths != NULL ? paths : prefixes, err);
}

const char *bt_delegation_role(const cJSON *delegation)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(delegation, "name"));
}

bool bt_delegation_ends_search(const cJSON *delegation)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(delegation, "terminating"));
}

// "[a-c]", "[!x]": true when the byte belongs. *end is behind the bracket, NULL when it never
// closes.
static bool set_has(const char *set, char byte, const char **end)
{
    bool inverted = *++set == '!', found = false;
    set += inverted;
    const char *first = set;
    *end = NULL;
    while (*set != '\0' && (*set != ']' || set == first)) {
        bool range = set[1] == '-' && set[2] != ']' && set[2] != '\0';
        char last = range ? set[2] : *set;
        found = found || ((unsigned char)*set <= (unsigned char)byte &&
                          (unsigned char)byte <= (unsigned char)last);
        set += range ? 3 : 1;
    }
    if (*set == ']') {
        *end = set + 1;
    }
    return found != inverted;
}

// Matches one byte (never '/' by a wildcard); the pattern behind it, or NULL.
static const char *match_one(const char *pattern, char byte)
{
    if (*pattern == '?') {
        return byte != '/' ? pattern + 1 : NULL;
    }
    if (*pattern == '[') {
        const char *end;
        bool has = set_has(pattern, byte, &end);
        if (end != NULL) {
            return has && byte != '/' ? end : NULL;
        }
    }
    return *pattern == byte ? pattern + 1 : NULL;
}

// Goes back to the last star alone, which is enough and keeps hostile patterns cheap.
bool bt_path_matches(const char *pattern, const char *path)
{
    const char *star = NULL, *from = NULL;  // where to go on when the star takes one byte more
    while (*path != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            from = path;
            continue;
        }
        const char *rest = match_one(pattern, *path);
        if (rest != NULL) {
            pattern = rest;
            path++;
        } else if (star != NULL && *from != '/') {
            pattern = star;
            path = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

bool bt_delegation_covers(const cJSON *delegation, const char *path)
{
    const cJSON *paths = cJSON_GetObjectItemCaseSensitive(delegation, "paths");
    if (paths != NULL) {
        for (const cJSON *each = paths->child; each != NULL; each = each->next) {
            if (bt_path_matches(each->valuestring, path)) {
                return true;
            }
        }
        return false;
    }
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(path, strlen(path));
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    const cJSON *prefixes = cJSON_GetObjectItemCaseSensitive(delegation, "path_hash_prefixes");
    for (const cJSON *each = prefixes->child; each != NULL; each = each->next) {
        if (bt_str_starts(hex, each->valuestring)) {
            return true;
        }
    }
    return false;
}
