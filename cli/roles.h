/**
 * Who holds which role: reading and changing the keys of a role in the repository's root (root,
 * targets, snapshot, timestamp) or top targets metadata (u-UNIT, s-UNIT, em-UNIT, em-p).
 */
#ifndef BT_CLI_ROLES_H
#define BT_CLI_ROLES_H

#include "cli/offline.h"

struct bt_role_members {
    cJSON *keys;        // owned array of key objects
    int64_t threshold;  // 0: the role is not there yet
};
void bt_role_members_finish(struct bt_role_members *members);

// -EINVAL a name that no role may have.
int bt_role_name_check(const char *role, struct bt_error *err) BT_NODISCARD;
bool bt_role_is_top(const char *role);  // stands in the root

// Signers wanted in production when nothing else is said: 2 where publications are signed, else 1.
int64_t bt_role_usual_threshold(const char *role);

// As it will be with what is pending. A role that is not there has no keys and threshold 0.
int bt_roles_read(const struct bt_offline *offline, const char *role, struct bt_role_members *out,
                  struct bt_error *err) BT_NODISCARD;

// Replaces it in the pending document. -EINVAL a threshold its holders cannot reach.
int bt_roles_write(struct bt_offline *offline, const char *role,
                   const struct bt_role_members *members, int64_t now_ms,
                   struct bt_error *err) BT_NODISCARD;

// Removes a delegated role.
int bt_roles_remove(struct bt_offline *offline, const char *role, int64_t now_ms,
                    struct bt_error *err) BT_NODISCARD;

// All roles' names, the root's first; an array of texts for cJSON_Delete.
cJSON *bt_roles_list(const struct bt_offline *offline) BT_NODISCARD;

/**
 * Which key `who` means: a key id, its first 8 or more characters, or a holder. Returns the index
 * in members->keys of the first at or after `from`, or -1.
 */
int bt_role_members_find(const struct bt_role_members *members, const char *who, int from);

// Adds a key (copied) unless it is there; false when it was.
bool bt_role_members_add(struct bt_role_members *members, const cJSON *key);

// The members as bt_signing_* take them; *out_list is for free() and must outlive the result.
struct bt_role_keys bt_role_members_borrow(const struct bt_role_members *members,
                                           const cJSON ***out_list);

#endif
