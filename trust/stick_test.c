// A client and the words of sticks: what is accepted, and that nothing goes back after it.
#include "trust/stick.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/signing.h"
#include "trust/tuf_client.h"

#define MAX_BYTES (1024 * 1024)
#define NOW_MS INT64_C(1795240000000)
#define LATER_MS (NOW_MS + 300 * BT_MS_PER_DAY)

struct house {
    struct bt_private_key *offline, *timestamp, *snapshot;
    struct {
        char name[64], *text;
    } files[24];
    size_t count;
    char *directory;
};

static void put(struct house *house, const char *name, const char *text)
{
    size_t i = 0;
    while (i < house->count && strcmp(house->files[i].name, name) != 0) {
        i++;
    }
    assert_true(i < BT_ARRAY_LEN(house->files));
    house->count = BT_MAX(house->count, i + 1);
    bt_copy_cut(house->files[i].name, sizeof(house->files[i].name), name);
    free(house->files[i].text);
    house->files[i].text = bt_strdup(text);
}

static char *text_of(const cJSON *document)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    assert_int_equal(bt_signing_text(document, &text, NULL), 0);
    return bt_strdup(bt_buf_text(&text));
}

static void put_signed(struct house *house, const char *name, cJSON *document,
                       const struct bt_private_key *key)
{
    assert_int_equal(bt_signing_sign(document, key, NULL), 0);
    BT_AUTOFREE char *text = text_of(document);
    put(house, name, text);
}

static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    const struct house *house = context;
    for (size_t i = 0; i < house->count; i++) {
        if (strcmp(house->files[i].name, path) == 0) {
            return bt_buf_append(out, house->files[i].text, strlen(house->files[i].text));
        }
    }
    return bt_fail(err, -ENOENT, "There is no '%s'", path);
}

// Snapshot and targets of version n; the snapshot itself lasts a fortnight.
static void put_version(struct house *house, int64_t version)
{
    BT_AUTOJSON *targets = NULL;
    BT_AUTOJSON *snapshot = NULL;
    char name[64];
    assert_int_equal(bt_signing_targets(version, LATER_MS, &targets, NULL), 0);
    assert_int_equal(bt_signing_set_target(targets, "p/a.json", "A", 1, NULL), 0);
    assert_int_equal(bt_format(name, sizeof(name), "metadata/%d.targets.json", (int)version), 0);
    put_signed(house, name, targets, house->offline);
    assert_int_equal(bt_signing_snapshot(version, NOW_MS + 14 * BT_MS_PER_DAY, &snapshot, NULL), 0);
    assert_int_equal(bt_signing_set_meta(snapshot, "targets", version, NULL), 0);
    assert_int_equal(bt_format(name, sizeof(name), "metadata/%d.snapshot.json", (int)version), 0);
    put_signed(house, name, snapshot, house->snapshot);
}

static void put_timestamp(struct house *house, int64_t version, int64_t snapshot)
{
    BT_AUTOJSON *timestamp = NULL;
    assert_int_equal(
        bt_signing_timestamp(version, NOW_MS + 3 * BT_MS_PER_DAY, snapshot, "00", &timestamp, NULL),
        0);
    put_signed(house, "metadata/timestamp.json", timestamp, house->timestamp);
}

static cJSON *key_role(const struct bt_private_key *key, struct bt_role_keys *out,
                       const cJSON **list)
{
    cJSON *public_key = bt_private_key_public(key);
    *list = public_key;
    *out = (struct bt_role_keys){list, 1, 1};
    return public_key;
}

static int setup(void **state)
{
    struct house *house = BT_NEW(struct house);
    struct bt_private_key **const keys[] = {&house->offline, &house->timestamp, &house->snapshot};
    for (size_t i = 0; i < BT_ARRAY_LEN(keys); i++) {
        assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, keys[i], NULL), 0);
    }
    struct bt_role_keys offline, timestamp, snapshot;
    const cJSON *lists[3];
    BT_AUTOJSON *a = key_role(house->offline, &offline, &lists[0]);
    BT_AUTOJSON *b = key_role(house->timestamp, &timestamp, &lists[1]);
    BT_AUTOJSON *c = key_role(house->snapshot, &snapshot, &lists[2]);
    assert_true(a != NULL && b != NULL && c != NULL);
    const struct bt_root_roles roles = {
        .root = offline, .targets = offline, .snapshot = snapshot, .timestamp = timestamp};
    BT_AUTOJSON *root = NULL;
    assert_int_equal(bt_signing_root(1, LATER_MS, &roles, &root, NULL), 0);
    put_signed(house, "metadata/1.root.json", root, house->offline);
    put_version(house, 1);
    put_timestamp(house, 10, 1);
    house->directory = bt_strdup("/tmp/bt-stick-XXXXXX");
    assert_non_null(mkdtemp(house->directory));
    assert_int_equal(bt_tuf_client_pin(house->directory, house->files[0].text,
                                       strlen(house->files[0].text), NULL),
                     0);
    *state = house;
    return 0;
}

static int teardown(void **state)
{
    struct house *house = *state;
    for (size_t i = 0; i < house->count; i++) {
        free(house->files[i].text);
    }
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", house->directory);
    assert_int_equal(system(command),
                     0);  // NOLINT(concurrency-mt-unsafe,bugprone-command-processor)
    bt_private_key_destroy(house->offline);
    bt_private_key_destroy(house->timestamp);
    bt_private_key_destroy(house->snapshot);
    free(house->directory);
    free(house);
    return 0;
}

static struct bt_tuf_client *open_client(struct house *house)
{
    const struct bt_tuf_fetcher fetcher = {.fetch = fetch, .context = house};
    struct bt_tuf_client *client = NULL;
    assert_int_equal(bt_tuf_client_open(house->directory, &fetcher, &client, NULL), 0);
    return client;
}

static cJSON *unsigned_word(int64_t version, int64_t snapshot, int64_t days)
{
    static const char text[] =
        "{\"x-stick\":\"k-1\",\"x-units\":[\"31333\"],\"x-screens\":[\"s-9\"],\"x-seal\":"
        "\"00000000000000000000000000000000000000000000000000000000000000aa\",\"x-told\":{"
        "\"length\":2,\"sha256\":"
        "\"00000000000000000000000000000000000000000000000000000000000000bb\"}}";
    cJSON *body = NULL, *document = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &body, NULL), 0);
    assert_int_equal(bt_stick_write(version, snapshot, NOW_MS, NOW_MS + days * BT_MS_PER_DAY, body,
                                    &document, NULL),
                     0);
    return document;
}

static char *word(const struct house *house, int64_t version, int64_t snapshot, int64_t days)
{
    BT_AUTOJSON *document = unsigned_word(version, snapshot, days);
    assert_int_equal(bt_signing_sign(document, house->timestamp, NULL), 0);
    assert_int_equal(bt_signing_sign(document, house->snapshot, NULL), 0);
    return text_of(document);
}

static int import(struct bt_tuf_client *client, const char *text, int64_t now_ms)
{
    return bt_tuf_client_refresh_stick(client, text, strlen(text), now_ms, NULL);
}

static int find(struct bt_tuf_client *client, int64_t now_ms)
{
    struct bt_tuf_target target;
    return bt_tuf_client_find(client, "p/a.json", now_ms, &target, NULL);
}

static void a_stick_counts_longer_than_timestamp_and_snapshot(void **state)
{
    struct house *house = *state;
    BT_AUTO(bt_tuf_client) client = open_client(house);
    BT_AUTOFREE char *text = word(house, 10, 1, 30);
    int64_t later_ms = NOW_MS + 20 * BT_MS_PER_DAY;
    assert_int_equal(import(client, text, later_ms), 0);
    assert_int_equal(find(client, later_ms), 0);
    assert_int_equal(find(client, NOW_MS + 31 * BT_MS_PER_DAY), -ETIME);
    // And gives the network nothing: what has expired there has expired.
    assert_int_equal(bt_tuf_client_refresh(client, later_ms, NULL), -ETIME);
    assert_true(find(client, later_ms) < 0);
}

static void an_expired_stick_changes_nothing(void **state)
{
    struct house *house = *state;
    BT_AUTO(bt_tuf_client) client = open_client(house);
    BT_AUTOFREE char *text = word(house, 10, 1, 30);
    assert_int_equal(import(client, text, NOW_MS + 30 * BT_MS_PER_DAY), -ETIME);
    assert_int_equal(find(client, NOW_MS), -ESTALE);
}

static void a_stick_for_longer_than_a_month_is_refused(void **state)
{
    struct house *house = *state;
    BT_AUTO(bt_tuf_client) client = open_client(house);
    BT_AUTOJSON *document = unsigned_word(10, 1, 30);
    cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    cJSON_ReplaceItemInObjectCaseSensitive(body, "expires",
                                           cJSON_CreateString("2027-06-01T00:00:00Z"));
    assert_int_equal(bt_signing_sign(document, house->timestamp, NULL), 0);
    assert_int_equal(bt_signing_sign(document, house->snapshot, NULL), 0);
    BT_AUTOFREE char *text = text_of(document);
    assert_int_equal(import(client, text, NOW_MS), -EINVAL);
    assert_int_equal(bt_stick_write(1, 1, NOW_MS, NOW_MS + 32 * BT_MS_PER_DAY, cJSON_CreateObject(),
                                    &document, NULL),
                     -EINVAL);
}

static void one_of_the_two_online_keys_makes_no_stick(void **state)
{
    struct house *house = *state;
    const struct bt_private_key *const keys[] = {house->timestamp, house->snapshot, house->offline};
    BT_AUTO(bt_tuf_client) client = open_client(house);
    for (size_t i = 0; i < BT_ARRAY_LEN(keys); i++) {
        BT_AUTOJSON *document = unsigned_word(10, 1, 30);
        assert_int_equal(bt_signing_sign(document, keys[i], NULL), 0);
        BT_AUTOFREE char *text = text_of(document);
        assert_int_equal(import(client, text, NOW_MS), -EACCES);
    }
}

static void a_sticks_word_is_no_timestamp_and_a_timestamp_no_stick(void **state)
{
    struct house *house = *state;
    BT_AUTO(bt_tuf_client) client = open_client(house);
    BT_AUTOFREE char *text = word(house, 11, 1, 30);
    BT_AUTOJSON *timestamp = NULL;
    assert_int_equal(
        bt_signing_timestamp(11, NOW_MS + 3 * BT_MS_PER_DAY, 1, "00", &timestamp, NULL), 0);
    assert_int_equal(bt_signing_sign(timestamp, house->timestamp, NULL), 0);
    assert_int_equal(bt_signing_sign(timestamp, house->snapshot, NULL), 0);
    BT_AUTOFREE char *other = text_of(timestamp);
    assert_int_equal(import(client, other, NOW_MS), -EINVAL);
    put(house, "metadata/timestamp.json", text);
    assert_int_equal(bt_tuf_client_refresh(client, NOW_MS, NULL), -EINVAL);
}

static void a_stick_does_not_go_back_behind_the_network(void **state)
{
    struct house *house = *state;
    BT_AUTO(bt_tuf_client) client = open_client(house);
    BT_AUTOFREE char *old = word(house, 10, 1, 30);
    put_version(house, 2);
    put_timestamp(house, 12, 2);
    assert_int_equal(bt_tuf_client_refresh(client, NOW_MS, NULL), 0);
    assert_int_equal(import(client, old, NOW_MS), -ESTALE);
    // The same content, of an earlier day, is no step back.
    BT_AUTOFREE char *same = word(house, 11, 2, 30);
    assert_int_equal(import(client, same, NOW_MS), 0);
}

static void the_network_does_not_go_back_behind_a_stick(void **state)
{
    struct house *house = *state;
    put_version(house, 2);
    BT_AUTOFREE char *text = word(house, 12, 2, 30);
    BT_AUTOFREE char *old = word(house, 10, 1, 30);
    for (int life = 0; life < 2; life++) {
        BT_AUTO(bt_tuf_client) client = open_client(house);
        if (life == 0) {
            assert_int_equal(import(client, text, NOW_MS), 0);
        }
        assert_int_equal(bt_tuf_client_refresh(client, NOW_MS, NULL), -ESTALE);
        assert_int_equal(import(client, old, NOW_MS), -ESTALE);
    }
    BT_AUTO(bt_tuf_client) client = open_client(house);
    put_timestamp(house, 13, 2);
    assert_int_equal(bt_tuf_client_refresh(client, NOW_MS, NULL), 0);
    assert_int_equal(find(client, NOW_MS), 0);
}

static void a_stick_that_lacks_something_leaves_all_as_it_was(void **state)
{
    struct house *house = *state;
    BT_AUTO(bt_tuf_client) client = open_client(house);
    assert_int_equal(bt_tuf_client_refresh(client, NOW_MS, NULL), 0);
    BT_AUTOFREE char *text = word(house, 12, 2, 30);
    assert_int_equal(import(client, text, NOW_MS), -ENODATA);
    put_version(house, 2);
    assert_int_equal(import(client, text, NOW_MS), 0);
    assert_int_equal(find(client, NOW_MS), 0);
}

static void a_stick_says_for_whom_it_is(void **state)
{
    (void)state;
    BT_AUTOJSON *document = unsigned_word(3, 1, 30);
    BT_AUTOFREE char *text = text_of(document);
    BT_AUTO(bt_tuf_document) read = NULL;
    struct bt_stick stick;
    assert_int_equal(bt_tuf_document_read(text, strlen(text), "stick", &read, NULL), 0);
    assert_int_equal(bt_stick_read(read, &stick, NULL), 0);
    assert_string_equal(stick.id, "k-1");
    assert_int_equal(stick.issued_ms, NOW_MS / 1000 * 1000);
    assert_int_equal(stick.seal[31], 0xaa);
    assert_int_equal(stick.told.bytes[31], 0xbb);
    assert_true(bt_stick_is_for(&stick, "31333", "s-1"));
    assert_true(bt_stick_is_for(&stick, "1", "s-9"));
    assert_false(bt_stick_is_for(&stick, "3133", "s-99"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_stick_counts_longer_than_timestamp_and_snapshot),
        TEST(an_expired_stick_changes_nothing),
        TEST(a_stick_for_longer_than_a_month_is_refused),
        TEST(one_of_the_two_online_keys_makes_no_stick),
        TEST(a_sticks_word_is_no_timestamp_and_a_timestamp_no_stick),
        TEST(a_stick_does_not_go_back_behind_the_network),
        TEST(the_network_does_not_go_back_behind_a_stick),
        TEST(a_stick_that_lacks_something_leaves_all_as_it_was),
        cmocka_unit_test(a_stick_says_for_whom_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
