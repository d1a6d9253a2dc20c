// What assets/partial.c and room.c need of the store. Private to assets/.
#ifndef BT_ASSETS_STORE_PRIVATE_H
#define BT_ASSETS_STORE_PRIVATE_H

#include "assets/partial.h"

const char *bt_store_directory(const struct bt_store *store);
bool bt_store_pins(struct bt_store *store, const struct bt_sha256 *sha256);

// The folder below the store's in which a way's partial files lie, and the path of one; for free().
const char *bt_store_partial_folder(enum bt_way way);
char *bt_store_partial_path(const struct bt_store *store, enum bt_way way,
                            const struct bt_sha256 *sha256) BT_NODISCARD;

// One writer for each partial file. False: another has it.
bool bt_store_claim(struct bt_store *store, enum bt_way way, const struct bt_sha256 *sha256);
void bt_store_release(struct bt_store *store, enum bt_way way, const struct bt_sha256 *sha256);

// Renames a finished, synced and verified file into its place, durably. -EPERM when it was taken
// down meanwhile: then the file is removed.
int bt_store_take(struct bt_store *store, const char *path, const struct bt_sha256 *sha256,
                  struct bt_error *err) BT_NODISCARD;

#endif
