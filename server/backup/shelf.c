#include "server/backup/shelf.h"

#include <dirent.h>
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

#define PATH_BYTES 4096

// What has not got its name yet.
#define ASIDE ".new"

void bt_blob_list_finish(struct bt_blob_list *list)
{
    free(list->list);
    *list = (struct bt_blob_list){0};
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, BT_SHA256_BYTES);
}

void bt_blob_list_add(struct bt_blob_list *list, const struct bt_blob_entry *entry)
{
    BT_GROW(list->list, list->capacity, list->count + 1);
    list->list[list->count++] = *entry;
    list->bytes += entry->size;
}

void bt_blob_list_sort(struct bt_blob_list *list)
{
    if (list->count > 0) {
        qsort(list->list, list->count, sizeof(*list->list), compare);
    }
}

static int place(const char *dir, const struct bt_sha256 *sha256, char out[PATH_BYTES],
                 struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    int r = bt_format(out, PATH_BYTES, "%s/%.2s/%s", dir, hex, hex);
    return r < 0 ? bt_fail(err, r, "The path of the blobs is too long") : 0;
}

static bool read_hash(const char *name, struct bt_sha256 *out)
{
    return strlen(name) == BT_SHA256_HEX_BYTES - 1 &&
           bt_unhex(name, out->bytes, BT_SHA256_BYTES) == 0;
}

static int list_one(DIR *folder, struct bt_blob_list *out, struct bt_error *err)
{
    const struct dirent *each;
    while ((each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        struct stat status;
        struct bt_blob_entry entry;
        if (!read_hash(each->d_name, &entry.sha256)) {
            continue;
        }
        if (fstatat(dirfd(folder), each->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT) {
                continue;  // removed meanwhile
            }
            return bt_fail_errno(err, "Cannot look at blob '%s'", each->d_name);
        }
        entry.size = status.st_size;
        if (S_ISREG(status.st_mode)) {
            bt_blob_list_add(out, &entry);
        }
    }
    return 0;
}

int bt_shelf_list(const char *dir, struct bt_blob_list *out, struct bt_error *err)
{
    BT_AUTOBLOBS list = {0};
    int r = 0;
    for (int i = 0; r == 0 && i < 256; i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%02x", dir, (unsigned)i);
        DIR *folder = opendir(path);
        if (folder == NULL && errno == ENOENT) {
            continue;
        }
        r = folder == NULL ? bt_fail_errno(err, "Cannot look into '%s'", path)
                           : list_one(folder, &list, err);
        if (folder != NULL) {
            closedir(folder);
        }
    }
    if (r < 0) {
        return r;
    }
    bt_blob_list_sort(&list);
    *out = list;
    list = (struct bt_blob_list){0};
    return 0;
}

bool bt_blob_list_has(const struct bt_blob_list *list, const struct bt_sha256 *sha256)
{
    return list->count > 0 &&
           bsearch(sha256, list->list, list->count, sizeof(*list->list), compare) != NULL;
}

int bt_blob_list_write(const struct bt_blob_list *list, struct bt_buf *out)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < list->count; i++) {
        char hex[BT_SHA256_HEX_BYTES];
        bt_hex(list->list[i].sha256.bytes, BT_SHA256_BYTES, hex);
        r = bt_buf_appendf(out, "%s %lld\n", hex, (long long)list->list[i].size);
    }
    return r;
}

static int read_line(const char *line, size_t len, struct bt_blob_entry *out)
{
    char text[BT_SHA256_HEX_BYTES + 24];
    if (len <= BT_SHA256_HEX_BYTES || len >= sizeof(text) || line[BT_SHA256_HEX_BYTES - 1] != ' ') {
        return -EINVAL;
    }
    memcpy(text, line, len);
    text[BT_SHA256_HEX_BYTES - 1] = text[len] = '\0';
    int r = bt_unhex(text, out->sha256.bytes, BT_SHA256_BYTES);
    return r < 0 ? r : bt_parse_int(text + BT_SHA256_HEX_BYTES, 0, INT64_MAX / 2, &out->size);
}

int bt_blob_list_read(const char *text, size_t len, struct bt_blob_list *out, struct bt_error *err)
{
    BT_AUTOBLOBS list = {0};
    for (size_t at = 0; at < len;) {
        struct bt_blob_entry entry;
        const char *end = memchr(text + at, '\n', len - at);
        bool good = end != NULL && read_line(text + at, (size_t)(end - text) - at, &entry) == 0;
        // In order, so that it can be searched, and each once.
        if (!good || (list.count > 0 && compare(&list.list[list.count - 1], &entry) >= 0)) {
            return bt_fail(err, -EINVAL, "The list of blobs is broken at line %zu", list.count + 1);
        }
        bt_blob_list_add(&list, &entry);
        at = (size_t)(end - text) + 1;
    }
    *out = list;
    list = (struct bt_blob_list){0};
    return 0;
}

static int check(const char *path, const struct bt_blob_entry *entry, struct bt_error *err)
{
    int64_t size;
    struct bt_sha256 sha256;
    int r = bt_sha256_of_file(path, &sha256, &size, err);
    if (r < 0) {
        return r;
    }
    return size == entry->size && memcmp(&sha256, &entry->sha256, sizeof(sha256)) == 0
               ? 0
               : bt_fail(err, -EBADMSG, "'%s' is damaged: its bytes are not those of its name",
                         path);
}

static int copy(const char *from, const char *to, const struct bt_blob_entry *entry,
                struct bt_error *err)
{
    BT_AUTOFREE char *aside = bt_strf("%s" ASIDE, to);
    int r = bt_file_copy(from, aside, err);
    r = r < 0 ? r : check(aside, entry, err);
    if (r == 0 && rename(aside, to) < 0) {
        r = bt_fail_errno(err, "Cannot name '%s'", to);
    }
    if (r < 0) {
        unlink(aside);
    }
    return r;
}

static bool is_there(const char *path, int64_t size)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == size;
}

int bt_shelf_carry(const char *from, const char *to, const struct bt_blob_entry *entry,
                   bool link_it, struct bt_error *err)
{
    char source[PATH_BYTES], target[PATH_BYTES];
    int r = place(from, &entry->sha256, source, err);
    r = r < 0 ? r : place(to, &entry->sha256, target, err);
    if (r < 0 || is_there(target, entry->size)) {
        return r;
    }
    BT_AUTOFREE char *folder = bt_strf("%s/%02x", to, entry->sha256.bytes[0]);
    r = bt_file_make_dirs(folder, err);
    if (r < 0 || !link_it) {
        return r < 0 ? r : copy(source, target, entry, err);
    }
    r = check(source, entry, err);
    return r < 0 || link(source, target) == 0 ? r : copy(source, target, entry, err);
}

static void tidy_folder(const char *path)
{
    const struct dirent *each;
    DIR *folder = opendir(path);
    while (folder != NULL && (each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        const char *dot = strchr(each->d_name, '.');
        if (dot != NULL && bt_str_starts(dot, ASIDE)) {
            unlinkat(dirfd(folder), each->d_name, 0);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

void bt_shelf_tidy(const char *dir)
{
    for (unsigned i = 0; i < 256; i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%02x", dir, i);
        tidy_folder(path);
    }
}

int bt_shelf_remove(const char *dir, const struct bt_sha256 *sha256, struct bt_error *err)
{
    char path[PATH_BYTES];
    int r = place(dir, sha256, path, err);
    return r < 0 || unlink(path) == 0 || errno == ENOENT
               ? r
               : bt_fail_errno(err, "Cannot remove '%s'", path);
}
