#include "trust/metadata.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/canonical.h"

// More people than ever hold keys of one role; the tables below are searched one by one.
#define MAX_KEYS 256
#define MAX_SIGNATURES 256

void bt_keyring_finish(struct bt_keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        bt_key_destroy(ring->keys[i]);
    }
    free(ring->keys);
    *ring = (struct bt_keyring){0};
}

static bool has_key(const struct bt_keyring *ring, const char *keyid)
{
    for (size_t i = 0; i < ring->count; i++) {
        if (strcmp(bt_key_id(ring->keys[i]), keyid) == 0) {
            return true;
        }
    }
    return false;
}

// A key id named twice would let one key be taken for two.
static int check_keyids(const cJSON *keyids, struct bt_error *err)
{
    if (!cJSON_IsArray(keyids) || cJSON_GetArraySize(keyids) > MAX_KEYS) {
        return bt_fail(err, -EINVAL, "'keyids' must be a list of at most %d", MAX_KEYS);
    }
    for (const cJSON *each = keyids->child; each != NULL; each = each->next) {
        if (!cJSON_IsString(each)) {
            return bt_fail(err, -EINVAL, "'keyids' must be texts");
        }
        for (const cJSON *other = keyids->child; other != each; other = other->next) {
            if (strcmp(each->valuestring, other->valuestring) == 0) {
                return bt_fail(err, -EINVAL, "Key '%.64s' is named twice", each->valuestring);
            }
        }
    }
    return 0;
}

static int read_threshold(const cJSON *role, int64_t *out, struct bt_error *err)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(role, "threshold");
    int r = bt_json_whole(value, 1, INT32_MAX, out);
    return r < 0 ? bt_fail(err, r, "'threshold' must be a whole number of at least 1") : 0;
}

// A key that is missing, broken or of a scheme we do not have counts nothing; the others still do.
static void take_key(const cJSON *keys, const char *keyid, struct bt_keyring *ring)
{
    struct bt_key *key = NULL;
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(keys, keyid);
    if (object != NULL && !has_key(ring, keyid) && bt_key_read(object, keyid, &key, NULL) == 0) {
        ring->keys[ring->count++] = key;
    }
}

int bt_keyring_read(const cJSON *role, const cJSON *keys, struct bt_keyring *out,
                    struct bt_error *err)
{
    struct bt_keyring ring = {0};
    const cJSON *keyids = cJSON_GetObjectItemCaseSensitive(role, "keyids");
    int r = check_keyids(keyids, err);
    if (r == 0) {
        r = read_threshold(role, &ring.threshold, err);
    }
    if (r == 0 && !cJSON_IsObject(keys)) {
        r = bt_fail(err, -EINVAL, "'keys' must be an object");
    }
    if (r < 0) {
        return r;
    }
    ring.keys = BT_NEW_ARRAY(struct bt_key *, (size_t)cJSON_GetArraySize(keyids) + 1);
    for (const cJSON *each = keyids->child; each != NULL; each = each->next) {
        take_key(keys, each->valuestring, &ring);
    }
    *out = ring;
    return 0;
}

static const char *text_member(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int check_signatures(const cJSON *signatures, struct bt_error *err)
{
    if (!cJSON_IsArray(signatures) || cJSON_GetArraySize(signatures) > MAX_SIGNATURES) {
        return bt_fail(err, -EINVAL, "'signatures' must be a list of at most %d", MAX_SIGNATURES);
    }
    for (const cJSON *each = signatures->child; each != NULL; each = each->next) {
        const char *keyid = text_member(each, "keyid");
        if (keyid == NULL || text_member(each, "sig") == NULL) {
            return bt_fail(err, -EINVAL, "A signature needs 'keyid' and 'sig'");
        }
        for (const cJSON *other = signatures->child; other != each; other = other->next) {
            if (strcmp(keyid, text_member(other, "keyid")) == 0) {
                return bt_fail(err, -EINVAL, "Two signatures of key '%.64s'", keyid);
            }
        }
    }
    return 0;
}

// Empty and odd ones occur: tools leave a place for those who have not signed yet.
static bool is_signed_by(const cJSON *signatures, const struct bt_key *key,
                         const struct bt_buf *bytes)
{
    uint8_t raw[BT_SIGNATURE_MAX_BYTES];
    for (const cJSON *each = signatures->child; each != NULL; each = each->next) {
        if (strcmp(text_member(each, "keyid"), bt_key_id(key)) != 0) {
            continue;
        }
        const char *hex = text_member(each, "sig");
        size_t len = strlen(hex) / 2;
        return strlen(hex) % 2 == 0 && len > 0 && len <= sizeof(raw) &&
               bt_unhex(hex, raw, len) == 0 &&
               bt_key_verifies(key, bytes->data, bytes->len, raw, len);
    }
    return false;
}

static bool is_same_person(const struct bt_key *a, const struct bt_key *b)
{
    return strcmp(bt_key_holder(a), bt_key_holder(b)) == 0 || bt_key_same(a, b);
}

struct tally {
    const struct bt_key *counted[MAX_KEYS];  // one key of each person
    size_t count;
};

static bool is_counted(const struct tally *tally, const struct bt_key *key)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (is_same_person(tally->counted[i], key)) {
            return true;
        }
    }
    return false;
}

// Keys of class browser come last, so that a person who signed twice is counted by the better one.
static void count_people(const cJSON *signatures, const struct bt_keyring *ring,
                         const struct bt_buf *bytes, bool browser, struct tally *tally)
{
    for (size_t i = 0; i < ring->count; i++) {
        const struct bt_key *key = ring->keys[i];
        if ((bt_key_class(key) == BT_KEY_BROWSER) != browser || is_counted(tally, key) ||
            !is_signed_by(signatures, key, bytes)) {
            continue;
        }
        tally->counted[tally->count++] = key;
        if (browser) {
            return;
        }
    }
}

int bt_signatures_count(const cJSON *document, const struct bt_keyring *ring, int64_t *out,
                        struct bt_error *err)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    const cJSON *signatures = cJSON_GetObjectItemCaseSensitive(document, "signatures");
    if (!cJSON_IsObject(body)) {
        return bt_fail(err, -EINVAL, "'signed' must be an object");
    }
    int r = check_signatures(signatures, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, BT_METADATA_MAX_BYTES);
    if ((r = bt_canonical_json(body, &bytes, err)) < 0) {
        return r;
    }
    assert(ring->count <= MAX_KEYS);
    struct tally tally = {.count = 0};
    count_people(signatures, ring, &bytes, false, &tally);
    count_people(signatures, ring, &bytes, true, &tally);
    *out = (int64_t)tally.count;
    return 0;
}

int bt_signatures_check(const cJSON *document, const struct bt_keyring *ring, struct bt_error *err)
{
    int64_t valid;
    int r = bt_signatures_count(document, ring, &valid, err);
    if (r < 0) {
        return r;
    }
    if (valid < ring->threshold) {
        return bt_fail(err, -EACCES, "%lld signatures needed, %lld valid",
                       (long long)ring->threshold, (long long)valid);
    }
    return 0;
}
