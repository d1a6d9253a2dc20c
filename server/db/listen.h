/**
 * Hints between the servers on one database: LISTEN and NOTIFY of PostgreSQL. A hint says what to
 * look at in the database and nothing more; it may be lost, come twice, late or in another order,
 * and whoever hears it looks for itself every few seconds anyway. On SQLite there is one server,
 * and nobody to tell.
 *
 * One connection of its own for each server that listens, directly to PostgreSQL and not through
 * what shares connections out by transactions. When it is lost it is made anew, after a tenth of a
 * second at first and after five at last.
 */
#ifndef BT_SERVER_DB_LISTEN_H
#define BT_SERVER_DB_LISTEN_H

#include <stdbool.h>

#include "server/db/db.h"

#define BT_DB_CHANNEL "bangtin"

// Of a hint's text. PostgreSQL takes 8,000 bytes in all.
#define BT_DB_HINT_BYTES 7000

/**
 * In a transaction: with its commit all other servers hear it, and nobody when it is rolled back.
 * Outside of one: at once. `topic` is a word. Commits that notify wait for each other, so this is
 * for what happens some times a second, not for every play. -EMSGSIZE; else the database's errors.
 */
int bt_db_notify(struct bt_db *db, const char *topic, const char *text,
                 struct bt_error *err) BT_NODISCARD;
bool bt_db_notifies(const struct bt_db_pool *pool);  // false: nobody can hear

/**
 * On a thread of the listener's. `hear`: what another pool said, never our own. `listens`: it hears
 * from now on, and what was said before is missed; or the connection is lost.
 */
struct bt_db_hearing {
    void (*hear)(void *context, const char *topic, const char *text);
    void (*listens)(void *context, bool now);
    void *context;
};

// *out is NULL where nobody notifies. The pool must outlive it.
struct bt_db_listener;
int bt_db_listen(struct bt_db_pool *pool, const struct bt_db_hearing *hearing,
                 struct bt_db_listener **out, struct bt_error *err) BT_NODISCARD;
void bt_db_listener_destroy(struct bt_db_listener *listener);
BT_DEFINE_AUTO(bt_db_listener)

#endif
