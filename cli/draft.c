#include "cli/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

struct bt_draft {
    struct bt_draft_options options;
    struct entry {
        struct bt_draft_file file;
        size_t asset;  // index of the entry that carries the content
    } * entries;
    size_t count, capacity;
};

struct bt_draft *bt_draft_create(const struct bt_draft_options *options)
{
    struct bt_draft *draft = BT_NEW(struct bt_draft);
    draft->options = *options;
    return draft;
}

void bt_draft_destroy(struct bt_draft *draft)
{
    if (draft == NULL) {
        return;
    }
    free(draft->entries);
    free(draft);
}

static bool id_is_taken(const struct bt_draft *draft, const char *id)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (strcmp(draft->entries[i].file.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int choose_id(const struct bt_draft *draft, const char *wish, char *out)
{
    int r = bt_format(out, BT_ID_BYTES, "%s", wish);
    for (int number = 2; r == 0 && id_is_taken(draft, out); number++) {
        r = bt_format(out, BT_ID_BYTES, "%s-%d", wish, number);
    }
    return r;
}

static size_t find_content(const struct bt_draft *draft, const struct bt_sha256 *sha256)
{
    size_t i = 0;
    while (i < draft->count &&
           memcmp(&draft->entries[i].file.sha256, sha256, sizeof(*sha256)) != 0) {
        i++;
    }
    return i;
}

int bt_draft_add(struct bt_draft *draft, const struct bt_draft_file *file)
{
    if (draft->count == BT_MAX_ITEMS) {
        return -ENOSPC;
    }
    struct entry entry = {.file = *file, .asset = find_content(draft, &file->sha256)};
    int r = choose_id(draft, file->id, entry.file.id);
    if (r < 0) {
        return r;
    }
    BT_GROW(draft->entries, draft->capacity, draft->count + 1);
    draft->entries[draft->count++] = entry;
    return 0;
}

size_t bt_draft_count(const struct bt_draft *draft)
{
    return draft->count;
}

// Writes on until something does not fit; what failed first is in `result`.
struct writer {
    struct bt_buf *out;
    int result;
};

#define put(writer, ...)                                                                           \
    ((writer)->result =                                                                            \
         (writer)->result < 0 ? (writer)->result : bt_buf_appendf((writer)->out, __VA_ARGS__))

static void put_text(struct writer *writer, const char *key, const char *text)
{
    put(writer, "\"%s\": ", key);
    if (writer->result == 0) {
        writer->result = bt_json_append_string(writer->out, text);
    }
}

static void put_asset(struct writer *writer, const struct bt_draft_file *file)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_hex(file->sha256.bytes, BT_SHA256_BYTES, hash);
    put(writer, "    {\"name\": \"%s\", \"sha256\": \"%s\",\n", file->id, hash);
    put(writer, "     \"size\": %lld, \"type\": \"%s\"", (long long)file->size, file->type);
    if (file->is_clip && file->duration_ms > 0) {
        put(writer, ", \"duration_ms\": %lld", (long long)file->duration_ms);
    }
    if (file->width > 0 && file->height > 0) {
        put(writer, ", \"width\": %lld, \"height\": %lld", (long long)file->width,
            (long long)file->height);
    }
    put(writer, "}");
}

static void put_item(struct writer *writer, const struct bt_draft *draft, const struct entry *entry)
{
    const struct bt_draft_file *file = &entry->file;
    put(writer, "        {\"id\": \"%s\", ", file->id);
    if (file->title[0] != '\0') {
        put_text(writer, "title", file->title);
        put(writer, ",\n         ");
    }
    put(writer, "\"type\": \"%s\", \"asset\": \"%s\"", file->is_clip ? "video" : "image",
        draft->entries[entry->asset].file.id);
    if (!file->is_clip) {
        put(writer, ", \"seconds\": %lld", (long long)draft->options.seconds);
    }
    put(writer, "}");
}

static void put_head(struct writer *writer, const struct bt_draft_options *options)
{
    put(writer, "{\n  \"format\": %d,\n  \"id\": \"%s\",\n  \"version\": %lld,\n  ",
        BT_PUBLICATION_FORMAT, options->id, (long long)options->version);
    put_text(writer, "title", options->title);
    put(writer, ",\n  \"canvas\": {\"width\": %d, \"height\": %d},\n", options->width,
        options->height);
}

static void put_assets(struct writer *writer, const struct bt_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (draft->entries[i].asset == i) {  // content that was there before is listed there
            put(writer, i == 0 ? "\n" : ",\n");
            put_asset(writer, &draft->entries[i].file);
        }
    }
}

static void put_items(struct writer *writer, const struct bt_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        put(writer, i == 0 ? "\n" : ",\n");
        put_item(writer, draft, &draft->entries[i]);
    }
}

int bt_draft_write(const struct bt_draft *draft, struct bt_buf *out, struct bt_error *err)
{
    size_t start = out->len;
    struct writer writer = {out, 0};
    put_head(&writer, &draft->options);
    put(&writer, "  \"assets\": [");
    put_assets(&writer, draft);
    put(&writer, "\n  ],\n  \"playlists\": [\n    {\n      \"name\": \"chinh\",\n");
    put(&writer, "      \"items\": [");
    put_items(&writer, draft);
    put(&writer, "\n      ]\n    }\n  ],\n");
    put(&writer, "  \"zones\": [{\"name\": \"chinh\", \"playlist\": \"chinh\"}]\n}\n");
    if (writer.result < 0) {
        return bt_fail(err, writer.result, "The publication becomes too long");
    }
    BT_AUTO(bt_publication) publication = NULL;
    return bt_publication_parse(out->data + start, out->len - start, BT_UNKNOWN_REFUSE,
                                &publication, err);
}
