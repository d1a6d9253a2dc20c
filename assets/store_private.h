// What assets/partial.c needs of the store. Private to assets/.
#ifndef BT_ASSETS_STORE_PRIVATE_H
#define BT_ASSETS_STORE_PRIVATE_H

#include "assets/store.h"

const char *bt_store_directory(const struct bt_store *store);
bool bt_store_pins(struct bt_store *store, const struct bt_sha256 *sha256);

// One writer for each partial file. False: another has it.
bool bt_store_claim(struct bt_store *store, const struct bt_sha256 *sha256);
void bt_store_release(struct bt_store *store, const struct bt_sha256 *sha256);

// Renames a finished, synced and verified file into its place, durably. -EPERM when it was taken
// down meanwhile: then the file is removed.
int bt_store_take(struct bt_store *store, const char *path, const struct bt_sha256 *sha256,
                  struct bt_error *err) BT_NODISCARD;

#endif
