/**
 * Passwords: argon2id (libsodium, INTERACTIVE: 64 MiB, some 50 ms). At most two are hashed at a
 * time and two more wait; others are told to come back, so that logging in cannot starve the rest
 * of the server. Thread-safe.
 */
#ifndef BT_SERVER_ACCOUNTS_PASSWORD_H
#define BT_SERVER_ACCOUNTS_PASSWORD_H

#include "base/error.h"

#define BT_PASSWORD_MIN_BYTES 10
#define BT_PASSWORD_MAX_BYTES 256
#define BT_PASSWORD_HASH_BYTES 128  // with the NUL

struct bt_passwords;
struct bt_passwords *bt_passwords_create(void) BT_NODISCARD;
void bt_passwords_destroy(struct bt_passwords *passwords);

// -EBUSY: too many at once; -ENOMEM.
int bt_password_hash(struct bt_passwords *passwords, const char *password,
                     char out[BT_PASSWORD_HASH_BYTES], struct bt_error *err) BT_NODISCARD;

/**
 * 0 when it is the right one, -EACCES when not, -EBUSY as above. `hash` NULL: nobody's; takes as
 * long and is never right.
 */
int bt_password_verify(struct bt_passwords *passwords, const char *hash, const char *password,
                       struct bt_error *err) BT_NODISCARD;

#endif
