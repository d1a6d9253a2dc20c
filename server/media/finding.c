#include "server/media/finding.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/ids.h"
#include "server/media/blobs.h"

#define PATH_BYTES 4096
#define MAX_TRIES 5

static int64_t fact(const cJSON *report, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(report, key);
    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static const char *word(const cJSON *report, const char *key)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(report, key));
    return value == NULL ? "" : value;
}

void bt_finding_finish(struct bt_finding *finding)
{
    cJSON_Delete(finding->report);
}

void bt_finding_blame(struct bt_finding *finding, const struct bt_error *why)
{
    cJSON *report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "verdict", "refused:unreadable");
    cJSON_AddStringToObject(report, "advice_vi", "Không kiểm tra được tệp này; hãy chuyển mã lại.");
    cJSON_AddStringToObject(report, "advice_en",
                            "The file could not be inspected; convert it anew.");
    cJSON_AddStringToObject(report, "detail", why->msg);
    cJSON_Delete(finding->report);
    finding->report = report;
}

const char *bt_finding_verdict(const struct bt_finding *finding)
{
    return word(finding->report, "verdict");
}

bool bt_finding_plays(const struct bt_finding *finding)
{
    return bt_str_starts(bt_finding_verdict(finding), "plays");
}

/*
 * Among the blobs.
 */

// Its reader may have been taken over by what it read: what it made is a PNG, or the file is to
// blame.
int bt_finding_shown(const struct bt_finding *finding, const char *file, const char *dir, char *out,
                     size_t size, struct bt_error *err)
{
    static const char signature[] = "\x89PNG\r\n\x1A\n";
    char start[sizeof(signature) - 1] = "";
    if (cJSON_GetObjectItemCaseSensitive(finding->report, "made_from") == NULL) {
        return bt_format(out, size, "%s", file);
    }
    int r = bt_format(out, size, "%s/converted.png", dir);
    BT_AUTOCLOSE int fd = r < 0 ? -1 : open(out, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (bt_finding_plays(finding) &&
        (fd < 0 || read(fd, start, sizeof(start)) != (ssize_t)sizeof(start) ||
         memcmp(start, signature, sizeof(start)) != 0)) {
        return bt_fail(err, -EFAULT, "What the file was converted to is no PNG");
    }
    return 0;
}

// The picture's hash in hex, or "" when the workshop made none.
static int adopt_picture(struct bt_blobs *blobs, const char *dir, const char *name, char *out,
                         struct bt_error *err)
{
    char path[PATH_BYTES];
    struct bt_sha256 sha256;
    int64_t size;
    int r = bt_format(path, sizeof(path), "%s/%s", dir, name);
    if (r < 0 || access(path, R_OK) < 0) {
        return r;
    }
    r = bt_blobs_adopt(blobs, path, &sha256, &size, err);
    if (r == 0) {
        bt_hex(sha256.bytes, BT_SHA256_BYTES, out);
    }
    return r;
}

// What it was made of, for the record; the original itself is not kept.
static int note_original(const char *file, cJSON *report, struct bt_error *err)
{
    struct bt_sha256 sha256;
    int64_t size;
    char hex[BT_SHA256_HEX_BYTES];
    int r = bt_sha256_of_file(file, &sha256, &size, err);
    if (r == 0) {
        bt_hex(sha256.bytes, BT_SHA256_BYTES, hex);
        cJSON_AddStringToObject(report, "original_sha256", hex);
        cJSON_AddNumberToObject(report, "original_size", (double)size);
    }
    return r;
}

int bt_finding_adopt(struct bt_finding *finding, struct bt_blobs *blobs, const char *file,
                     const char *shown, const char *dir, struct bt_error *err)
{
    struct bt_sha256 sha256;
    int r = strcmp(file, shown) == 0 ? 0 : note_original(file, finding->report, err);
    r = r == 0 ? bt_blobs_adopt(blobs, shown, &sha256, &finding->size, err) : r;
    if (r < 0) {
        return r;
    }
    bt_hex(sha256.bytes, BT_SHA256_BYTES, finding->sha256);
    r = adopt_picture(blobs, dir, "thumbnail.jpg", finding->thumbnail, err);
    return r < 0 ? r : adopt_picture(blobs, dir, "filmstrip.jpg", finding->filmstrip, err);
}

/*
 * Into the library.
 */

static const struct {
    const char *container, *type;
} types[] = {
    {"png", "image/png"},
    {"apng", "image/apng"},
    {"jpeg", "image/jpeg"},
    {"webp", "image/webp"},
    {"gif", "image/gif"},
    {"mp4", "video/mp4"},
    {"matroska", "video/x-matroska"},
    {"webm", "video/webm"},
    {"mpegts", "video/mp2t"},
    {"mov", "video/quicktime"},
};

static const char *type_of(const cJSON *report)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(types); i++) {
        if (strcasecmp(types[i].container, word(report, "container")) == 0) {
            return types[i].type;
        }
    }
    return strcmp(word(report, "kind"), "clip") == 0 ? "video/octet-stream" : "image/octet-stream";
}

static struct bt_db_value text_or_null(const char *text)
{
    return text[0] == '\0' ? BT_NULL : BT_TEXT(text);
}

static int64_t insert_asset(struct bt_db *db, const struct bt_finding *finding, const char *report,
                            int64_t now, struct bt_error *err)
{
    return bt_db_run(
        db, err,
        "INSERT INTO asset (sha256, size, type, kind, width, height, duration_ms, state, "
        "report, thumbnail, filmstrip, created_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 'ready', $8, $9, $10, $11) "
        "ON CONFLICT (sha256) DO NOTHING",
        BT_TEXT(finding->sha256), BT_INT(finding->size), BT_TEXT(type_of(finding->report)),
        BT_TEXT(word(finding->report, "kind")), BT_INT(fact(finding->report, "width")),
        BT_INT(fact(finding->report, "height")), BT_INT(fact(finding->report, "duration_ms")),
        BT_TEXT(report), text_or_null(finding->thumbnail), text_or_null(finding->filmstrip),
        BT_INT(now));
}

static int64_t insert_media(struct bt_db *db, const struct bt_inspected *upload, const char *media,
                            const struct bt_finding *finding, int64_t now, struct bt_error *err)
{
    return bt_db_run(
        db, err,
        "INSERT INTO media (id, unit, title, note, asset, revision, created_by, created_ms) "
        "VALUES ($1, $2, $3, '', $4, 1, $5, $6)",
        BT_TEXT(media), BT_TEXT(upload->unit), BT_TEXT(upload->title), BT_TEXT(finding->sha256),
        BT_TEXT(upload->user), BT_INT(now));
}

static int64_t end_upload(struct bt_db *db, const struct bt_inspected *upload, const char *media,
                          const char *report, int64_t now, struct bt_error *err)
{
    return bt_db_run(db, err,
                     "UPDATE upload SET state = $2, report = $3, media = $4, changed_ms = $5 "
                     "WHERE id = $1 AND state = 'inspecting'",
                     BT_TEXT(upload->id), BT_TEXT(media == NULL ? "refused" : "ready"),
                     BT_TEXT(report), BT_TEXT(media), BT_INT(now));
}

static int store_once(struct bt_db *db, const struct bt_inspected *upload,
                      const struct bt_finding *finding, const char *report, int64_t now,
                      struct bt_error *err)
{
    char media[BT_SERVER_ID_BYTES];
    bool good = bt_finding_plays(finding);
    bt_server_id('m', media);
    int64_t r = bt_db_begin(db, true, err);
    if (r == 0 && upload->keeper != NULL) {
        r = bt_keeper_confirm(upload->keeper, db, err);
    }
    if (r == 0 && good) {
        r = insert_asset(db, finding, report, now, err);
        if (r >= 0) {
            r = insert_media(db, upload, media, finding, now, err);
        }
    }
    if (r >= 0) {
        r = end_upload(db, upload, good ? media : NULL, report, now, err);
    }
    if (r > 0) {
        return bt_db_commit(db, err);
    }
    bt_db_rollback(db);
    return (int)r;  // 0: another server has done it meanwhile
}

int bt_finding_store(const struct bt_finding *finding, struct bt_server *server, struct bt_db *db,
                     const struct bt_inspected *upload, struct bt_error *err)
{
    char *text = cJSON_PrintUnformatted(finding->report);
    int r = -EAGAIN;
    for (int i = 0; r == -EAGAIN && i < MAX_TRIES; i++) {
        r = store_once(db, upload, finding, text, bt_clock_wall_ms(server->clock), err);
    }
    cJSON_free(text);
    return r;
}
