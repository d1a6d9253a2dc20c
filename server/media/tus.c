#include "server/media/tus.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/str.h"

#define METADATA_MAX_BYTES 4096

static int read_length(const char *text, int64_t *out, struct bt_error *err)
{
    if (text == NULL) {
        return bt_fail(err, -EINVAL, "Upload-Length is missing");
    }
    if (bt_parse_int(text, 1, INT64_MAX, out) < 0) {
        return bt_fail(err, -EINVAL, "Upload-Length is not a length");
    }
    if (*out > BT_TUS_MAX_BYTES) {
        return bt_fail(err, -EFBIG, "The file is larger than %lld bytes",
                       (long long)BT_TUS_MAX_BYTES);
    }
    return 0;
}

// Text that people will read: valid, without unseen characters, cut to its room.
static int decode(const char *base64, size_t len, char *out, size_t size, struct bt_error *err)
{
    char text[METADATA_MAX_BYTES];
    size_t text_len = 0;
    if (sodium_base642bin((unsigned char *)text, sizeof(text) - 1, base64, len, NULL, &text_len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return bt_fail(err, -EINVAL, "Upload-Metadata is not base64");
    }
    text[text_len] = '\0';
    if (!bt_utf8_valid(text, text_len)) {
        return bt_fail(err, -EINVAL, "Upload-Metadata is not UTF-8");
    }
    for (size_t i = 0; i < text_len; i++) {
        text[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7F ? ' ' : text[i];
    }
    bt_copy_cut(out, size, text);
    return 0;
}

// Names come with either slash; they are for people, never for a file system.
static void keep_last_part(char *name)
{
    char *last = name;
    for (char *at = name; *at != '\0'; at++) {
        last = *at == '/' || *at == '\\' ? at + 1 : last;
    }
    memmove(name, last, strlen(last) + 1);
}

struct pair {
    const char *key, *value;
    size_t key_len, value_len;
};

// The next "key value" up to the comma; false at the end.
static bool next_pair(const char **at, struct pair *out)
{
    *at += strspn(*at, " ,");
    if (**at == '\0') {
        return false;
    }
    out->key = *at;
    out->key_len = strcspn(*at, " ,");
    *at += out->key_len;
    *at += strspn(*at, " ");
    out->value = *at;
    out->value_len = strcspn(*at, " ,");
    *at += out->value_len;
    return true;
}

static bool is_key(const struct pair *pair, const char *key)
{
    return strlen(key) == pair->key_len && memcmp(key, pair->key, pair->key_len) == 0;
}

static int read_pair(const struct pair *pair, struct bt_tus_creation *out, struct bt_error *err)
{
    if (is_key(pair, "unit")) {
        return decode(pair->value, pair->value_len, out->unit, sizeof(out->unit), err);
    }
    if (is_key(pair, "title")) {
        return decode(pair->value, pair->value_len, out->title, sizeof(out->title), err);
    }
    if (is_key(pair, "filename") && out->title[0] == '\0') {
        int r = decode(pair->value, pair->value_len, out->title, sizeof(out->title), err);
        keep_last_part(out->title);
        return r;
    }
    return 0;
}

int bt_tus_read_creation(const char *length, const char *metadata, struct bt_tus_creation *out,
                         struct bt_error *err)
{
    struct bt_tus_creation creation = {0};
    int r = read_length(length, &creation.size, err);
    if (r < 0) {
        return r;
    }
    if (metadata == NULL || strlen(metadata) > METADATA_MAX_BYTES) {
        return bt_fail(err, -EINVAL, "Upload-Metadata is missing or too long");
    }
    struct pair pair;
    while (next_pair(&metadata, &pair)) {
        r = read_pair(&pair, &creation, err);
        if (r < 0) {
            return r;
        }
    }
    if (creation.unit[0] == '\0' || creation.title[0] == '\0') {
        return bt_fail(err, -EINVAL, "Upload-Metadata names no unit or no title");
    }
    *out = creation;
    return 0;
}
