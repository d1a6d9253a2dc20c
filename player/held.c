#include "player/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

// Every publication at its largest, and every byte of it escaped.
#define HELD_MAX_BYTES (2ULL * BT_MAX_PUBLICATIONS * BT_PUBLICATION_MAX_BYTES)

static const struct bt_log logger = {"player/held"};

struct saving {
    struct bt_errand errand;
    char *path;
    struct bt_content content;
};

static void take_entry(const cJSON *entry, struct bt_content *out)
{
    const char *target = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "target"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "text"));
    if (target != NULL && text != NULL && out->count < BT_MAX_PUBLICATIONS) {
        out->documents[out->count++] = bt_document_create(target, bt_strdup(text), strlen(text));
    }
}

struct bt_content bt_held_load(const char *path)
{
    struct bt_content content = {0};
    struct bt_error err;
    BT_AUTOBUF text;
    BT_AUTOJSON *list = NULL;
    bt_buf_init(&text, HELD_MAX_BYTES);
    int r = bt_file_read(path, &text, &err);
    if (r == -ENOENT) {
        return content;
    }
    if (r < 0 || bt_json_parse(bt_buf_text(&text), text.len, &list, &err) < 0) {
        bt_log_warn(&logger, "%s; what waits for its time has no predecessor", err.msg);
        return content;
    }
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
        take_entry(entry, &content);
    }
    return content;
}

static void run(struct bt_errand *errand)
{
    const struct saving *saving = (const struct saving *)errand;
    if (saving->content.count == 0) {
        unlink(saving->path);
        return;
    }
    BT_AUTOJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < saving->content.count; i++) {
        const struct bt_document *document = saving->content.documents[i];
        BT_AUTOFREE char *text = bt_strndup(document->text, document->len);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "target", document->target);
        cJSON_AddStringToObject(entry, "text", text);
        cJSON_AddItemToArray(list, entry);
    }
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(list);
    struct bt_error err;
    if (text != NULL && bt_file_replace(saving->path, text, strlen(text), &err) < 0) {
        bt_log_warn(&logger, "%s; after a restart nothing is shown before its time", err.msg);
    }
}

static void destroy(struct bt_errand *errand)
{
    struct saving *saving = (struct saving *)errand;
    bt_content_finish(&saving->content);
    free(saving->path);
    free(saving);
}

struct bt_errand *bt_held_save(const char *path, const struct bt_content *held)
{
    struct saving *saving = BT_NEW(struct saving);
    saving->errand = (struct bt_errand){run, NULL, destroy};
    saving->path = bt_strdup(path);
    saving->content = bt_content_copy(held);
    return &saving->errand;
}
