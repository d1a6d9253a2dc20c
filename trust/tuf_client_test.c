#include "trust/tuf_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/signing.h"

#define MAX_BYTES (4 * 1024 * 1024)
#define YEAR_2026_MS INT64_C(1767225600000)
#define YEAR_2027_MS INT64_C(1798761600000)

// A repository in memory, signed by trust/signing.c with one key for everything.
struct repository {
    struct bt_private_key *key;
    cJSON *public_key;
    struct {
        char name[80], *text;
    } files[16];
    size_t count;
    int fetched;
};

static void put(struct repository *repository, const char *name, char *text)
{
    size_t i = 0;
    while (i < repository->count && strcmp(repository->files[i].name, name) != 0) {
        i++;
    }
    assert_true(i < BT_ARRAY_LEN(repository->files));
    repository->count = BT_MAX(repository->count, i + 1);
    assert_int_equal(
        bt_format(repository->files[i].name, sizeof(repository->files[i].name), "%s", name), 0);
    free(repository->files[i].text);
    repository->files[i].text = text;
}

static void put_document(struct repository *repository, const char *name, cJSON *document)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    assert_int_equal(bt_signing_sign(document, repository->key, NULL), 0);
    assert_int_equal(bt_signing_text(document, &text, NULL), 0);
    put(repository, name, bt_strdup(bt_buf_text(&text)));
}

static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    struct repository *repository = context;
    repository->fetched++;
    for (size_t i = 0; i < repository->count; i++) {
        if (strcmp(repository->files[i].name, path) == 0) {
            return bt_buf_append(out, repository->files[i].text, strlen(repository->files[i].text));
        }
    }
    return bt_fail(err, -ENOENT, "There is no '%s'", path);
}

static void put_targets(struct repository *repository)
{
    const cJSON *keys[] = {repository->public_key};
    const struct bt_role_keys role = {keys, 1, 1};
    const char *unit[] = {"u/1/*"};
    BT_AUTOJSON *targets = NULL;
    BT_AUTOJSON *delegated = NULL;
    assert_int_equal(bt_signing_targets(1, YEAR_2027_MS, &targets, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "u-1", unit, 1, &role, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "em-1", NULL, 0, &role, NULL), 0);
    assert_int_equal(bt_signing_set_target(targets, "p/a.json", "A", 1, NULL), 0);
    assert_int_equal(bt_signing_set_target(targets, "p/template-a.json", "T", 1, NULL), 0);
    put_document(repository, "metadata/1.targets.json", targets);
    assert_int_equal(bt_signing_targets(1, YEAR_2027_MS, &delegated, NULL), 0);
    assert_int_equal(bt_signing_set_target(delegated, "u/1/b.json", "B", 1, NULL), 0);
    assert_int_equal(bt_signing_set_target(delegated, "u/1/template-b.json", "B", 1, NULL), 0);
    assert_int_equal(bt_signing_set_target(delegated, "u/2/template-c.json", "C", 1, NULL), 0);
    put_document(repository, "metadata/1.u-1.json", delegated);
}

static void put_online(struct repository *repository)
{
    BT_AUTOJSON *snapshot = NULL;
    BT_AUTOJSON *timestamp = NULL;
    assert_int_equal(bt_signing_snapshot(1, YEAR_2027_MS, &snapshot, NULL), 0);
    assert_int_equal(bt_signing_set_meta(snapshot, "targets", 1, NULL), 0);
    assert_int_equal(bt_signing_set_meta(snapshot, "u-1", 1, NULL), 0);
    put_document(repository, "metadata/1.snapshot.json", snapshot);
    assert_int_equal(bt_signing_timestamp(1, YEAR_2027_MS, 1, "00ff", &timestamp, NULL), 0);
    put_document(repository, "metadata/timestamp.json", timestamp);
}

static void repository_init(struct repository *repository)
{
    *repository = (struct repository){.count = 0};
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &repository->key, NULL), 0);
    repository->public_key = bt_private_key_public(repository->key);
    const cJSON *keys[] = {repository->public_key};
    const struct bt_role_keys role = {keys, 1, 1};
    const struct bt_root_roles roles = {role, role, role, role};
    BT_AUTOJSON *root = NULL;
    assert_int_equal(bt_signing_root(1, YEAR_2027_MS, &roles, &root, NULL), 0);
    put_document(repository, "metadata/1.root.json", root);
    put_targets(repository);
    put_online(repository);
}

static void repository_finish(struct repository *repository)
{
    for (size_t i = 0; i < repository->count; i++) {
        free(repository->files[i].text);
    }
    cJSON_Delete(repository->public_key);
    bt_private_key_destroy(repository->key);
}

#define REPOSITORY BT_AUTOFINISH(repository_finish) struct repository

// A directory of its own for each test, which goes with it.
struct place {
    char path[64];
};

static struct place make_place(void)
{
    struct place place = {"/tmp/bt-client-XXXXXX"};
    assert_non_null(mkdtemp(place.path));
    return place;
}

static void place_finish(struct place *place)
{
    BT_AUTOFREE char *command = bt_strf("rm -r %s", place->path);
    assert_int_equal(system(command), 0);
}

#define PLACE BT_AUTOFINISH(place_finish) struct place

static void pin(const struct place *place, const struct repository *repository)
{
    const char *root = repository->files[0].text;
    assert_int_equal(bt_tuf_client_pin(place->path, root, strlen(root), NULL), 0);
}

static int open_client(const struct place *place, struct repository *repository,
                       struct bt_tuf_client **out)
{
    const struct bt_tuf_fetcher fetcher = {.fetch = fetch, .context = repository};
    return bt_tuf_client_open(place->path, &fetcher, out, NULL);
}

static void nothing_is_trusted_before_a_root_is_pinned(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    struct bt_tuf_client *client = NULL;
    (void)state;
    repository_init(&repository);
    assert_int_equal(open_client(&place, &repository, &client), -ENOENT);
    assert_null(client);
    assert_int_equal(repository.fetched, 0);
}

static void a_pinned_root_stays(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    REPOSITORY other;
    (void)state;
    repository_init(&repository);
    repository_init(&other);
    pin(&place, &repository);
    pin(&place, &repository);
    const char *root = other.files[0].text;
    assert_int_equal(bt_tuf_client_pin(place.path, root, strlen(root), NULL), -EEXIST);
    BT_AUTO(bt_tuf_client) client = NULL;
    assert_int_equal(open_client(&place, &repository, &client), 0);
    assert_int_equal(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL), 0);
}

static void a_root_that_vouches_for_nothing_is_not_pinned(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    struct bt_tuf_client *client = NULL;
    (void)state;
    repository_init(&repository);
    const char *timestamp = repository.files[repository.count - 1].text;
    assert_int_equal(bt_tuf_client_pin(place.path, timestamp, strlen(timestamp), NULL), -EINVAL);
    assert_int_equal(bt_tuf_client_pin(place.path, "", 0, NULL), -EINVAL);
    BT_AUTOFREE char *root = bt_strdup(repository.files[0].text);
    char *version = strstr(root, "\"version\":1");
    assert_non_null(version);
    version[strlen("\"version\":")] = '2';
    assert_int_equal(bt_tuf_client_pin(place.path, root, strlen(root), NULL), -EACCES);
    assert_int_equal(open_client(&place, &repository, &client), -ENOENT);
}

static void what_was_verified_is_there_without_a_network(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    struct bt_tuf_target target;
    struct bt_tuf_versions versions;
    (void)state;
    repository_init(&repository);
    pin(&place, &repository);
    BT_AUTO(bt_tuf_client) client = NULL;
    assert_int_equal(open_client(&place, &repository, &client), 0);
    assert_int_equal(bt_tuf_client_find(client, "p/a.json", YEAR_2026_MS, &target, NULL), -ESTALE);
    assert_int_equal(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL), 0);
    assert_int_equal(bt_tuf_client_find(client, "u/1/b.json", YEAR_2026_MS, &target, NULL), 0);

    repository.fetched = 0;
    BT_AUTO(bt_tuf_client) later = NULL;
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    assert_int_equal(open_client(&place, &repository, &later), 0);
    bt_tuf_client_versions(later, &versions);
    assert_int_equal(versions.targets, 1);
    assert_int_equal(versions.expires_ms, YEAR_2027_MS);
    assert_int_equal(bt_tuf_client_delegated_keys(later, "em-1", &ring, NULL), 0);
    assert_int_equal(ring.count, 1);
    assert_int_equal(bt_tuf_client_find(later, "u/1/b.json", YEAR_2026_MS, &target, NULL), 0);
    assert_int_equal(target.length, 1);
    assert_int_equal(target.threshold, 1);
    assert_string_equal(target.role, "u-1");
    assert_string_equal(bt_tuf_client_audit_head(later), "00ff");
    assert_true(bt_tuf_client_is_demo(later, 1));
    assert_false(bt_tuf_client_is_demo(later, 2));
    assert_int_equal(bt_tuf_client_find(later, "p/a.json", YEAR_2027_MS, &target, NULL), -ETIME);
    assert_int_equal(repository.fetched, 0);
}

static void a_refresh_without_news_asks_two_questions(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    (void)state;
    repository_init(&repository);
    pin(&place, &repository);
    BT_AUTO(bt_tuf_client) client = NULL;
    assert_int_equal(open_client(&place, &repository, &client), 0);
    assert_int_equal(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL), 0);
    repository.fetched = 0;
    assert_int_equal(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL), 0);
    assert_int_equal(repository.fetched, 2);  // the next root, the timestamp
}

// After a bad shutdown of a bad disk the files are anything; they are fetched again.
static void a_damaged_disk_is_no_reason_to_trust(void **state)
{
    static const char *const names[] = {"timestamp", "snapshot", "targets", "u-1"};
    static const char *const contents[] = {"", "{}", "not json"};
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(names) * BT_ARRAY_LEN(contents); i++) {
        PLACE place = make_place();
        REPOSITORY repository;
        struct bt_tuf_target target;
        repository_init(&repository);
        pin(&place, &repository);
        BT_AUTO(bt_tuf_client) client = NULL;
        assert_int_equal(open_client(&place, &repository, &client), 0);
        assert_int_equal(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL), 0);
        const char *content = contents[i / BT_ARRAY_LEN(names)];
        BT_AUTOFREE char *path = bt_strf("%s/%s.json", place.path, names[i % BT_ARRAY_LEN(names)]);
        assert_int_equal(bt_file_replace(path, content, strlen(content), NULL), 0);
        BT_AUTO(bt_tuf_client) later = NULL;
        assert_int_equal(open_client(&place, &repository, &later), 0);
        assert_int_equal(bt_tuf_client_refresh(later, YEAR_2026_MS, NULL), 0);
        assert_int_equal(bt_tuf_client_find(later, "u/1/b.json", YEAR_2026_MS, &target, NULL), 0);
    }
}

static void a_damaged_root_is_said(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    struct bt_tuf_client *client = NULL;
    (void)state;
    repository_init(&repository);
    pin(&place, &repository);
    BT_AUTOFREE char *path = bt_strf("%s/root.json", place.path);
    assert_int_equal(bt_file_replace(path, "{", 1, NULL), 0);
    assert_int_equal(open_client(&place, &repository, &client), -EINVAL);
}

static void what_cannot_be_kept_is_not_trusted(void **state)
{
    PLACE place = make_place();
    REPOSITORY repository;
    struct bt_tuf_versions versions;
    (void)state;
    repository_init(&repository);
    pin(&place, &repository);
    BT_AUTO(bt_tuf_client) client = NULL;
    assert_int_equal(open_client(&place, &repository, &client), 0);
    BT_AUTOFREE char *blocked = bt_strf("%s/snapshot.json/x", place.path);
    assert_int_equal(bt_file_make_dirs(blocked, NULL), 0);
    assert_true(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL) < 0);
    bt_tuf_client_versions(client, &versions);
    assert_int_equal(versions.timestamp, 1);
    assert_int_equal(versions.snapshot, 0);
}

struct paths {
    char text[256];
};

static void add_path(const char *path, void *context)
{
    struct paths *paths = context;
    size_t used = strlen(paths->text);
    assert_int_equal(bt_format(paths->text + used, sizeof(paths->text) - used, "%s ", path), 0);
}

static void targets_are_listed_within_what_a_role_may_sign(void **state)
{
    static const struct {
        const char *role, *prefix, *wanted;
        int code;
    } cases[] = {
        {"targets", "", "p/a.json p/template-a.json ", 0},
        {"targets", "p/template-", "p/template-a.json ", 0},
        {"u-1", "u/1/template-", "u/1/template-b.json ", 0},
        {"u-1", "", "u/1/b.json u/1/template-b.json ", 0},
        {"u-2", "", "", -ENOENT},
        {"em-1", "", "", -ENODATA},
    };
    PLACE place = make_place();
    REPOSITORY repository;
    (void)state;
    repository_init(&repository);
    pin(&place, &repository);
    BT_AUTO(bt_tuf_client) client = NULL;
    assert_int_equal(open_client(&place, &repository, &client), 0);
    assert_int_equal(bt_tuf_client_refresh(client, YEAR_2026_MS, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct paths found = {""};
        int r = bt_tuf_client_list(client, cases[i].role, cases[i].prefix, YEAR_2026_MS, add_path,
                                   &found, NULL);
        assert_int_equal(r, cases[i].code);
        assert_string_equal(found.text, cases[i].wanted);
    }
}

// Repositories that other people's tools made, as files.
static int fetch_file(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOFREE char *name = bt_strf("%s/%s", (const char *)context, path);
    return bt_file_read(name, out, err);
}

static int visit_repository(const char *media, const char *name, const char *root_name,
                            const char *target, const char *now)
{
    PLACE place = make_place();
    struct bt_tuf_target found;
    BT_AUTOBUF root;
    BT_AUTOBUF content;
    int64_t now_ms;
    bt_buf_init(&root, MAX_BYTES);
    bt_buf_init(&content, MAX_BYTES);
    BT_AUTOFREE char *base = bt_strf("%s/tuf/%s", media, name);
    BT_AUTOFREE char *path = bt_strf("%s/%s", base, root_name);
    assert_int_equal(bt_file_read(path, &root, NULL), 0);
    const struct bt_tuf_fetcher fetcher = {.fetch = fetch_file, .context = base};
    BT_AUTO(bt_tuf_client) client = NULL;
    int r = bt_tuf_client_pin(place.path, bt_buf_text(&root), root.len, NULL);
    if (r < 0) {
        return r;
    }
    assert_int_equal(bt_rfc3339_parse(now, &now_ms), 0);
    assert_int_equal(bt_tuf_client_open(place.path, &fetcher, &client, NULL), 0);
    if ((r = bt_tuf_client_refresh(client, now_ms, NULL)) < 0) {
        return r;
    }
    assert_int_equal(bt_tuf_client_find(client, target, now_ms, &found, NULL), 0);
    return bt_tuf_client_download(client, target, &found, &content, NULL);
}

static void repositories_of_other_tools_are_understood(void **state)
{
    static const struct {
        const char *name, *root, *target, *now;
        int code;
    } cases[] = {
        {"tuf-on-ci-0.11", "initial_root.json", "delegatedrole/artifact", "2025-02-09T09:17:23Z",
         0},
        {"tough/tuf-reference-impl", "metadata/1.root.json", "file1.txt", "2026-11-21T00:00:00Z",
         0},
        {"tough/tuf-reference-impl", "metadata/1.root.json", "file3.txt", "2026-11-21T00:00:00Z",
         0},
        {"tough/consistent-snapshots", "metadata/1.root.json", "data1.txt", "2026-11-21T00:00:00Z",
         0},
        {"tough/expired-repository", "metadata/1.root.json", "", "2026-11-21T00:00:00Z", -ETIME},
        {"tough/duplicate-sigs", "root.json", "", "2026-11-21T00:00:00Z", -EINVAL},
        {"tough/simple-rsa", "root.json", "", "2026-11-21T00:00:00Z", -ENODATA},
    };
    (void)state;
    const char *media = getenv("BT_MEDIA");
    if (media == NULL || access(media, R_OK) != 0) {
        skip();
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        int r =
            visit_repository(media, cases[i].name, cases[i].root, cases[i].target, cases[i].now);
        if (r != cases[i].code) {
            fail_msg("%s gives %d instead of %d", cases[i].name, r, cases[i].code);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_trusted_before_a_root_is_pinned),
        cmocka_unit_test(a_pinned_root_stays),
        cmocka_unit_test(a_root_that_vouches_for_nothing_is_not_pinned),
        cmocka_unit_test(what_was_verified_is_there_without_a_network),
        cmocka_unit_test(a_refresh_without_news_asks_two_questions),
        cmocka_unit_test(a_damaged_disk_is_no_reason_to_trust),
        cmocka_unit_test(a_damaged_root_is_said),
        cmocka_unit_test(what_cannot_be_kept_is_not_trusted),
        cmocka_unit_test(targets_are_listed_within_what_a_role_may_sign),
        cmocka_unit_test(repositories_of_other_tools_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
