#include "assets/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets/store_private.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

// More writers than there are ways on which assets come.
#define MAX_CLAIMED 8

// A file that is being written.
struct claim {
    enum bt_way way;
    struct bt_sha256 sha256;
};

// Sorted, for looking up.
struct hash_list {
    struct bt_sha256 *hashes;  // owned
    size_t count;
};

struct bt_store {
    char *dir;             // set by open, never changed
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    void *verified;  // tsearch tree of struct bt_sha256: content checked by this process
    struct hash_list pinned, forbidden;
    struct claim claimed[MAX_CLAIMED];
    size_t claimed_count;
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
    free(store->pinned.hashes);
    free(store->forbidden.hashes);
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

static void forget_verified(struct bt_store *store, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&store->lock);
    struct bt_sha256 **kept = tfind(sha256, &store->verified, compare_hashes);
    struct bt_sha256 *gone = kept != NULL ? *kept : NULL;
    if (gone != NULL) {
        tdelete(sha256, &store->verified, compare_hashes);
    }
    pthread_mutex_unlock(&store->lock);
    free(gone);
}

static bool list_has(const struct hash_list *list, const struct bt_sha256 *sha256)
{
    return list->count > 0 && bsearch(sha256, list->hashes, list->count, sizeof(*list->hashes),
                                      compare_hashes) != NULL;
}

static struct hash_list sorted_copy(const struct bt_sha256 *hashes, size_t count)
{
    struct hash_list list = {.count = count};
    if (count > 0) {
        list.hashes = BT_NEW_ARRAY(struct bt_sha256, count);
        memcpy(list.hashes, hashes, count * sizeof(*hashes));
        qsort(list.hashes, count, sizeof(*hashes), compare_hashes);
    }
    return list;
}

bool bt_store_forbids(struct bt_store *store, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&store->lock);
    bool forbidden = list_has(&store->forbidden, sha256);
    pthread_mutex_unlock(&store->lock);
    return forbidden;
}

bool bt_store_pins(struct bt_store *store, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&store->lock);
    bool pinned = list_has(&store->pinned, sha256);
    pthread_mutex_unlock(&store->lock);
    return pinned;
}

static size_t claim_of(const struct bt_store *store, enum bt_way way,
                       const struct bt_sha256 *sha256)
{
    size_t i = 0;
    while (i < store->claimed_count && (store->claimed[i].way != way ||
                                        compare_hashes(&store->claimed[i].sha256, sha256) != 0)) {
        i++;
    }
    return i;
}

bool bt_store_claim(struct bt_store *store, enum bt_way way, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&store->lock);
    bool mine =
        claim_of(store, way, sha256) == store->claimed_count && store->claimed_count < MAX_CLAIMED;
    if (mine) {
        store->claimed[store->claimed_count++] = (struct claim){way, *sha256};
    }
    pthread_mutex_unlock(&store->lock);
    return mine;
}

void bt_store_release(struct bt_store *store, enum bt_way way, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&store->lock);
    size_t i = claim_of(store, way, sha256);
    if (i < store->claimed_count) {
        store->claimed[i] = store->claimed[--store->claimed_count];
    }
    pthread_mutex_unlock(&store->lock);
}

const char *bt_store_directory(const struct bt_store *store)
{
    return store->dir;
}

const char *bt_store_partial_folder(enum bt_way way)
{
    static const char *const folders[BT_WAYS] = {"partial", "partial-usb"};
    return folders[way];
}

char *bt_store_partial_path(const struct bt_store *store, enum bt_way way,
                            const struct bt_sha256 *sha256)
{
    char name[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, name);
    return bt_strf("%s/%s/%s", store->dir, bt_store_partial_folder(way), name);
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
    if (bt_store_forbids(store, sha256)) {
        return bt_fail(err, -EPERM, "Asset '%s' was taken down", out_path);
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

int bt_store_take(struct bt_store *store, const char *path, const struct bt_sha256 *sha256,
                  struct bt_error *err)
{
    char to[BT_STORE_PATH_BYTES];
    int r = path_of(store, sha256, to, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *dir = bt_strndup(to, (size_t)(strrchr(to, '/') - to));
    r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOCLOSE int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || rename(path, to) < 0 || fsync(dir_fd) < 0) {
        return bt_fail_errno(err, "Cannot finish '%s'", to);
    }
    if (bt_store_forbids(store, sha256)) {
        unlink(to);
        return bt_fail(err, -EPERM, "Asset '%s' was taken down", to);
    }
    set_verified(store, sha256);
    return 0;
}

// Touches what leaves the list, so that it is the last to be evicted.
static void touch_left_out(struct bt_store *store, const struct hash_list *before,
                           const struct hash_list *after)
{
    for (size_t i = 0; i < before->count; i++) {
        char path[BT_STORE_PATH_BYTES];
        if (!list_has(after, &before->hashes[i]) &&
            path_of(store, &before->hashes[i], path, NULL) == 0) {
            utimensat(AT_FDCWD, path, NULL, 0);
        }
    }
}

void bt_store_set_pinned(struct bt_store *store, const struct bt_sha256 *hashes, size_t count)
{
    struct hash_list list = sorted_copy(hashes, count);
    pthread_mutex_lock(&store->lock);
    struct hash_list before = store->pinned;
    store->pinned = list;
    pthread_mutex_unlock(&store->lock);
    // Only the caller's thread changes the list, so it is still the one set above.
    touch_left_out(store, &before, &list);
    free(before.hashes);
}

static int remove_file(const char *path, struct bt_error *err)
{
    return unlink(path) == 0 || errno == ENOENT ? 0
                                                : bt_fail_errno(err, "Cannot remove '%s'", path);
}

int bt_store_remove(struct bt_store *store, const struct bt_sha256 *sha256, struct bt_error *err)
{
    char path[BT_STORE_PATH_BYTES];
    int r = path_of(store, sha256, path, err);
    if (r < 0) {
        return r;
    }
    forget_verified(store, sha256);
    r = remove_file(path, err);
    for (enum bt_way way = 0; way < BT_WAYS; way++) {
        BT_AUTOFREE char *partial = bt_store_partial_path(store, way, sha256);
        int now = remove_file(partial, err);
        r = r < 0 ? r : now;
    }
    return r;
}

int bt_store_set_forbidden(struct bt_store *store, const struct bt_sha256 *hashes, size_t count,
                           struct bt_error *err)
{
    struct hash_list list = sorted_copy(hashes, count);
    pthread_mutex_lock(&store->lock);
    struct hash_list before = store->forbidden;
    store->forbidden = list;
    pthread_mutex_unlock(&store->lock);
    free(before.hashes);
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        int r = bt_store_remove(store, &hashes[i], err);
        result = r < 0 ? r : result;
    }
    return result;
}
