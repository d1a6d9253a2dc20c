#include "cli/ceremony.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

// A root changes a few times a year; whoever was away for longer starts from a newer folder.
#define MAX_ROOTS_AT_ONCE 256

void bt_ceremony_end(struct bt_ceremony *ceremony)
{
    bt_offline_destroy(ceremony->offline);
    bt_client_destroy(ceremony->client);
    bt_signers_finish(&ceremony->signers);
    *ceremony = (struct bt_ceremony){0};
}

static int fetch_metadata(struct bt_client *client, const char *file, cJSON **out,
                          struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = bt_strf("/tuf/metadata/%s", file);
    int r = bt_client_get(client, path, &answer, err);
    if (r == 0) {
        *out = BT_TAKE(answer.json);
    }
    return r == 0 && *out == NULL ? bt_fail(err, -EREMOTEIO, "'%s' is not JSON", path) : r;
}

// The version a timestamp or snapshot names for a file; 0 when it does not.
static int64_t meta_version(const cJSON *document, const char *file)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(body, "meta");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(meta, file);
    int64_t version = 0;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, "version");
    return bt_json_whole(value, 1, INT64_C(1) << 53, &version) == 0 ? version : 0;
}

static int take_newer(struct bt_ceremony *ceremony, enum bt_top_role role, cJSON *document,
                      struct bt_error *err)
{
    int64_t version = bt_offline_version(document);
    int r = bt_offline_accept(ceremony->offline, role, document, err);
    if (r < 0) {
        return r;
    }
    bt_offline_set_pushed(ceremony->offline, role, version);
    const cJSON *pending = bt_offline_pending(ceremony->offline, role);
    if (pending != NULL && bt_offline_version(pending) <= version) {
        fprintf(stderr,
                "Bản '%s' đang chờ chữ ký đã cũ so với máy chủ và bị bỏ; hãy làm lại thay đổi. / "
                "The pending '%s' was overtaken and is dropped; make the change again.\n",
                bt_top_role_names[role], bt_top_role_names[role]);
        bt_offline_put(ceremony->offline, role, NULL);
    }
    return 0;
}

static int pull_roots(struct bt_ceremony *ceremony, struct bt_error *err)
{
    for (int i = 0; i < MAX_ROOTS_AT_ONCE; i++) {
        const cJSON *root = bt_offline_current(ceremony->offline, BT_TOP_ROOT);
        BT_AUTOFREE char *file = bt_strf("%lld.root.json", (long long)bt_offline_version(root) + 1);
        cJSON *newer;
        int r = fetch_metadata(ceremony->client, file, &newer, err);
        if (r == -ENOENT) {
            return 0;
        }
        if (r < 0 || (r = take_newer(ceremony, BT_TOP_ROOT, newer, err)) < 0) {
            return r;
        }
    }
    return 0;
}

int bt_fetch_role_version(struct bt_client *client, const char *role, int64_t *out,
                          struct bt_error *err)
{
    BT_AUTOJSON *timestamp = NULL, *snapshot = NULL;
    int r = fetch_metadata(client, "timestamp.json", &timestamp, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *name =
        bt_strf("%lld.snapshot.json", (long long)meta_version(timestamp, "snapshot.json"));
    if ((r = fetch_metadata(client, name, &snapshot, err)) < 0) {
        return r;
    }
    BT_AUTOFREE char *file = bt_strf("%s.json", role);
    *out = meta_version(snapshot, file);
    return 0;
}

int bt_fetch_role(struct bt_client *client, const char *role, int64_t newer_than, cJSON **out,
                  struct bt_error *err)
{
    int64_t version = 0;
    int r = bt_fetch_role_version(client, role, &version, err);
    if (r < 0) {
        return r;
    }
    if (version <= newer_than) {
        return bt_fail(err, -ENOENT, "The server has no newer '%s'", role);
    }
    BT_AUTOFREE char *numbered = bt_strf("%lld.%s.json", (long long)version, role);
    return fetch_metadata(client, numbered, out, err);
}

static int pull_targets(struct bt_ceremony *ceremony, struct bt_error *err)
{
    const cJSON *current = bt_offline_current(ceremony->offline, BT_TOP_TARGETS);
    cJSON *newer;
    int r = bt_fetch_role(ceremony->client, "targets", bt_offline_version(current), &newer, err);
    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    return take_newer(ceremony, BT_TOP_TARGETS, newer, err);
}

static int connect_server(const struct bt_arguments *arguments, struct bt_ceremony *ceremony,
                          struct bt_error *err)
{
    const char *server = bt_offline_server(ceremony->offline);
    if (bt_argument_flag(arguments, "offline") || server[0] == '\0') {
        return 0;
    }
    return bt_client_open_server(server, &ceremony->client, err);
}

int bt_ceremony_begin_new(const struct bt_arguments *arguments, struct bt_offline *offline,
                          struct bt_ceremony *out, struct bt_error *err)
{
    out->offline = offline;
    out->now_ms = bt_clock_wall_ms(bt_clock_real());
    int r = connect_server(arguments, out, err);
    return r < 0 ? r : bt_signers_load(arguments, &out->signers, err);
}

int bt_ceremony_begin(const struct bt_arguments *arguments, struct bt_ceremony *out,
                      struct bt_error *err)
{
    const char *dir = bt_argument(arguments, "repository");
    struct bt_offline *offline;
    int r = bt_offline_open(dir != NULL ? dir : ".", &offline, err);
    if (r < 0 || (r = bt_ceremony_begin_new(arguments, offline, out, err)) < 0) {
        return r;
    }
    if (out->client == NULL || bt_offline_current(out->offline, BT_TOP_ROOT) == NULL) {
        return 0;
    }
    r = pull_roots(out, err);
    if (r == 0) {
        r = pull_targets(out, err);
    }
    return r < 0 ? bt_fail_in(err, r,
                              "Không lấy được bản mới nhất (--offline: bỏ qua) / cannot "
                              "take the newest (--offline goes on without)")
                 : 0;
}

// Content of the targets that the document names, as far as this folder has it.
static cJSON *files_of(const struct bt_offline *offline, const cJSON *document)
{
    cJSON *files = cJSON_CreateObject();
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    const cJSON *target;
    cJSON_ArrayForEach(target, cJSON_GetObjectItemCaseSensitive(body, "targets"))
    {
        BT_AUTOBUF text;
        bt_buf_init(&text, BT_METADATA_MAX_BYTES);
        if (bt_offline_file(offline, target->string, &text, NULL) == 0) {
            cJSON_AddStringToObject(files, target->string, bt_buf_text(&text));
        }
    }
    return files;
}

static int push_one(struct bt_ceremony *ceremony, enum bt_top_role role, int64_t version,
                    struct bt_error *err)
{
    cJSON *document;
    int r = bt_offline_load_version(ceremony->offline, role, version, &document, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    cJSON_AddStringToObject(body, "role", bt_top_role_names[role]);
    cJSON_AddItemToObject(body, "document", document);
    cJSON *files = files_of(ceremony->offline, document);
    if (files->child != NULL) {
        cJSON_AddItemToObject(body, "files", files);
    } else {
        cJSON_Delete(files);
    }
    r = bt_client_send(ceremony->client, "POST", "/v1/repository/metadata", body, &answer, err);
    if (r == 0) {
        bt_offline_set_pushed(ceremony->offline, role, version);
    }
    return r;
}

// A server that was restored from its backup may have less than it was sent.
static int note_pushed(struct bt_ceremony *ceremony, enum bt_top_role role, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = bt_strf("/v1/repository/metadata/%s", bt_top_role_names[role]);
    int r = bt_client_get(ceremony->client, path, &answer, err);
    int64_t there = r == 0 ? bt_offline_version(answer.json) : 0;
    if (r == 0 || r == -ENOENT) {
        bt_offline_set_pushed(ceremony->offline, role,
                              BT_MIN(there, bt_offline_pushed(ceremony->offline, role)));
        r = 0;
    }
    return r;
}

int bt_ceremony_push(struct bt_ceremony *ceremony, struct bt_error *err)
{
    int r = 0;
    for (int i = 0; i < BT_TOP_COUNT && r == 0; i++) {
        enum bt_top_role role = (enum bt_top_role)i;
        r = note_pushed(ceremony, role, err);
        int64_t newest = bt_offline_version(bt_offline_current(ceremony->offline, role));
        for (int64_t v = bt_offline_pushed(ceremony->offline, role) + 1; v <= newest && r == 0;
             v++) {
            r = push_one(ceremony, role, v, err);
            if (r == 0) {
                printf("Đã gửi / sent: %s %lld\n", bt_top_role_names[i], (long long)v);
            }
        }
    }
    int kept = bt_offline_save(ceremony->offline, r < 0 ? NULL : err);
    return r < 0 ? r : kept;
}

static bool print_pending(const struct bt_offline *offline)
{
    bool any = false;
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        struct bt_error missing;
        bt_offline_missing(offline, (enum bt_top_role)i, &missing);
        if (missing.msg[0] != '\0') {
            printf("'%s' chưa đủ chữ ký / still lacks signatures: %s\n", bt_top_role_names[i],
                   missing.msg);
            any = true;
        }
    }
    return any;
}

int bt_ceremony_finish(struct bt_ceremony *ceremony, struct bt_error *err)
{
    size_t count;
    int r = bt_offline_sign(ceremony->offline, &ceremony->signers, &count, err);
    if (r == 0) {
        r = bt_offline_save(ceremony->offline, err);
    }
    if (r < 0) {
        return r;
    }
    if (count > 0) {
        printf("Đã ký / signatures added: %zu\n", count);
    }
    if (print_pending(ceremony->offline)) {
        puts("Đưa thư mục cho người giữ khóa tiếp theo / give the folder to the next holder: "
             "bangtin repository sign --key FILE");
        return 0;
    }
    if (ceremony->client != NULL && bt_client_logged_in(ceremony->client)) {
        return bt_ceremony_push(ceremony, err);
    }
    puts("Đủ chữ ký. Gửi lên máy chủ / complete; send it: bangtin repository push");
    return 0;
}
