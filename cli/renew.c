// bangtin repository renew: the next version of a role's metadata, with the same content.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/reminders.h"
#include "cli/roles.h"

static int find_top(const char *role)
{
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        if (strcmp(bt_top_role_names[i], role) == 0) {
            return i;
        }
    }
    return -1;
}

// The ring of a delegated role as the folder's targets say it.
static int ring_of(const struct bt_ceremony *ceremony, const char *role, struct bt_keyring *out,
                   struct bt_error *err)
{
    BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members members = {0};
    int r = bt_roles_read(ceremony->offline, role, &members, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *entry = cJSON_CreateObject();
    BT_AUTOJSON *table = cJSON_CreateObject();
    cJSON *keyids = cJSON_AddArrayToObject(entry, "keyids");
    cJSON_AddNumberToObject(entry, "threshold", (double)members.threshold);
    const cJSON *key;
    cJSON_ArrayForEach(key, members.keys)
    {
        char keyid[BT_KEYID_BYTES];
        if (bt_key_id_of(key, keyid, NULL) == 0) {
            cJSON_AddItemToArray(keyids, cJSON_CreateString(keyid));
            cJSON_AddItemToObject(table, keyid, cJSON_Duplicate(key, true));
        }
    }
    return bt_keyring_read(entry, table, out, err);
}

// What the server has of a role, and the version that comes next: after a restore players may hold
// higher ones than the server.
static int fetch_present(struct bt_client *client, const char *role, cJSON **out, int64_t *out_next,
                         struct bt_error *err)
{
    int64_t named = 0;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = bt_strf("/v1/repository/metadata/%s", role);
    int r = bt_client_get(client, path, &answer, err);
    r = r < 0 ? r : bt_fetch_role_version(client, role, &named, err);
    if (r == 0) {
        *out_next = BT_MAX(bt_offline_version(answer.json), named) + 1;
        *out = BT_TAKE(answer.json);
    }
    return r;
}

// A delegated role's metadata live on the server; its signers sign the next version here.
static int renew_delegated(struct bt_ceremony *ceremony, const char *role, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    BT_AUTOJSON *present = NULL;
    cJSON *next;
    int64_t version = 0;
    if (ceremony->client == NULL) {
        return bt_fail(err, -EINVAL, "'%s' nằm trên máy chủ / is kept on the server", role);
    }
    int r = ring_of(ceremony, role, &ring, err);
    if (r < 0 || (r = fetch_present(ceremony->client, role, &present, &version, err)) < 0 ||
        (r = bt_signatures_check(present, &ring, err)) < 0) {
        return bt_fail_in(err, r, "'%s'", role);
    }
    int64_t expires_ms = ceremony->now_ms + BT_TARGETS_LIFE_DAYS * BT_MS_PER_DAY;
    if ((r = bt_signing_next(present, expires_ms, &next, err)) < 0) {
        return r;
    }
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "role", role);
    cJSON_AddItemToObject(body, "document", next);
    r = bt_signing_set_version(next, version, err);
    for (size_t i = 0; i < ceremony->signers.count && r == 0; i++) {
        r = bt_signing_sign(next, ceremony->signers.keys[i], err);
    }
    if (r < 0 || (r = bt_signatures_check(next, &ring, err)) < 0) {
        return bt_fail_in(err, r, "'%s'", role);
    }
    BT_AUTOANSWER answer = {0};
    r = bt_client_send(ceremony->client, "POST", "/v1/repository/metadata", body, &answer, err);
    if (r == 0) {
        bt_reminders_note(role, expires_ms);
        printf("Đã gia hạn / renewed: %s\n", role);
    }
    return r;
}

int bt_command_renew(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    cJSON *ignored;
    size_t count = bt_operand_count(arguments);
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    for (int i = 0; count == 0 && i < BT_TOP_COUNT && r == 0; i++) {
        r = bt_offline_edit(ceremony.offline, (enum bt_top_role)i, ceremony.now_ms, &ignored, err);
    }
    for (size_t i = 0; i < count && r == 0; i++) {
        int top = find_top(bt_operand(arguments, i));
        r = top >= 0 ? bt_offline_edit(ceremony.offline, (enum bt_top_role)top, ceremony.now_ms,
                                       &ignored, err)
                     : renew_delegated(&ceremony, bt_operand(arguments, i), err);
    }
    return r < 0 ? r : bt_ceremony_finish(&ceremony, err);
}
