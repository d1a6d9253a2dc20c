/**
 * What an approver must know before signing, worked out here and not believed of the server
 * (docs/api.md "What is signed"): which targets differ, that every document has its hash, that
 * nothing but targets changes, and that every file of every changed document is there and has its
 * hash.
 */
#ifndef BT_CLI_APPROVING_H
#define BT_CLI_APPROVING_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "trust/metadata.h"

// One document that would come, change or go.
struct bt_approval_change {
    const char *path;           // borrowed from the answer
    cJSON *document, *present;  // parsed; NULL: it goes; it comes
};

struct bt_approval {
    const cJSON *metadata;  // borrowed: what is signed
    struct bt_approval_change *changes;
    size_t count;
    bool base_trusted;  // what is on the screens now is known by signatures we trust
};

/**
 * Judges the answer of …/to-sign, which must outlive `out`. `trusted` is who may sign for the role
 * as this machine knows it, or NULL; without it, or when the base does not bear its signatures,
 * everything is new. -EBADMSG: the answer contradicts itself, or wants more signed than it shows.
 */
int bt_approval_read(const cJSON *to_sign, const struct bt_keyring *trusted,
                     struct bt_approval *out, struct bt_error *err) BT_NODISCARD;
void bt_approval_finish(struct bt_approval *approval);

// What would change, for people: every item, every other part.
void bt_approval_print(const struct bt_approval *approval, FILE *to);

/**
 * The files to be looked at: [{"sha256", "size", "type"}] of changed documents, without those of
 * present documents. For cJSON_Delete.
 */
cJSON *bt_approval_assets(const struct bt_approval *approval) BT_NODISCARD;

#endif
