#include "server/backup/store_shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define PLACE "blobs/"

static char *key_of(const struct bt_sha256 *sha256)
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    return bt_strf(PLACE "%.2s/%s", hex, hex);
}

static char *path_of(const char *folder, const struct bt_sha256 *sha256)
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    return bt_strf("%s/%.2s/%s", folder, hex, hex);
}

// What has another name is not ours.
static int add(void *context, const struct bt_s3_entry *entry)
{
    struct bt_blob_list *list = context;
    struct bt_blob_entry blob = {.size = entry->size};
    const char *slash = strrchr(entry->key, '/');
    if (slash == NULL || strlen(slash + 1) != BT_SHA256_HEX_BYTES - 1 ||
        bt_unhex(slash + 1, blob.sha256.bytes, BT_SHA256_BYTES) < 0) {
        return 0;
    }
    BT_AUTOFREE char *key = key_of(&blob.sha256);
    if (bt_str_equal(key, entry->key)) {
        bt_blob_list_add(list, &blob);
    }
    return 0;
}

int bt_store_shelf_list(struct bt_s3 *s3, struct bt_blob_list *out, struct bt_error *err)
{
    BT_AUTOBLOBS list = {0};
    int r = bt_s3_list(s3, PLACE, add, &list, err);
    if (r < 0) {
        return r;
    }
    bt_blob_list_sort(&list);
    *out = list;
    list = (struct bt_blob_list){0};
    return 0;
}

static int fetch(struct bt_s3 *s3, const char *path, const struct bt_blob_entry *entry,
                 struct bt_error *err)
{
    BT_AUTOFREE char *aside = bt_strf("%s.new", path);
    BT_AUTOFREE char *key = key_of(&entry->sha256);
    BT_AUTOCLOSE int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot make '%s'", aside);
    }
    int r = bt_s3_get(s3, key, &entry->sha256, entry->size, fd, err);
    if (r == 0 && (fsync(fd) < 0 || rename(aside, path) < 0)) {
        r = bt_fail_errno(err, "Cannot finish '%s'", path);
    }
    if (r < 0) {
        unlink(aside);
    }
    return r;
}

int bt_store_shelf_fetch(struct bt_s3 *s3, const char *to, const struct bt_blob_entry *entry,
                         struct bt_error *err)
{
    struct stat status;
    BT_AUTOFREE char *path = path_of(to, &entry->sha256);
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == entry->size) {
        return 0;
    }
    BT_AUTOFREE char *folder = bt_strf("%s/%02x", to, entry->sha256.bytes[0]);
    int r = bt_file_make_dirs(folder, err);
    return r < 0 ? r : fetch(s3, path, entry, err);
}

static int sync_path(const char *path, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? bt_fail_errno(err, "Cannot sync '%s'", path) : 0;
}

int bt_store_shelf_hold(const char *to, const struct bt_blob_entry *entry, struct bt_error *err)
{
    struct bt_sha256 found;
    int64_t size;
    BT_AUTOFREE char *path = path_of(to, &entry->sha256);
    BT_AUTOFREE char *folder = bt_strf("%s/%02x", to, entry->sha256.bytes[0]);
    int r = bt_sha256_of_file(path, &found, &size, err);
    if (r == 0 && memcmp(&found, &entry->sha256, sizeof(found)) != 0) {
        unlink(path);
        return bt_fail(err, -EBADMSG, "'%s' was damaged: its bytes were not those of its name",
                       path);
    }
    r = r < 0 ? r : sync_path(path, err);
    r = r < 0 ? r : sync_path(folder, err);
    return r < 0 ? r : sync_path(to, err);
}

static int send_file(struct bt_s3 *s3, const char *key, const char *path,
                     const struct bt_blob_entry *entry, struct bt_error *err)
{
    struct bt_sha256 found;
    int64_t size;
    int r = bt_sha256_of_file(path, &found, &size, err);
    if (r < 0) {
        return r;
    }
    if (size != entry->size || memcmp(&found, &entry->sha256, sizeof(found)) != 0) {
        return bt_fail(err, -EBADMSG, "'%s' is damaged: its bytes are not those of its name", path);
    }
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? bt_fail_errno(err, "Cannot open '%s'", path)
                  : bt_s3_put_file(s3, key, fd, &entry->sha256, size, err);
}

int bt_store_shelf_send(const char *from, struct bt_s3 *s3, const struct bt_blob_entry *entry,
                        struct bt_error *err)
{
    BT_AUTOFREE char *key = key_of(&entry->sha256);
    BT_AUTOFREE char *path = path_of(from, &entry->sha256);
    int r = bt_s3_get(s3, key, &entry->sha256, entry->size, -1, err);
    if (r != -ENOENT && r != -EBADMSG) {
        return r;
    }
    r = send_file(s3, key, path, entry, err);
    return r < 0 ? r : bt_s3_get(s3, key, &entry->sha256, entry->size, -1, err);
}

int bt_store_shelf_remove(struct bt_s3 *s3, const struct bt_sha256 *sha256, struct bt_error *err)
{
    BT_AUTOFREE char *key = key_of(sha256);
    return bt_s3_remove(s3, key, err);
}
