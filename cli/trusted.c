#include "cli/trusted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/config.h"
#include "playlists/publication.h"
#include "trust/tuf_client.h"

static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *whole = bt_strf("/tuf/%s", path);
    int r = bt_client_get(context, whole, &answer, err);
    return r < 0 ? r : bt_buf_append(out, bt_buf_text(&answer.body), answer.body.len);
}

static int folder_of(struct bt_client *client, char **out, struct bt_error *err)
{
    BT_AUTOFREE char *dir = NULL;
    char hex[BT_SHA256_HEX_BYTES];
    const char *server = bt_client_server(client);
    struct bt_sha256 hash = bt_sha256_of(server, strlen(server));
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    int r = bt_config_dir(&dir, err);
    if (r == 0) {
        *out = bt_strf("%s/trust-%.16s", dir, hex);
        r = bt_file_make_dirs(*out, err);
    }
    return r;
}

// The first root ever seen of this server.
static int pin(struct bt_client *client, const char *folder, const char *wanted,
               struct bt_error *err)
{
    BT_AUTOBUF root;
    char hex[BT_SHA256_HEX_BYTES];
    bt_buf_init(&root, BT_METADATA_MAX_BYTES);
    int r = fetch(client, "metadata/1.root.json", &root, err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 hash = bt_sha256_of(bt_buf_text(&root), root.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    if (wanted != NULL && strcmp(wanted, hex) != 0) {
        return bt_fail(err, -EACCES, "Gốc tin cậy của máy chủ là / the server's root is %s", hex);
    }
    if (wanted == NULL) {
        fprintf(stderr,
                "Lần đầu với máy chủ này. Vân tay gốc tin cậy, hãy so với bản của tỉnh:\n"
                "First time with this server. Compare its root's fingerprint with the province's:\n"
                "  %s\n",
                hex);
    }
    return bt_tuf_client_pin(folder, root.data, root.len, err);
}

// The newest trusted root's bytes; `out` is empty.
static int read_root(const char *folder, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/root.json", folder);
    bt_buf_init(out, BT_METADATA_MAX_BYTES);
    return bt_file_read(path, out, err);
}

// The ring of the province's own role stands in the root itself.
static int ring_of_targets(const char *folder, struct bt_keyring *out, struct bt_error *err)
{
    BT_AUTOBUF text = {0};
    BT_AUTOJSON *root = NULL;
    int r = read_root(folder, &text, err);
    if (r < 0 || (r = bt_json_parse(bt_buf_text(&text), text.len, &root, err)) < 0) {
        return r;
    }
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(root, "signed");
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(body, "roles");
    return bt_keyring_read(cJSON_GetObjectItemCaseSensitive(roles, "targets"),
                           cJSON_GetObjectItemCaseSensitive(body, "keys"), out, err);
}

// The pinned repository, as new as the server has it.
static int open_trusted(struct bt_client *client, const struct bt_tuf_fetcher *fetcher,
                        const char *folder, const char *root_sha256, struct bt_tuf_client **out,
                        struct bt_error *err)
{
    BT_AUTO(bt_tuf_client) tuf = NULL;
    int r = bt_tuf_client_open(folder, fetcher, &tuf, err);
    if (r == -ENOENT && (r = pin(client, folder, root_sha256, err)) == 0) {
        r = bt_tuf_client_open(folder, fetcher, &tuf, err);
    }
    if (r < 0 || (r = bt_tuf_client_refresh(tuf, bt_clock_wall_ms(bt_clock_real()), err)) < 0) {
        return bt_fail_in(err, r, "Gốc tin cậy / trust");
    }
    *out = BT_TAKE(tuf);
    return 0;
}

int bt_trusted_ring(struct bt_client *client, const char *root_sha256, const char *role,
                    struct bt_keyring *out, struct bt_error *err)
{
    BT_AUTOFREE char *folder = NULL;
    BT_AUTO(bt_tuf_client) tuf = NULL;
    const struct bt_tuf_fetcher fetcher = {fetch, client};
    int r = folder_of(client, &folder, err);
    if (r < 0 || (r = open_trusted(client, &fetcher, folder, root_sha256, &tuf, err)) < 0) {
        return r;
    }
    return strcmp(role, "targets") == 0 ? ring_of_targets(folder, out, err)
                                        : bt_tuf_client_delegated_keys(tuf, role, out, err);
}

int bt_trusted_root_text(struct bt_client *client, const char *root_sha256, struct bt_buf *out,
                         struct bt_error *err)
{
    BT_AUTOFREE char *folder = NULL;
    BT_AUTO(bt_tuf_client) tuf = NULL;
    const struct bt_tuf_fetcher fetcher = {fetch, client};
    int r = folder_of(client, &folder, err);
    r = r < 0 ? r : open_trusted(client, &fetcher, folder, root_sha256, &tuf, err);
    return r < 0 ? r : read_root(folder, out, err);
}

int bt_trusted_root(struct bt_client *client, const char *root_sha256, char out[65],
                    struct bt_error *err)
{
    BT_AUTOBUF text = {0};
    int r = bt_trusted_root_text(client, root_sha256, &text, err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 hash = bt_sha256_of(bt_buf_text(&text), text.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), out);
    return 0;
}

int bt_trusted_target(struct bt_client *client, const char *root_sha256, const char *path,
                      struct bt_sha256 *out, struct bt_error *err)
{
    BT_AUTOFREE char *folder = NULL;
    BT_AUTO(bt_tuf_client) tuf = NULL;
    struct bt_tuf_target target;
    const struct bt_tuf_fetcher fetcher = {fetch, client};
    int r = folder_of(client, &folder, err);
    if (r < 0 || (r = open_trusted(client, &fetcher, folder, root_sha256, &tuf, err)) < 0) {
        return r;
    }
    r = bt_tuf_client_find(tuf, path, bt_clock_wall_ms(bt_clock_real()), &target, err);
    if (r == 0) {
        *out = target.sha256;
    }
    return r;
}

int bt_trusted_document(struct bt_client *client, const char *root_sha256, const char *path,
                        struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOFREE char *folder = NULL;
    BT_AUTO(bt_tuf_client) tuf = NULL;
    struct bt_tuf_target target;
    const struct bt_tuf_fetcher fetcher = {fetch, client};
    bt_buf_init(out, BT_PUBLICATION_MAX_BYTES);
    int r = folder_of(client, &folder, err);
    if (r < 0 || (r = open_trusted(client, &fetcher, folder, root_sha256, &tuf, err)) < 0) {
        return r;
    }
    r = bt_tuf_client_find(tuf, path, bt_clock_wall_ms(bt_clock_real()), &target, err);
    return r < 0 ? r : bt_tuf_client_download(tuf, path, &target, out, err);
}

int bt_trusted_audit_head(struct bt_client *client, const char *root_sha256, char out[65],
                          struct bt_error *err)
{
    BT_AUTOFREE char *folder = NULL;
    BT_AUTO(bt_tuf_client) tuf = NULL;
    const struct bt_tuf_fetcher fetcher = {fetch, client};
    int r = folder_of(client, &folder, err);
    if (r < 0 || (r = open_trusted(client, &fetcher, folder, root_sha256, &tuf, err)) < 0) {
        return r;
    }
    const char *head = bt_tuf_client_audit_head(tuf);
    bt_copy_cut(out, BT_SHA256_HEX_BYTES, head != NULL ? head : "");
    return 0;
}
