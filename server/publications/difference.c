#include "server/publications/difference.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct entry {
    const char *id;  // of an item; name of an asset
    const cJSON *value;
    const char *playlist;  // of an item
};

// Entries of one document, sorted by id.
struct table {
    struct entry *entries;
    size_t count, capacity;
};

struct side {
    struct table items, assets;
};

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static const cJSON *list_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(value) ? value->child : NULL;
}

static void add(struct table *table, const char *id, const cJSON *value, const char *playlist)
{
    BT_GROW(table->entries, table->capacity, table->count + 1);
    table->entries[table->count++] = (struct entry){.id = id, .value = value, .playlist = playlist};
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static void sort(struct table *table)
{
    if (table->count > 0) {
        qsort(table->entries, table->count, sizeof(*table->entries), by_id);
    }
}

static const struct entry *find(const struct table *table, const char *id)
{
    struct entry wanted = {.id = id};
    return table->count == 0
               ? NULL
               : bsearch(&wanted, table->entries, table->count, sizeof(*table->entries), by_id);
}

static void read_side(const cJSON *document, struct side *side)
{
    *side = (struct side){0};
    for (const cJSON *p = list_of(document, "playlists"); p != NULL; p = p->next) {
        for (const cJSON *item = list_of(p, "items"); item != NULL; item = item->next) {
            add(&side->items, text_of(item, "id"), item, text_of(p, "name"));
        }
    }
    for (const cJSON *asset = list_of(document, "assets"); asset != NULL; asset = asset->next) {
        add(&side->assets, text_of(asset, "name"), asset, NULL);
    }
    sort(&side->items);
    sort(&side->assets);
}

static void finish_side(struct side *side)
{
    free(side->items.entries);
    free(side->assets.entries);
}

static const char *hash_of(const struct side *side, const char *name)
{
    const struct entry *asset = find(&side->assets, name);
    return asset == NULL ? "" : text_of(asset->value, "sha256");
}

// The hashes of an item's files in order; for cJSON_Delete.
static cJSON *files_of(const struct side *side, const cJSON *item)
{
    cJSON *files = cJSON_CreateArray();
    if (text_of(item, "asset")[0] != '\0') {
        cJSON_AddItemToArray(files, cJSON_CreateString(hash_of(side, text_of(item, "asset"))));
    }
    for (const cJSON *card = list_of(item, "cards"); card != NULL; card = card->next) {
        cJSON_AddItemToArray(files, cJSON_CreateString(hash_of(side, text_of(card, "asset"))));
    }
    return files;
}

static bool same_item(const struct side *a, const struct entry *left, const struct side *b,
                      const struct entry *right)
{
    cJSON *before = files_of(a, left->value), *after = files_of(b, right->value);
    bool same = cJSON_Compare(left->value, right->value, true) &&
                cJSON_Compare(before, after, true) && bt_str_equal(left->playlist, right->playlist);
    cJSON_Delete(before);
    cJSON_Delete(after);
    return same;
}

static void tell_item(cJSON *items, const struct side *side, const struct entry *item,
                      const char *change)
{
    cJSON *told = cJSON_CreateObject();
    cJSON_AddStringToObject(told, "playlist", item->playlist);
    cJSON_AddStringToObject(told, "id", item->id);
    cJSON_AddStringToObject(told, "type", text_of(item->value, "type"));
    if (text_of(item->value, "title")[0] != '\0') {
        cJSON_AddStringToObject(told, "title", text_of(item->value, "title"));
    }
    cJSON_AddStringToObject(told, "change", change);
    cJSON_AddItemToObject(told, "assets", files_of(side, item->value));
    cJSON_AddItemToArray(items, told);
}

// In the order of the document: as people see it.
static void tell_items(const cJSON *present, const struct side *old, const cJSON *proposed,
                       const struct side *new, cJSON *items)
{
    for (const cJSON *p = list_of(proposed, "playlists"); p != NULL; p = p->next) {
        for (const cJSON *item = list_of(p, "items"); item != NULL; item = item->next) {
            const struct entry *after = find(&new->items, text_of(item, "id"));
            const struct entry *before = find(&old->items, text_of(item, "id"));
            assert(after != NULL);  // read_side() has seen the same lists
            if (before == NULL) {
                tell_item(items, new, after, "added");
            } else if (!same_item(old, before, new, after)) {
                tell_item(items, new, after, "changed");
            }
        }
    }
    for (const cJSON *p = list_of(present, "playlists"); p != NULL; p = p->next) {
        for (const cJSON *item = list_of(p, "items"); item != NULL; item = item->next) {
            const struct entry *before = find(&old->items, text_of(item, "id"));
            assert(before != NULL);
            if (find(&new->items, before->id) == NULL) {
                tell_item(items, old, before, "removed");
            }
        }
    }
}

// By content: a file that is only called something else is the same file.
static void by_hash(const cJSON *document, struct table *out)
{
    *out = (struct table){0};
    for (const cJSON *asset = list_of(document, "assets"); asset != NULL; asset = asset->next) {
        add(out, text_of(asset, "sha256"), asset, NULL);
    }
    sort(out);
}

static void tell_missing_files(const struct table *in, const struct table *from, const char *change,
                               cJSON *assets)
{
    for (size_t i = 0; i < in->count; i++) {
        bool twice = i > 0 && strcmp(in->entries[i].id, in->entries[i - 1].id) == 0;
        if (twice || find(from, in->entries[i].id) != NULL) {
            continue;
        }
        const cJSON *asset = in->entries[i].value;
        cJSON *told = cJSON_CreateObject();
        cJSON_AddStringToObject(told, "sha256", text_of(asset, "sha256"));
        cJSON_AddItemToObject(
            told, "size", cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(asset, "size"), true));
        cJSON_AddStringToObject(told, "type", text_of(asset, "type"));
        cJSON_AddStringToObject(told, "change", change);
        cJSON_AddItemToArray(assets, told);
    }
}

static void tell_files(const cJSON *present, const cJSON *proposed, cJSON *assets)
{
    struct table old, new;
    by_hash(present, &old);
    by_hash(proposed, &new);
    tell_missing_files(&new, &old, "added", assets);
    tell_missing_files(&old, &new, "removed", assets);
    free(old.entries);
    free(new.entries);
}

// Which playlists there are and in which order their items come.
static cJSON *order_of(const cJSON *document)
{
    cJSON *order = cJSON_CreateArray();
    for (const cJSON *p = list_of(document, "playlists"); p != NULL; p = p->next) {
        cJSON_AddItemToArray(order, cJSON_CreateString(text_of(p, "name")));
        cJSON *ids = cJSON_CreateArray();
        cJSON_AddItemToArray(order, ids);
        for (const cJSON *item = list_of(p, "items"); item != NULL; item = item->next) {
            cJSON_AddItemToArray(ids, cJSON_CreateString(text_of(item, "id")));
        }
    }
    return order;
}

static bool same_part(const cJSON *present, const cJSON *proposed, const char *key)
{
    if (strcmp(key, "version") == 0 || strcmp(key, "assets") == 0) {
        return true;  // grows by itself; told by content
    }
    if (strcmp(key, "playlists") != 0) {
        const cJSON *before = cJSON_GetObjectItemCaseSensitive(present, key);
        const cJSON *after = cJSON_GetObjectItemCaseSensitive(proposed, key);
        return before != NULL && after != NULL && cJSON_Compare(before, after, true);
    }
    cJSON *before = order_of(present), *after = order_of(proposed);
    bool same = cJSON_Compare(before, after, true);
    cJSON_Delete(before);
    cJSON_Delete(after);
    return same;
}

static void tell_parts(const cJSON *present, const cJSON *proposed, cJSON *parts)
{
    for (const cJSON *m = proposed == NULL ? NULL : proposed->child; m != NULL; m = m->next) {
        if (!same_part(present, proposed, m->string)) {
            cJSON_AddItemToArray(parts, cJSON_CreateString(m->string));
        }
    }
    for (const cJSON *m = present == NULL ? NULL : present->child; m != NULL; m = m->next) {
        if (cJSON_GetObjectItemCaseSensitive(proposed, m->string) == NULL &&
            !same_part(present, proposed, m->string)) {
            cJSON_AddItemToArray(parts, cJSON_CreateString(m->string));
        }
    }
}

cJSON *bt_difference(const cJSON *present, const cJSON *proposed)
{
    struct side old, new;
    read_side(present, &old);
    read_side(proposed, &new);
    cJSON *difference = cJSON_CreateObject();
    tell_items(present, &old, proposed, &new, cJSON_AddArrayToObject(difference, "items"));
    tell_files(present, proposed, cJSON_AddArrayToObject(difference, "assets"));
    tell_parts(present, proposed, cJSON_AddArrayToObject(difference, "parts"));
    finish_side(&old);
    finish_side(&new);
    return difference;
}
