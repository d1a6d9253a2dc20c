/**
 * The inspector: one thread that takes uploads out of quarantine, one after the other, lets the
 * workshop look at each, and makes assets of those that will play. What was waiting when the server
 * stopped is taken up again at its start.
 */
#ifndef BT_SERVER_MEDIA_INSPECTOR_H
#define BT_SERVER_MEDIA_INSPECTOR_H

#include "base/error.h"
#include "server/media/workshop.h"
#include "server/server.h"

// With this other servers on the database say that something is waiting (server/db/listen.h).
#define BT_INSPECTOR_TOPIC "upload"

struct bt_inspector;

// `server` is borrowed and must outlive it; `workshop`'s program name is copied.
int bt_inspector_start(struct bt_server *server, const struct bt_workshop *workshop,
                       struct bt_inspector **out, struct bt_error *err) BT_NODISCARD;
void bt_inspector_wake(struct bt_inspector *inspector);  // something is waiting; NULL is fine

// It takes up nothing more, and does not wait for what it is at. Any thread, as often as one likes;
// NULL is fine.
void bt_inspector_close(struct bt_inspector *inspector);
void bt_inspector_destroy(struct bt_inspector *inspector);

#endif
