#include "server/publications/target.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "trust/software.h"

#define TEMPLATE "template-"

const char *const bt_document_layer_words[] = {"province", "unit", "screen", "template", NULL};

const char *bt_document_layer_inside(enum bt_document_layer layer)
{
    return layer == BT_DOCUMENT_TEMPLATE ? "emergency" : bt_document_layer_words[layer];
}

static const char small[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
// Screens' ids have capitals.
static const char any_case[] = "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool is_word(const char *text, const char *allowed, size_t size)
{
    size_t len = strlen(text);
    return len > 0 && len < size && strspn(text, allowed) == len && text[0] != '-';
}

static int check_names(const struct bt_target *target, const char *unit, const char *name,
                       struct bt_error *err)
{
    if (!target->everywhere && !is_word(unit, small, BT_UNIT_CODE_BYTES)) {
        return bt_fail(err, -EINVAL, "'%.64s' is no code of a unit", unit);
    }
    bool screen = target->layer == BT_DOCUMENT_SCREEN;
    if (!is_word(name, screen ? any_case : small, BT_DOCUMENT_NAME_BYTES)) {
        return bt_fail(err, -EINVAL,
                       "'name' must be 1 to 32 of a-z 0-9 -, a letter or digit first");
    }
    if (!screen && bt_str_starts(name, TEMPLATE)) {
        return bt_fail(err, -EINVAL,
                       "'name' begins with '" TEMPLATE "', which is put there for it");
    }
    return 0;
}

static int check_layer(const struct bt_target *target, struct bt_error *err)
{
    if (target->layer == BT_DOCUMENT_PROVINCE && !target->everywhere) {
        return bt_fail(err, -EINVAL, "the layer 'province' belongs to the province itself");
    }
    if (target->layer == BT_DOCUMENT_UNIT && target->everywhere) {
        return bt_fail(err, -EINVAL, "the province's own documents have the layer 'province'");
    }
    return 0;
}

static int name_target(struct bt_target *target, struct bt_error *err)
{
    const char *prefix = target->layer == BT_DOCUMENT_TEMPLATE ? TEMPLATE : "";
    const char *kind = target->layer == BT_DOCUMENT_SCREEN ? "s" : "u";
    int r = target->everywhere
                ? bt_format(target->path, sizeof(target->path), "p/%s%s.json", prefix, target->name)
                : bt_format(target->path, sizeof(target->path), "%s/%s/%s%s.json", kind,
                            target->unit, prefix, target->name);
    if (r == 0) {
        r = target->everywhere
                ? bt_format(target->id, sizeof(target->id), "p.%s%s", prefix, target->name)
                : bt_format(target->id, sizeof(target->id), "%s.%s.%s%s", kind, target->unit,
                            prefix, target->name);
    }
    if (r == 0) {
        r = target->everywhere
                ? bt_format(target->role, sizeof(target->role), "targets")
                : bt_format(target->role, sizeof(target->role), "%s-%s", kind, target->unit);
    }
    return r < 0 ? bt_fail(err, -EINVAL, "'name' is too long") : 0;
}

int bt_target_make(enum bt_document_layer layer, const char *unit, bool everywhere,
                   const char *name, struct bt_target *out, struct bt_error *err)
{
    // Technicians sign for screens, also for those of the province's own office.
    struct bt_target target = {.layer = layer,
                               .everywhere = everywhere && layer != BT_DOCUMENT_SCREEN};
    int r = check_names(&target, unit, name, err);
    r = r == 0 ? check_layer(&target, err) : r;
    if (r < 0) {
        return r;
    }
    bt_copy_cut(target.unit, sizeof(target.unit), target.everywhere ? "" : unit);
    bt_copy_cut(target.name, sizeof(target.name), name);
    r = name_target(&target, err);
    if (r == 0) {
        *out = target;
    }
    return r;
}

static int no_target(const char *path, struct bt_error *err)
{
    return bt_fail(err, -EINVAL, "'%.96s' is no path of ours", path);
}

// "p/NAME", "u/UNIT/NAME" and "s/UNIT/NAME" taken apart; `stem` is the path without ".json".
static int split(char *stem, const char **out_unit, const char **out_name)
{
    bool everywhere = bt_str_starts(stem, "p/");
    if (!everywhere && !bt_str_starts(stem, "u/") && !bt_str_starts(stem, "s/")) {
        return -EINVAL;
    }
    char *rest = stem + 2;
    *out_unit = "";
    *out_name = rest;
    if (everywhere) {
        return 0;
    }
    char *slash = strchr(rest, '/');
    if (slash == NULL) {
        return -EINVAL;
    }
    *slash = '\0';
    *out_unit = rest;
    *out_name = slash + 1;
    return 0;
}

int bt_target_read(const char *path, struct bt_target *out, struct bt_error *err)
{
    char stem[BT_TARGET_BYTES];
    const char *unit, *name;
    if (!bt_str_ends(path, ".json") || bt_format(stem, sizeof(stem), "%s", path) < 0) {
        return no_target(path, err);
    }
    stem[strlen(stem) - strlen(".json")] = '\0';
    if (split(stem, &unit, &name) < 0) {
        return no_target(path, err);
    }
    bool everywhere = stem[0] == 'p';
    enum bt_document_layer layer = everywhere ? BT_DOCUMENT_PROVINCE : BT_DOCUMENT_UNIT;
    if (stem[0] == 's') {
        layer = BT_DOCUMENT_SCREEN;
    } else if (bt_str_starts(name, TEMPLATE)) {
        layer = BT_DOCUMENT_TEMPLATE;
        name += strlen(TEMPLATE);
    }
    int r = bt_target_make(layer, unit, everywhere, name, out, err);
    return r < 0 ? bt_fail_in(err, r, "%.96s", path) : 0;
}

bool bt_role_unit(const char *role, char out[BT_UNIT_CODE_BYTES])
{
    if (strcmp(role, "targets") == 0) {
        out[0] = '\0';
        return true;
    }
    if (!bt_str_starts(role, "u-") && !bt_str_starts(role, "s-")) {
        return false;
    }
    if (!is_word(role + 2, small, BT_UNIT_CODE_BYTES)) {
        return false;
    }
    bt_copy_cut(out, BT_UNIT_CODE_BYTES, role + 2);
    return true;
}

bool bt_target_is_top(const char *path)
{
    return strcmp(path, BT_SERVERS_TARGET) == 0 || strcmp(path, BT_SOFTWARE_TARGET) == 0;
}

bool bt_role_signs(const char *role, const char *path)
{
    struct bt_target target;
    if (bt_target_is_top(path)) {
        return strcmp(role, "targets") == 0;
    }
    return bt_target_read(path, &target, NULL) == 0 && strcmp(role, target.role) == 0;
}
