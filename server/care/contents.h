/**
 * What published documents carry and when they end, worked out once for each of them and kept in
 * content_end and content_carry, so that the rules need not read them every minute.
 */
#ifndef BT_SERVER_CARE_CONTENTS_H
#define BT_SERVER_CARE_CONTENTS_H

#include "base/error.h"
#include "server/db/db.h"

// Works out what is missing, each document in a transaction of its own.
int bt_contents_keep(struct bt_db *db, struct bt_error *err) BT_NODISCARD;

#endif
