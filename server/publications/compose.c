#include "server/publications/compose.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"

// An asset's name in the document: the beginning of its hash. Two with the same one would be
// refused when the document is read back.
#define ASSET_NAME_CHARACTERS 16

struct composing {
    const struct bt_compose_sources *sources;
    cJSON *assets;     // name → entry, for looking up; the list is made in the end
    cJSON *campaigns;  // id → entry
    void *item_ids;    // of playlists of the library: a tree of texts in the document
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void keep_text(void *text)
{
    (void)text;  // the document's
}

static void forget_ids(struct composing *composing)
{
    tdestroy(composing->item_ids, keep_text);
}

// What the server writes itself.
static const char *const own_keys[] = {"format", "id",     "version",   "layer", "unit",
                                       "title",  "assets", "campaigns", NULL};

static bool is_own_key(const char *key)
{
    for (size_t i = 0; own_keys[i] != NULL; i++) {
        if (strcmp(own_keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static bool has(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key) != NULL;
}

static void add_positive(cJSON *object, const char *key, int64_t value)
{
    if (value > 0) {
        cJSON_AddNumberToObject(object, key, (double)value);
    }
}

static int check_hash(const cJSON *value, struct bt_error *err)
{
    uint8_t bytes[BT_SHA256_BYTES];
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (strlen(text) != BT_SHA256_HEX_BYTES - 1 || bt_unhex(text, bytes, sizeof(bytes)) < 0 ||
        strspn(text, "0123456789abcdef") != strlen(text)) {
        return bt_fail(err, -EINVAL, "'asset' must be a SHA-256 of 64 lower-case hex digits");
    }
    return 0;
}

static int add_asset(struct composing *composing, const char *name, const char *sha256,
                     struct bt_error *err)
{
    struct bt_compose_asset asset = {0};
    int r = composing->sources->asset(composing->sources->context, sha256, &asset, err);
    if (r < 0) {
        return r;
    }
    cJSON *entry = cJSON_AddObjectToObject(composing->assets, name);
    cJSON_AddStringToObject(entry, "name", name);
    cJSON_AddStringToObject(entry, "sha256", sha256);
    cJSON_AddNumberToObject(entry, "size", (double)asset.size);
    cJSON_AddStringToObject(entry, "type", asset.type);
    add_positive(entry, "duration_ms", asset.duration_ms);
    add_positive(entry, "width", asset.width);
    add_positive(entry, "height", asset.height);
    return 0;
}

// Puts the asset's name where its hash stood.
static int name_asset(struct composing *composing, cJSON *owner, struct bt_error *err)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(owner, "asset");
    if (value == NULL) {
        return 0;  // the reader says what is missing
    }
    int r = check_hash(value, err);
    if (r < 0) {
        return r;
    }
    char name[ASSET_NAME_CHARACTERS + 1];
    memcpy(name, value->valuestring, ASSET_NAME_CHARACTERS);
    name[ASSET_NAME_CHARACTERS] = '\0';
    const cJSON *known = cJSON_GetObjectItemCaseSensitive(composing->assets, name);
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(known, "sha256");
    if (known == NULL) {
        r = add_asset(composing, name, value->valuestring, err);
    } else if (strcmp(hash->valuestring, value->valuestring) != 0) {
        r = bt_fail(err, -EINVAL, "two assets begin with %s", name);
    }
    if (r == 0) {
        cJSON_ReplaceItemInObjectCaseSensitive(owner, "asset", cJSON_CreateString(name));
    }
    return r;
}

static int add_campaign(struct composing *composing, const cJSON *item, struct bt_error *err)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "campaign");
    if (!cJSON_IsString(value) || has(composing->campaigns, value->valuestring)) {
        return 0;  // not a text: the reader says so
    }
    BT_AUTOJSON *body = NULL;
    if (!bt_str_starts(value->valuestring, "c-")) {
        return bt_fail(err, -EINVAL, "'campaign' must be the id of a campaign");
    }
    int r = composing->sources->arrangement(composing->sources->context, value->valuestring, &body,
                                            err);
    if (r < 0) {
        return r;
    }
    cJSON *entry = cJSON_AddObjectToObject(composing->campaigns, value->valuestring);
    cJSON_AddStringToObject(entry, "id", value->valuestring);
    while (body->child != NULL) {
        cJSON *member = cJSON_DetachItemViaPointer(body, body->child);
        cJSON_AddItemToObject(entry, member->string, member);
    }
    return 0;
}

static int finish_item(struct composing *composing, cJSON *item, struct bt_error *err)
{
    if (!cJSON_IsObject(item)) {
        return 0;  // the reader says so
    }
    int r = name_asset(composing, item, err);
    cJSON *card = cJSON_GetObjectItemCaseSensitive(item, "cards");
    for (card = cJSON_IsArray(card) ? card->child : NULL; r == 0 && card != NULL;
         card = card->next) {
        r = name_asset(composing, card, err);
    }
    return r == 0 ? add_campaign(composing, item, err) : r;
}

static int finish_items(struct composing *composing, cJSON *playlist, struct bt_error *err)
{
    cJSON *items = cJSON_GetObjectItemCaseSensitive(playlist, "items");
    size_t i = 0;
    for (cJSON *item = cJSON_IsArray(items) ? items->child : NULL; item != NULL;
         item = item->next, i++) {
        int r = finish_item(composing, item, err);
        if (r < 0) {
            return bt_fail_in(err, r, "items[%zu]", i);
        }
    }
    return 0;
}

// What two playlists of the library both show needs two ids in one document; the playlist that
// comes first keeps its own.
static void tell_items_apart(struct composing *composing, cJSON *items, const char *playlist)
{
    cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "id"));
        void *node = id != NULL ? tsearch(id, &composing->item_ids, compare_texts) : NULL;
        if (node == NULL || *(const char *const *)node == id) {
            continue;
        }
        BT_AUTOFREE char *other = bt_strf("%s.%s", id, playlist);
        cJSON_ReplaceItemInObjectCaseSensitive(item, "id", cJSON_CreateString(other));
    }
}

// {"name", "playlist": "l-…"} becomes {"name", "items": […]}.
static int fill_playlist(struct composing *composing, cJSON *playlist, struct bt_error *err)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(playlist, "playlist");
    if (id == NULL) {
        return 0;
    }
    if (!cJSON_IsString(id) || !bt_str_starts(id->valuestring, "l-")) {
        return bt_fail(err, -EINVAL, "'playlist' must be the id of a playlist");
    }
    if (has(playlist, "items")) {
        return bt_fail(err, -EINVAL, "'playlist' and 'items' exclude each other");
    }
    BT_AUTOJSON *body = NULL;
    int r =
        composing->sources->arrangement(composing->sources->context, id->valuestring, &body, err);
    if (r < 0) {
        return r;
    }
    cJSON *items = cJSON_DetachItemFromObjectCaseSensitive(body, "items");
    tell_items_apart(composing, items, id->valuestring);
    cJSON_DeleteItemFromObjectCaseSensitive(playlist, "playlist");
    cJSON_AddItemToObject(playlist, "items", items);
    return 0;
}

static int add_playlists(struct composing *composing, const cJSON *value, cJSON *document,
                         struct bt_error *err)
{
    cJSON *list = cJSON_Duplicate(value, true);
    cJSON_AddItemToObject(document, "playlists", list);
    size_t i = 0;
    for (cJSON *playlist = cJSON_IsArray(list) ? list->child : NULL; playlist != NULL;
         playlist = playlist->next, i++) {
        int r = fill_playlist(composing, playlist, err);
        r = r == 0 ? finish_items(composing, playlist, err) : r;
        if (r < 0) {
            return bt_fail_in(err, r, "playlists[%zu]", i);
        }
    }
    return 0;
}

static int add_rules_of(struct composing *composing, const char *id, cJSON *schedule,
                        struct bt_error *err)
{
    if (!bt_str_starts(id, "r-")) {
        return bt_fail(err, -EINVAL, "'%.32s' is no id of a schedule", id);
    }
    BT_AUTOJSON *body = NULL;
    int r = composing->sources->arrangement(composing->sources->context, id, &body, err);
    if (r < 0) {
        return r;
    }
    cJSON *rules = cJSON_GetObjectItemCaseSensitive(body, "rules");
    while (rules != NULL && rules->child != NULL) {
        cJSON_AddItemToArray(schedule, cJSON_DetachItemViaPointer(rules, rules->child));
    }
    return 0;
}

static int add_schedule(struct composing *composing, const cJSON *value, cJSON *document,
                        struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'schedule' must be a list [ ]");
    }
    cJSON *schedule = cJSON_AddArrayToObject(document, "schedule");
    size_t i = 0;
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next, i++) {
        if (!cJSON_IsString(entry)) {
            cJSON_AddItemToArray(schedule, cJSON_Duplicate(entry, true));
            continue;
        }
        int r = add_rules_of(composing, entry->valuestring, schedule, err);
        if (r < 0) {
            return bt_fail_in(err, r, "schedule[%zu]", i);
        }
    }
    return 0;
}

static int add_member(struct composing *composing, const cJSON *member, cJSON *document,
                      struct bt_error *err)
{
    if (is_own_key(member->string)) {
        return bt_fail(err, -EINVAL, "'%s' is not said here; the server writes it", member->string);
    }
    if (strcmp(member->string, "playlists") == 0) {
        return add_playlists(composing, member, document, err);
    }
    if (strcmp(member->string, "schedule") == 0) {
        return add_schedule(composing, member, document, err);
    }
    cJSON_AddItemToObject(document, member->string, cJSON_Duplicate(member, true));
    return 0;
}

// The values of a table by key, as a list; none when it is empty.
static void add_values(cJSON *document, const char *key, cJSON *table)
{
    if (table->child == NULL) {
        return;
    }
    cJSON *list = cJSON_AddArrayToObject(document, key);
    while (table->child != NULL) {
        cJSON_AddItemToArray(list, cJSON_DetachItemViaPointer(table, table->child));
    }
}

static cJSON *begin_document(const struct bt_compose_head *head)
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "format", BT_PUBLICATION_FORMAT);
    cJSON_AddStringToObject(document, "id", head->id);
    cJSON_AddNumberToObject(document, "version", (double)head->version);
    cJSON_AddStringToObject(document, "layer", head->layer);
    cJSON_AddStringToObject(document, "unit", head->unit);
    if (head->title[0] != '\0') {
        cJSON_AddStringToObject(document, "title", head->title);
    }
    return document;
}

// Writes the text and reads it back as a stranger would.
static int finish_document(const cJSON *document, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(document);
    if (text == NULL) {
        return bt_fail(err, -ENOMEM, "Out of memory");
    }
    BT_AUTO(bt_publication) publication = NULL;
    size_t len = strlen(text);
    int r = bt_publication_parse(text, len, BT_UNKNOWN_REFUSE, &publication, err);
    if (r == 0 && bt_buf_append(out, text, len) < 0) {
        r = bt_fail(err, -EMSGSIZE, "the document is longer than %zu bytes", out->limit);
    }
    return r;
}

int bt_compose(const cJSON *recipe, const struct bt_compose_head *head,
               const struct bt_compose_sources *sources, struct bt_buf *out, struct bt_error *err)
{
    if (!cJSON_IsObject(recipe)) {
        return bt_fail(err, -EINVAL, "an object { } was expected");
    }
    BT_AUTOJSON *document = begin_document(head);
    BT_AUTOJSON *assets = cJSON_CreateObject();
    BT_AUTOJSON *campaigns = cJSON_CreateObject();
    BT_AUTOFINISH(forget_ids)
    struct composing composing = {.sources = sources, .assets = assets, .campaigns = campaigns};
    for (const cJSON *member = recipe->child; member != NULL; member = member->next) {
        int r = add_member(&composing, member, document, err);
        if (r < 0) {
            return r;
        }
    }
    add_values(document, "assets", assets);
    add_values(document, "campaigns", campaigns);
    return finish_document(document, out, err);
}

int bt_compose_again(const char *text, size_t len, int64_t version, struct bt_buf *out,
                     struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int r = bt_json_parse(text, len, &document, err);
    if (r < 0) {
        return r;
    }
    cJSON_ReplaceItemInObjectCaseSensitive(document, "version",
                                           cJSON_CreateNumber((double)version));
    return finish_document(document, out, err);
}

// Rules name playlists that stand elsewhere; stand-ins let everything else be judged.
static void stand_in_for_playlists(const cJSON *rules, cJSON *playlists)
{
    for (const cJSON *rule = cJSON_IsArray(rules) ? rules->child : NULL; rule != NULL;
         rule = rule->next) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(rule, "playlist");
        if (!cJSON_IsString(name) || has(playlists, name->valuestring)) {
            continue;
        }
        cJSON *playlist = cJSON_AddObjectToObject(playlists, name->valuestring);
        cJSON_AddStringToObject(playlist, "name", name->valuestring);
        cJSON *item = cJSON_CreateObject();
        BT_AUTOFREE char *id = bt_strf("i%d", cJSON_GetArraySize(playlists));
        cJSON_AddStringToObject(item, "id", id);
        cJSON_AddStringToObject(item, "type", "colour");
        cJSON_AddStringToObject(item, "colour", "#000000");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(playlist, "items"), item);
    }
}

// The recipe that has nothing but this body in it.
static cJSON *recipe_around(const char *id, const cJSON *body)
{
    cJSON *recipe = cJSON_CreateObject();
    cJSON *playlists = cJSON_CreateObject();
    if (id[0] == 'r') {
        const cJSON *rules = cJSON_GetObjectItemCaseSensitive(body, "rules");
        stand_in_for_playlists(rules, playlists);
        add_values(recipe, "playlists", playlists);
        cJSON_AddItemToObject(recipe, "schedule", cJSON_Duplicate(rules, true));
    } else {
        cJSON *playlist = cJSON_CreateObject();
        cJSON_AddStringToObject(playlist, "name", "p");
        const cJSON *items = cJSON_GetObjectItemCaseSensitive(body, "items");
        cJSON_AddItemToObject(playlist, "items", cJSON_Duplicate(items, true));
        cJSON_AddItemToArray(cJSON_AddArrayToObject(recipe, "playlists"), playlist);
    }
    cJSON_Delete(playlists);
    return recipe;
}

static int check_campaign(const char *name, const cJSON *body, const struct bt_compose_head *head,
                          struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOJSON *document = begin_document(head);
    cJSON *entry = cJSON_Duplicate(body, true);
    cJSON_AddStringToObject(entry, "id", "c");
    cJSON_AddStringToObject(entry, "name", name);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "campaigns"), entry);
    return finish_document(document, out, err);
}

static int check_only_key(const cJSON *body, const char *key, struct bt_error *err)
{
    for (const cJSON *member = body->child; member != NULL; member = member->next) {
        if (strcmp(member->string, key) != 0) {
            return bt_fail(err, -EINVAL, "the key '%.64s' is not known here", member->string);
        }
    }
    return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(body, key))
               ? 0
               : bt_fail(err, -EINVAL, "'%s' must be a list [ ]", key);
}

int bt_compose_check(const char *id, const char *name, const cJSON *body,
                     const struct bt_compose_sources *sources, struct bt_error *err)
{
    static const struct bt_compose_head head = {
        .id = "thu", .version = 1, .layer = "unit", .unit = "-", .title = ""};
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    if (!cJSON_IsObject(body)) {
        return bt_fail(err, -EINVAL, "an object { } was expected");
    }
    if (id[0] == 'c') {
        return check_campaign(name, body, &head, &text, err);
    }
    int r = check_only_key(body, id[0] == 'r' ? "rules" : "items", err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *recipe = recipe_around(id, body);
    return bt_compose(recipe, &head, sources, &text, err);
}
