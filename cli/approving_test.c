#include "cli/approving.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/signing.h"

#define PATH "u/31333/a.json"

static const char old_text[] =
    "{\"version\":1,\"assets\":[{\"name\":\"x\",\"sha256\":\"aa\",\"size\":1}],\"playlists\":"
    "[{\"name\":\"c\",\"items\":[{\"id\":\"i\",\"type\":\"image\",\"asset\":\"x\"}]}]}";
// The item is the same to the letter; the file behind its name is another one.
static const char new_text[] =
    "{\"version\":2,\"assets\":[{\"name\":\"x\",\"sha256\":\"bb\",\"size\":1}],\"playlists\":"
    "[{\"name\":\"c\",\"items\":[{\"id\":\"i\",\"type\":\"image\",\"asset\":\"x\"}]}]}";

// Somebody who may sign for the unit, and the base that they signed.
struct unit {
    struct bt_private_key *key;
    struct bt_keyring ring;
    cJSON *base;
};

static void make_ring(struct unit *unit)
{
    BT_AUTOJSON *keys = cJSON_CreateObject();
    BT_AUTOJSON *role = cJSON_CreateObject();
    const char *keyid = bt_private_key_id(unit->key);
    cJSON_AddItemToObject(keys, keyid, bt_private_key_public(unit->key));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(role, "keyids"), cJSON_CreateString(keyid));
    cJSON_AddNumberToObject(role, "threshold", 1);
    assert_int_equal(bt_keyring_read(role, keys, &unit->ring, NULL), 0);
}

static int make_unit(void **state)
{
    struct unit *unit = BT_NEW(struct unit);
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &unit->key, NULL), 0);
    make_ring(unit);
    assert_int_equal(bt_signing_targets(1, 0, &unit->base, NULL), 0);
    assert_int_equal(bt_signing_set_target(unit->base, PATH, old_text, strlen(old_text), NULL), 0);
    assert_int_equal(bt_signing_sign(unit->base, unit->key, NULL), 0);
    *state = unit;
    return 0;
}

static int drop_unit(void **state)
{
    struct unit *unit = *state;
    bt_private_key_destroy(unit->key);
    bt_keyring_finish(&unit->ring);
    cJSON_Delete(unit->base);
    free(unit);
    return 0;
}

static void add_change(cJSON *to_sign, const char *path, const char *document, const char *present)
{
    cJSON *change = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_GetObjectItem(to_sign, "changes"), change);
    cJSON_AddStringToObject(change, "path", path);
    cJSON_AddItemToObject(change, "document",
                          document != NULL ? cJSON_CreateString(document) : cJSON_CreateNull());
    cJSON_AddItemToObject(change, "present",
                          present != NULL ? cJSON_CreateString(present) : cJSON_CreateNull());
}

// What an honest server answers: a.json changes.
static cJSON *honest(const struct unit *unit)
{
    BT_AUTOJSON *next = NULL;
    assert_int_equal(bt_signing_next(unit->base, 0, &next, NULL), 0);
    assert_int_equal(bt_signing_set_target(next, PATH, new_text, strlen(new_text), NULL), 0);
    cJSON *to_sign = cJSON_CreateObject();
    cJSON_AddStringToObject(to_sign, "role", "u-31333");
    cJSON_AddItemToObject(to_sign, "metadata", cJSON_DetachItemFromObject(next, "signed"));
    cJSON_AddItemToObject(to_sign, "base", cJSON_Duplicate(unit->base, true));
    cJSON_AddArrayToObject(to_sign, "changes");
    add_change(to_sign, PATH, new_text, old_text);
    return to_sign;
}

static cJSON *targets_of(cJSON *to_sign)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(to_sign, "metadata"), "targets");
}

static char *printed(const struct bt_approval *approval)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    bt_approval_print(approval, to);
    fclose(to);
    return text;
}

static void another_file_behind_the_same_name_is_seen(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), 0);
    assert_true(approval.base_trusted);
    assert_int_equal(approval.count, 1);
    BT_AUTOFREE char *text = printed(&approval);
    assert_non_null(strstr(text, "- trước / before: c/i  image  aa"));
    assert_non_null(strstr(text, "+ sau / after:  c/i  image  bb"));
    BT_AUTOJSON *assets = bt_approval_assets(&approval);
    assert_int_equal(cJSON_GetArraySize(assets), 1);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(assets, 0), "sha256")->valuestring,
                        "bb");
}

static void without_known_signatures_everything_is_new(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0}, other = {0};
    assert_int_equal(bt_approval_read(to_sign, NULL, &approval, NULL), 0);
    assert_false(approval.base_trusted);
    assert_null(approval.changes[0].present);
    // A base that nobody signed.
    cJSON *base = cJSON_GetObjectItem(to_sign, "base");
    cJSON_ReplaceItemInObject(base, "signatures", cJSON_CreateArray());
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &other, NULL), 0);
    assert_false(other.base_trusted);
}

static void an_old_base_does_not_hide_what_came_since(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(to_sign, "metadata"), "version",
                              cJSON_CreateNumber(7));
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), 0);
    assert_false(approval.base_trusted);
}

static void a_change_that_is_not_shown_is_not_signed(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    BT_AUTOJSON *hidden = cJSON_Duplicate(cJSON_GetObjectItem(targets_of(to_sign), PATH), true);
    cJSON_AddItemToObject(targets_of(to_sign), "u/31333/b.json", BT_TAKE(hidden));
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), -EBADMSG);
}

static void a_document_with_another_hash_is_not_signed(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    cJSON *change = cJSON_GetArrayItem(cJSON_GetObjectItem(to_sign, "changes"), 0);
    cJSON_ReplaceItemInObject(change, "document", cJSON_CreateString(old_text));
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), -EBADMSG);
}

static void what_is_shown_as_present_must_be_it(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    cJSON *change = cJSON_GetArrayItem(cJSON_GetObjectItem(to_sign, "changes"), 0);
    cJSON_ReplaceItemInObject(change, "present", cJSON_CreateString(new_text));
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), -EBADMSG);
}

static void paths_of_other_units_are_not_signed(void **state)
{
    const struct unit *unit = *state;
    static const char *const foreign[] = {"u/31334/a.json", "p/chung.json", "servers.json",
                                          "s/31333/s-1.json", "u/313330/a.json"};
    for (size_t i = 0; i < BT_ARRAY_LEN(foreign); i++) {
        BT_AUTOJSON *to_sign = honest(unit);
        BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
        cJSON *target = cJSON_Duplicate(cJSON_GetObjectItem(targets_of(to_sign), PATH), true);
        cJSON_AddItemToObject(targets_of(to_sign), foreign[i], target);
        add_change(to_sign, foreign[i], new_text, NULL);
        assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), -EBADMSG);
    }
}

// A signature on content must not be one on who may sign.
static void nothing_but_targets_may_change(void **state)
{
    const struct unit *unit = *state;
    static const struct {
        const char *key, *json;
    } cases[] = {
        {"delegations", "{\"keys\":{},\"roles\":[]}"},
        {"x-anything", "1"},
        {"_type", "\"root\""},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOJSON *to_sign = honest(unit);
        BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
        cJSON *metadata = cJSON_GetObjectItem(to_sign, "metadata");
        cJSON_DeleteItemFromObject(metadata, cases[i].key);
        cJSON_AddItemToObject(metadata, cases[i].key, cJSON_Parse(cases[i].json));
        assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), -EBADMSG);
    }
}

static void what_goes_is_shown_as_going(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    cJSON_DeleteItemFromObject(targets_of(to_sign), PATH);
    cJSON *changes = cJSON_GetObjectItem(to_sign, "changes");
    cJSON_DeleteItemFromArray(changes, 0);
    add_change(to_sign, PATH, NULL, old_text);
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), 0);
    BT_AUTOFREE char *text = printed(&approval);
    assert_non_null(strstr(text, "GỠ BỎ / REMOVED: " PATH));
}

// A document beside the old one, as it is printed.
static char *printed_change(const struct unit *unit, const char *document)
{
    BT_AUTOJSON *to_sign = honest(unit);
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    cJSON *targets = cJSON_GetObjectItem(to_sign, "metadata");
    BT_AUTOJSON *whole = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(whole, "signed", targets);
    assert_int_equal(bt_signing_set_target(whole, PATH, document, strlen(document), NULL), 0);
    cJSON_DeleteItemFromArray(cJSON_GetObjectItem(to_sign, "changes"), 0);
    add_change(to_sign, PATH, document, old_text);
    assert_int_equal(bt_approval_read(to_sign, &unit->ring, &approval, NULL), 0);
    return printed(&approval);
}

static void nothing_is_cut_away_or_left_out(void **state)
{
    const struct unit *unit = *state;
    char words[3000];
    memset(words, 'a', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    BT_AUTOFREE char *document =
        bt_strf("{\"version\":2,\"playlists\":[{\"name\":\"c\",\"items\":[{\"id\":\"j\",\"type\":"
                "\"stream\",\"text\":\"%s the end\",\"url\":\"https://example.vn/\xC2\x9B\"}]}]}",
                words);
    BT_AUTOFREE char *text = printed_change(unit, document);
    assert_non_null(strstr(text, " the end"));
    assert_non_null(strstr(text, "https://example.vn/ "));
    assert_null(strstr(text, "\xC2\x9B"));
}

static void an_item_that_moves_is_seen(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOFREE char *text = printed_change(
        unit,
        "{\"version\":2,\"assets\":[{\"name\":\"x\",\"sha256\":\"aa\",\"size\":1}],\"playlists\":"
        "[{\"name\":\"c\",\"weight\":2,\"items\":[{\"id\":\"i\",\"type\":\"image\",\"asset\":\"x\"}"
        "]}]}");
    assert_non_null(strstr(text, "* playlists"));
    assert_non_null(strstr(text, "\"weight\":2"));
}

static void what_is_heard_is_said(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOFREE char *text = printed_change(
        unit, "{\"version\":2,\"playlists\":[{\"name\":\"c\",\"items\":[{\"id\":\"j\","
              "\"type\":\"video\",\"volume_percent\":60}]}],\"sound\":[{\"times\":"
              "\"06:00-21:00\",\"volume_percent\":50}]}");
    assert_non_null(strstr(text, "Có âm thanh / with sound: 60 %\n"));
    assert_non_null(strstr(text, "* sound"));
}

static void a_live_stream_is_told_in_words(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOFREE char *text = printed_change(
        unit,
        "{\"version\":2,\"playlists\":[{\"name\":\"c\",\"items\":[{\"id\":\"i\",\"type\":"
        "\"stream\","
        "\"url\":\"https://dai.example.vn:8443/1.m3u8\",\"pins\":[\"sha256//A\"]},"
        "{\"id\":\"j\",\"type\":\"stream\",\"local\":\"hoi-truong\",\"volume_percent\":40}]}]}");
    assert_non_null(strstr(text, "Truyền trực tiếp từ / live from: dai.example.vn:8443\n"));
    assert_non_null(strstr(text, "sha256//A"));
    assert_non_null(strstr(text, "nguồn tại chỗ / live from the player's own: hoi-truong\n"
                                 "      Có âm thanh / with sound: 40 %\n"));
}

static void how_a_text_looks_is_told_in_words(void **state)
{
    const struct unit *unit = *state;
    BT_AUTOFREE char *text = printed_change(
        unit, "{\"version\":2,\"playlists\":[{\"name\":\"c\",\"items\":[{\"id\":\"i\",\"type\":"
              "\"text\",\"text\":\"Chào\",\"style\":{\"bold\":true,\"outline\":{\"px\":2,"
              "\"colour\":\"#000000\"}}}]}]}");
    assert_non_null(strstr(text, "        Kiểu chữ: đậm, viền 2 px #000000 / style: bold, outline "
                                 "2 px #000000\n"));
}

#define WITH_UNIT(test) cmocka_unit_test_setup_teardown(test, make_unit, drop_unit)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_UNIT(another_file_behind_the_same_name_is_seen),
        WITH_UNIT(without_known_signatures_everything_is_new),
        WITH_UNIT(an_old_base_does_not_hide_what_came_since),
        WITH_UNIT(a_change_that_is_not_shown_is_not_signed),
        WITH_UNIT(a_document_with_another_hash_is_not_signed),
        WITH_UNIT(what_is_shown_as_present_must_be_it),
        WITH_UNIT(paths_of_other_units_are_not_signed),
        WITH_UNIT(nothing_but_targets_may_change),
        WITH_UNIT(what_goes_is_shown_as_going),
        WITH_UNIT(nothing_is_cut_away_or_left_out),
        WITH_UNIT(an_item_that_moves_is_seen),
        WITH_UNIT(what_is_heard_is_said),
        WITH_UNIT(a_live_stream_is_told_in_words),
        WITH_UNIT(how_a_text_looks_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
