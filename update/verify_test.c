#include "update/verify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/private_key.h"
#include "trust/signing.h"

#define PLATFORM "debian-13-arm64"
#define PACKAGE "what the province built"
#define NOW_MS INT64_C(1795240000000)
#define LATER_MS (NOW_MS + INT64_C(86400000) * 90)

// A player's directory, signed by one key for everything, and the installer's own beside it.
struct world {
    char dir[128];
    char *player, *trusted, *copy;
    struct bt_private_key *key;
    cJSON *public_key;
    int64_t version;  // of timestamp, snapshot and targets
};

static void put(const struct world *world, const char *path, const char *text)
{
    BT_AUTOFREE char *file = bt_strf("%s/%s", world->player, path);
    assert_int_equal(bt_file_replace(file, text, strlen(text), NULL), 0);
}

static void put_document(const struct world *world, const char *path, cJSON *document,
                         const struct bt_private_key *key)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    assert_int_equal(bt_signing_sign(document, key, NULL), 0);
    assert_int_equal(bt_signing_text(document, &text, NULL), 0);
    put(world, path, bt_buf_text(&text));
}

static void put_root(const struct world *world, const char *path, int64_t version)
{
    const cJSON *keys[] = {world->public_key};
    const struct bt_role_keys role = {keys, 1, 1};
    const struct bt_root_roles roles = {role, role, role, role};
    BT_AUTOJSON *root = NULL;
    assert_int_equal(bt_signing_root(version, LATER_MS, &roles, &root, NULL), 0);
    put_document(world, path, root, world->key);
}

// The province says so; `key` signs targets, the others are the world's.
static void announce(struct world *world, const char *software, const struct bt_private_key *key)
{
    BT_AUTOJSON *targets = NULL, *snapshot = NULL, *timestamp = NULL;
    int64_t version = ++world->version;
    assert_int_equal(bt_signing_targets(version, LATER_MS, &targets, NULL), 0);
    if (software != NULL) {
        assert_int_equal(
            bt_signing_set_target(targets, BT_SOFTWARE_TARGET, software, strlen(software), NULL),
            0);
        put(world, "update/software.json", software);
    }
    put_document(world, "metadata/targets.json", targets, key);
    assert_int_equal(bt_signing_snapshot(version, LATER_MS, &snapshot, NULL), 0);
    assert_int_equal(bt_signing_set_meta(snapshot, "targets", version, NULL), 0);
    put_document(world, "metadata/snapshot.json", snapshot, world->key);
    assert_int_equal(bt_signing_timestamp(version, LATER_MS, version, "00ff", &timestamp, NULL), 0);
    put_document(world, "metadata/timestamp.json", timestamp, world->key);
}

static char *software_for(const char *version, const char *platform, int64_t from_ms)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256 = bt_sha256_of(PACKAGE, strlen(PACKAGE));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    return bt_strf(
        "{\"format\":1,\"releases\":[{\"program\":\"bangtin-player\",\"platform\":\"%s\","
        "\"version\":\"%s\",\"sha256\":\"%s\",\"size\":%zu,\"who\":{},\"from_ms\":%lld,"
        "\"hours\":\"01:00-04:00\"}]}",
        platform, version, hex, strlen(PACKAGE), (long long)from_ms);
}

static void offer(const struct world *world, const char *version)
{
    BT_AUTOFREE char *text = bt_strf("{\"version\":\"%s\",\"file\":\"goi.deb\"}", version);
    put(world, "update/offer.json", text);
}

static void announce_version(struct world *world, const char *version)
{
    BT_AUTOFREE char *software = software_for(version, PLATFORM, 0);
    announce(world, software, world->key);
    offer(world, version);
}

static int set_up(void **state)
{
    struct world *world = BT_NEW(struct world);
    const char *fast = getenv("TMPDIR");
    assert_int_equal(bt_format(world->dir, sizeof(world->dir), "%s/bt-verify-XXXXXX",
                               fast != NULL ? fast : "/tmp"),
                     0);
    assert_non_null(mkdtemp(world->dir));
    world->player = bt_strf("%s/player", world->dir);
    world->trusted = bt_strf("%s/trusted", world->dir);
    world->copy = bt_strf("%s/package.deb", world->dir);
    BT_AUTOFREE char *metadata = bt_strf("%s/metadata", world->player);
    BT_AUTOFREE char *update = bt_strf("%s/update", world->player);
    assert_int_equal(bt_file_make_dirs(metadata, NULL), 0);
    assert_int_equal(bt_file_make_dirs(update, NULL), 0);
    assert_int_equal(bt_file_make_dirs(world->trusted, NULL), 0);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &world->key, NULL), 0);
    world->public_key = bt_private_key_public(world->key);
    put_root(world, "metadata/root.json", 1);
    assert_int_equal(bt_verify_pin(world->player, world->trusted, NULL, NULL), 0);
    put(world, "update/goi.deb", PACKAGE);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    BT_AUTOFREE char *remove = bt_strf("rm -rf '%s'", world->dir);
    assert_int_equal(system(remove), 0);
    bt_private_key_destroy(world->key);
    cJSON_Delete(world->public_key);
    free(world->player);
    free(world->trusted);
    free(world->copy);
    free(world);
    return 0;
}

static int verify(const struct world *world, struct bt_error *err)
{
    static const struct bt_version bad = {{0, 3, 0}};
    struct bt_version version;
    const struct bt_verify_options options = {
        .player = world->player,
        .trusted = world->trusted,
        .platform = PLATFORM,
        .running = {{0, 1, 0}},
        .bad = &bad,
        .bad_count = 1,
        .now_ms = NOW_MS,
    };
    int r = bt_verify_offer(&options, world->copy, &version, err);
    // Nothing is left of what was refused.
    assert_int_equal(access(world->copy, F_OK) == 0, r == 0);
    return r;
}

static void refused(const struct world *world, int code, const char *why)
{
    struct bt_error err = {0};
    assert_int_equal(verify(world, &err), code);
    assert_non_null(strstr(err.msg, why));
}

static void what_was_signed_is_taken(void **state)
{
    struct world *world = *state;
    announce_version(world, "0.2.0");
    struct bt_error err = {0};
    if (verify(world, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    BT_AUTOBUF copy;
    bt_buf_init(&copy, 1000);
    assert_int_equal(bt_file_read(world->copy, &copy, NULL), 0);
    assert_string_equal(bt_buf_text(&copy), PACKAGE);
}

static void without_an_offer_there_is_nothing_to_do(void **state)
{
    refused(*state, -ENOENT, "offer.json");
}

static void a_package_nobody_signed(void **state)
{
    struct world *world = *state;
    announce(world, NULL, world->key);
    offer(world, "0.2.0");
    refused(world, -EPERM, "signed for no versions");
    announce_version(world, "0.2.0");
    offer(world, "0.2.1");
    refused(world, -EPERM, "Nobody signed version 0.2.1");
}

static void other_bytes_under_the_name_of_the_package(void **state)
{
    struct world *world = *state;
    announce_version(world, "0.2.0");
    put(world, "update/goi.deb", "what the province BUILT");
    refused(world, -EBADMSG, "not the one that was signed");
    put(world, "update/goi.deb", PACKAGE " and more");
    refused(world, -EBADMSG, "longer");
    put(world, "update/goi.deb", "what");
    refused(world, -EBADMSG, "shorter");
}

static void targets_signed_by_somebody_else(void **state)
{
    struct world *world = *state;
    BT_AUTO(bt_private_key) other = NULL;
    BT_AUTOFREE char *software = software_for("0.2.0", PLATFORM, 0);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &other, NULL), 0);
    announce(world, software, other);
    offer(world, "0.2.0");
    refused(world, -EACCES, "");
}

static void another_text_than_the_one_signed(void **state)
{
    struct world *world = *state;
    BT_AUTOFREE char *software = software_for("0.4.0", PLATFORM, 0);
    announce_version(world, "0.2.0");
    put(world, "update/software.json", software);
    offer(world, "0.4.0");
    refused(world, -EBADMSG, "software.json");
}

static void an_older_version_and_a_bad_one(void **state)
{
    struct world *world = *state;
    announce_version(world, "0.1.0");
    refused(world, -EALREADY, "runs already");
    announce_version(world, "0.0.9");
    refused(world, -EPERM, "not above the one that runs");
    announce_version(world, "0.3.0");
    refused(world, -EPERM, "played worse before");
}

static void another_platforms_and_one_of_tomorrow(void **state)
{
    struct world *world = *state;
    BT_AUTOFREE char *other = software_for("0.2.0", "debian-12-amd64", 0);
    BT_AUTOFREE char *tomorrow = software_for("0.2.0", PLATFORM, NOW_MS + 1);
    offer(world, "0.2.0");
    announce(world, other, world->key);
    refused(world, -EPERM, "Nobody signed version 0.2.0 for " PLATFORM);
    announce(world, tomorrow, world->key);
    refused(world, -EPERM, "Nobody signed version 0.2.0 for " PLATFORM);
}

static void metadata_that_go_back(void **state)
{
    struct world *world = *state;
    announce_version(world, "0.2.0");
    announce_version(world, "0.2.0");
    assert_int_equal(verify(world, NULL), 0);
    unlink(world->copy);
    world->version = 0;
    announce_version(world, "0.2.0");
    refused(world, -ESTALE, "");
}

static void links_and_pipes_are_not_opened(void **state)
{
    struct world *world = *state;
    announce_version(world, "0.2.0");
    BT_AUTOFREE char *file = bt_strf("%s/update/goi.deb", world->player);
    BT_AUTOFREE char *elsewhere = bt_strf("%s/elsewhere", world->dir);
    assert_int_equal(bt_file_replace(elsewhere, PACKAGE, strlen(PACKAGE), NULL), 0);
    unlink(file);
    assert_int_equal(symlink(elsewhere, file), 0);
    refused(world, -EACCES, "not an ordinary file");
    unlink(file);
    assert_int_equal(mkfifo(file, 0600), 0);
    refused(world, -EACCES, "not an ordinary file");
    offer(world, "0.2.0");
    put(world, "update/offer.json", "{\"version\":\"0.2.0\",\"file\":\"../metadata/root.json\"}");
    refused(world, -EINVAL, "no name of a file");
}

static void a_new_root_is_followed_and_another_one_is_not(void **state)
{
    struct world *world = *state;
    put_root(world, "metadata/2.root.json", 2);
    put_root(world, "metadata/root.json", 3);
    announce_version(world, "0.2.0");
    assert_int_equal(verify(world, NULL), 0);
    unlink(world->copy);
    BT_AUTO(bt_private_key) own = world->key;
    cJSON *public_key = world->public_key;
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &world->key, NULL), 0);
    world->public_key = bt_private_key_public(world->key);
    put_root(world, "metadata/root.json", 4);
    announce_version(world, "0.2.0");
    refused(world, -EACCES, "");
    assert_int_equal(bt_verify_pin(world->player, world->trusted, NULL, NULL), -EEXIST);
    cJSON_Delete(public_key);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_was_signed_is_taken),
        CASE(without_an_offer_there_is_nothing_to_do),
        CASE(a_package_nobody_signed),
        CASE(other_bytes_under_the_name_of_the_package),
        CASE(targets_signed_by_somebody_else),
        CASE(another_text_than_the_one_signed),
        CASE(an_older_version_and_a_bad_one),
        CASE(another_platforms_and_one_of_tomorrow),
        CASE(metadata_that_go_back),
        CASE(links_and_pipes_are_not_opened),
        CASE(a_new_root_is_followed_and_another_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
