/**
 * A folder of content by hash (ab/HASH), as the server and its backups have it, and how one takes
 * what it lacks from another. What has its name there was whole when it got it.
 */
#ifndef BT_SERVER_BACKUP_SHELF_H
#define BT_SERVER_BACKUP_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"

struct bt_blob_entry {
    struct bt_sha256 sha256;
    int64_t size;
};

struct bt_blob_list {
    struct bt_blob_entry *list;  // sorted by hash
    size_t count, capacity;
    int64_t bytes;
};
void bt_blob_list_finish(struct bt_blob_list *list);
void bt_blob_list_add(struct bt_blob_list *list, const struct bt_blob_entry *entry);
void bt_blob_list_sort(struct bt_blob_list *list);  // after adding
#define BT_AUTOBLOBS BT_AUTOFINISH(bt_blob_list_finish) struct bt_blob_list

// What lies there now; other files are passed over. A folder that is missing is empty.
int bt_shelf_list(const char *dir, struct bt_blob_list *out, struct bt_error *err) BT_NODISCARD;
bool bt_blob_list_has(const struct bt_blob_list *list, const struct bt_sha256 *sha256);

// "HASH SIZE\n" for each, and back again; a text that is not that: -EINVAL.
int bt_blob_list_write(const struct bt_blob_list *list, struct bt_buf *out) BT_NODISCARD;
int bt_blob_list_read(const char *text, size_t len, struct bt_blob_list *out,
                      struct bt_error *err) BT_NODISCARD;

/**
 * One file from one folder into the other, its bytes against its hash; what is there with the same
 * size stays. `link`: a second name for the same file where the file system has that. -EBADMSG
 * the bytes are not the hash's; nothing was put there.
 */
int bt_shelf_carry(const char *from, const char *to, const struct bt_blob_entry *entry, bool link,
                   struct bt_error *err) BT_NODISCARD;

// Removes what carrying has left there when it was killed. Nobody may be carrying.
void bt_shelf_tidy(const char *dir);

// Gone, or never there.
int bt_shelf_remove(const char *dir, const struct bt_sha256 *sha256,
                    struct bt_error *err) BT_NODISCARD;

#endif
