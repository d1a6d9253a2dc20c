/**
 * Care (docs/server.md, "Care"): two threads that look after the screens without being asked. The
 * watch, every minute: what is wrong (alerts.h), whom to tell (tell.h); and every 2 s what waits to
 * be sent (outbox.h). The archive, every night: old batches into packs, what is older than people
 * want away (archive.h). Of several servers on one database one does each.
 */
#ifndef BT_SERVER_CARE_CARE_H
#define BT_SERVER_CARE_CARE_H

#include "base/error.h"
#include "server/care/courier.h"
#include "server/server.h"

struct bt_care_options {
    const char *mail_password_file, *mail_ca;  // or NULL
    bool webhooks_inside;
};

struct bt_care;
int bt_care_start(struct bt_server *server, const struct bt_care_options *options,
                  struct bt_care **out, struct bt_error *err) BT_NODISCARD;
void bt_care_close(struct bt_care *care);
void bt_care_destroy(struct bt_care *care);
BT_DEFINE_AUTO(bt_care)

#endif
