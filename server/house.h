/**
 * The house: every part of the server, opened in order and closed the other way round.
 */
#ifndef BT_SERVER_HOUSE_H
#define BT_SERVER_HOUSE_H

#include "server/care/care.h"
#include "server/db/lease.h"
#include "server/housekeeper.h"
#include "server/http/http.h"
#include "server/http/tls.h"
#include "server/options.h"
#include "server/server.h"

struct bt_house {
    const struct bt_options *options;
    struct bt_server server;
    char name[BT_LEASE_HOLDER_BYTES];  // ours, of several servers
    int lock_fd;                       // of the data directory
    int shared_fd;                     // of the shared one, while we start; -1: let go
    char pin[BT_TLS_PIN_BYTES];        // "" without TLS
    char *media_program;
    struct bt_db_listener *listener;  // NULL: there are no other servers
    struct bt_http *http;
    struct bt_housekeeper *housekeeper;
    struct bt_care *care;
};

// After a failure, too, the house is for bt_house_destroy.
int bt_house_open(const struct bt_options *options, struct bt_house *out,
                  struct bt_error *err) BT_NODISCARD;
void bt_house_close(struct bt_house *house);  // no new requests; streams are ended
void bt_house_destroy(struct bt_house *house);

#endif
