#include "plays/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_COUNT 9007199254740991LL
#define MAX_MS 253402300799999LL

#define PACK_LEVEL 3
#define SIGNATURE_HEX ((size_t)2 * BT_BATCH_SIGNATURE_BYTES)

// Of the records alone. Even what cannot be compressed stays below BT_BATCH_MAX_PACKED with header
// and signature, so sealing a batch never fails by its size.
#define MAX_RECORD_BYTES                                                                           \
    (BT_BATCH_MAX_PACKED - (BT_BATCH_MAX_PACKED >> 7) - BT_BATCH_MAX_HEADER - 512)

/*
 * Making one.
 */

struct bt_batch_maker {
    int64_t first, count;
    struct bt_sha256 prev, head;
    struct bt_buf records;
};

struct bt_batch_maker *bt_batch_maker_create(const struct bt_sha256 *prev, int64_t first)
{
    struct bt_batch_maker *maker = BT_NEW(struct bt_batch_maker);
    maker->first = first;
    maker->prev = *prev;
    maker->head = *prev;
    bt_buf_init(&maker->records, MAX_RECORD_BYTES);
    return maker;
}

void bt_batch_maker_destroy(struct bt_batch_maker *maker)
{
    if (maker != NULL) {
        bt_buf_finish(&maker->records);
        free(maker);
    }
}

size_t bt_batch_maker_count(const struct bt_batch_maker *maker)
{
    return (size_t)maker->count;
}

int64_t bt_batch_maker_next(const struct bt_batch_maker *maker)
{
    return maker->first + maker->count;
}

// It begins as bt_record_seal writes it; looked at by hand, since it is done for every record.
static bool begins_with(const char *body, size_t len, int64_t seq)
{
    static const char prefix[] = "{\"format\":1,\"seq\":";
    static_assert(BT_PLAY_FORMAT == 1, "the prefix says it");
    size_t at = sizeof(prefix) - 1;
    int64_t number = 0;
    if (len < at || memcmp(body, prefix, at) != 0 || at == len || body[at] == '0') {
        return false;
    }
    for (; at < len && body[at] >= '0' && body[at] <= '9' && number <= MAX_COUNT / 10; at++) {
        number = number * 10 + (body[at] - '0');
    }
    return at < len && body[at] == ',' && number == seq;
}

// The record is the one with this number and stands on one line.
static int check_record(const char *body, size_t len, int64_t seq, struct bt_error *err)
{
    if (len > BT_RECORD_MAX_BYTES) {
        return bt_fail(err, -EINVAL, "record %lld is longer than %d bytes", (long long)seq,
                       BT_RECORD_MAX_BYTES);
    }
    if (!begins_with(body, len, seq) || memchr(body, '\n', len) != NULL) {
        return bt_fail(err, -EINVAL, "record %lld does not begin with its format and number",
                       (long long)seq);
    }
    return 0;
}

int bt_batch_maker_add(struct bt_batch_maker *maker, const struct bt_row *row, struct bt_error *err)
{
    if (row->seq != maker->first + maker->count) {
        return bt_fail(err, -EINVAL, "record %lld where %lld was expected", (long long)row->seq,
                       (long long)(maker->first + maker->count));
    }
    if (maker->count == BT_BATCH_MAX_RECORDS ||
        maker->records.len + row->len + 1 > maker->records.limit) {
        return 0;
    }
    struct bt_sha256 hash = bt_chain_next(&maker->head, row->body, row->len);
    if (memcmp(&hash, &row->hash, sizeof(hash)) != 0) {
        return bt_fail(err, -EINVAL, "the hash of record %lld does not match", (long long)row->seq);
    }
    int r = check_record(row->body, row->len, row->seq, err);
    if (r < 0) {
        return r;
    }
    r = bt_buf_append(&maker->records, row->body, row->len);
    r = r < 0 ? r : bt_buf_append(&maker->records, "\n", 1);
    if (r < 0) {
        return bt_fail(err, r, "No memory for record %lld", (long long)row->seq);
    }
    maker->head = hash;
    maker->count++;
    return 1;
}

static int append_boots(const struct bt_batch_header *header, struct bt_buf *out)
{
    int r = 0;
    for (size_t i = 0; i < header->boot_count && r == 0; i++) {
        r = bt_buf_appendf(out, "%s{\"boot\":", i == 0 ? "" : ",");
        r = r < 0 ? r : bt_json_append_string(out, header->boots[i].boot);
        r = r < 0 ? r
                  : bt_buf_appendf(out, ",\"offset_ms\":%lld}",
                                   (long long)header->boots[i].offset_ms);
    }
    return r;
}

static int append_since(const struct bt_batch_header *header, struct bt_buf *out)
{
    return header->since_ms > 0
               ? bt_buf_appendf(out, ",\"since_ms\":%lld", (long long)header->since_ms)
               : 0;
}

static int append_header(const struct bt_batch_header *header, struct bt_buf *out)
{
    char prev[BT_SHA256_HEX_BYTES], head[BT_SHA256_HEX_BYTES];
    bt_hex(header->prev.bytes, BT_SHA256_BYTES, prev);
    bt_hex(header->head.bytes, BT_SHA256_BYTES, head);
    int r = bt_buf_appendf(out, "{\"format\":%d,\"player\":", BT_BATCH_FORMAT);
    r = r < 0 ? r : bt_json_append_string(out, header->player);
    r = r < 0 ? r : bt_buf_appendf(out, ",\"journal\":");
    r = r < 0 ? r : bt_json_append_string(out, header->journal);
    r = r < 0 ? r
              : bt_buf_appendf(out,
                               ",\"first\":%lld,\"count\":%lld,\"prev\":\"%s\",\"head\":\"%s\","
                               "\"base_seq\":%lld,\"more\":%s,\"now\":{\"wall_ms\":%lld,"
                               "\"mono_ms\":%lld,\"boot\":",
                               (long long)header->first, (long long)header->count, prev, head,
                               (long long)header->base_seq, header->more ? "true" : "false",
                               (long long)header->now.wall_ms,
                               (long long)(header->now.mono_ns / BT_NS_PER_MS));
    r = r < 0 ? r : bt_json_append_string(out, header->boot);
    r = r < 0 ? r
              : bt_buf_appendf(out, ",\"clock\":\"%s\"},\"boots\":[",
                               bt_clock_trust_word(header->now.clock_trust));
    r = r < 0 ? r : append_boots(header, out);
    r = r < 0 ? r : bt_buf_append(out, "]", 1);
    r = r < 0 ? r : append_since(header, out);
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

int bt_batch_maker_header(const struct bt_batch_maker *maker, struct bt_batch_header *header,
                          struct bt_buf *out, struct bt_error *err)
{
    header->first = maker->first;
    header->count = maker->count;
    header->prev = maker->prev;
    header->head = maker->head;
    int r = append_header(header, out);
    if (r == 0 && out->len > BT_BATCH_MAX_HEADER) {
        r = -EMSGSIZE;
    }
    return r < 0 ? bt_fail(err, r, "Cannot build the header of a batch") : 0;
}

static int append_text(const struct bt_batch_maker *maker, const struct bt_buf *header,
                       const uint8_t *signature, struct bt_buf *text)
{
    char hex[SIGNATURE_HEX + 1];
    bt_hex(signature, BT_BATCH_SIGNATURE_BYTES, hex);
    int r = bt_buf_append(text, header->data, header->len);
    r = r < 0 ? r : bt_buf_appendf(text, "\n%s\n", hex);
    return r < 0 ? r : bt_buf_append(text, bt_buf_text(&maker->records), maker->records.len);
}

int bt_batch_maker_seal(const struct bt_batch_maker *maker, const struct bt_buf *header,
                        const uint8_t signature[BT_BATCH_SIGNATURE_BYTES], struct bt_buf *out,
                        struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_BATCH_MAX_BYTES);
    int r = append_text(maker, header, signature, &text);
    if (r < 0) {
        return bt_fail(err, r, "Cannot build the text of a batch");
    }
    size_t room = ZSTD_compressBound(text.len);
    BT_AUTOFREE void *packed = bt_alloc(room);
    size_t len = ZSTD_compress(packed, room, text.data, text.len, PACK_LEVEL);
    if (ZSTD_isError(len)) {
        return bt_fail(err, -EIO, "zstd: %s", ZSTD_getErrorName(len));
    }
    r = bt_buf_append(out, packed, len);
    return r < 0 ? bt_fail(err, r, "The batch is too long") : 0;
}

/*
 * Reading one.
 */

#define FIELD(member, key, kind, ...)                                                              \
    BT_JSON_FIELD(struct bt_batch_header, member, key, kind, __VA_ARGS__)
#define TEXT(member, key)                                                                          \
    FIELD(member, key, BT_JSON_STRING, .min = 1,                                                   \
          .max = sizeof(((struct bt_batch_header *)NULL)->member) - 1)

static const char *const clock_words[] = {"unknown", "synced", NULL};

static const struct bt_json_field now_fields[] = {
    FIELD(now.wall_ms, "wall_ms", BT_JSON_INT, .max = MAX_MS),
    FIELD(now.mono_ns, "mono_ms", BT_JSON_INT, .max = MAX_MS),
    TEXT(boot, "boot"),
    FIELD(now.clock_trust, "clock", BT_JSON_ENUM, .words = clock_words),
};

static int read_now(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)target;
    struct bt_batch_header *header = context;
    int r = bt_json_read(value, now_fields, BT_ARRAY_LEN(now_fields), header, NULL, err);
    if (r < 0) {
        return bt_fail_in(err, r, "now");
    }
    header->now.mono_ns *= BT_NS_PER_MS;
    return 0;
}

static const struct bt_json_field boot_fields[] = {
    BT_JSON_FIELD(struct bt_boot_offset, boot, "boot", BT_JSON_STRING, .min = 1,
                  .max = BT_BOOT_ID_BYTES - 1),
    BT_JSON_FIELD(struct bt_boot_offset, offset_ms, "offset_ms", BT_JSON_INT, .min = -MAX_MS,
                  .max = MAX_MS),
};

static int read_boots(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)target;
    struct bt_batch_header *header = context;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > BT_BATCH_MAX_BOOTS) {
        return bt_fail(err, -EINVAL, "'boots' is not a list of at most %d", BT_BATCH_MAX_BOOTS);
    }
    const cJSON *boot;
    cJSON_ArrayForEach(boot, value)
    {
        int r = bt_json_read(boot, boot_fields, BT_ARRAY_LEN(boot_fields),
                             &header->boots[header->boot_count], NULL, err);
        if (r < 0) {
            return bt_fail_in(err, r, "boots[%zu]", header->boot_count);
        }
        header->boot_count++;
    }
    return 0;
}

static const struct bt_json_field header_fields[] = {
    TEXT(player, "player"),
    TEXT(journal, "journal"),
    FIELD(first, "first", BT_JSON_INT, .min = 1, .max = MAX_COUNT - BT_BATCH_MAX_RECORDS),
    FIELD(count, "count", BT_JSON_INT, .max = BT_BATCH_MAX_RECORDS),
    FIELD(prev, "prev", BT_JSON_CUSTOM, .read = bt_json_read_sha256),
    FIELD(head, "head", BT_JSON_CUSTOM, .read = bt_json_read_sha256),
    FIELD(base_seq, "base_seq", BT_JSON_INT, .max = MAX_COUNT),
    FIELD(since_ms, "since_ms", BT_JSON_INT, .max = MAX_MS, .optional = true),
    FIELD(more, "more", BT_JSON_BOOL),
    FIELD(now, "now", BT_JSON_CUSTOM, .read = read_now),
    FIELD(boots, "boots", BT_JSON_CUSTOM, .read = read_boots),
};

static int read_format(const cJSON *json, struct bt_error *err)
{
    int64_t format;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "format");
    if (bt_json_whole(value, 1, MAX_COUNT, &format) < 0) {
        return bt_fail(err, -EINVAL, "'format' is missing or not a number");
    }
    if (format != BT_BATCH_FORMAT) {
        return bt_fail(err, -ENOTSUP, "format %lld is not known to this version",
                       (long long)format);
    }
    return 0;
}

static int read_header(struct bt_batch *batch, struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(batch->header_line, batch->header_len, &json, err);
    r = r < 0 ? r : read_format(json, err);
    r = r < 0 ? r
              : bt_json_read(json, header_fields, BT_ARRAY_LEN(header_fields), &batch->header,
                             &batch->header, err);
    if (r == 0 && batch->header.base_seq >= batch->header.first) {
        r = bt_fail(err, -EINVAL, "'base_seq' is not before 'first'");
    }
    return r < 0 ? bt_fail_in(err, r, "The batch's header") : 0;
}

// Into a text that ends with NUL. What it is to become is known before memory is taken for it.
static int unpack(const void *packed, size_t len, struct bt_buf *text, struct bt_error *err)
{
    if (len > BT_BATCH_MAX_PACKED) {
        return bt_fail(err, -EMSGSIZE, "A batch of more than %d bytes", BT_BATCH_MAX_PACKED);
    }
    unsigned long long size = ZSTD_getFrameContentSize(packed, len);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        ZSTD_findFrameCompressedSize(packed, len) != len) {
        return bt_fail(err, -EINVAL, "Not one zstd frame that says its size");
    }
    if (size > BT_BATCH_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "A batch of more than %d bytes when unpacked",
                       BT_BATCH_MAX_BYTES);
    }
    text->data = malloc((size_t)size + 1);  // allow: its size comes from outside, and is checked
    if (text->data == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a batch");
    }
    text->capacity = (size_t)size + 1;
    size_t got = ZSTD_decompress(text->data, (size_t)size, packed, len);
    if (ZSTD_isError(got) || got != size) {
        return bt_fail(err, -EINVAL, "zstd: %s",
                       ZSTD_isError(got) ? ZSTD_getErrorName(got) : "another size than it says");
    }
    text->len = got;
    text->data[got] = '\0';
    return 0;
}

// The line that begins at *at, without its end, and *at behind it; NULL when it has no end.
static const char *take_line(const struct bt_buf *text, size_t *at, size_t *out_len)
{
    const char *line = text->data + *at;
    const char *end = memchr(line, '\n', text->len - *at);
    if (end == NULL) {
        return NULL;
    }
    *out_len = (size_t)(end - line);
    *at += *out_len + 1;
    return line;
}

static int read_signature(struct bt_batch *batch, size_t *at, struct bt_error *err)
{
    size_t len;
    char hex[SIGNATURE_HEX + 1] = "";
    const char *line = take_line(&batch->text, at, &len);
    if (line != NULL && len == SIGNATURE_HEX) {
        memcpy(hex, line, SIGNATURE_HEX);
    }
    return bt_unhex(hex, batch->signature, BT_BATCH_SIGNATURE_BYTES) < 0
               ? bt_fail(err, -EINVAL, "The batch's second line is not a signature in hex")
               : 0;
}

static int read_records(struct bt_batch *batch, size_t at, struct bt_error *err)
{
    const struct bt_batch_header *header = &batch->header;
    struct bt_sha256 hash = header->prev;
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    batch->lines = BT_NEW_ARRAY(struct bt_batch_line, (size_t)header->count + 1);
    for (int64_t i = 0; i < header->count; i++) {
        struct bt_batch_line *line = &batch->lines[i];
        line->at = at;
        const char *body = take_line(&batch->text, &at, &line->len);
        if (body == NULL) {
            return bt_fail(err, -EINVAL, "The batch has fewer records than it says");
        }
        int r = check_record(body, line->len, header->first + i, err);
        if (r < 0) {
            return r;
        }
        hash = bt_hasher_chain(hasher, &hash, body, line->len);
        line->hash = hash;
    }
    if (at != batch->text.len) {
        return bt_fail(err, -EINVAL, "The batch has more than the records it says");
    }
    return memcmp(&hash, &header->head, sizeof(hash)) != 0
               ? bt_fail(err, -EBADMSG, "The batch's records do not lead to its head")
               : 0;
}

static int read_batch(const void *packed, size_t len, struct bt_batch *batch, struct bt_error *err)
{
    size_t at = 0;
    int r = unpack(packed, len, &batch->text, err);
    if (r < 0) {
        return r;
    }
    batch->header_line = take_line(&batch->text, &at, &batch->header_len);
    if (batch->header_line == NULL || batch->header_len > BT_BATCH_MAX_HEADER) {
        return bt_fail(err, -EINVAL, "The batch's first line is no header");
    }
    r = read_header(batch, err);
    r = r < 0 ? r : read_signature(batch, &at, err);
    return r < 0 ? r : read_records(batch, at, err);
}

int bt_batch_read(const void *packed, size_t len, struct bt_batch *out, struct bt_error *err)
{
    struct bt_batch batch = {0};
    bt_buf_init(&batch.text, BT_BATCH_MAX_BYTES);
    int r = read_batch(packed, len, &batch, err);
    if (r < 0) {
        bt_batch_finish(&batch);
        return r;
    }
    *out = batch;
    return 0;
}

void bt_batch_finish(struct bt_batch *batch)
{
    bt_buf_finish(&batch->text);
    free(batch->lines);
    batch->lines = NULL;
}

int bt_batch_next(const struct bt_batch *batch, struct bt_batch_cursor *cursor, struct bt_row *out)
{
    if (cursor->index >= (size_t)batch->header.count) {
        return 0;
    }
    const struct bt_batch_line *line = &batch->lines[cursor->index];
    *out = (struct bt_row){
        .seq = batch->header.first + (int64_t)cursor->index,
        .hash = line->hash,
        .body = batch->text.data + line->at,
        .len = line->len,
    };
    cursor->index++;
    return 1;
}

int bt_batch_hash_at(const struct bt_batch *batch, int64_t seq, struct bt_sha256 *out)
{
    int64_t first = batch->header.first;
    if (seq < first - 1 || seq >= first + batch->header.count) {
        return -ENOENT;
    }
    *out = seq == first - 1 ? batch->header.prev : batch->lines[seq - first].hash;
    return 0;
}
