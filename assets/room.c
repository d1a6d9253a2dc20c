// Making room: what of the store can go, the least recently needed first.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "assets/store_private.h"
#include "base/mem.h"
#include "base/str.h"

// A card of 1 TB with files of 10 MB; what is beyond is looked at the next time.
#define MAX_FILES 100000

struct file {
    struct bt_sha256 sha256;
    int64_t size;
    struct timespec needed;
};

struct listing {
    struct file *files;  // owned
    size_t count, capacity;
    int64_t bytes;
};

// Names that are not hashes are none of ours and stay.
static void list_directory(const char *path, struct listing *listing)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while ((entry = readdir(dir)) != NULL && listing->count < MAX_FILES) {
        struct file file;
        struct stat info;
        if (strlen(entry->d_name) != BT_SHA256_HEX_BYTES - 1 ||
            bt_unhex(entry->d_name, file.sha256.bytes, BT_SHA256_BYTES) < 0 ||
            fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(info.st_mode)) {
            continue;
        }
        file.size = info.st_size;
        file.needed = info.st_mtim;
        BT_GROW(listing->files, listing->capacity, listing->count + 1);
        listing->files[listing->count++] = file;
        listing->bytes += file.size;
    }
    closedir(dir);
}

static void list_store(struct bt_store *store, struct listing *listing)
{
    const char *top = bt_store_directory(store);
    for (unsigned first = 0; first < 256; first++) {
        BT_AUTOFREE char *path = bt_strf("%s/%02x", top, first);
        list_directory(path, listing);
    }
    for (enum bt_way way = 0; way < BT_WAYS; way++) {
        BT_AUTOFREE char *path = bt_strf("%s/%s", top, bt_store_partial_folder(way));
        list_directory(path, listing);
    }
}

static int compare_needed(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    if (x->needed.tv_sec != y->needed.tv_sec) {
        return x->needed.tv_sec < y->needed.tv_sec ? -1 : 1;
    }
    return (x->needed.tv_nsec > y->needed.tv_nsec) - (x->needed.tv_nsec < y->needed.tv_nsec);
}

static int free_bytes(struct bt_store *store, int64_t *out, struct bt_error *err)
{
    struct statvfs info;
    if (statvfs(bt_store_directory(store), &info) < 0) {
        return bt_fail_errno(err, "Cannot ask how full the disk is");
    }
    *out = (int64_t)info.f_bavail * (int64_t)info.f_frsize;
    return 0;
}

int bt_store_make_room(struct bt_store *store, int64_t bytes, int64_t reserve, struct bt_error *err)
{
    int64_t available = 0;
    int r = free_bytes(store, &available, err);
    if (r < 0 || available - bytes >= reserve) {
        return r;
    }
    struct listing listing = {0};
    list_store(store, &listing);
    if (listing.count > 0) {
        qsort(listing.files, listing.count, sizeof(*listing.files), compare_needed);
    }
    for (size_t i = 0; i < listing.count && available - bytes < reserve; i++) {
        if (!bt_store_pins(store, &listing.files[i].sha256) &&
            bt_store_remove(store, &listing.files[i].sha256, NULL) == 0) {
            r = free_bytes(store, &available, err);
        }
    }
    free(listing.files);
    if (r == 0 && available - bytes < reserve) {
        return bt_fail(err, -ENOSPC,
                       "%lld bytes do not fit: %lld are free, of which %lld are kept in reserve",
                       (long long)bytes, (long long)available, (long long)reserve);
    }
    return r;
}

int bt_store_usage(struct bt_store *store, int64_t *out_free, int64_t *out_used,
                   struct bt_error *err)
{
    int r = free_bytes(store, out_free, err);
    if (r < 0) {
        return r;
    }
    struct listing listing = {0};
    list_store(store, &listing);
    *out_used = listing.bytes;
    free(listing.files);
    return 0;
}
