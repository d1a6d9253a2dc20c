#include "server/publications/needed.h"

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"

// What a takedown names: a hash, or "publication\nitem".
struct name {
    char *text;  // owned
    size_t takedown;
};

struct bt_needed {
    struct name *names;  // owned; sorted once the first document is seen
    size_t count, capacity;
    bool sorted;
    bool *needed;  // owned; by takedown
    size_t takedowns, takedown_capacity;
};

struct bt_needed *bt_needed_create(void)
{
    return BT_NEW(struct bt_needed);
}

void bt_needed_destroy(struct bt_needed *needed)
{
    if (needed == NULL) {
        return;
    }
    for (size_t i = 0; i < needed->count; i++) {
        free(needed->names[i].text);
    }
    free(needed->names);
    free(needed->needed);
    free(needed);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static const cJSON *list_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(value) ? value->child : NULL;
}

static void add_name(struct bt_needed *needed, char *text)
{
    BT_GROW(needed->names, needed->capacity, needed->count + 1);
    needed->names[needed->count++] = (struct name){text, needed->takedowns};
}

void bt_needed_add(struct bt_needed *needed, const cJSON *assets, const cJSON *items)
{
    const cJSON *each = cJSON_IsArray(assets) ? assets->child : NULL;
    for (; each != NULL; each = each->next) {
        if (cJSON_IsString(each)) {
            add_name(needed, bt_strdup(each->valuestring));
        }
    }
    for (each = cJSON_IsArray(items) ? items->child : NULL; each != NULL; each = each->next) {
        add_name(needed, bt_strf("%s\n%s", text_of(each, "publication"), text_of(each, "item")));
    }
    BT_GROW(needed->needed, needed->takedown_capacity, needed->takedowns + 1);
    needed->needed[needed->takedowns++] = false;
    needed->sorted = false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void mark(struct bt_needed *needed, const char *text)
{
    size_t low = 0, high = needed->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(needed->names[middle].text, text) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < needed->count && strcmp(needed->names[low].text, text) == 0; low++) {
        needed->needed[needed->names[low].takedown] = true;
    }
}

// A time that cannot be read is none.
static bool is_over(const cJSON *document, int64_t now_ms)
{
    int64_t until_ms;
    const cJSON *valid = cJSON_GetObjectItemCaseSensitive(document, "valid");
    return bt_rfc3339_parse(text_of(valid, "until"), &until_ms) == 0 && until_ms <= now_ms;
}

void bt_needed_see(struct bt_needed *needed, const cJSON *document, int64_t now_ms)
{
    const char *id = text_of(document, "id");
    if (needed->count == 0 || is_over(document, now_ms)) {
        return;
    }
    if (!needed->sorted) {
        qsort(needed->names, needed->count, sizeof(*needed->names), by_text);
        needed->sorted = true;
    }
    for (const cJSON *asset = list_of(document, "assets"); asset != NULL; asset = asset->next) {
        mark(needed, text_of(asset, "sha256"));
    }
    for (const cJSON *p = list_of(document, "playlists"); p != NULL; p = p->next) {
        for (const cJSON *item = list_of(p, "items"); item != NULL; item = item->next) {
            BT_AUTOFREE char *name = bt_strf("%s\n%s", id, text_of(item, "id"));
            mark(needed, name);
        }
    }
}

bool bt_needed_has(const struct bt_needed *needed, size_t number)
{
    return number < needed->takedowns && needed->needed[number];
}
