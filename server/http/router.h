/**
 * Finds the route of a request in the tables. Parts of a path are decoded one by one after it was
 * cut at its slashes, so that an escaped slash never makes a new part; ".", ".." and empty parts
 * match nothing. Where two routes fit, the one with more literal parts is meant.
 */
#ifndef BT_SERVER_HTTP_ROUTER_H
#define BT_SERVER_HTTP_ROUTER_H

#include "server/http/pairs.h"
#include "server/http/route.h"

// Longer paths match nothing.
#define BT_PATH_MAX_BYTES 512

// Every method that any route of a path has: "GET, HEAD, PUT, OPTIONS".
#define BT_ALLOW_MAX_BYTES 64

/**
 * `path` is the raw path of the request line. On success *out is the route and `values` got what
 * stood for its {names}. -ENOENT: no such path; -ENOTSUP: there is one, with other methods, which
 * are in `allow` (set in both of the good cases, too).
 */
int bt_route_find(const struct bt_route_table *const *tables, size_t count, const char *method,
                  const char *path, const struct bt_route **out, struct bt_pairs *values,
                  char allow[BT_ALLOW_MAX_BYTES]) BT_NODISCARD;

// For a test of all tables: is the template one that can match something?
bool bt_route_well_formed(const struct bt_route *route);

#endif
