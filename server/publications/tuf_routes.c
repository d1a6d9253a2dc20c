// GET /tuf/…: the repository as players fetch it. Signed and public; nothing is decided here.
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "playlists/publication.h"
#include "server/publications/handlers.h"
#include "server/publications/target.h"
#include "trust/metadata.h"

#define FOR_EVER "public, max-age=31536000, immutable"

static int answer_missing(struct bt_call *call)
{
    return bt_call_problem(call, 404, "not-found", "Không có tệp này trong kho.",
                           "The repository has no such file.");
}

static int answer_timestamp(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT body, version FROM tuf_metadata WHERE role = 'timestamp'"
                      " ORDER BY version DESC LIMIT 1");
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return answer_missing(call);
    }
    char etag[32];
    if (bt_format(etag, sizeof(etag), "\"t%lld\"", (long long)bt_db_get_int(rows, 1)) < 0) {
        return answer_missing(call);
    }
    bt_call_set_header(call, "ETag", etag);
    bt_call_set_header(call, "Cache-Control", "no-cache");
    if (bt_str_equal(bt_call_header(call, "If-None-Match"), etag)) {
        return bt_call_empty_reply(call, 304);
    }
    const char *text = bt_db_get_text(rows, 0);
    return bt_call_bytes_reply(call, 200, "application/json", text, strlen(text));
}

// "12.u-31333.json" → 12, "u-31333".
static int split_name(const char *file, int64_t *out_version, char role[BT_ROLE_BYTES])
{
    char text[BT_ROLE_BYTES + 32];
    if (!bt_str_ends(file, ".json") || bt_format(text, sizeof(text), "%s", file) < 0) {
        return -EINVAL;
    }
    text[strlen(text) - strlen(".json")] = '\0';
    char *dot = strchr(text, '.');
    if (dot == NULL) {
        return -EINVAL;
    }
    *dot = '\0';
    if (bt_parse_int(text, 1, INT64_C(1) << 53, out_version) < 0 || text[0] == '0') {
        return -EINVAL;
    }
    return bt_format(role, BT_ROLE_BYTES, "%s", dot + 1);
}

int bt_handle_tuf_metadata(struct bt_call *call, struct bt_error *err)
{
    const char *file = bt_call_path(call, "file");
    int64_t version;
    char role[BT_ROLE_BYTES];
    if (strcmp(file, "timestamp.json") == 0) {
        return answer_timestamp(call, err);
    }
    if (split_name(file, &version, role) < 0) {
        return answer_missing(call);
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT body FROM tuf_metadata WHERE role = $1 AND version = $2",
                      BT_TEXT(role), BT_INT(version));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return answer_missing(call);
    }
    const char *text = bt_db_get_text(rows, 0);
    bt_call_set_header(call, "Cache-Control", FOR_EVER);
    return bt_call_bytes_reply(call, 200, "application/json", text, strlen(text));
}

// "u/31333/HASH.name.json" → "u/31333/name.json", HASH.
static int split_target(const char *path, char target[BT_TARGET_BYTES],
                        char hash[BT_SHA256_HEX_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *file = slash == NULL ? path : slash + 1;
    const char *dot = strchr(file, '.');
    if (dot == NULL || dot - file != BT_SHA256_HEX_BYTES - 1) {
        return -EINVAL;
    }
    int r = bt_format(hash, BT_SHA256_HEX_BYTES, "%.*s", (int)(dot - file), file);
    return r < 0 ? r
                 : bt_format(target, BT_TARGET_BYTES, "%.*s%s", (int)(file - path), path, dot + 1);
}

int bt_handle_tuf_target(struct bt_call *call, struct bt_error *err)
{
    char target[BT_TARGET_BYTES], hash[BT_SHA256_HEX_BYTES];
    if (split_target(bt_call_path(call, "path"), target, hash) < 0) {
        return answer_missing(call);
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT body FROM tuf_target WHERE path = $1 AND sha256 = $2",
                      BT_TEXT(target), BT_TEXT(hash));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return answer_missing(call);
    }
    const char *text = bt_db_get_text(rows, 0);
    bt_call_set_header(call, "Cache-Control", FOR_EVER);
    return bt_call_bytes_reply(call, 200, "application/json", text, strlen(text));
}
