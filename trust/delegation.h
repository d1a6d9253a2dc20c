/**
 * Which targets a delegation covers: by path patterns or by the beginning of the path's hash.
 *
 * Patterns are shell patterns in which '*' and '?' stop at '/': "u/31333/" and a star covers the
 * files of that directory alone. Thread-safe.
 */
#ifndef BT_TRUST_DELEGATION_H
#define BT_TRUST_DELEGATION_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/error.h"

// Checks a delegation {name, keyids, threshold, terminating, paths | path_hash_prefixes}.
int bt_delegation_check(const cJSON *delegation, struct bt_error *err) BT_NODISCARD;

// Below, delegations have been checked.
const char *bt_delegation_role(const cJSON *delegation);  // borrowed
bool bt_delegation_ends_search(const cJSON *delegation);  // "terminating"
bool bt_delegation_covers(const cJSON *delegation, const char *path);

bool bt_path_matches(const char *pattern, const char *path);

#endif
