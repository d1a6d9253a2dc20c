#include "server/http/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "server/http/uri.h"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

struct part {
    const char *text;  // not NUL-terminated
    size_t len;
};

// Takes the part behind the slash that *path points at; false at the end.
static bool next_part(const char **path, struct part *out)
{
    if (**path != '/') {
        return false;
    }
    out->text = *path + 1;
    out->len = strcspn(out->text, "/");
    *path = out->text + out->len;
    return true;
}

static bool is_name(const struct part *part)
{
    return part->len >= 3 && part->text[0] == '{' && part->text[part->len - 1] == '}';
}

static bool is_rest(const struct part *part)
{
    return is_name(part) && part->len >= 6 && memcmp(part->text + part->len - 4, "...", 3) == 0;
}

static bool is_dots(const char *text)
{
    return strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

// Decodes one part of a path; false when it is nothing a path of ours may have.
static bool decode_part(const struct part *part, char out[BT_PATH_MAX_BYTES])
{
    return part->len > 0 && bt_percent_decode(part->text, part->len, out) == 0 &&
           strchr(out, '/') == NULL && !is_dots(out);
}

static bool note_value(const struct part *name, const char *value, struct bt_pairs *values)
{
    char key[32];
    size_t extra = is_rest(name) ? 5 : 2;  // braces and dots
    return bt_format(key, sizeof(key), "%.*s", (int)(name->len - extra), name->text + 1) == 0 &&
           (values == NULL || bt_pairs_add(values, key, value) == 0);
}

// What is left of the path, part by part, decoded and put together again.
static bool take_rest(const struct part *name, const struct part *first, const char *path,
                      struct bt_pairs *values)
{
    char whole[BT_PATH_MAX_BYTES] = "";
    size_t len = 0;
    struct part part = *first;
    do {
        char text[BT_PATH_MAX_BYTES];
        if (!decode_part(&part, text) ||
            bt_format(whole + len, sizeof(whole) - len, "%s%s", len > 0 ? "/" : "", text) < 0) {
            return false;
        }
        len += strlen(whole + len);
    } while (next_part(&path, &part));
    return note_value(name, whole, values);
}

// How many literal parts fitted, or -1. The rest of a path counts as nothing.
static int match(const char *template, const char *path, struct bt_pairs *values)
{
    int literals = 0;
    struct part wanted, got;
    while (next_part(&template, &wanted)) {
        char text[BT_PATH_MAX_BYTES];
        if (!next_part(&path, &got)) {
            return -1;
        }
        if (is_rest(&wanted)) {
            return take_rest(&wanted, &got, path, values) ? literals : -1;
        }
        bool literal = !is_name(&wanted);
        if (literal) {
            if (wanted.len != got.len || memcmp(wanted.text, got.text, got.len) != 0) {
                return -1;
            }
            literals++;
        } else if (!decode_part(&got, text) || !note_value(&wanted, text, values)) {
            return -1;
        }
    }
    return *path == '\0' ? literals : -1;
}

static bool answers(const struct bt_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

struct search {
    const char *method;
    const char *path;
    const struct bt_route *best;  // with the method
    int best_literals;
    int path_literals;  // of the best one with any method; -1: none
    unsigned allowed;   // methods of those, by bit
};

static void note_allowed(struct search *search, const struct bt_route *route)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(methods); i++) {
        search->allowed |= answers(route, methods[i]) ? 1U << i : 0;
    }
}

static void consider(struct search *search, const struct bt_route *route)
{
    int literals = match(route->path, search->path, NULL);
    if (literals < search->path_literals || literals < 0) {
        return;
    }
    if (literals > search->path_literals) {  // a better path makes the others' methods void
        search->path_literals = literals;
        search->allowed = 0;
        search->best = NULL;
    }
    note_allowed(search, route);
    if (search->best == NULL && answers(route, search->method)) {
        search->best = route;
    }
}

static void write_allow(unsigned allowed, char out[BT_ALLOW_MAX_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < BT_ARRAY_LEN(methods); i++) {
        if ((allowed & 1U << i) != 0 || strcmp(methods[i], "OPTIONS") == 0) {
            // All of them together are shorter than the room.
            if (bt_format(out + len, BT_ALLOW_MAX_BYTES - len, "%s%s", len > 0 ? ", " : "",
                          methods[i]) == 0) {
                len += strlen(out + len);
            }
        }
    }
}

int bt_route_find(const struct bt_route_table *const *tables, size_t count, const char *method,
                  const char *path, const struct bt_route **out, struct bt_pairs *values,
                  char allow[BT_ALLOW_MAX_BYTES])
{
    struct search search = {.method = method, .path = path, .path_literals = -1};
    allow[0] = '\0';
    if (strlen(path) >= BT_PATH_MAX_BYTES) {
        return -ENOENT;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < tables[i]->count; k++) {
            consider(&search, &tables[i]->routes[k]);
        }
    }
    if (search.path_literals < 0) {
        return -ENOENT;
    }
    write_allow(search.allowed, allow);
    if (search.best == NULL) {
        return -ENOTSUP;
    }
    *out = search.best;
    return match(search.best->path, path, values) < 0 ? -ENOENT : 0;
}

static bool is_method(const char *text)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i], text) == 0) {
            return strcmp(text, "HEAD") != 0;  // which GET answers
        }
    }
    return false;
}

bool bt_route_well_formed(const struct bt_route *route)
{
    const char *path = route->path;
    struct part part;
    bool ended = false;
    while (next_part(&path, &part)) {
        bool braces = memchr(part.text, '{', part.len) != NULL;
        if (ended || (part.len == 0 && strcmp(route->path, "/") != 0) ||
            (braces && !is_name(&part))) {
            return false;
        }
        ended = is_rest(&part);
    }
    return route->path[0] == '/' && *path == '\0' && is_method(route->method) &&
           route->handle != NULL;
}
