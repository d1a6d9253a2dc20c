#include "server/media/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/db/listen.h"
#include "server/http/transaction.h"
#include "server/ids.h"
#include "server/media/blobs.h"
#include "server/media/inspector.h"
#include "server/media/pieces.h"
#include "server/media/tus.h"

#define PATH_BYTES 4096

// Each may be as large as a file may be, and lies on the disk until it is whole.
#define MAX_OPEN 50
#define ABANDONED_MS (7 * BT_MS_PER_DAY)

// Of one request that goes on, a server that is killed may lose so much. One part of a file in the
// store holds it (server/media/s3_objects.c).
#define SETTLE_BYTES (INT64_C(8) * 1024 * 1024)

int bt_upload_path(const char *data_dir, const char *id, char *out, size_t size)
{
    return bt_format(out, size, "%s/quarantine/%s", data_dir, id);
}

static bool shares_store(struct bt_call *call)
{
    return bt_blobs_store(bt_call_server(call)->blobs) != NULL;
}

int64_t bt_upload_received(struct bt_server *server, struct bt_db *db, const char *id)
{
    char path[PATH_BYTES];
    struct stat status;
    struct bt_error err;
    int64_t bytes = 0;
    if (bt_blobs_store(server->blobs) != NULL) {
        return bt_pieces_received(db, id, &bytes, &err) < 0 ? 0 : bytes;
    }
    if (bt_upload_path(server->data_dir, id, path, sizeof(path)) < 0 || stat(path, &status) < 0) {
        return 0;
    }
    return status.st_size;
}

static int64_t received(struct bt_call *call, const char *id)
{
    return bt_upload_received(bt_call_server(call), bt_call_db(call), id);
}

static void set_number(struct bt_call *call, const char *header, int64_t value)
{
    char text[24];
    if (bt_format(text, sizeof(text), "%lld", (long long)value) == 0) {
        bt_call_set_header(call, header, text);
    }
}

static bool speaks_tus(struct bt_call *call)
{
    bt_call_set_header(call, "Tus-Resumable", BT_TUS_VERSION);
    const char *version = bt_call_header(call, "Tus-Resumable");
    if (bt_str_equal(version, BT_TUS_VERSION)) {
        return true;
    }
    bt_call_set_header(call, "Tus-Version", BT_TUS_VERSION);
    bt_call_problem(call, 412, "tus-version", "Phiên bản tus không được hỗ trợ",
                    "This server speaks tus 1.0.0");
    return false;
}

static int refuse_creation(struct bt_call *call, int code, const struct bt_error *err)
{
    return bt_call_problem(
        call, code == -EFBIG ? 413 : 400, "upload",
        code == -EFBIG ? "Tệp quá lớn (tối đa 4 GiB)" : "Yêu cầu tải lên không hợp lệ", err->msg);
}

bool bt_upload_unit_of_metadata(struct bt_call *call, char *out, size_t size)
{
    struct bt_tus_creation creation;
    struct bt_error why = {0};
    int r = bt_tus_read_creation(bt_call_header(call, "Upload-Length"),
                                 bt_call_header(call, "Upload-Metadata"), &creation, &why);
    if (r < 0) {
        refuse_creation(call, r, &why);
        return false;
    }
    bt_copy_cut(out, size, creation.unit);
    return true;
}

static void remove_file(struct bt_server *server, void *context)
{
    char path[PATH_BYTES];
    bt_inspector_wake(server->inspector);  // sweeps the pieces in a store
    if (bt_upload_path(server->data_dir, context, path, sizeof(path)) == 0) {
        unlink(path);
    }
}

// What nobody has gone on with for so long makes room.
static int forget_abandoned(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t r = bt_db_ask(bt_call_db(call), &rows, err,
                          "SELECT id FROM upload WHERE state = 'receiving' AND changed_ms < $1"
                          " ORDER BY changed_ms LIMIT 100",
                          BT_INT(bt_call_now_ms(call) - ABANDONED_MS));
    while (r >= 0 && bt_db_next(rows)) {
        const char *id = bt_db_get_text(rows, 0);
        r = bt_db_run(bt_call_db(call), err, "DELETE FROM upload WHERE id = $1", BT_TEXT(id));
        bt_call_after_commit(call, remove_file, bt_strdup(id), free);
    }
    return r < 0 ? (int)r : 0;
}

// 1 when the caller may begin one more.
static int has_room(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = forget_abandoned(call, err);
    r = r < 0 ? r
              : bt_db_ask(bt_call_db(call), &rows, err,
                          "SELECT count(*) FROM upload WHERE created_by = $1"
                          " AND state IN ('receiving', 'inspecting')",
                          BT_TEXT(bt_call_caller(call)->user));
    return r < 0 ? r : bt_db_next(rows) && bt_db_get_int(rows, 0) < MAX_OPEN;
}

static int refuse_one_more(struct bt_call *call)
{
    bt_call_set_header(call, "Retry-After", "60");
    return bt_call_problem(call, 429, "too-many-uploads",
                           "Bạn có quá nhiều lượt tải lên chưa xong; hãy tải tiếp hoặc hủy bớt",
                           "You have too many unfinished uploads; go on with them or end some");
}

int bt_upload_create(struct bt_call *call, struct bt_error *err)
{
    struct bt_tus_creation creation;
    struct bt_error why = {0};
    if (!speaks_tus(call)) {
        return 0;
    }
    int r = bt_tus_read_creation(bt_call_header(call, "Upload-Length"),
                                 bt_call_header(call, "Upload-Metadata"), &creation, &why);
    if (r < 0) {
        return refuse_creation(call, r, &why);
    }
    r = has_room(call, err);
    if (r != 1) {
        return r < 0 ? r : refuse_one_more(call);
    }
    char id[BT_SERVER_ID_BYTES], location[64];
    bt_server_id('x', id);
    int64_t now = bt_call_now_ms(call);
    int64_t added =
        bt_db_run(bt_call_db(call), err,
                  "INSERT INTO upload (id, unit, title, size, state, created_by, "
                  "created_ms, changed_ms) "
                  "VALUES ($1, $2, $3, $4, 'receiving', $5, $6, $6)",
                  BT_TEXT(id), BT_TEXT(creation.unit), BT_TEXT(creation.title),
                  BT_INT(creation.size), BT_TEXT(bt_call_caller(call)->user), BT_INT(now));
    if (added < 0) {
        return (int)added;
    }
    r = bt_format(location, sizeof(location), "/v1/uploads/%s", id);
    if (r < 0) {
        return r;
    }
    bt_call_set_header(call, "Location", location);
    bt_call_set_header(call, "Upload-Offset", "0");
    r = bt_audit(call, "upload.create", id, creation.unit, NULL, err);
    return r < 0 ? r : bt_call_empty_reply(call, 201);
}

struct upload {
    char state[16];
    int64_t size;
};

// False when it answered 404 itself, or failed with *out_r.
static bool find(struct bt_call *call, struct upload *out, int *out_r, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    *out_r = bt_db_ask(bt_call_db(call), &rows, err, "SELECT state, size FROM upload WHERE id = $1",
                       BT_TEXT(bt_call_path(call, "upload")));
    if (*out_r < 0) {
        return false;
    }
    if (!bt_db_next(rows)) {
        *out_r = bt_call_problem(call, 404, "not-found", "Không có lượt tải lên này",
                                 "There is no such upload");
        return false;
    }
    bt_copy_cut(out->state, sizeof(out->state), bt_db_get_text(rows, 0));
    out->size = bt_db_get_int(rows, 1);
    return true;
}

bool bt_upload_unit_of_path(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_error err;
    if (bt_db_ask(bt_call_db(call), &rows, &err, "SELECT unit FROM upload WHERE id = $1",
                  BT_TEXT(bt_call_path(call, "upload"))) < 0 ||
        !bt_db_next(rows)) {
        bt_call_problem(call, 404, "not-found", "Không có lượt tải lên này",
                        "There is no such upload");
        return false;
    }
    bt_copy_cut(out, size, bt_db_get_text(rows, 0));
    return true;
}

static void wake_inspector(struct bt_server *server, void *context)
{
    (void)context;
    bt_inspector_wake(server->inspector);
}

// HEAD is for tus, GET for people: both say how far it is.
int bt_upload_show(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    const char *id = bt_call_path(call, "upload");
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT state, size, title, media, report FROM upload WHERE id = $1",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_call_problem(call, 404, "not-found", "Không có lượt tải lên này",
                               "There is no such upload");
    }
    bool receiving = bt_str_equal(bt_db_get_text(rows, 0), "receiving");
    int64_t size = bt_db_get_int(rows, 1), offset = receiving ? received(call, id) : size;
    bt_call_set_header(call, "Tus-Resumable", BT_TUS_VERSION);
    bt_call_set_header(call, "Cache-Control", "no-store");
    set_number(call, "Upload-Offset", offset);
    set_number(call, "Upload-Length", size);
    if (receiving && offset == size) {  // whoever had to note it was killed before
        bt_call_after_commit(call, wake_inspector, NULL, NULL);
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "title", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(body, "state", bt_db_get_text(rows, 0));
    cJSON_AddNumberToObject(body, "size", (double)size);
    cJSON_AddNumberToObject(body, "offset", (double)offset);
    if (!bt_db_is_null(rows, 3)) {
        cJSON_AddStringToObject(body, "media", bt_db_get_text(rows, 3));
    }
    if (!bt_db_is_null(rows, 4)) {
        cJSON_AddItemToObject(body, "report", cJSON_Parse(bt_db_get_text(rows, 4)));
    }
    return bt_call_json_reply(call, 200, body);
}

// Not every file system has files that never had a name.
static int open_nameless(const char *data_dir)
{
    BT_AUTOFREE char *folder = bt_strf("%s/quarantine", data_dir);
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        return fd;
    }
    BT_AUTOFREE char *path = bt_strf("%s/piece-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

// A file without a name, for the piece that comes.
static int open_piece(struct bt_call *call, const char *id, int64_t offset, int *out_fd,
                      struct bt_error *err)
{
    int64_t there;
    int r = bt_pieces_received(bt_call_db(call), id, &there, err);
    if (r < 0 || there != offset) {
        return r < 0 ? r : -ESTALE;
    }
    *out_fd = open_nameless(bt_call_server(call)->data_dir);
    return *out_fd < 0 ? bt_fail_errno(err, "Cannot make a file for a piece of an upload") : 0;
}

// Opens the file for the next bytes; only one connection at a time may write to it.
static int open_for_append(struct bt_call *call, const char *id, int64_t offset, int *out_fd,
                           struct bt_error *err)
{
    char path[PATH_BYTES];
    struct stat status;
    int r = bt_upload_path(bt_call_server(call)->data_dir, id, path, sizeof(path));
    if (r < 0) {
        return bt_fail(err, r, "The data directory's path is too long");
    }
    BT_AUTOCLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return -EBUSY;
    }
    if (fstat(fd, &status) < 0 || status.st_size != offset) {
        return -ESTALE;
    }
    *out_fd = dup(fd);  // shares the lock
    return *out_fd < 0 ? bt_fail_errno(err, "Cannot keep '%s' open", path) : 0;
}

static int refuse_offset(struct bt_call *call)
{
    set_number(call, "Upload-Offset", received(call, bt_call_path(call, "upload")));
    return bt_call_problem(call, 409, "upload-offset", "Sai vị trí tiếp tục",
                           "Upload-Offset is not where the file ends");
}

struct part {
    const char *id;
    int64_t size;           // of the upload; -1: what came is not its end
    int64_t offset;         // where it is now
    struct bt_piece piece;  // what has come, where servers share a store
};

static int note_part(struct bt_call *call, void *context, struct bt_error *err)
{
    struct part *part = context;
    int64_t r = bt_piece_note(bt_call_db(call), &part->piece, err);
    if (r < 0) {
        return (int)r;
    }
    part->offset = received(call, part->id);
    bool whole = part->offset == part->size;
    r = bt_db_run(bt_call_db(call), err,
                  "UPDATE upload SET state = $2, changed_ms = $3 WHERE id = $1"
                  " AND state = 'receiving'",
                  BT_TEXT(part->id), BT_TEXT(whole ? "inspecting" : "receiving"),
                  BT_INT(bt_call_now_ms(call)));
    return r <= 0 || !whole ? (int)BT_MIN(r, 0)
                            : bt_db_notify(bt_call_db(call), BT_INSPECTOR_TOPIC, part->id, err);
}

// Where in the upload begins what lies in the file: what was settled lies there no longer.
static int find_place(struct bt_call *call, int64_t *out, struct bt_error *err)
{
    int64_t began, got;
    bool whole;
    struct stat status;
    int r = bt_parse_int(bt_call_header(call, "Upload-Offset"), 0, BT_TUS_MAX_BYTES, &began);
    if (r < 0) {
        return bt_fail(err, r, "Upload-Offset is no number any more");
    }
    bt_call_received(call, &got, &whole);
    if (fstat(bt_call_received_file(call), &status) < 0) {
        return bt_fail_errno(err, "Cannot look at a piece of an upload");
    }
    *out = began + got - status.st_size;
    return 0;
}

static int bring(struct bt_call *call, struct part *part, struct bt_error *err)
{
    int64_t at;
    int r = find_place(call, &at, err);
    return r < 0
               ? r
               : bt_piece_bring(call, part->id, at, bt_call_received_file(call), &part->piece, err);
}

// What came is put where the others find it. False when it answered itself, or failed with *out_r.
static bool bring_piece(struct bt_call *call, struct part *part, int *out_r, struct bt_error *err)
{
    if (!shares_store(call)) {
        return true;
    }
    if (!bt_call_begin_waiting(call)) {
        return false;
    }
    *out_r = bring(call, part, err);
    bt_call_end_waiting(call);
    if (*out_r == -EHOSTUNREACH || *out_r == -ECANCELED) {
        bt_call_set_header(call, "Retry-After", "10");
        *out_r = bt_call_problem(call, 503, "store",
                                 "Kho nội dung không trả lời; hãy tải tiếp sau giây lát",
                                 "The store does not answer; go on with the upload in a moment");
        return false;
    }
    return *out_r == 0;
}

static int note_or_give_up(struct bt_call *call, struct part *part, struct bt_error *err)
{
    int r = bt_call_write(call, note_part, part, err);
    if (r < 0) {
        bt_piece_give_up(call, &part->piece);
    }
    return r;
}

// A piece of a request that goes on: the file is empty again when the piece is noted.
static int settle_piece(struct bt_call *call, struct bt_error *err)
{
    struct part part = {.id = bt_call_path(call, "upload"), .size = -1};
    int fd = bt_call_received_file(call);
    int r = bring(call, &part, err);
    r = r < 0 ? r : note_or_give_up(call, &part, err);
    if (r == 0 && (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
        r = bt_fail_errno(err, "Cannot empty a file for pieces of an upload");
    }
    return r;
}

// In a folder the file's end is how far it is: that stays so when the power goes.
static int settle_part(struct bt_call *call, struct bt_error *err)
{
    if (!shares_store(call)) {
        return fdatasync(bt_call_received_file(call)) < 0
                   ? bt_fail_errno(err, "Cannot write an upload to the disk")
                   : 0;
    }
    if (!bt_call_begin_waiting(call)) {
        // As many wait as may. The next turn comes with SETTLE_BYTES more and brings all that is
        // here; until then this server alone has it, and at worst that is the whole request.
        return 0;
    }
    int r = settle_piece(call, err);
    bt_call_end_waiting(call);
    return r;
}

// Whoever would be refused at the end need not send it. False when it answered itself.
static bool has_a_place(struct bt_call *call)
{
    bool has = bt_call_begin_waiting(call);
    if (has) {
        bt_call_end_waiting(call);
    }
    return has;
}

static int begin_part(struct bt_call *call, const struct upload *upload, struct bt_error *err)
{
    int64_t offset;
    const char *type = bt_call_header(call, "Content-Type");
    if (!bt_str_equal(type, "application/offset+octet-stream")) {
        return bt_call_problem(call, 415, "upload", "Sai kiểu nội dung",
                               "A part is application/offset+octet-stream");
    }
    const char *said = bt_call_header(call, "Upload-Offset");
    if (said == NULL || bt_parse_int(said, 0, BT_TUS_MAX_BYTES, &offset) < 0) {
        return bt_call_problem(call, 400, "upload", "Thiếu vị trí", "Upload-Offset is missing");
    }
    if (!bt_str_equal(upload->state, "receiving") || offset > upload->size) {
        return bt_call_problem(call, 409, "upload-offset", "Tệp đã tải xong",
                               "The upload is complete already");
    }
    if (shares_store(call) && !has_a_place(call)) {
        return 0;
    }
    int fd = -1;
    const char *id = bt_call_path(call, "upload");
    int r = shares_store(call) ? open_piece(call, id, offset, &fd, err)
                               : open_for_append(call, id, offset, &fd, err);
    if (r == -EBUSY) {
        return bt_call_problem(call, 423, "upload-busy", "Tệp đang được tải ở kết nối khác",
                               "Another connection is uploading it");
    }
    if (r == -ESTALE) {
        return refuse_offset(call);
    }
    if (r < 0) {
        return r;
    }
    r = bt_call_receive(call, fd, upload->size - offset);
    bt_call_settle_every(call, SETTLE_BYTES, settle_part);
    return r;
}

static int end_part(struct bt_call *call, const struct upload *upload, struct bt_error *err)
{
    struct part part = {.id = bt_call_path(call, "upload"), .size = upload->size};
    int r = 0;
    if (!bring_piece(call, &part, &r, err)) {
        return r;
    }
    r = note_or_give_up(call, &part, err);
    if (r < 0) {
        return r == -ESTALE ? refuse_offset(call) : r;
    }
    if (part.offset == part.size) {
        bt_inspector_wake(bt_call_server(call)->inspector);
    }
    set_number(call, "Upload-Offset", part.offset);
    return bt_call_empty_reply(call, 204);
}

int bt_upload_append(struct bt_call *call, struct bt_error *err)
{
    struct upload upload;
    int r;
    if (!speaks_tus(call)) {
        return 0;
    }
    if (!find(call, &upload, &r, err)) {
        return r;
    }
    int64_t bytes;
    bool whole;
    return bt_call_received(call, &bytes, &whole) ? end_part(call, &upload, err)
                                                  : begin_part(call, &upload, err);
}

int bt_upload_options(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    bt_call_set_header(call, "Tus-Resumable", BT_TUS_VERSION);
    bt_call_set_header(call, "Tus-Version", BT_TUS_VERSION);
    bt_call_set_header(call, "Tus-Extension", "creation,termination");
    set_number(call, "Tus-Max-Size", BT_TUS_MAX_BYTES);
    return bt_call_empty_reply(call, 204);
}

int bt_upload_terminate(struct bt_call *call, struct bt_error *err)
{
    if (!speaks_tus(call)) {
        return 0;
    }
    const char *id = bt_call_path(call, "upload");
    int64_t gone = bt_db_run(
        bt_call_db(call), err,
        "DELETE FROM upload WHERE id = $1 AND state IN ('receiving', 'refused')", BT_TEXT(id));
    if (gone < 0) {
        return (int)gone;
    }
    if (gone == 0) {
        return bt_call_problem(call, 409, "upload-busy", "Không hủy được tệp đã nhận xong",
                               "The file is being inspected, or was accepted");
    }
    bt_call_after_commit(call, remove_file, bt_strdup(id), free);
    return bt_call_empty_reply(call, 204);
}
