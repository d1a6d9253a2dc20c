#include "trust/tuf_root.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "trust/private_key.h"
#include "trust/signing.h"

#define YEAR_2027_MS INT64_C(1798761600000)
#define MAX_SIGNERS 2

struct keys {
    struct bt_private_key *old, *new, *thief;
};

static int set_up(void **state)
{
    struct keys *keys = BT_NEW(struct keys);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &keys->old, NULL), 0);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &keys->new, NULL), 0);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &keys->thief, NULL), 0);
    *state = keys;
    return 0;
}

static int tear_down(void **state)
{
    struct keys *keys = *state;
    bt_private_key_destroy(keys->old);
    bt_private_key_destroy(keys->new);
    bt_private_key_destroy(keys->thief);
    free(keys);
    return 0;
}

// A root that names one key for everything, signed by these.
static char *root_of(int64_t version, const struct bt_private_key *named,
                     const struct bt_private_key *const signers[MAX_SIGNERS])
{
    BT_AUTOBUF text;
    BT_AUTOJSON *root = NULL, *key = bt_private_key_public(named);
    const cJSON *const list[] = {key};
    const struct bt_role_keys role = {list, 1, 1};
    const struct bt_root_roles roles = {role, role, role, role};
    bt_buf_init(&text, BT_TUF_ROOT_MAX_BYTES);
    assert_int_equal(bt_signing_root(version, YEAR_2027_MS, &roles, &root, NULL), 0);
    for (size_t i = 0; i < MAX_SIGNERS && signers[i] != NULL; i++) {
        assert_int_equal(bt_signing_sign(root, signers[i], NULL), 0);
    }
    assert_int_equal(bt_signing_text(root, &text, NULL), 0);
    return bt_strdup(bt_buf_text(&text));
}

static void the_next_root_is_of_both(void **state)
{
    const struct keys *keys = *state;
    const struct bt_private_key *none = NULL;
    const struct {
        int64_t version;
        const struct bt_private_key *named, *signers[MAX_SIGNERS];
        int r;
    } cases[] = {
        {4, keys->old, {keys->old, none}, 0},
        {4, keys->new, {keys->old, keys->new}, 0},
        {4, keys->new, {keys->new, none}, -EACCES},  // the one before does not vouch
        {4, keys->new, {keys->old, none}, -EACCES},  // it does not vouch for itself
        {4, keys->thief, {keys->thief, keys->new}, -EACCES},
        {4, keys->old, {none, none}, -EACCES},
        {3, keys->old, {keys->old, none}, -ESTALE},
        {5, keys->old, {keys->old, none}, -ESTALE},
    };
    BT_AUTO(bt_tuf_document) now = NULL;
    BT_AUTOFREE char *first =
        root_of(3, keys->old, (const struct bt_private_key *[]){keys->old, NULL});
    assert_int_equal(bt_tuf_root_read(first, strlen(first), &now, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_tuf_document) next = NULL;
        BT_AUTOFREE char *text = root_of(cases[i].version, cases[i].named, cases[i].signers);
        assert_int_equal(bt_tuf_root_next(now, text, strlen(text), &next, NULL), cases[i].r);
        assert_true((next != NULL) == (cases[i].r == 0));
    }
}

static void what_is_no_root(void **state)
{
    const struct keys *keys = *state;
    BT_AUTO(bt_tuf_document) root = NULL;
    BT_AUTOFREE char *unsigned_root =
        root_of(1, keys->old, (const struct bt_private_key *[]){NULL, NULL});
    BT_AUTOFREE char *large = malloc(BT_TUF_ROOT_MAX_BYTES + 1);
    assert_non_null(large);
    memset(large, ' ', BT_TUF_ROOT_MAX_BYTES + 1);
    assert_int_equal(bt_tuf_root_read("", 0, &root, NULL), -EINVAL);
    assert_int_equal(bt_tuf_root_read("{}", 2, &root, NULL), -EINVAL);
    assert_int_equal(bt_tuf_root_read(unsigned_root, strlen(unsigned_root), &root, NULL), -EACCES);
    assert_int_equal(bt_tuf_root_read(large, BT_TUF_ROOT_MAX_BYTES + 1, &root, NULL), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_root_is_of_both),
        cmocka_unit_test(what_is_no_root),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
