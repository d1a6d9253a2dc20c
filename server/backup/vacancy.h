/**
 * That nobody else is at work in a place: a data directory, a place for backups. The same lock as
 * the server's (server/house.c).
 */
#ifndef BT_SERVER_BACKUP_VACANCY_H
#define BT_SERVER_BACKUP_VACANCY_H

#include "base/error.h"

// Makes the directory, for its owner alone. The descriptor holds the lock until it is closed;
// -EBUSY somebody has it.
int bt_vacancy_take(const char *dir, struct bt_error *err) BT_NODISCARD;

// Of the directory that an SQLite database ("sqlite:PATH") lies in; of any other -1 and 0.
int bt_vacancy_take_database(const char *where, int *out_fd, struct bt_error *err) BT_NODISCARD;

#endif
