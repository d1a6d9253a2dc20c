#include "sync/returning.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"

// A role's metadata and its documents as JSON strings; more the server does not take.
#define MAX_BYTES (16 * 1024 * 1024)

static const struct bt_log logger = {"sync/returning"};

static const cJSON *part_of(const cJSON *document, const char *key)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    return cJSON_GetObjectItemCaseSensitive(body, key);
}

static int64_t version_of(const cJSON *object)
{
    int64_t version;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, "version");
    return bt_json_whole(value, 1, INT64_C(1) << 53, &version) < 0 ? 0 : version;
}

static int send_body(struct bt_repository *repository, const char *role, const struct bt_buf *body)
{
    struct bt_error err;
    int r = bt_plays_link_return(&repository->link, body, &err);
    if (r == 0) {
        bt_log_info(&logger, "The server has been given '%s' back", role);
    } else if (r != -ECANCELED) {
        bt_log_warn(&logger, "Cannot give '%s' back: %s; trying again", role, err.msg);
    }
    return r;
}

void bt_return_snapshot(struct bt_repository *repository, int r)
{
    const cJSON *snapshot = bt_tuf_client_snapshot(repository->client);
    BT_AUTOBUF body;
    bt_buf_init(&body, MAX_BYTES);
    if (r != -ESTALE || snapshot == NULL) {
        return;
    }
    char *text = cJSON_PrintUnformatted(snapshot);
    if (text != NULL &&
        bt_buf_appendf(&body, "{\"role\":\"snapshot\",\"document\":%s}", text) == 0) {
        (void)!send_body(repository, "snapshot", &body);
    }
    cJSON_free(text);
}

// Is the document what the role's metadata list? "u/31333/quang-truong" without its ending.
static bool is_listed(const cJSON *metadata, const struct bt_document *document)
{
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTOFREE char *path = bt_strf("%s.json", document->target);
    const cJSON *target = cJSON_GetObjectItemCaseSensitive(part_of(metadata, "targets"), path);
    const cJSON *hashes = cJSON_GetObjectItemCaseSensitive(target, "hashes");
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(hashes, "sha256");
    bt_hex(document->publication->sha256.bytes, BT_SHA256_BYTES, hex);
    return bt_str_equal(cJSON_GetStringValue(hash), hex);
}

static int add_files(const struct bt_documents *documents, const cJSON *metadata, size_t *count,
                     struct bt_buf *out)
{
    int r = 0;
    for (size_t i = 0; i < documents->count && r == 0; i++) {
        const struct bt_document *document = documents->list[i];
        if (is_listed(metadata, document)) {
            r = bt_buf_appendf(out, "%s\"%s.json\":", (*count)++ > 0 ? "," : "", document->target);
            r = r < 0 ? r : bt_json_append_string(out, document->text);
        }
    }
    return r;
}

static int write_role(const struct bt_repository *repository, const char *role,
                      const struct bt_buf *text, const cJSON *metadata, struct bt_buf *out)
{
    size_t count = 0;
    int r = bt_buf_appendf(out, "{\"role\":\"%s\",\"document\":", role);
    r = r < 0 ? r : bt_buf_append(out, text->data, text->len);
    r = r < 0 ? r : bt_buf_appendf(out, ",\"files\":{");
    r = r < 0 ? r : add_files(&repository->newest, metadata, &count, out);
    r = r < 0 ? r : add_files(&repository->templates, metadata, &count, out);
    return r < 0 ? r : bt_buf_appendf(out, "}}");
}

// 0 also when it is not here.
static int return_role(struct bt_repository *repository, const char *role, int64_t version)
{
    BT_AUTOBUF text, body;
    BT_AUTOJSON *metadata = NULL;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    bt_buf_init(&body, MAX_BYTES);
    if (bt_tuf_client_saved(repository->client, role, &text, NULL) < 0 ||
        bt_json_parse(bt_buf_text(&text), text.len, &metadata, NULL) < 0 ||
        version_of(cJSON_GetObjectItemCaseSensitive(metadata, "signed")) != version ||
        write_role(repository, role, &text, metadata, &body) < 0) {
        return 0;
    }
    return send_body(repository, role, &body);
}

// Roles whose documents this player shows.
static bool is_mine(const struct bt_repository *repository, const char *role)
{
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    return bt_str_equal(role, "targets") ||
           ((bt_str_starts(role, "u-") || bt_str_starts(role, "s-")) &&
            bt_str_equal(role + 2, identity.unit));
}

void bt_return_lost(struct bt_repository *repository)
{
    const cJSON *snapshot = bt_tuf_client_snapshot(repository->client);
    const cJSON *lost = part_of(snapshot, "x-lost"), *each;
    int64_t version = version_of(cJSON_GetObjectItemCaseSensitive(snapshot, "signed"));
    int r = 0;
    if (!cJSON_IsArray(lost) || version == repository->brought) {
        return;
    }
    cJSON_ArrayForEach(each, lost)
    {
        const char *role = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "role"));
        if (role != NULL && is_mine(repository, role)) {
            int now = return_role(repository, role, version_of(each));
            // What the server does not take is not offered to it again.
            r = now == -EACCES ? r : BT_MIN(r, now);
        }
    }
    repository->brought = r == 0 ? version : repository->brought;
}
