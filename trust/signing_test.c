#include "trust/signing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define NEW_YEAR_2027_MS INT64_C(1798761600000)

// A person with a key.
struct person {
    struct bt_private_key *key;
    cJSON *public_key;
};

static void person_finish(struct person *person)
{
    bt_private_key_destroy(person->key);
    cJSON_Delete(person->public_key);
}

static struct person make_person(const char *holder, enum bt_key_class key_class)
{
    struct person person;
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &person.key, NULL), 0);
    bt_private_key_set_holder(person.key, holder, key_class, NULL);
    person.public_key = bt_private_key_public(person.key);
    return person;
}

#define PERSON BT_AUTOFINISH(person_finish) struct person

static cJSON *part(const cJSON *document, const char *name)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(document, "signed"), name);
}

static void a_root_is_signed_by_whom_it_names(void **state)
{
    (void)state;
    PERSON a = make_person("a", BT_KEY_FILE);
    PERSON b = make_person("b", BT_KEY_FILE);
    const cJSON *both[] = {a.public_key, b.public_key};
    const struct bt_role_keys two = {both, 2, 2}, one = {both, 1, 1};
    const struct bt_root_roles roles = {two, two, one, one};
    BT_AUTOJSON *root = NULL;
    assert_int_equal(bt_signing_root(1, NEW_YEAR_2027_MS, &roles, &root, NULL), 0);
    assert_string_equal(part(root, "expires")->valuestring, "2027-01-01T00:00:00Z");
    assert_true(cJSON_IsTrue(part(root, "consistent_snapshot")));
    assert_int_equal(cJSON_GetArraySize(part(root, "keys")), 2);

    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    const cJSON *role = cJSON_GetObjectItem(part(root, "roles"), "root");
    assert_int_equal(bt_keyring_read(role, part(root, "keys"), &ring, NULL), 0);
    assert_int_equal(bt_signing_sign(root, a.key, NULL), 0);
    assert_int_equal(bt_signing_sign(root, a.key, NULL), 0);
    assert_int_equal(bt_signatures_check(root, &ring, NULL), -EACCES);
    assert_int_equal(bt_signing_sign(root, b.key, NULL), 0);
    assert_int_equal(bt_signatures_check(root, &ring, NULL), 0);
}

static void a_threshold_that_nobody_can_reach_is_refused(void **state)
{
    (void)state;
    PERSON file = make_person("a", BT_KEY_FILE);
    PERSON browser = make_person("a", BT_KEY_BROWSER);
    PERSON second = make_person("b", BT_KEY_BROWSER);
    PERSON third = make_person("c", BT_KEY_BROWSER);
    const struct {
        const cJSON *keys[3];
        size_t count;
        int64_t threshold;
        int result;
    } cases[] = {
        {{file.public_key}, 1, 1, 0},
        {{file.public_key}, 1, 2, -EINVAL},
        {{file.public_key}, 1, 0, -EINVAL},
        {{NULL}, 0, 1, -EINVAL},
        {{file.public_key, browser.public_key}, 2, 2, -EINVAL},  // one person
        {{file.public_key, second.public_key}, 2, 2, 0},
        {{second.public_key, third.public_key}, 2, 2, -EINVAL},  // two browsers
        {{file.public_key, second.public_key, third.public_key}, 3, 3, -EINVAL},
        {{file.public_key, second.public_key, third.public_key}, 3, 2, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOJSON *targets = NULL;
        const struct bt_role_keys keys = {cases[i].keys, cases[i].count, cases[i].threshold};
        assert_int_equal(bt_signing_targets(1, 0, &targets, NULL), 0);
        assert_int_equal(bt_signing_delegate(targets, "u-31333", NULL, 0, &keys, NULL),
                         cases[i].result);
        const cJSON *list = cJSON_GetObjectItem(part(targets, "delegations"), "roles");
        assert_int_equal(cJSON_GetArraySize(list), cases[i].result == 0);
    }
}

static void delegations_are_replaced_and_their_keys_tidied(void **state)
{
    (void)state;
    PERSON a = make_person("a", BT_KEY_FILE);
    PERSON b = make_person("b", BT_KEY_FILE);
    const cJSON *as[] = {a.public_key}, *bs[] = {b.public_key};
    const struct bt_role_keys only_a = {as, 1, 1}, only_b = {bs, 1, 1};
    const char *const patterns[] = {"u/31333/*"};
    BT_AUTOJSON *targets = NULL;
    assert_int_equal(bt_signing_targets(1, 0, &targets, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "u-31333", patterns, 1, &only_a, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "em-31333", NULL, 0, &only_a, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "u-31333", patterns, 1, &only_b, NULL), 0);
    const cJSON *delegations = part(targets, "delegations");
    const cJSON *keys = cJSON_GetObjectItem(delegations, "keys");
    assert_int_equal(cJSON_GetArraySize(keys), 2);
    bt_signing_undelegate(targets, "em-31333");
    assert_int_equal(cJSON_GetArraySize(keys), 1);
    assert_non_null(cJSON_GetObjectItem(keys, bt_private_key_id(b.key)));
    const cJSON *role = cJSON_GetArrayItem(cJSON_GetObjectItem(delegations, "roles"), 0);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(role, "terminating")));
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(role, "paths"), 0)->valuestring,
                        "u/31333/*");
}

static void one_key_belongs_to_one_person(void **state)
{
    (void)state;
    PERSON a = make_person("a", BT_KEY_FILE);
    BT_AUTOJSON *renamed = cJSON_Duplicate(a.public_key, true);
    cJSON_SetValuestring(cJSON_GetObjectItem(renamed, "x-holder"), "b");
    const cJSON *as[] = {a.public_key}, *bs[] = {renamed};
    const struct bt_role_keys one = {as, 1, 1}, other = {bs, 1, 1};
    BT_AUTOJSON *targets = NULL;
    assert_int_equal(bt_signing_targets(1, 0, &targets, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "u-1", NULL, 0, &one, NULL), 0);
    assert_int_equal(bt_signing_delegate(targets, "u-2", NULL, 0, &other, NULL), -EINVAL);
}

static void targets_say_length_and_hash(void **state)
{
    (void)state;
    PERSON a = make_person("a", BT_KEY_FILE);
    BT_AUTOJSON *targets = NULL;
    assert_int_equal(bt_signing_targets(1, 0, &targets, NULL), 0);
    assert_int_equal(bt_signing_sign(targets, a.key, NULL), 0);
    assert_int_equal(bt_signing_set_target(targets, "p/chung.json", "abc", 3, NULL), 0);
    const cJSON *target = cJSON_GetObjectItem(part(targets, "targets"), "p/chung.json");
    assert_true(cJSON_GetObjectItem(target, "length")->valuedouble == 3);
    assert_string_equal(
        cJSON_GetObjectItem(cJSON_GetObjectItem(target, "hashes"), "sha256")->valuestring,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(targets, "signatures")), 0);
    bt_signing_remove_target(targets, "p/chung.json");
    assert_int_equal(cJSON_GetArraySize(part(targets, "targets")), 0);
}

static void the_next_version_has_no_signatures(void **state)
{
    (void)state;
    PERSON a = make_person("a", BT_KEY_FILE);
    BT_AUTOJSON *snapshot = NULL, *next = NULL;
    assert_int_equal(bt_signing_snapshot(7, 0, &snapshot, NULL), 0);
    assert_int_equal(bt_signing_set_meta(snapshot, "targets", 3, NULL), 0);
    assert_int_equal(bt_signing_sign(snapshot, a.key, NULL), 0);
    assert_int_equal(bt_signing_next(snapshot, NEW_YEAR_2027_MS, &next, NULL), 0);
    assert_true(part(next, "version")->valuedouble == 8);
    assert_string_equal(part(next, "expires")->valuestring, "2027-01-01T00:00:00Z");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(next, "signatures")), 0);
    const cJSON *meta = cJSON_GetObjectItem(part(next, "meta"), "targets.json");
    assert_true(cJSON_GetObjectItem(meta, "version")->valuedouble == 3);
}

static void a_timestamp_carries_the_audit_head(void **state)
{
    (void)state;
    BT_AUTOJSON *timestamp = NULL;
    assert_int_equal(bt_signing_timestamp(2, 0, 9, "5be0", &timestamp, NULL), 0);
    assert_string_equal(part(timestamp, "x-audit-head")->valuestring, "5be0");
    const cJSON *meta = cJSON_GetObjectItem(part(timestamp, "meta"), "snapshot.json");
    assert_true(cJSON_GetObjectItem(meta, "version")->valuedouble == 9);
    assert_int_equal(bt_signing_timestamp(0, 0, 9, NULL, &timestamp, NULL), -EINVAL);
}

static void signatures_from_elsewhere_are_hex(void **state)
{
    (void)state;
    BT_AUTOJSON *targets = NULL;
    assert_int_equal(bt_signing_targets(1, 0, &targets, NULL), 0);
    assert_int_equal(bt_signing_add(targets, "k", "", NULL), -EINVAL);
    assert_int_equal(bt_signing_add(targets, "k", "abc", NULL), -EINVAL);
    assert_int_equal(bt_signing_add(targets, "k", "xy", NULL), -EINVAL);
    assert_int_equal(bt_signing_add(targets, "k", "ab", NULL), 0);
    assert_int_equal(bt_signing_add(targets, "k", "cd", NULL), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(targets, "signatures")), 1);
}

static void the_text_reads_back(void **state)
{
    (void)state;
    BT_AUTOJSON *targets = NULL, *again = NULL;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    assert_int_equal(bt_signing_targets(1, NEW_YEAR_2027_MS, &targets, NULL), 0);
    assert_int_equal(bt_signing_text(targets, &text, NULL), 0);
    assert_int_equal(bt_json_parse(text.data, text.len, &again, NULL), 0);
    assert_true(cJSON_Compare(targets, again, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_signed_by_whom_it_names),
        cmocka_unit_test(a_threshold_that_nobody_can_reach_is_refused),
        cmocka_unit_test(delegations_are_replaced_and_their_keys_tidied),
        cmocka_unit_test(one_key_belongs_to_one_person),
        cmocka_unit_test(targets_say_length_and_hash),
        cmocka_unit_test(the_next_version_has_no_signatures),
        cmocka_unit_test(a_timestamp_carries_the_audit_head),
        cmocka_unit_test(signatures_from_elsewhere_are_hex),
        cmocka_unit_test(the_text_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
