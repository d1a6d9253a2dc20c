#include "cli/approve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/approving.h"
#include "cli/ask.h"
#include "cli/config.h"
#include "cli/reminders.h"
#include "cli/trusted.h"
#include "trust/signing.h"

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static int asset_folder(const struct bt_arguments *arguments, char **out, struct bt_error *err)
{
    const char *given = bt_argument(arguments, "assets");
    BT_AUTOFREE char *dir = NULL;
    int r = given != NULL ? 0 : bt_config_dir(&dir, err);
    if (r < 0) {
        return r;
    }
    *out = given != NULL ? bt_strdup(given) : bt_strf("%s/assets", dir);
    return bt_file_make_dirs(*out, err);
}

static int check_file(const char *path, const char *sha256, int64_t size, struct bt_error *err)
{
    struct bt_sha256 hash;
    char hex[BT_SHA256_HEX_BYTES];
    int64_t length;
    int r = bt_sha256_of_file(path, &hash, &length, err);
    if (r < 0) {
        return r;
    }
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    return strcmp(hex, sha256) == 0 && length == size
               ? 0
               : bt_fail(err, -EBADMSG,
                         "Tệp %.12s… từ máy chủ không đúng mã băm; không ký / a file from the "
                         "server has not its hash; nothing is signed",
                         sha256);
}

// A file stands under its hash in the folder only after it was checked.
static int fetch_asset(struct bt_client *client, const char *folder, const cJSON *asset,
                       bool *out_fetched, struct bt_error *err)
{
    int64_t size;
    uint8_t bytes[BT_SHA256_BYTES];
    const char *sha256 = text_of(asset, "sha256");
    if (bt_unhex(sha256, bytes, sizeof(bytes)) < 0 ||
        bt_json_whole(cJSON_GetObjectItemCaseSensitive(asset, "size"), 1, INT64_C(1) << 42, &size) <
            0) {
        return bt_fail(err, -EBADMSG, "A document names a file without hash and size");
    }
    BT_AUTOFREE char *path = bt_strf("%s/%s", folder, sha256);
    BT_AUTOFREE char *aside = bt_strf("%s.new", path);
    BT_AUTOFREE char *blob = bt_strf("/blobs/%s", sha256);
    BT_AUTOFREE char *title = bt_strf("%.12s…", sha256);
    if (access(path, R_OK) == 0) {
        return 0;  // verified before
    }
    int r = bt_client_fetch_file(client, blob, aside, size, bt_progress_bar, title, err);
    bt_progress_end();
    if (r == 0 && (r = check_file(aside, sha256, size, err)) < 0) {
        unlink(aside);
    }
    if (r == 0 && rename(aside, path) < 0) {
        r = bt_fail_errno(err, "Cannot keep '%s'", path);
    }
    *out_fetched = r == 0;
    return r;
}

static int fetch_assets(struct bt_client *client, const struct bt_arguments *arguments,
                        const struct bt_approval *approval, struct bt_error *err)
{
    BT_AUTOFREE char *folder = NULL;
    BT_AUTOJSON *assets = bt_approval_assets(approval);
    size_t fetched = 0;
    int r = asset_folder(arguments, &folder, err);
    const cJSON *asset;
    cJSON_ArrayForEach(asset, assets)
    {
        bool one = false;
        r = r == 0 ? fetch_asset(client, folder, asset, &one, err) : r;
        fetched += one;
    }
    if (r == 0) {
        fprintf(stderr, "%d tệp đúng mã băm (%zu mới tải) / files have their hashes, in: %s\n",
                cJSON_GetArraySize(assets), fetched, folder);
    }
    return r;
}

static int confirm(const struct bt_arguments *arguments, struct bt_error *err)
{
    bool yes = bt_argument_flag(arguments, "yes");
    int r = yes ? 0 : bt_ask_yes("Ký cho phát nội dung này? / Sign this? (có/không)", &yes, err);
    return r < 0 || yes ? r : bt_fail(err, -ECANCELED, "Không ký / not signed");
}

// A signature by one key, sent; *out is the proposal as it stands then.
static int sign_one(struct bt_client *client, const char *path, const cJSON *metadata,
                    const struct bt_private_key *key, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *document = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    cJSON_AddItemToObject(document, "signed", cJSON_Duplicate(metadata, true));
    cJSON *signatures = cJSON_AddArrayToObject(document, "signatures");
    int r = bt_signing_sign(document, key, err);
    if (r < 0) {
        return r;
    }
    r = bt_client_send(client, "POST", path, cJSON_GetArrayItem(signatures, 0), &answer, err);
    if (r == 0) {
        cJSON_Delete(*out);
        *out = BT_TAKE(answer.json);
    }
    return r;
}

static bool is_open(const cJSON *proposal)
{
    return proposal == NULL || strcmp(text_of(proposal, "state"), "open") == 0;
}

static int sign_all(struct bt_client *client, const char *proposal, const cJSON *metadata,
                    const struct bt_signers *signers, cJSON **out, struct bt_error *err)
{
    BT_AUTOFREE char *part = bt_path_part(proposal);
    BT_AUTOFREE char *path = bt_strf("/v1/proposals/%s/signatures", part);
    BT_AUTOJSON *answer = NULL;
    int r = 0;
    for (size_t i = 0; i < signers->count && r == 0 && is_open(answer); i++) {
        r = sign_one(client, path, metadata, signers->keys[i], &answer, err);
    }
    if (r == 0) {
        *out = BT_TAKE(answer);
    }
    return r;
}

static int read_approval(struct bt_client *client, const struct bt_arguments *arguments,
                         const cJSON *to_sign, struct bt_approval *out, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    const char *root = bt_argument(arguments, "root-sha256");
    const char *role = text_of(to_sign, "role");
    int r = bt_trusted_ring(client, root, role, &ring, err);
    return r < 0 ? r : bt_approval_read(to_sign, &ring, out, err);
}

int bt_approve(struct bt_client *client, const struct bt_arguments *arguments, const char *proposal,
               const struct bt_signers *signers, cJSON **out, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    BT_AUTOFREE char *part = bt_path_part(proposal);
    BT_AUTOFREE char *path = bt_strf("/v1/proposals/%s/to-sign", part);
    if (signers->count == 0) {
        return bt_fail(err, -EINVAL, "thiếu / missing: --key FILE");
    }
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0 || (r = read_approval(client, arguments, answer.json, &approval, err)) < 0) {
        return r;
    }
    bt_approval_print(&approval, bt_client_json(client) ? stderr : stdout);
    fflush(stdout);
    if ((r = fetch_assets(client, arguments, &approval, err)) < 0 ||
        (r = confirm(arguments, err)) < 0 ||
        (r = sign_all(client, proposal, approval.metadata, signers, out, err)) < 0) {
        return r;
    }
    int64_t expires_ms;
    if (bt_rfc3339_parse(text_of(approval.metadata, "expires"), &expires_ms) == 0) {
        bt_reminders_note(text_of(answer.json, "role"), expires_ms);
    }
    return 0;
}
