/**
 * Tells whoever supervises us that the server is alive, from a thread that has it proven each time:
 * the listener is asked over a connection, workers must get on, and the database must answer,
 * whatever it says. A server that hangs is killed then and started anew; one whose database is away
 * is not, because that would not bring it back.
 */
#ifndef BT_SERVER_WATCHDOG_H
#define BT_SERVER_WATCHDOG_H

#include <stdint.h>

#include "base/error.h"
#include "server/http/http.h"
#include "server/server.h"

struct bt_watchdog_options {
    struct bt_server *server;  // borrowed, as http
    struct bt_http *http;
    int64_t patience_ns;  // who hears nothing for so long kills us: it is fed four times as often
    void (*feed)(void);
};

struct bt_watchdog;
int bt_watchdog_start(const struct bt_watchdog_options *options, struct bt_watchdog **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_watchdog_destroy(struct bt_watchdog *watchdog);  // joins; before what it asks is closed
BT_DEFINE_AUTO(bt_watchdog)

#endif
