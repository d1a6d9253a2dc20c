// The fleet's pure parts: codes, nonces, kinds of orders, keys, the roster.
#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/json.h"
#include "base/str.h"
#include "server/fleet/nonce.h"
#include "server/fleet/order_kind.h"
#include "server/fleet/pairing_code.h"
#include "server/fleet/player_key.h"
#include "server/fleet/roster.h"

static const uint8_t secret[BT_FLEET_SECRET_BYTES] = {1, 2, 3};
static const uint8_t other_secret[BT_FLEET_SECRET_BYTES] = {4};

static void a_code_is_read_however_it_was_typed(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *read;  // NULL: refused
    } cases[] = {
        {"K7WQ-2MXB", "K7WQ-2MXB"},
        {"k7wq2mxb", "K7WQ-2MXB"},
        {" k7wq - 2mxb ", "K7WQ-2MXB"},
        {"K7WQ-2MX", NULL},
        {"K7WQ-2MXBB", NULL},
        {"K7WQ-2MX0", NULL},
        {"K7WQ-2MXI", NULL},
        {"K7WQ-2MXĐ", NULL},
        {"", NULL},
        {"--------------------------------------------K7WQ2MXB", NULL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char code[BT_PAIRING_CODE_BYTES];
        int r = bt_pairing_code_read(cases[i].typed, code);
        assert_int_equal(r, cases[i].read != NULL ? 0 : -EINVAL);
        if (r == 0) {
            assert_string_equal(code, cases[i].read);
        }
    }
}

static void a_made_code_reads_as_itself_and_hashes_by_the_secret(void **state)
{
    (void)state;
    char made[BT_PAIRING_CODE_BYTES], read[BT_PAIRING_CODE_BYTES];
    char one[BT_SHA256_HEX_BYTES], two[BT_SHA256_HEX_BYTES];
    for (int i = 0; i < 100; i++) {
        bt_pairing_code_make(made);
        assert_int_equal(bt_pairing_code_read(made, read), 0);
        assert_string_equal(made, read);
    }
    bt_pairing_code_hash(made, secret, one);
    bt_pairing_code_hash(made, other_secret, two);
    assert_string_not_equal(one, two);
    bt_pairing_code_hash(read, secret, two);
    assert_string_equal(one, two);
}

static void a_nonce_is_good_for_a_minute_and_one_player(void **state)
{
    (void)state;
    char nonce[BT_NONCE_BYTES];
    int64_t now_ms = 1795240000000;
    bt_nonce_make(secret, "d-1", now_ms, nonce);
    assert_int_equal(bt_nonce_check(secret, "d-1", now_ms, nonce), 0);
    assert_int_equal(bt_nonce_check(secret, "d-1", now_ms + BT_NONCE_LIVES_MS, nonce), 0);
    assert_int_equal(bt_nonce_check(secret, "d-1", now_ms + BT_NONCE_LIVES_MS + 1, nonce), -ETIME);
    assert_int_equal(bt_nonce_check(secret, "d-2", now_ms, nonce), -EINVAL);
    assert_int_equal(bt_nonce_check(other_secret, "d-1", now_ms, nonce), -EINVAL);
    assert_int_equal(bt_nonce_check(secret, "d-1", now_ms, "00"), -EINVAL);
    for (size_t i = 0; i < BT_NONCE_BYTES - 1; i++) {
        char changed[BT_NONCE_BYTES];
        memcpy(changed, nonce, sizeof(changed));
        changed[i] = changed[i] == '0' ? '1' : '0';
        assert_int_equal(bt_nonce_check(secret, "d-1", now_ms, changed), -EINVAL);
    }
}

static void a_signature_is_over_exactly_the_text(void **state)
{
    (void)state;
    uint8_t key[crypto_sign_PUBLICKEYBYTES], private_key[crypto_sign_SECRETKEYBYTES];
    uint8_t bytes[crypto_sign_BYTES];
    char public_key[BT_PLAYER_KEY_BYTES], signature[BT_PLAYER_SIGNATURE_BYTES];
    crypto_sign_keypair(key, private_key);
    crypto_sign_detached(bytes, NULL, (const uint8_t *)"abc", 3, private_key);
    bt_hex(key, sizeof(key), public_key);
    bt_hex(bytes, sizeof(bytes), signature);
    assert_true(bt_player_key_verifies(public_key, "abc", signature));
    assert_false(bt_player_key_verifies(public_key, "abd", signature));
    assert_false(bt_player_key_verifies(public_key, "abc", "00"));
    assert_false(bt_player_key_verifies("zz", "abc", signature));
    // A key of small order would verify signatures that nobody made.
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char nothing[BT_PLAYER_SIGNATURE_BYTES];
    memset(nothing, '0', sizeof(nothing) - 1);
    nothing[sizeof(nothing) - 1] = '\0';
    assert_false(bt_player_key_verifies(zeros, "abc", nothing));
}

static void commands_are_read_by_their_kind(void **state)
{
    (void)state;
    static const struct {
        const char *said, *stored;  // NULL: refused
    } cases[] = {
        {"{\"kind\":\"blank\",\"until_ms\":1795240000000}", "{\"until_ms\":1795240000000}"},
        {"{\"kind\":\"blank\"}", "{\"until_ms\":0}"},
        {"{\"kind\":\"unblank\"}", "{}"},
        {"{\"kind\":\"identify\",\"seconds\":600}", "{\"seconds\":600}"},
        {"{\"kind\":\"identify\",\"seconds\":601}", NULL},
        {"{\"kind\":\"volume\",\"percent\":0}", "{\"percent\":0}"},
        {"{\"kind\":\"volume\",\"percent\":50,\"more\":1}", NULL},
        {"{\"kind\":\"takedown\"}", NULL},
        {"{\"kind\":\"emergency_end\"}", NULL},
        {"{\"kind\":\"dance\"}", NULL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOJSON *said = NULL;
        BT_AUTOJSON *stored = NULL;
        const struct bt_order_kind_rule *rule;
        struct bt_error err = {0};
        assert_int_equal(bt_json_parse(cases[i].said, strlen(cases[i].said), &said, NULL), 0);
        int r = bt_order_command_read(said, &rule, &stored, &err);
        assert_int_equal(r, cases[i].stored != NULL ? 0 : -EINVAL);
        if (r == 0) {
            BT_AUTOFREE char *text = cJSON_PrintUnformatted(stored);
            assert_string_equal(text, cases[i].stored);
        }
    }
}

static void only_what_is_done_once_goes_stale(void **state)
{
    (void)state;
    assert_true(bt_order_is_stale("restart", 0, BT_ORDER_STALE_MS + 1));
    assert_false(bt_order_is_stale("restart", 0, BT_ORDER_STALE_MS));
    assert_false(bt_order_is_stale("takedown", 0, INT64_MAX / 2));
    assert_false(bt_order_is_stale("emergency_end", 0, INT64_MAX / 2));
    assert_false(bt_order_is_stale("blank", 0, INT64_MAX / 2));
}

static void the_roster_finds_everybody_whoever_leaves(void **state)
{
    (void)state;
    struct bt_roster roster;
    bt_roster_init(&roster);
    for (int i = 0; i < 1000; i++) {
        char id[16];
        assert_int_equal(bt_format(id, sizeof(id), "d-%d", i), 0);
        bt_roster_add(&roster, id, "s", "/vn/");
    }
    for (int i = 0; i < 1000; i += 2) {
        char id[16];
        assert_int_equal(bt_format(id, sizeof(id), "d-%d", i), 0);
        bt_roster_remove(&roster, bt_roster_find(&roster, id));
        assert_null(bt_roster_find(&roster, id));
    }
    assert_int_equal(roster.count, 500);
    for (size_t i = 0; i < roster.count; i++) {
        assert_int_equal(roster.members[i]->index, i);
        assert_ptr_equal(bt_roster_find(&roster, roster.members[i]->player), roster.members[i]);
    }
    bt_roster_finish(&roster);
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_read_however_it_was_typed),
        cmocka_unit_test(a_made_code_reads_as_itself_and_hashes_by_the_secret),
        cmocka_unit_test(a_nonce_is_good_for_a_minute_and_one_player),
        cmocka_unit_test(a_signature_is_over_exactly_the_text),
        cmocka_unit_test(commands_are_read_by_their_kind),
        cmocka_unit_test(only_what_is_done_once_goes_stale),
        cmocka_unit_test(the_roster_finds_everybody_whoever_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
