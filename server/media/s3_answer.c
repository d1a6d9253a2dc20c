#include "server/media/s3_answer.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

struct span {
    const char *at;
    size_t len;
};

static const struct {
    const char *name;
    char character;
} entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

// "<NAME>" or "</NAME>", without attributes, which none of the elements we read has.
static const char *find_tag(struct span in, bool closing, const char *name)
{
    char tag[64];
    if (bt_format(tag, sizeof(tag), closing ? "</%s>" : "<%s>", name) < 0) {
        return NULL;
    }
    return in.len == 0 ? NULL : memmem(in.at, in.len, tag, strlen(tag));
}

// What stands between the first of this name and its end; *out_rest is what comes behind it.
static bool find_element(struct span in, const char *name, struct span *out, struct span *out_rest)
{
    const char *end = in.at + in.len, *open = find_tag(in, false, name);
    if (open == NULL) {
        return false;
    }
    open += strlen(name) + 2;
    const char *close = find_tag((struct span){open, (size_t)(end - open)}, true, name);
    if (close == NULL) {
        return false;
    }
    const char *rest = close + strlen(name) + 3;
    *out = (struct span){open, (size_t)(close - open)};
    *out_rest = (struct span){rest, (size_t)(end - rest)};
    return true;
}

// One character of the text; how many bytes stood for it, 0: none of ours.
static size_t read_character(struct span in, char *out)
{
    if (in.at[0] != '&') {
        *out = in.at[0];
        return in.at[0] != '<' && in.at[0] != '\0';
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(entities); i++) {
        size_t len = strlen(entities[i].name);
        if (in.len >= len && memcmp(in.at, entities[i].name, len) == 0) {
            *out = entities[i].character;
            return len;
        }
    }
    return 0;
}

static int read_text(struct span in, char *out, size_t size)
{
    size_t used = 0;
    while (in.len > 0) {
        char character;
        size_t taken = read_character(in, &character);
        if (taken == 0 || used + 1 >= size) {
            return -EINVAL;
        }
        out[used++] = character;
        in.at += taken;
        in.len -= taken;
    }
    out[used] = '\0';
    return bt_utf8_valid(out, used) ? 0 : -EINVAL;
}

static int read_element(struct span in, const char *name, char *out, size_t size)
{
    struct span text, rest;
    return find_element(in, name, &text, &rest) ? read_text(text, out, size) : -ENOENT;
}

int bt_s3_element(const char *xml, size_t len, const char *name, char *out, size_t size)
{
    return read_element((struct span){xml, len}, name, out, size);
}

static int read_entry(struct span in, struct bt_s3_entry *out)
{
    char size[24];
    int r = read_element(in, "Key", out->key, sizeof(out->key));
    r = r < 0 ? r : read_element(in, "Size", size, sizeof(size));
    return r < 0 ? r : bt_parse_int(size, 0, INT64_MAX / 2, &out->size);
}

static int read_next(struct span in, char out[BT_S3_TOKEN_BYTES])
{
    char more[8];
    out[0] = '\0';
    int r = read_element(in, "IsTruncated", more, sizeof(more));
    if (r == 0 && bt_str_equal(more, "true")) {
        r = read_element(in, "NextContinuationToken", out, BT_S3_TOKEN_BYTES);
        return r == 0 && out[0] == '\0' ? -EINVAL : r;
    }
    return r < 0 || bt_str_equal(more, "false") ? r : -EINVAL;
}

int bt_s3_read_list(const char *xml, size_t len,
                    int (*each)(void *context, const struct bt_s3_entry *entry), void *context,
                    char out_next[BT_S3_TOKEN_BYTES], struct bt_error *err)
{
    struct span in = {xml, len}, one;
    if (len == 0 || memmem(xml, len, "<ListBucketResult", strlen("<ListBucketResult")) == NULL ||
        read_next(in, out_next) < 0) {
        return bt_fail(err, -EINVAL, "The store answers with something that is no list");
    }
    int r = 0;
    while (r == 0 && find_element(in, "Contents", &one, &in)) {
        struct bt_s3_entry entry;
        r = read_entry(one, &entry);
        r = r < 0 ? bt_fail(err, -EINVAL, "The store lists something that is no object")
                  : each(context, &entry);
    }
    return r;
}
