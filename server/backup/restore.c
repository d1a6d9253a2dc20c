#include "server/backup/restore.h"

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
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/backup/store_shelf.h"
#include "server/backup/vacancy.h"
#include "server/db/copy.h"
#include "server/publications/issuer.h"

#define KEY_MAX_BYTES 65536

struct restoring {
    const struct bt_restore_request *request;
    struct bt_restore_result *result;
    struct bt_manifest *manifest;
    char *folder;  // of the backup
    char *mark;    // DATA/restoring
    bool copied;   // the backup's database is beside the others
    bool filled;   // and everything in it is right
};

static void finish_restoring(struct restoring *restoring)
{
    free(restoring->manifest);
    free(restoring->folder);
    free(restoring->mark);
}

static int choose(struct restoring *restoring, struct bt_error *err)
{
    const struct bt_restore_request *request = restoring->request;
    BT_AUTOGENERATIONS all = {0};
    int r = bt_generations_list(request->from, &all, err);
    size_t chosen = all.count;
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        if (request->generation == NULL || bt_str_equal(request->generation, all.names[i])) {
            chosen = i;
        }
    }
    if (r < 0 || chosen == all.count) {
        return r < 0 ? r : bt_fail(err, -ENOENT, "There is no such backup in '%s'", request->from);
    }
    bt_copy_cut(restoring->result->name, BT_GENERATION_BYTES, all.names[chosen]);
    restoring->folder = bt_strf("%s/%s", request->from, all.names[chosen]);
    return bt_generation_manifest(request->from, all.names[chosen], restoring->manifest, err);
}

// Empty, but for the lock; or what a restore of the same backup has left.
static int check_empty(const struct restoring *restoring, struct bt_error *err)
{
    const struct dirent *each;
    const char *data = restoring->request->data;
    DIR *folder = opendir(data);
    bool empty = true;
    if (folder == NULL) {
        return bt_fail_errno(err, "Cannot look into '%s'", data);
    }
    while (empty && (each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        empty = each->d_name[0] == '.' || bt_str_equal(each->d_name, "lock");
    }
    closedir(folder);
    return empty ? 0 : bt_fail(err, -ENOTEMPTY, "'%s' is not empty; it is left as it is", data);
}

static int write_mark(const struct restoring *restoring, const char *how_far, struct bt_error *err)
{
    BT_AUTOFREE char *text = bt_strf("%s %s\n", restoring->result->name, how_far);
    return bt_file_replace_secret(restoring->mark, text, strlen(text), err);
}

// How far the restore that was broken off had come.
static int begin(struct restoring *restoring, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 256);
    if (access(restoring->mark, F_OK) < 0) {
        int r = check_empty(restoring, err);
        return r < 0 ? r : write_mark(restoring, "begun", err);
    }
    int r = bt_file_read(restoring->mark, &text, err);
    if (r == 0 && !bt_str_starts(bt_buf_text(&text), restoring->result->name)) {
        r = bt_fail(err, -ENOTEMPTY, "'%s' is half of another backup (%.20s)",
                    restoring->request->data, bt_buf_text(&text));
    }
    restoring->filled = r == 0 && strstr(bt_buf_text(&text), "filled") != NULL;
    restoring->copied = r == 0 && strstr(bt_buf_text(&text), "copied") != NULL;
    return r;
}

// Copied, not linked: what happens to the data shall not happen to the backup.
static int bring_blob(struct bt_s3 *s3, const char *from, const char *to,
                      const struct bt_blob_entry *entry, struct bt_error *err)
{
    return s3 != NULL ? bt_store_shelf_send(from, s3, entry, err)
                      : bt_shelf_carry(from, to, entry, false, err);
}

static int bring_blobs(struct restoring *restoring, struct bt_error *err)
{
    BT_AUTO(bt_s3) s3 = NULL;
    const struct bt_restore_request *request = restoring->request;
    BT_AUTOBLOBS blobs = {0};
    BT_AUTOFREE char *from = bt_strf("%s/blobs", request->from);
    BT_AUTOFREE char *to = bt_strf("%s/blobs", request->data);
    int64_t done = 0;
    bt_shelf_tidy(to);
    int r = bt_generation_blobs(request->from, restoring->result->name, &blobs, err);
    if (r == 0) {
        r = request->store.url != NULL ? bt_s3_open(&request->store, &s3, err)
                                       : bt_file_make_dirs(to, err);
    }
    for (size_t i = 0; r == 0 && i < blobs.count; i++) {
        r = bring_blob(s3, from, to, &blobs.list[i], err);
        done += blobs.list[i].size;
        request->progress("Nội dung / content", done, blobs.bytes);
    }
    restoring->result->blobs = (int64_t)blobs.count;
    restoring->result->blob_bytes = blobs.bytes;
    return r;
}

static int bring_secret(const struct restoring *restoring, const char *path, struct bt_error *err)
{
    BT_AUTOBUF bytes;
    BT_AUTOFREE char *from = bt_strf("%s/%s", restoring->folder, path);
    BT_AUTOFREE char *to = bt_strf("%s/%s", restoring->request->data, path);
    bt_buf_init(&bytes, KEY_MAX_BYTES);
    int r = bt_file_read(from, &bytes, err);
    return r < 0 ? r : bt_file_replace_secret(to, bt_buf_text(&bytes), bytes.len, err);
}

static int bring_secrets(const struct restoring *restoring, struct bt_error *err)
{
    int r = 0;
    static const char *const folders[] = {"keys", "tls"};
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(folders); i++) {
        BT_AUTOFREE char *folder = bt_strf("%s/%s", restoring->request->data, folders[i]);
        r = bt_file_make_dirs(folder, err);
    }
    for (size_t i = 0; r == 0 && i < restoring->manifest->count; i++) {
        const char *path = restoring->manifest->files[i].path;
        r = strchr(path, '/') == NULL ? 0 : bring_secret(restoring, path, err);
    }
    return r;
}

// Whoever was logged out or thrown out after the backup shall not be in again.
static int end_sessions(struct bt_db *db, struct bt_error *err)
{
    int64_t n = bt_db_run(db, err, "DELETE FROM user_session");
    n = n < 0 ? n : bt_db_run(db, err, "DELETE FROM player_session");
    return n < 0 ? (int)n : 0;
}

static int write_audit(const struct restoring *restoring, struct bt_db *db, struct bt_error *err)
{
    BT_AUTOFREE char *object = bt_strf("backup/%s", restoring->result->name);
    const struct bt_audit_entry entry = {.at_ms = bt_clock_wall_ms(bt_clock_real()),
                                         .actor = "server",
                                         .from = "",
                                         .verb = "server.restore",
                                         .object = object,
                                         .unit = BT_ROOT_UNIT};
    return bt_audit_write(db, &entry, NULL, err);
}

// In the transaction that makes the database whole.
static int set_right(void *context, struct bt_db *db, struct bt_error *err)
{
    const struct restoring *restoring = context;
    BT_AUTO(bt_issuer) issuer = NULL;
    int r = end_sessions(db, err);
    r = r < 0 ? r : write_audit(restoring, db, err);
    r = r < 0 ? r : bt_issuer_open(restoring->request->data, bt_clock_real(), &issuer, err);
    return r < 0 ? r : bt_issuer_leap(issuer, db, err);
}

static int set_right_here(struct restoring *restoring, struct bt_db *db, struct bt_error *err)
{
    int r = bt_db_begin(db, true, err);
    r = r < 0 ? r : set_right(restoring, db, err);
    return r < 0 ? r : bt_db_commit(db, err);
}

static void report_rows(void *context, int64_t done, int64_t total)
{
    struct restoring *restoring = context;
    restoring->request->progress("Cơ sở dữ liệu / database", done, total);
}

static int fill(struct restoring *restoring, struct bt_db *from, struct bt_error *err)
{
    BT_AUTO(bt_db_pool) pool = NULL;
    struct bt_db *to = NULL;
    struct bt_copy_result result;
    int r = bt_db_open_as(restoring->request->database, 1, BT_DB_COPYING, &pool, err);
    r = r < 0 ? r : bt_db_acquire(pool, &to, err);
    const struct bt_copy_request request = {
        .from = from, .to = to, .progress = report_rows, .finish = set_right, .context = restoring};
    r = r < 0 ? r : bt_db_copy(&request, &result, err);
    bt_db_release(to);
    return r;
}

// Opening brings what an older server wrote up to this one; the backup itself is never opened.
static int with_copy(struct restoring *restoring, const char *path,
                     int (*work)(struct restoring *restoring, struct bt_db *db,
                                 struct bt_error *err),
                     struct bt_error *err)
{
    BT_AUTO(bt_db_pool) pool = NULL;
    struct bt_db *db = NULL;
    BT_AUTOFREE char *where = bt_strf("sqlite:%s", path);
    int r = bt_db_open(where, 1, &pool, err);
    r = r < 0 ? r : bt_db_acquire(pool, &db, err);
    r = r < 0 ? r : work(restoring, db, err);
    bt_db_release(db);
    return r;
}

// The file, what SQLite keeps beside it, and what writing it has left when it was killed.
static void remove_file(const char *path)
{
    const struct dirent *each;
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    BT_AUTOFREE char *place =
        slash == NULL ? bt_strdup(".") : bt_strndup(path, (size_t)(name - path));
    DIR *folder = opendir(place);
    while (folder != NULL && (each = readdir(folder)) != NULL) {  // NOLINT(concurrency-mt-unsafe)
        const char *end = bt_str_starts(each->d_name, name) ? each->d_name + strlen(name) : "?";
        if (end[0] == '\0' || bt_str_equal(end, "-wal") || bt_str_equal(end, "-shm") ||
            bt_str_starts(end, ".tmp")) {
            unlinkat(dirfd(folder), each->d_name, 0);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static int copy_database(struct restoring *restoring, const char *path, struct bt_error *err)
{
    if (restoring->copied) {
        return 0;
    }
    BT_AUTOFREE char *from = bt_strf("%s/bangtin.db", restoring->folder);
    remove_file(path);
    int r = bt_file_copy(from, path, err);
    if (r == 0 && chmod(path, 0600) < 0) {
        r = bt_fail_errno(err, "Cannot protect '%s'", path);
    }
    return r < 0 ? r : write_mark(restoring, "copied", err);
}

static int bring_database(struct restoring *restoring, struct bt_error *err)
{
    const char *database = restoring->request->database;
    bool sqlite = bt_str_starts(database, "sqlite:");
    BT_AUTOFREE char *path = sqlite ? bt_strdup(database + strlen("sqlite:"))
                                    : bt_strf("%s/restoring.db", restoring->request->data);
    int r = restoring->filled ? 0 : copy_database(restoring, path, err);
    if (r == 0 && !restoring->filled) {
        r = with_copy(restoring, path, sqlite ? set_right_here : fill, err);
        r = r < 0 ? r : write_mark(restoring, "filled", err);
    }
    if (r == 0 && !sqlite) {
        remove_file(path);
    }
    return r;
}

// An SQLite database elsewhere than in the data directory has to be new, too.
static int check_place(const struct restoring *restoring, struct bt_error *err)
{
    const char *database = restoring->request->database;
    BT_AUTOFREE char *own = bt_strf("sqlite:%s/bangtin.db", restoring->request->data);
    bool taken = bt_str_starts(database, "sqlite:") && !bt_str_equal(database, own) &&
                 !restoring->copied && !restoring->filled &&
                 access(database + strlen("sqlite:"), F_OK) == 0;
    return taken ? bt_fail(err, -EEXIST, "There is a database already; it is left as it is") : 0;
}

static int restore(struct restoring *restoring, struct bt_error *err)
{
    int r = bt_manifest_check(restoring->manifest, restoring->folder, err);
    r = r < 0 ? r : begin(restoring, err);
    r = r < 0 ? r : check_place(restoring, err);
    r = r < 0 ? r : bring_blobs(restoring, err);
    r = r < 0 ? r : bring_secrets(restoring, err);
    r = r < 0 ? r : bring_database(restoring, err);
    if (r == 0) {
        remove_file(restoring->mark);
    }
    if (r == 0 && access(restoring->mark, F_OK) == 0) {
        r = bt_fail_errno(err, "Cannot remove '%s'", restoring->mark);
    }
    restoring->result->made_ms = restoring->manifest->made_ms;
    return r;
}

int bt_restore_run(const struct bt_restore_request *request, struct bt_restore_result *out,
                   struct bt_error *err)
{
    *out = (struct bt_restore_result){0};
    BT_AUTOFINISH(finish_restoring)
    struct restoring restoring = {.request = request,
                                  .result = out,
                                  .manifest = BT_NEW(struct bt_manifest),
                                  .mark = bt_strf("%s/" BT_RESTORING, request->data)};
    int r = choose(&restoring, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOCLOSE int lock = bt_vacancy_take(request->data, err);
    return lock < 0 ? lock : restore(&restoring, err);
}
