#include "server/publications/issuer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "server/db/testing.h"
#include "server/fleet/hub.h"
#include "server/publications/repository.h"
#include "trust/signing.h"

#define START_MS 1795240000000LL
#define HOUR_NS (3600 * BT_NS_PER_S)

struct world {
    struct bt_clock *clock;
    struct bt_server server;
};

static int write_nothing(struct bt_stream *stream, const char *text, size_t len)
{
    return 0;
}

static void close_nothing(struct bt_stream *stream)
{
}

static void open_world(struct bt_test_db *test, struct world *world)
{
    struct bt_error err = {0};
    *world = (struct world){.clock = bt_clock_create_simulated(0, START_MS)};
    world->server.clock = world->clock;
    world->server.db = test->pool;
    const struct bt_hub_options options = {
        .clock = world->clock, .db = test->pool, .write = write_nothing, .close = close_nothing};
    assert_int_equal(bt_hub_open(&options, &world->server.hub, &err), 0);
    int r = bt_issuer_open(test->directory, world->clock, &world->server.issuer, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
}

static void close_world(struct world *world)
{
    bt_hub_close(world->server.hub);
    bt_hub_destroy(world->server.hub);
    bt_issuer_destroy(world->server.issuer);
    bt_clock_destroy(world->clock);
}

static void put(struct bt_test_db *test, const char *role, const cJSON *document)
{
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(bt_db_begin(db, true, &err), 0);
    assert_int_equal(bt_repository_put(db, role, document, &err), 0);
    assert_int_equal(bt_db_commit(db, &err), 0);
    bt_db_release(db);
}

static void put_targets(struct bt_test_db *test, const char *role, int64_t version)
{
    BT_AUTOJSON *document = NULL;
    assert_int_equal(bt_signing_targets(version, START_MS + 365 * BT_MS_PER_DAY, &document, NULL),
                     0);
    put(test, role, document);
}

static cJSON *load(struct bt_test_db *test, const char *role)
{
    struct bt_error err = {0};
    cJSON *document = NULL;
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(bt_db_begin(db, false, &err), 0);
    int r = bt_repository_load(db, role, &document, &err);
    assert_true(r == 0 || r == -ENOENT);
    bt_db_release(db);
    return document;
}

static int64_t version_of(struct bt_test_db *test, const char *role)
{
    BT_AUTOJSON *document = load(test, role);
    return document == NULL ? 0 : bt_document_version(document);
}

static void renew(struct world *world)
{
    struct bt_error err = {0};
    int r = bt_issuer_renew(world->server.issuer, &world->server, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
}

static void assert_versions(struct bt_test_db *test, int64_t snapshot, int64_t timestamp)
{
    assert_int_equal(version_of(test, "snapshot"), snapshot);
    assert_int_equal(version_of(test, "timestamp"), timestamp);
}

static void without_targets_there_is_nothing_to_issue(void **state)
{
    struct bt_test_db *test = *state;
    struct world world;
    open_world(test, &world);
    renew(&world);
    assert_versions(test, 0, 0);
    close_world(&world);
}

static void both_are_renewed_long_before_they_expire(void **state)
{
    struct bt_test_db *test = *state;
    struct world world;
    open_world(test, &world);
    put_targets(test, "targets", 1);
    renew(&world);
    assert_versions(test, 1, 1);
    bt_clock_advance(world.clock, 23 * HOUR_NS);
    renew(&world);
    assert_versions(test, 1, 1);
    bt_clock_advance(world.clock, 2 * HOUR_NS);
    renew(&world);
    assert_versions(test, 1, 2);
    for (int day = 0; day < 7; day++) {
        bt_clock_advance(world.clock, 25 * HOUR_NS);
        renew(&world);
    }
    assert_versions(test, 2, 9);
    close_world(&world);
}

static int64_t listed_version(const cJSON *snapshot, const char *file)
{
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(snapshot, "signed");
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(part, "meta");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(meta, file);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(entry, "version");
    return cJSON_IsNumber(version) ? (int64_t)version->valuedouble : 0;
}

static void a_snapshot_lists_every_roles_newest_version(void **state)
{
    struct bt_test_db *test = *state;
    struct world world;
    open_world(test, &world);
    put_targets(test, "targets", 3);
    put_targets(test, "u-31333", 9);
    put_targets(test, "u-31333", 10);
    renew(&world);
    BT_AUTOJSON *snapshot = load(test, "snapshot");
    assert_int_equal(listed_version(snapshot, "targets.json"), 3);
    assert_int_equal(listed_version(snapshot, "u-31333.json"), 10);
    assert_int_equal(listed_version(snapshot, "root.json"), 0);
    assert_int_equal(listed_version(snapshot, "snapshot.json"), 0);
    close_world(&world);
}

static void the_keys_are_made_once_and_sign_what_is_issued(void **state)
{
    struct bt_test_db *test = *state;
    struct world world, again;
    struct bt_error err = {0};
    open_world(test, &world);
    open_world(test, &again);
    assert_string_equal(bt_issuer_public_keys(world.server.issuer),
                        bt_issuer_public_keys(again.server.issuer));
    put_targets(test, "targets", 1);
    renew(&again);
    BT_AUTOJSON *timestamp = load(test, "timestamp");
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(
        bt_issuer_public_keys_json(world.server.issuer), "timestamp");
    char keyid[BT_KEYID_BYTES];
    assert_int_equal(bt_key_id_of(key, keyid, &err), 0);
    BT_AUTOJSON *role = cJSON_CreateObject();
    BT_AUTOJSON *keys = cJSON_CreateObject();
    cJSON_AddNumberToObject(role, "threshold", 1);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(role, "keyids"), cJSON_CreateString(keyid));
    cJSON_AddItemToObject(keys, keyid, cJSON_Duplicate(key, true));
    assert_int_equal(bt_keyring_read(role, keys, &ring, &err), 0);
    assert_int_equal(bt_signatures_check(timestamp, &ring, &err), 0);
    close_world(&world);
    close_world(&again);
}

static void nothing_is_signed_with_keys_that_the_root_does_not_name(void **state)
{
    struct bt_test_db *test = *state;
    struct world world;
    struct bt_error err = {0};
    BT_AUTO(bt_private_key) other = NULL;
    BT_AUTOJSON *root = NULL;
    open_world(test, &world);
    put_targets(test, "targets", 1);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &other, &err), 0);
    BT_AUTOJSON *key = bt_private_key_public(other);
    const cJSON *const keys[] = {key};
    struct bt_role_keys ring = {keys, 1, 1};
    struct bt_root_roles roles = {ring, ring, ring, ring};
    assert_int_equal(bt_signing_root(1, START_MS + BT_MS_PER_DAY, &roles, &root, &err), 0);
    put(test, "root", root);
    assert_int_equal(bt_issuer_renew(world.server.issuer, &world.server, &err), -EPERM);
    assert_versions(test, 0, 0);
    close_world(&world);
}

static void a_key_file_that_others_can_read_stops_the_start(void **state)
{
    struct bt_test_db *test = *state;
    struct bt_error err = {0};
    BT_AUTO(bt_issuer) issuer = NULL;
    assert_int_equal(bt_issuer_open(test->directory, bt_clock_real(), &issuer, &err), 0);
    bt_issuer_destroy(BT_TAKE(issuer));
    BT_AUTOFREE char *path = bt_strf("%s/keys/snapshot.json", test->directory);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(bt_issuer_open(test->directory, bt_clock_real(), &issuer, &err), -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(without_targets_there_is_nothing_to_issue),
        bt_db_test(both_are_renewed_long_before_they_expire),
        bt_db_test(a_snapshot_lists_every_roles_newest_version),
        bt_db_test(the_keys_are_made_once_and_sign_what_is_issued),
        bt_db_test(nothing_is_signed_with_keys_that_the_root_does_not_name),
        bt_db_test(a_key_file_that_others_can_read_stops_the_start),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
