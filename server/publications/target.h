/**
 * The names of signed things (docs/protocol.md "Targets"): which document stands at which path, and
 * which role signs it. Pure.
 */
#ifndef BT_SERVER_PUBLICATIONS_TARGET_H
#define BT_SERVER_PUBLICATIONS_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "trust/metadata.h"

#define BT_UNIT_CODE_BYTES 25      // [a-z0-9-]{1,24}
#define BT_DOCUMENT_NAME_BYTES 33  // [a-z0-9-]{1,32}; of a screen's document its id
#define BT_TARGET_BYTES 96         // "u/UNIT/template-NAME.json"
#define BT_DOCUMENT_ID_BYTES 64    // a publication's id

// Of the province itself: where servers are (docs/protocol.md), which versions of the programs are
// out (trust/software.h).
#define BT_SERVERS_TARGET "servers.json"

// What a publication is for. The words are the API's "layer".
enum bt_document_layer {
    BT_DOCUMENT_PROVINCE,
    BT_DOCUMENT_UNIT,
    BT_DOCUMENT_SCREEN,
    BT_DOCUMENT_TEMPLATE,
};
extern const char *const bt_document_layer_words[];  // ends with NULL

// The layer the document itself bears: a template is an emergency.
const char *bt_document_layer_inside(enum bt_document_layer layer);

struct bt_target {
    enum bt_document_layer layer;
    bool everywhere;                // in p/: for all units, signed by `targets`
    char unit[BT_UNIT_CODE_BYTES];  // "" when everywhere
    char name[BT_DOCUMENT_NAME_BYTES];
    char path[BT_TARGET_BYTES];
    char role[BT_ROLE_BYTES];
    char id[BT_DOCUMENT_ID_BYTES];  // of the document: "u.31333.quang-truong"
};

/**
 * The target of a unit's document. `everywhere`: the unit is the province itself. Errors: -EINVAL
 * with the reason, such as a must-carry document of a commune.
 */
int bt_target_make(enum bt_document_layer layer, const char *unit, bool everywhere,
                   const char *name, struct bt_target *out, struct bt_error *err) BT_NODISCARD;

// The other way: what a path in signed metadata stands for. -EINVAL: none of ours.
int bt_target_read(const char *path, struct bt_target *out, struct bt_error *err) BT_NODISCARD;

/**
 * The unit of a role that signs documents: "u-31333" and "s-31333" give "31333", "targets" gives
 * "". False for all other roles.
 */
bool bt_role_unit(const char *role, char out[BT_UNIT_CODE_BYTES]);

// servers.json and software.json: no documents that are shown.
bool bt_target_is_top(const char *path);

// May the role's metadata list this path?
bool bt_role_signs(const char *role, const char *path);

#endif
