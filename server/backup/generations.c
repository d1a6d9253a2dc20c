#include "server/backup/generations.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

// 86 bytes for each of a million blobs.
#define LIST_MAX_BYTES (90 * 1024 * 1024)

void bt_generations_finish(struct bt_generations *generations)
{
    free(generations->names);
    *generations = (struct bt_generations){0};
}

void bt_generation_name(int64_t made_ms, char out[BT_GENERATION_BYTES])
{
    struct bt_civil at = bt_civil_from_s(made_ms / 1000);
    int r = bt_format(out, BT_GENERATION_BYTES, "%04d%02d%02dT%02d%02d%02d.%03dZ", at.year,
                      at.month, at.day, at.hour, at.minute, at.second, (int)(made_ms % 1000));
    if (r < 0) {
        out[0] = '\0';  // a clock beyond the year 9999
    }
}

static bool is_generation(const char *name)
{
    static const char pattern[] = "00000000T000000.000Z";
    for (size_t i = 0; i < sizeof(pattern); i++) {
        bool digit = pattern[i] == '0';
        if (digit ? name[i] < '0' || name[i] > '9' : name[i] != pattern[i]) {
            return false;
        }
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

int bt_generations_list(const char *place, struct bt_generations *out, struct bt_error *err)
{
    const struct dirent *each;
    DIR *folder = opendir(place);
    if (folder == NULL) {
        return bt_fail_errno(err, "Cannot look into '%s'", place);
    }
    *out = (struct bt_generations){0};
    while ((each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        if (is_generation(each->d_name)) {
            BT_GROW(out->names, out->capacity, out->count + 1);
            bt_copy_cut(out->names[out->count++], BT_GENERATION_BYTES, each->d_name);
        }
    }
    closedir(folder);
    if (out->count > 0) {
        qsort(out->names, out->count, sizeof(*out->names), compare);
    }
    return 0;
}

int bt_generation_manifest(const char *place, const char *name, struct bt_manifest *out,
                           struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOFREE char *path = bt_strf("%s/%s/" BT_MANIFEST_NAME, place, name);
    bt_buf_init(&text, BT_MANIFEST_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    if (r < 0) {
        return r;
    }
    r = bt_manifest_read(bt_buf_text(&text), text.len, out, err);
    return r < 0 ? bt_fail_in(err, r, "'%s'", path) : 0;
}

int bt_generation_blobs(const char *place, const char *name, struct bt_blob_list *out,
                        struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOFREE char *path = bt_strf("%s/%s/blobs.txt", place, name);
    bt_buf_init(&text, LIST_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    return r < 0 ? r : bt_blob_list_read(bt_buf_text(&text), text.len, out, err);
}

static void remove_file(const char *place, const char *name, const char *path)
{
    BT_AUTOFREE char *whole = bt_strf("%s/%s/%s", place, name, path);
    unlink(whole);
}

// The manifest goes first: what is left of it is no backup any more.
static int remove_generation(const char *place, const char *name, struct bt_error *err)
{
    static const char *const folders[] = {"keys", "tls"};
    BT_AUTOFREE struct bt_manifest *manifest = BT_NEW(struct bt_manifest);
    struct bt_error unread;
    int r = bt_generation_manifest(place, name, manifest, &unread);
    remove_file(place, name, BT_MANIFEST_NAME);
    for (size_t i = 0; r == 0 && i < manifest->count; i++) {
        remove_file(place, name, manifest->files[i].path);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(folders); i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%s/%s", place, name, folders[i]);
        rmdir(path);
    }
    BT_AUTOFREE char *whole = bt_strf("%s/%s", place, name);
    return rmdir(whole) == 0 || errno == ENOENT
               ? 0
               : bt_fail_errno(err, "Cannot remove the old backup '%s'", whole);
}

static bool any_has(const struct bt_blob_list *lists, size_t count, const struct bt_sha256 *sha256)
{
    for (size_t i = 0; i < count; i++) {
        if (bt_blob_list_has(&lists[i], sha256)) {
            return true;
        }
    }
    return false;
}

static int sweep(const char *place, const struct bt_blob_list *lists, size_t count,
                 struct bt_error *err)
{
    BT_AUTOBLOBS there = {0};
    BT_AUTOFREE char *dir = bt_strf("%s/blobs", place);
    int r = bt_shelf_list(dir, &there, err);
    for (size_t i = 0; r == 0 && i < there.count; i++) {
        if (!any_has(lists, count, &there.list[i].sha256)) {
            r = bt_shelf_remove(dir, &there.list[i].sha256, err);
        }
    }
    return r;
}

int bt_generations_prune(const char *place, size_t keep, struct bt_error *err)
{
    BT_AUTOGENERATIONS all = {0};
    int r = bt_generations_list(place, &all, err);
    if (r < 0 || all.count <= keep) {
        return r;
    }
    size_t old = all.count - keep;
    BT_AUTOFREE struct bt_blob_list *lists = BT_NEW_ARRAY(struct bt_blob_list, keep);
    // A list that cannot be read may need anything: then nothing is removed.
    for (size_t i = 0; r == 0 && i < keep; i++) {
        r = bt_generation_blobs(place, all.names[old + i], &lists[i], err);
    }
    for (size_t i = 0; r == 0 && i < old; i++) {
        r = remove_generation(place, all.names[i], err);
    }
    r = r < 0 ? r : sweep(place, lists, keep, err);
    for (size_t i = 0; i < keep; i++) {
        bt_blob_list_finish(&lists[i]);
    }
    return r;
}
