#include "trust/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"

static const char text[] = "lượt phát";

static void make(struct bt_seal_pair *out, enum bt_private_kind kind, int expected)
{
    BT_AUTO(bt_private_key) key = NULL;
    struct bt_seal_pair again;
    assert_int_equal(bt_private_key_generate(kind, &key, NULL), 0);
    assert_int_equal(bt_seal_pair_of(key, out, NULL), expected);
    if (expected == 0) {
        assert_int_equal(bt_seal_pair_of(key, &again, NULL), 0);
        assert_memory_equal(out, &again, sizeof(again));
    }
}

static void only_who_it_was_sealed_to_opens_it(void **state)
{
    (void)state;
    struct bt_seal_pair pair, other;
    BT_AUTOBUF box, content;
    make(&pair, BT_PRIVATE_ED25519, 0);
    make(&other, BT_PRIVATE_ED25519, 0);
    bt_buf_init(&box, 1024);
    bt_buf_init(&content, 1024);
    assert_int_equal(bt_seal(pair.public_key, text, sizeof(text), &box, NULL), 0);
    assert_int_equal(box.len, sizeof(text) + BT_SEAL_EXTRA_BYTES);
    assert_int_equal(bt_seal_open(&other, box.data, box.len, &content, NULL), -EBADMSG);
    assert_int_equal(bt_seal_open(&pair, box.data, box.len, &content, NULL), 0);
    assert_memory_equal(content.data, text, sizeof(text));
}

static void a_changed_box_does_not_open(void **state)
{
    (void)state;
    struct bt_seal_pair pair;
    BT_AUTOBUF box, content;
    make(&pair, BT_PRIVATE_ED25519, 0);
    bt_buf_init(&box, 1024);
    bt_buf_init(&content, 1024);
    assert_int_equal(bt_seal(pair.public_key, text, sizeof(text), &box, NULL), 0);
    for (size_t i = 0; i < box.len; i++) {
        box.data[i] ^= 1;
        assert_int_equal(bt_seal_open(&pair, box.data, box.len, &content, NULL), -EBADMSG);
        assert_int_equal(bt_seal_open(&pair, box.data, i, &content, NULL), -EBADMSG);
        box.data[i] ^= 1;
    }
}

static void a_key_that_signs_by_chance_makes_no_pair(void **state)
{
    (void)state;
    struct bt_seal_pair pair;
    make(&pair, BT_PRIVATE_P256, -ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_it_was_sealed_to_opens_it),
        cmocka_unit_test(a_changed_box_does_not_open),
        cmocka_unit_test(a_key_that_signs_by_chance_makes_no_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
