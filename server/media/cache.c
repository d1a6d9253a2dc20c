#include "server/media/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define PATH_BYTES 4096
#define FOLDERS 256
#define COMING "coming"  // DIR/coming: what is not whole yet

struct bt_cache {
    char *dir;
    int64_t max_bytes;
    pthread_mutex_t lock;  // held while files go
    // Protected by lock.
    int64_t bytes;  // about: exact after each look at the folder
};

struct item {
    struct bt_sha256 sha256;
    int64_t size;
    struct timespec used;
};

struct items {
    struct item *list;
    size_t count, capacity;
    int64_t bytes;
};

static void finish_items(struct items *items)
{
    free(items->list);
}

static int locate(const struct bt_cache *cache, const struct bt_sha256 *sha256,
                  char out[PATH_BYTES])
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    return bt_format(out, PATH_BYTES, "%s/%.2s/%s", cache->dir, hex, hex);
}

static void add_item(DIR *folder, const char *name, struct items *items)
{
    struct stat status;
    struct item item;
    if (strlen(name) != BT_SHA256_HEX_BYTES - 1 ||
        bt_unhex(name, item.sha256.bytes, BT_SHA256_BYTES) < 0 ||
        fstatat(dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return;
    }
    item.size = status.st_size;
    item.used = status.st_mtim;
    BT_GROW(items->list, items->capacity, items->count + 1);
    items->list[items->count++] = item;
    items->bytes += item.size;
}

static void list_folder(const char *path, struct items *items)
{
    const struct dirent *each;
    DIR *folder = opendir(path);
    while (folder != NULL && (each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        add_item(folder, each->d_name, items);
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static void list_all(const struct bt_cache *cache, struct items *items)
{
    for (unsigned i = 0; i < FOLDERS; i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%02x", cache->dir, i);
        list_folder(path, items);
    }
}

static int compare(const void *a, const void *b)
{
    const struct timespec *one = &((const struct item *)a)->used;
    const struct timespec *other = &((const struct item *)b)->used;
    int64_t s = one->tv_sec - other->tv_sec, ns = one->tv_nsec - other->tv_nsec;
    int64_t order = s != 0 ? s : ns;
    return order < 0 ? -1 : order > 0;
}

// False: somebody reads it.
static bool let_go(const struct bt_cache *cache, const struct item *item)
{
    char path[PATH_BYTES];
    if (locate(cache, &item->sha256, path) < 0) {
        return false;
    }
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && unlink(path) == 0;
}

// More than needed goes, so that the folder is not looked at for every file.
static void make_room(struct bt_cache *cache, int64_t more)
{
    BT_AUTOFINISH(finish_items) struct items items = {0};
    list_all(cache, &items);
    cache->bytes = items.bytes;
    if (cache->bytes + more <= cache->max_bytes) {
        return;
    }
    int64_t wanted = BT_MAX(cache->max_bytes - cache->max_bytes / 10 - more, (int64_t)0);
    qsort(items.list, items.count, sizeof(*items.list), compare);
    for (size_t i = 0; i < items.count && cache->bytes > wanted; i++) {
        cache->bytes -= let_go(cache, &items.list[i]) ? items.list[i].size : 0;
    }
}

void bt_cache_make_room(struct bt_cache *cache, int64_t more)
{
    pthread_mutex_lock(&cache->lock);
    if (cache->bytes + more > cache->max_bytes) {
        make_room(cache, more);
    }
    pthread_mutex_unlock(&cache->lock);
}

int64_t bt_cache_bytes(struct bt_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    int64_t bytes = cache->bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}

static void tidy(const char *coming)
{
    const struct dirent *each;
    DIR *folder = opendir(coming);
    while (folder != NULL && (each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        if (each->d_name[0] != '.') {
            unlinkat(dirfd(folder), each->d_name, 0);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

int bt_cache_open(const char *dir, int64_t max_bytes, struct bt_cache **out, struct bt_error *err)
{
    BT_AUTOFREE char *coming = bt_strf("%s/" COMING, dir);
    int r = bt_file_make_dirs(coming, err);
    if (r < 0) {
        return r;
    }
    tidy(coming);
    struct bt_cache *cache = BT_NEW(struct bt_cache);
    cache->dir = bt_strdup(dir);
    cache->max_bytes = max_bytes;
    pthread_mutex_init(&cache->lock, NULL);
    make_room(cache, 0);
    *out = cache;
    return 0;
}

void bt_cache_destroy(struct bt_cache *cache)
{
    if (cache != NULL) {
        pthread_mutex_destroy(&cache->lock);
        free(cache->dir);
        free(cache);
    }
}

int bt_cache_get(struct bt_cache *cache, const struct bt_sha256 *sha256)
{
    char path[PATH_BYTES];
    int r = locate(cache, sha256, path);
    int fd = r < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -ENOENT;
    }
    struct stat status;
    // Whoever lets it go has it for himself for a moment, and then it has no name.
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(fd, &status) < 0 || status.st_nlink == 0) {
        close(fd);
        return -ENOENT;
    }
    (void)futimens(fd, NULL);
    return fd;
}

int bt_cache_begin(struct bt_cache *cache, int *out_fd, char **out_path, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/" COMING "/XXXXXX", cache->dir);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot make a file in '%s'", cache->dir);
    }
    *out_fd = fd;
    *out_path = BT_TAKE(path);
    return 0;
}

static int prepare(struct bt_cache *cache, const struct bt_sha256 *sha256, char out[PATH_BYTES],
                   struct bt_error *err)
{
    BT_AUTOFREE char *folder = bt_strf("%s/%02x", cache->dir, sha256->bytes[0]);
    int r = locate(cache, sha256, out);
    return r < 0 ? bt_fail(err, r, "The path of the cache is too long")
                 : bt_file_make_dirs(folder, err);
}

static void count(struct bt_cache *cache, const char *path)
{
    struct stat status;
    int64_t size = stat(path, &status) == 0 ? status.st_size : 0;
    pthread_mutex_lock(&cache->lock);
    cache->bytes += size;
    pthread_mutex_unlock(&cache->lock);
}

// The bytes first: after a power cut a name must not stand for less than them.
static int name_it(const char *path, const char *to, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fdatasync(fd) < 0 || rename(path, to) < 0
               ? bt_fail_errno(err, "Cannot keep '%s'", to)
               : 0;
}

int bt_cache_keep(struct bt_cache *cache, char *path, const struct bt_sha256 *sha256,
                  struct bt_error *err)
{
    char to[PATH_BYTES];
    int r = prepare(cache, sha256, to, err);
    r = r < 0 ? r : name_it(path, to, err);
    if (r < 0) {
        bt_cache_drop(path);
        return r;
    }
    free(path);
    count(cache, to);
    return 0;
}

void bt_cache_drop(char *path)
{
    unlink(path);
    free(path);
}

void bt_cache_adopt(struct bt_cache *cache, const char *path, const struct bt_sha256 *sha256)
{
    char to[PATH_BYTES];
    if (prepare(cache, sha256, to, NULL) == 0 && link(path, to) == 0) {
        count(cache, to);
        bt_cache_make_room(cache, 0);
    }
}

void bt_cache_remove(struct bt_cache *cache, const struct bt_sha256 *sha256)
{
    char path[PATH_BYTES];
    if (locate(cache, sha256, path) == 0) {
        unlink(path);
    }
}
