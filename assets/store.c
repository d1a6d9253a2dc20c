#include "assets/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct bt_store {
    char *dir;             // set by open, never changed
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    void *verified;  // tsearch tree of struct bt_sha256: content checked by this process
};

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, BT_SHA256_BYTES);
}

int bt_store_open(const char *dir, struct bt_store **out, struct bt_error *err)
{
    struct stat info;
    if (stat(dir, &info) < 0) {
        return bt_fail_errno(err, "Cannot open the assets in '%s'", dir);
    }
    if (!S_ISDIR(info.st_mode)) {
        return bt_fail(err, -ENOTDIR, "'%s' is not a directory of assets", dir);
    }
    struct bt_store *store = BT_NEW(struct bt_store);
    store->dir = bt_strdup(dir);
    pthread_mutex_init(&store->lock, NULL);
    *out = store;
    return 0;
}

void bt_store_destroy(struct bt_store *store)
{
    if (store == NULL) {
        return;
    }
    tdestroy(store->verified, free);
    pthread_mutex_destroy(&store->lock);
    free(store->dir);
    free(store);
}

static bool is_verified(struct bt_store *store, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&store->lock);
    bool found = tfind(sha256, &store->verified, compare_hashes) != NULL;
    pthread_mutex_unlock(&store->lock);
    return found;
}

static void set_verified(struct bt_store *store, const struct bt_sha256 *sha256)
{
    struct bt_sha256 *copy = BT_NEW(struct bt_sha256);
    *copy = *sha256;
    pthread_mutex_lock(&store->lock);
    struct bt_sha256 **kept = tsearch(copy, &store->verified, compare_hashes);
    bool is_new = kept != NULL && *kept == copy;
    pthread_mutex_unlock(&store->lock);
    if (!is_new) {
        free(copy);
    }
}

static int path_of(const struct bt_store *store, const struct bt_sha256 *sha256, char *out_path,
                   struct bt_error *err)
{
    char name[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, name);
    int r = bt_format(out_path, BT_STORE_PATH_BYTES, "%s/%.2s/%s", store->dir, name, name);
    return r < 0 ? bt_fail(err, r, "The path of '%s' is too long", store->dir) : 0;
}

int bt_store_locate(struct bt_store *store, const struct bt_sha256 *sha256, int64_t size,
                    char *out_path, struct bt_error *err)
{
    int r = path_of(store, sha256, out_path, err);
    if (r < 0) {
        return r;
    }
    struct stat info;
    if (stat(out_path, &info) < 0) {
        return bt_fail_errno(err, "Asset '%s'", out_path);
    }
    if (!S_ISREG(info.st_mode) || info.st_size != size) {
        return bt_fail(err, -EBADMSG, "Asset '%s' has %lld bytes, not the %lld that were approved",
                       out_path, (long long)info.st_size, (long long)size);
    }
    return 0;
}

int bt_store_path(struct bt_store *store, const struct bt_sha256 *sha256, int64_t size,
                  char *out_path, struct bt_error *err)
{
    int r = bt_store_locate(store, sha256, size, out_path, err);
    if (r < 0) {
        return r;
    }
    if (is_verified(store, sha256)) {
        return 0;
    }
    struct bt_sha256 found;
    r = bt_sha256_of_file(out_path, &found, NULL, err);
    if (r < 0) {
        return r;
    }
    if (memcmp(&found, sha256, sizeof(found)) != 0) {
        return bt_fail(err, -EBADMSG,
                       "Asset '%s' is damaged: its content is not what its name says", out_path);
    }
    set_verified(store, sha256);
    return 0;
}

int bt_store_add(struct bt_store *store, const char *path, struct bt_sha256 *out_sha256,
                 int64_t *out_size, struct bt_error *err)
{
    struct bt_sha256 sha256;
    int64_t size;
    char to[BT_STORE_PATH_BYTES];
    int r = bt_sha256_of_file(path, &sha256, &size, err);
    if (r < 0 || (r = path_of(store, &sha256, to, err)) < 0) {
        return r;
    }
    if (bt_store_path(store, &sha256, size, to, NULL) < 0) {
        BT_AUTOFREE char *dir = bt_strndup(to, (size_t)(strrchr(to, '/') - to));
        r = bt_file_make_dirs(dir, err);
        if (r < 0 || (r = bt_file_copy(path, to, err)) < 0) {
            return r;
        }
        // The file may have changed under us while it was copied.
        r = bt_store_path(store, &sha256, size, to, err);
        if (r < 0) {
            return bt_fail_in(err, r, "Copying '%s'", path);
        }
    }
    *out_sha256 = sha256;
    *out_size = size;
    return 0;
}
