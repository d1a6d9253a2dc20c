/**
 * Where people reach the server: what to write into a browser's address line. A server that
 * listens on all addresses ("[::]", "0.0.0.0") is reached under each of the machine's own, and
 * under its name when others know it.
 */
#ifndef BT_SERVER_WHERE_H
#define BT_SERVER_WHERE_H

#include <ifaddrs.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

// A machine has a few; what is above is not printed.
#define BT_WHERE_MAX_URLS 16
#define BT_WHERE_URL_BYTES 320  // a host's name has 255 at most

struct bt_where {
    char urls[BT_WHERE_MAX_URLS][BT_WHERE_URL_BYTES];  // at least one; the likeliest first
    size_t count;
};

struct bt_where_facts {
    const char *listen;  // as bt_listen_open takes it
    int port;            // the one it got
    bool tls;
    const char *host_name;             // "": none
    const struct ifaddrs *interfaces;  // NULL: none
};

void bt_where_from(const struct bt_where_facts *facts, struct bt_where *out);

// The same with this machine's name and interfaces.
void bt_where_find(const char *listen, int port, bool tls, struct bt_where *out);

#endif
