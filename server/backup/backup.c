#include "server/backup/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/backup/nightly.h"
#include "server/backup/store_shelf.h"
#include "server/backup/vacancy.h"
#include "server/db/copy.h"
#include "server/db/db.h"

#define LIST_MAX_BYTES (90 * 1024 * 1024)
#define KEY_MAX_BYTES 65536

struct making {
    const struct bt_backup_request *request;
    struct bt_backup_result *result;
    struct bt_s3 *s3;  // that has the blobs, or NULL
    char *blobs_from, *blobs_to, *folder;
    struct bt_manifest *manifest;
};

static void finish_making(struct making *making)
{
    bt_s3_destroy(making->s3);
    free(making->blobs_from);
    free(making->blobs_to);
    free(making->folder);
    free(making->manifest);
}

static void note_damaged(struct bt_backup_result *result, const struct bt_sha256 *sha256)
{
    if (result->damaged++ == 0) {
        bt_hex(sha256->bytes, BT_SHA256_BYTES, result->first_damaged);
    }
}

// One that was removed while we looked is no failure: nothing needs it any more.
static int carry_one(struct making *making, const struct bt_blob_entry *entry,
                     struct bt_blob_list *kept, struct bt_error *err)
{
    int r = making->s3 != NULL
                ? bt_store_shelf_fetch(making->s3, making->blobs_to, entry, err)
                : bt_shelf_carry(making->blobs_from, making->blobs_to, entry, true, err);
    if (r == -EBADMSG) {
        note_damaged(making->result, &entry->sha256);
    }
    if (r == 0) {
        bt_blob_list_add(kept, entry);
    }
    return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

// All that are there now; *out is those that could be taken.
static int carry_blobs(struct making *making, struct bt_blob_list *out, struct bt_error *err)
{
    BT_AUTOBLOBS there = {0};
    int64_t done = 0;
    making->result->damaged = 0;
    int r = making->s3 != NULL ? bt_store_shelf_list(making->s3, &there, err)
                               : bt_shelf_list(making->blobs_from, &there, err);
    for (size_t i = 0; r == 0 && i < there.count; i++) {
        r = carry_one(making, &there.list[i], out, err);
        done += there.list[i].size;
        making->request->progress("Nội dung / content", done, there.bytes);
    }
    return r;
}

static void report_rows(void *context, int64_t done, int64_t total)
{
    struct making *making = context;
    making->request->progress("Cơ sở dữ liệu / database", done, total);
}

// What a copy that was broken off has left.
static void remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < BT_ARRAY_LEN(ends); i++) {
        BT_AUTOFREE char *file = bt_strf("%s%s", path, ends[i]);
        unlink(file);
    }
}

static int copy_rows(struct making *making, struct bt_db *from, const char *path,
                     struct bt_error *err)
{
    BT_AUTO(bt_db_pool) pool = NULL;
    struct bt_db *to = NULL;
    struct bt_copy_result result;
    BT_AUTOFREE char *where = bt_strf("sqlite:%s", path);
    int r = bt_db_open_as(where, 1, BT_DB_COPYING, &pool, err);
    r = r < 0 ? r : bt_db_acquire(pool, &to, err);
    const struct bt_copy_request request = {
        .from = from, .to = to, .progress = report_rows, .context = making};
    r = r < 0 ? r : bt_db_copy(&request, &result, err);
    bt_db_release(to);
    return r;
}

static int copy_database(struct making *making, struct bt_error *err)
{
    BT_AUTO(bt_db_pool) pool = NULL;
    struct bt_db *from = NULL;
    BT_AUTOFREE char *path = bt_strf("%s/bangtin.db", making->folder);
    remove_database(path);
    int r = bt_db_open_as(making->request->database, 1, BT_DB_AS_IS, &pool, err);
    r = r < 0 ? r : bt_db_acquire(pool, &from, err);
    if (r < 0) {
        return r;
    }
    making->request->progress("Cơ sở dữ liệu / database", 0, 0);
    r = bt_str_equal(bt_db_engine(pool), "sqlite") ? bt_db_backup(from, path, err)
                                                   : copy_rows(making, from, path, err);
    bt_copy_cut(making->manifest->engine, sizeof(making->manifest->engine), bt_db_engine(pool));
    bt_db_release(from);
    return r;
}

static int copy_secret(struct making *making, const char *path, struct bt_error *err)
{
    BT_AUTOBUF bytes;
    BT_AUTOFREE char *from = bt_strf("%s/%s", making->request->data, path);
    BT_AUTOFREE char *to = bt_strf("%s/%s", making->folder, path);
    bt_buf_init(&bytes, KEY_MAX_BYTES);
    int r = bt_file_read(from, &bytes, err);
    r = r < 0 ? r : bt_file_replace_secret(to, bt_buf_text(&bytes), bytes.len, err);
    return r < 0 ? r : bt_manifest_add(making->manifest, making->folder, path, err);
}

// keys/ or tls/, which has no folders in it. A server with a certificate of others has no tls/.
static int copy_secrets(struct making *making, const char *name, struct bt_error *err)
{
    const struct dirent *each;
    int r;
    BT_AUTOFREE char *from = bt_strf("%s/%s", making->request->data, name);
    BT_AUTOFREE char *to = bt_strf("%s/%s", making->folder, name);
    DIR *folder = opendir(from);
    if (folder == NULL) {
        return errno == ENOENT ? 0 : bt_fail_errno(err, "Cannot look into '%s'", from);
    }
    r = bt_file_make_dirs(to, err);
    while (r == 0 && (each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        if (each->d_name[0] != '.' && strstr(each->d_name, ".tmp") == NULL) {
            BT_AUTOFREE char *path = bt_strf("%s/%s", name, each->d_name);
            r = copy_secret(making, path, err);
        }
    }
    closedir(folder);
    return r;
}

static int write_list(struct making *making, const struct bt_blob_list *blobs, struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOFREE char *path = bt_strf("%s/blobs.txt", making->folder);
    bt_buf_init(&text, LIST_MAX_BYTES);
    int r = bt_blob_list_write(blobs, &text);
    if (r < 0) {
        return bt_fail(err, r, "There are more blobs than a backup can list");
    }
    making->manifest->blobs = making->result->blobs = (int64_t)blobs->count;
    making->manifest->blob_bytes = making->result->blob_bytes = blobs->bytes;
    return bt_file_replace_secret(path, bt_buf_text(&text), text.len, err);
}

// All that was written here, names and bytes, before the manifest says that it is there.
static int sync_place(const char *place, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || syncfs(fd) < 0 ? bt_fail_errno(err, "Cannot sync '%s'", place) : 0;
}

static int write_manifest(struct making *making, struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOFREE char *path = bt_strf("%s/" BT_MANIFEST_NAME, making->folder);
    bt_buf_init(&text, BT_MANIFEST_MAX_BYTES);
    int r = bt_manifest_add(making->manifest, making->folder, "bangtin.db", err);
    making->result->database_bytes =
        r < 0 ? 0 : making->manifest->files[making->manifest->count - 1].size;
    r = r < 0 ? r : bt_manifest_add(making->manifest, making->folder, "blobs.txt", err);
    r = r < 0 ? r : sync_place(making->request->to, err);
    r = r < 0 ? r : bt_manifest_write(making->manifest, &text);
    return r < 0 ? bt_fail_in(err, r, "The manifest")
                 : bt_file_replace_secret(path, bt_buf_text(&text), text.len, err);
}

static int give_name(struct making *making, struct bt_error *err)
{
    BT_AUTOFREE char *named = bt_strf("%s/%s", making->request->to, making->result->name);
    return rename(making->folder, named) < 0 ? bt_fail_errno(err, "Cannot name '%s'", named)
                                             : sync_place(making->request->to, err);
}

// An older list of keys may be longer than the new one: begun from nothing.
static int prepare_folder(struct making *making, struct bt_error *err)
{
    BT_AUTOFREE char *manifest = bt_strf("%s/" BT_MANIFEST_NAME, making->folder);
    unlink(manifest);
    bt_shelf_tidy(making->blobs_to);
    int r = bt_file_make_dirs(making->folder, err);
    return r < 0 ? r : bt_file_make_dirs(making->blobs_to, err);
}

// What the first round found and the second one did not: the database may still name it.
static void add_vanished(const struct bt_blob_list *before, struct bt_blob_list *blobs)
{
    size_t listed = blobs->count;
    for (size_t i = 0; i < before->count; i++) {
        const struct bt_blob_list seen = {.list = blobs->list, .count = listed};
        if (!bt_blob_list_has(&seen, &before->list[i].sha256)) {
            bt_blob_list_add(blobs, &before->list[i]);
        }
    }
    bt_blob_list_sort(blobs);
}

/*
 * Most blobs first, so that little time passes between the database's state and the end; those it
 * may name that came meanwhile, after it. A blob is there before a row names it.
 */
static int make(struct making *making, struct bt_error *err)
{
    BT_AUTOBLOBS before = {0}, blobs = {0};
    int r = prepare_folder(making, err);
    r = r < 0 ? r : carry_blobs(making, &before, err);
    making->manifest->made_ms = bt_clock_wall_ms(bt_clock_real());
    bt_generation_name(making->manifest->made_ms, making->result->name);
    r = r < 0 ? r : copy_database(making, err);
    r = r < 0 ? r : copy_secrets(making, "keys", err);
    r = r < 0 ? r : copy_secrets(making, "tls", err);
    r = r < 0 ? r : carry_blobs(making, &blobs, err);
    add_vanished(&before, &blobs);
    r = r < 0 ? r : write_list(making, &blobs, err);
    r = r < 0 ? r : write_manifest(making, err);
    r = r < 0 ? r : give_name(making, err);
    return r < 0 ? r : bt_generations_prune(making->request->to, making->request->keep, err);
}

// For the alert about old backups (docs/server.md, "Care").
static int note_backup(const struct making *making, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_backup_note_path(making->request->data);
    BT_AUTOFREE char *text = bt_strf("%s\n", making->result->name);
    return bt_file_replace(path, text, strlen(text), err);
}

static bool is_same_disk(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev;
}

int bt_backup_make(const struct bt_backup_request *request, struct bt_backup_result *out,
                   struct bt_error *err)
{
    *out = (struct bt_backup_result){0};
    if (access(request->data, R_OK | X_OK) < 0) {
        return bt_fail_errno(err, "Cannot read '%s'", request->data);
    }
    BT_AUTOCLOSE int lock = bt_vacancy_take(request->to, err);
    if (lock < 0) {
        return lock;
    }
    BT_AUTOFINISH(finish_making)
    struct making making = {.request = request,
                            .result = out,
                            .blobs_from = bt_strf("%s/blobs", request->data),
                            .blobs_to = bt_strf("%s/blobs", request->to),
                            .folder = bt_strf("%s/unfinished", request->to),
                            .manifest = BT_NEW(struct bt_manifest)};
    out->same_disk = is_same_disk(request->data, request->to);
    int r = request->store.url == NULL ? 0 : bt_s3_open(&request->store, &making.s3, err);
    r = r < 0 ? r : make(&making, err);
    return r < 0 ? r : note_backup(&making, err);
}
