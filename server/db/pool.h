// The pool's inside, for the files of server/db/ alone.
#ifndef BT_SERVER_DB_POOL_H
#define BT_SERVER_DB_POOL_H

#include "server/db/engine.h"

const struct bt_db_engine *bt_db_pool_engine(const struct bt_db_pool *pool);
const char *bt_db_pool_where(const struct bt_db_pool *pool);
const char *bt_db_pool_name(const struct bt_db_pool *pool);  // no other has it, in any process
const struct bt_db_pool *bt_db_pool_of(const struct bt_db *db);

#endif
