#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

// FIPS 180-4's own examples and two more from NIST's CAVP.
static const struct {
    const char *text, *hash;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    {"\x11\xaf", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
};

#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void assert_hash(struct bt_sha256 hash, const char *wanted)
{
    char text[BT_SHA256_HEX_BYTES];
    bt_hex(hash.bytes, sizeof(hash.bytes), text);
    assert_string_equal(text, wanted);
}

static void published_examples_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(vectors); i++) {
        assert_hash(bt_sha256_of(vectors[i].text, strlen(vectors[i].text)), vectors[i].hash);
    }
}

static void a_running_hash_does_not_care_about_the_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 63, 64, 65, 1000, 3};
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    BT_AUTOFREE char *as = bt_alloc(1000);
    memset(as, 'a', 1000);
    size_t left = 1000000;
    for (size_t i = 0; left > 0; i++) {
        size_t piece = BT_MIN(left, pieces[i % BT_ARRAY_LEN(pieces)]);
        bt_hasher_add(hasher, as, piece);
        left -= piece;
    }
    assert_hash(bt_hasher_result(hasher), MILLION_A);
}

static void a_file_is_hashed_and_measured(void **state)
{
    (void)state;
    char path[] = "/tmp/bt-sha256-XXXXXX";
    BT_AUTOCLOSE int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    BT_AUTOFREE char *as = bt_alloc(1000000);
    memset(as, 'a', 1000000);
    assert_int_equal(bt_file_replace(path, as, 1000000, NULL), 0);
    struct bt_sha256 hash;
    int64_t size = 0;
    assert_int_equal(bt_sha256_of_file(path, &hash, &size, NULL), 0);
    assert_hash(hash, MILLION_A);
    assert_int_equal(size, 1000000);
    assert_int_equal(bt_sha256_of_file(path, &hash, NULL, NULL), 0);
    unlink(path);
    struct bt_error err;
    assert_int_equal(bt_sha256_of_file(path, &hash, &size, &err), -ENOENT);
    assert_true(strstr(err.msg, path) != NULL);
    assert_int_equal(bt_sha256_of_file("/", &hash, &size, &err), -EISDIR);
}

// Computed with: { head -c 32 /dev/zero; printf one; } | sha256sum, and so on with that link.
static void links_of_a_chain_depend_on_all_before(void **state)
{
    (void)state;
    struct bt_sha256 zero = {0};
    struct bt_sha256 first = bt_chain_next(&zero, "one", 3);
    assert_hash(first, "4e233ba6ac7032d3894ecea5974fd96176e564b024af45747eb46357af8d2401");
    struct bt_sha256 second = bt_chain_next(&first, "two", 3);
    assert_hash(second, "b9f0cc527d38ea48d83c4c438121181ab01d99e83415306be2ac88792c40a8f3");
    struct bt_sha256 other = bt_chain_next(&zero, "two", 3);
    assert_memory_not_equal(other.bytes, second.bytes, sizeof(other.bytes));
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    for (int i = 0; i < 3; i++) {
        struct bt_sha256 again = bt_hasher_chain(hasher, &zero, "one", 3);
        assert_memory_equal(again.bytes, first.bytes, sizeof(again.bytes));
        again = bt_hasher_chain(hasher, &again, "two", 3);
        assert_memory_equal(again.bytes, second.bytes, sizeof(again.bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples_hold),
        cmocka_unit_test(a_running_hash_does_not_care_about_the_pieces),
        cmocka_unit_test(a_file_is_hashed_and_measured),
        cmocka_unit_test(links_of_a_chain_depend_on_all_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
