#include "server/publications/acceptance.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "server/publications/repository.h"
#include "server/publications/returned.h"
#include "server/publications/takedowns.h"
#include "server/publications/target.h"
#include "trust/signing.h"
#include "trust/software.h"
#include "trust/tuf_document.h"

// {"format", "servers"}: what players do with it they check themselves.
#define SERVERS_MAX_BYTES 65536

// Whatever players would stumble over later is refused here.
static int check_shape(const struct bt_submission *s, int64_t now_ms, struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTO(bt_tuf_document) read = NULL;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    const char *type = strcmp(s->role, "root") == 0 ? "root" : "targets";
    int r = bt_signing_text(s->document, &text, err);
    r = r == 0 ? bt_tuf_document_read(text.data, text.len, type, &read, err) : r;
    if (r == 0 && read->expires_ms <= now_ms) {
        r = bt_fail(err, -EINVAL, "'expires' is over");
    }
    return r;
}

static int check_version(struct bt_db *db, const struct bt_submission *s, const cJSON *present,
                         struct bt_error *err)
{
    int64_t now = present == NULL ? 0 : bt_document_version(present), highest;
    int64_t given = bt_document_version(s->document);
    int r = bt_returned_highest(db, s->role, &highest, err);
    if (r < 0) {
        return r;
    }
    // Those two lie in the folder of who signed them.
    bool again = strcmp(s->role, "root") == 0 || strcmp(s->role, "targets") == 0;
    bool lost = (s->returned && given == now) || ((s->returned || again) && given == now + 1) ||
                (s->returned && given == highest);
    return given == highest + 1 || lost
               ? 0
               : bt_fail(err, -ESTALE, "'version' is %lld, but %lld comes next", (long long)given,
                         (long long)highest + 1);
}

static int check_ring(const cJSON *document, const cJSON *delegator, const char *role,
                      struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = bt_document_keyring(delegator, role, &ring, err);
    return r < 0 ? r : bt_signatures_check(document, &ring, err);
}

static int check_root(const struct bt_submission *s, const cJSON *present, struct bt_error *err)
{
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(s->document, "signed");
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(part, "consistent_snapshot"))) {
        return bt_fail(err, -EINVAL, "'consistent_snapshot' must be true");
    }
    int r = present == NULL ? 0 : check_ring(s->document, present, "root", err);
    r = r == 0 ? check_ring(s->document, s->document, "root", err) : r;
    return r == 0 ? bt_document_names_keys(s->document, s->own_keys, err) : r;
}

static int check_layer(const char *text, size_t len, const struct bt_target *target,
                       struct bt_error *err)
{
    BT_AUTO(bt_publication) publication = NULL;
    int r = bt_publication_parse(text, len, BT_UNKNOWN_REFUSE, &publication, err);
    if (r < 0) {
        return r;
    }
    const char *wanted = bt_document_layer_inside(target->layer);
    const char *layer = bt_layer_word(publication->layer);
    return strcmp(layer, wanted) == 0
               ? 0
               : bt_fail(err, -EINVAL, "'layer' is '%s', but its path is one for '%s'", layer,
                         wanted);
}

static int check_file(const char *path, const char *text, struct bt_error *err)
{
    size_t len = strlen(text);
    struct bt_target target;
    if (strcmp(path, BT_SERVERS_TARGET) == 0) {
        BT_AUTOJSON *servers = NULL;
        return len > SERVERS_MAX_BYTES ? bt_fail(err, -EINVAL, "longer than %d", SERVERS_MAX_BYTES)
                                       : bt_json_parse(text, len, &servers, err);
    }
    if (strcmp(path, BT_SOFTWARE_TARGET) == 0) {
        BT_AUTO(bt_software) software = NULL;
        return bt_software_parse(text, len, true, &software, err);
    }
    int r = bt_target_read(path, &target, err);
    return r < 0 ? r : check_layer(text, len, &target, err);
}

// The file stands with the submission or is stored already, and is what the metadata say.
static int take_file(struct bt_db *db, int64_t now_ms, const struct bt_submission *s,
                     const cJSON *target, struct bt_error *err)
{
    const char *path = target->string, *listed = bt_document_target_hash(s->document, path);
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(s->files, path);
    if (!cJSON_IsString(file)) {
        BT_AUTOBUF text;
        bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
        int r = bt_repository_target(db, path, listed, &text, err);
        return r == -ENOENT && s->returned ? 0 : r;
    }
    char hex[BT_SHA256_HEX_BYTES];
    int64_t length;
    size_t len = strlen(file->valuestring);
    struct bt_sha256 sha256 = bt_sha256_of(file->valuestring, len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    if (strcmp(hex, listed) != 0 ||
        bt_json_whole(cJSON_GetObjectItemCaseSensitive(target, "length"), 0, INT32_MAX, &length) <
            0 ||
        length != (int64_t)len) {
        return bt_fail(err, -EINVAL, "the file is not the one that was signed");
    }
    int r = check_file(path, file->valuestring, err);
    r = r == 0 ? bt_repository_put_target(db, now_ms, path, file->valuestring, err) : r;
    return r < 0 || bt_target_is_top(path)
               ? r
               : bt_takedowns_lift(db, now_ms, path, file->valuestring, err);
}

static int take_targets(struct bt_db *db, int64_t now_ms, const struct bt_submission *s,
                        struct bt_error *err)
{
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(s->document, "signed");
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(part, "targets");
    if (!cJSON_IsObject(targets)) {
        return bt_fail(err, -EINVAL, "'targets' must be an object { }");
    }
    if (strcmp(s->role, "targets") != 0 &&
        cJSON_GetObjectItemCaseSensitive(part, "delegations") != NULL) {
        return bt_fail(err, -EINVAL, "only 'targets' may delegate");
    }
    for (const cJSON *target = targets->child; target != NULL; target = target->next) {
        int r = bt_role_signs(s->role, target->string)
                    ? take_file(db, now_ms, s, target, err)
                    : bt_fail(err, -EINVAL, "role '%s' does not sign it", s->role);
        if (r < 0) {
            return bt_fail_in(err, r == -ENOENT ? -EINVAL : r, "target '%.96s'", target->string);
        }
    }
    return 0;
}

int bt_submission_accept(struct bt_db *db, int64_t now_ms, const struct bt_submission *s,
                         struct bt_error *err)
{
    char unit[BT_UNIT_CODE_BYTES];
    bool root = strcmp(s->role, "root") == 0;
    if (!root && !bt_role_unit(s->role, unit)) {
        return bt_fail(err, -EINVAL, "'%.64s' is no role that is signed elsewhere", s->role);
    }
    BT_AUTOJSON *present = NULL;
    int r = bt_repository_load(db, s->role, &present, err);
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    r = check_shape(s, now_ms, err);
    r = r == 0 ? check_version(db, s, present, err) : r;
    if (r < 0) {
        return r;
    }
    if (root) {
        r = check_root(s, present, err);
    } else {
        BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
        r = bt_repository_keyring(db, s->role, &ring, err);
        r = r == 0 ? bt_signatures_check(s->document, &ring, err) : r;
        r = r == 0 ? take_targets(db, now_ms, s, err) : r;
    }
    bool known =
        present != NULL && bt_document_version(present) == bt_document_version(s->document);
    return r < 0 || known ? r : bt_repository_put(db, s->role, s->document, err);
}
