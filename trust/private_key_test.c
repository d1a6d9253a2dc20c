#include "trust/private_key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char passphrase[] = "Bốn từ khó đoán";

static int make_path(void **state)
{
    char dir[] = "/tmp/bt-key-XXXXXX";
    assert_non_null(mkdtemp(dir));
    *state = bt_strf("%s/key.json", dir);
    return 0;
}

static int remove_path(void **state)
{
    char *path = *state;
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    free(path);
    return 0;
}

static struct bt_private_key *generate(enum bt_private_kind kind)
{
    struct bt_private_key *key;
    assert_int_equal(bt_private_key_generate(kind, &key, NULL), 0);
    bt_private_key_set_holder(key, "nguyễn văn a", BT_KEY_TOKEN, "Máy ở phòng VHXH");
    return key;
}

static void what_is_signed_is_verified_by_the_public_half(void **state)
{
    (void)state;
    static const enum bt_private_kind kinds[] = {BT_PRIVATE_ED25519, BT_PRIVATE_P256};
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        BT_AUTO(bt_private_key) key = generate(kinds[i]);
        BT_AUTOJSON *object = bt_private_key_public(key);
        BT_AUTO(bt_key) public_key = NULL;
        assert_int_equal(bt_key_read(object, bt_private_key_id(key), &public_key, NULL), 0);
        assert_string_equal(bt_key_holder(public_key), "nguyễn văn a");
        assert_int_equal(bt_key_class(public_key), BT_KEY_TOKEN);
        uint8_t signature[BT_SIGNATURE_MAX_BYTES];
        size_t len;
        assert_int_equal(bt_private_key_sign(key, "xin chào", 9, signature, &len, NULL), 0);
        assert_true(bt_key_verifies(public_key, "xin chào", 9, signature, len));
        signature[len / 2] ^= 1;
        assert_false(bt_key_verifies(public_key, "xin chào", 9, signature, len));
    }
}

static void a_key_file_gives_the_same_key_back(void **state)
{
    static const char *const passphrases[] = {passphrase, NULL};
    for (size_t i = 0; i < BT_ARRAY_LEN(passphrases); i++) {
        BT_AUTO(bt_private_key) key = generate(i == 0 ? BT_PRIVATE_ED25519 : BT_PRIVATE_P256);
        BT_AUTO(bt_private_key) again = NULL;
        struct stat info;
        assert_int_equal(bt_private_key_save(key, *state, passphrases[i], NULL), 0);
        assert_int_equal(stat(*state, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        assert_int_equal(bt_private_key_load(*state, passphrases[i], &again, NULL), 0);
        BT_AUTOJSON *one = bt_private_key_public(key), *other = bt_private_key_public(again);
        assert_true(cJSON_Compare(one, other, true));
        assert_string_equal(bt_private_key_id(key), bt_private_key_id(again));
    }
}

static void the_wrong_passphrase_opens_nothing(void **state)
{
    BT_AUTO(bt_private_key) key = generate(BT_PRIVATE_ED25519);
    BT_AUTO(bt_private_key) again = NULL;
    assert_int_equal(bt_private_key_save(key, *state, passphrase, NULL), 0);
    assert_int_equal(bt_private_key_load(*state, "khác", &again, NULL), -EACCES);
    assert_int_equal(bt_private_key_load(*state, "", &again, NULL), -EACCES);
    assert_int_equal(bt_private_key_load(*state, NULL, &again, NULL), -ENOKEY);
    assert_null(again);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    BT_AUTO(bt_private_key) key = generate(BT_PRIVATE_ED25519);
    BT_AUTO(bt_private_key) again = NULL;
    assert_int_equal(bt_private_key_save(key, *state, NULL, NULL), 0);
    assert_int_equal(chmod(*state, 0640), 0);
    assert_int_equal(bt_private_key_load(*state, NULL, &again, NULL), -EPERM);
}

static cJSON *read_file(const char *path)
{
    BT_AUTOBUF text;
    cJSON *file;
    bt_buf_init(&text, BT_KEY_FILE_MAX_BYTES);
    assert_int_equal(bt_file_read(path, &text, NULL), 0);
    assert_int_equal(bt_json_parse(bt_buf_text(&text), text.len, &file, NULL), 0);
    return file;
}

static int parse(const cJSON *file, const char *with)
{
    BT_AUTO(bt_private_key) key = NULL;
    char *text = cJSON_PrintUnformatted(file);
    int r = bt_private_key_parse(text, strlen(text), with, &key, NULL);
    cJSON_free(text);
    return r;
}

// Each spoils one thing in a good file.
static void changed_files_are_refused(void **state)
{
    static const struct {
        const char *in, *key, *json;
        int result;
    } cases[] = {
        {NULL, "format", "2", -EINVAL},
        {NULL, "keyid", "\"00\"", -EINVAL},
        {NULL, "class", "\"paper\"", -EINVAL},
        {NULL, "secret", "\"abcdef\"", -EINVAL},
        {NULL, "secret", "\"\"", -EINVAL},
        {NULL, "secret", "7", -EINVAL},
        {NULL, "protection", "null", -EINVAL},
        {NULL, "protection", "[]", -EINVAL},
        {NULL, "public", "{}", -EINVAL},
        {"protection", "kdf", "\"MD5\"", -EINVAL},
        {"protection", "cipher", "\"none\"", -EINVAL},
        {"protection", "iterations", "1", -EINVAL},
        {"protection", "iterations", "4000000000", -EINVAL},
        {"protection", "salt", "\"zz\"", -EINVAL},
        {"protection", "iv", "\"000000000000000000000000\"", -EACCES},
    };
    BT_AUTO(bt_private_key) key = generate(BT_PRIVATE_ED25519);
    assert_int_equal(bt_private_key_save(key, *state, passphrase, NULL), 0);
    BT_AUTOJSON *good = read_file(*state);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOJSON *file = cJSON_Duplicate(good, true);
        cJSON *object = cases[i].in != NULL ? cJSON_GetObjectItem(file, cases[i].in) : file;
        cJSON_ReplaceItemInObject(object, cases[i].key, cJSON_Parse(cases[i].json));
        assert_int_equal(parse(file, passphrase), cases[i].result);
    }
    assert_int_equal(parse(good, passphrase), 0);
}

static void another_public_key_in_front_of_a_secret_fools_nobody(void **state)
{
    BT_AUTO(bt_private_key) key = generate(BT_PRIVATE_ED25519);
    BT_AUTO(bt_private_key) other = generate(BT_PRIVATE_ED25519);
    assert_int_equal(bt_private_key_save(other, *state, NULL, NULL), 0);
    BT_AUTOJSON *foreign = read_file(*state);
    assert_int_equal(bt_private_key_save(key, *state, NULL, NULL), 0);
    BT_AUTOJSON *file = read_file(*state);
    cJSON_ReplaceItemInObject(file, "public", cJSON_DetachItemFromObject(foreign, "public"));
    assert_int_equal(parse(file, NULL), -EINVAL);
    cJSON_ReplaceItemInObject(file, "keyid", cJSON_DetachItemFromObject(foreign, "keyid"));
    assert_int_equal(parse(file, NULL), -EACCES);
}

static void the_open_part_is_read_without_a_passphrase(void **state)
{
    BT_AUTO(bt_private_key) key = generate(BT_PRIVATE_P256);
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_KEY_FILE_MAX_BYTES);
    assert_int_equal(bt_private_key_save(key, *state, passphrase, NULL), 0);
    BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0}, exported = {0};
    assert_int_equal(bt_key_facts_load(*state, &facts, NULL), 0);
    assert_string_equal(facts.keyid, bt_private_key_id(key));
    assert_string_equal(facts.label, "Máy ở phòng VHXH");
    assert_true(facts.has_secret && facts.is_protected);
    assert_int_equal(bt_private_key_export(key, &text, NULL), 0);
    assert_int_equal(bt_file_replace(*state, text.data, text.len, NULL), 0);
    assert_int_equal(bt_key_facts_load(*state, &exported, NULL), 0);
    assert_false(exported.has_secret || exported.is_protected);
    assert_true(cJSON_Compare(facts.public_key, exported.public_key, true));
}

#define WITH_PATH(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_verified_by_the_public_half),
        WITH_PATH(a_key_file_gives_the_same_key_back),
        WITH_PATH(the_wrong_passphrase_opens_nothing),
        WITH_PATH(a_file_that_others_can_read_is_refused),
        WITH_PATH(changed_files_are_refused),
        WITH_PATH(another_public_key_in_front_of_a_secret_fools_nobody),
        WITH_PATH(the_open_part_is_read_without_a_passphrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
