#include "cli/approving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/motion_words.h"
#include "cli/style_words.h"
#include "cli/table.h"
#include "playlists/live_url.h"
#include "playlists/publication.h"

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(member(object, key));
    return text != NULL ? text : "";
}

void bt_approval_finish(struct bt_approval *approval)
{
    for (size_t i = 0; i < approval->count; i++) {
        cJSON_Delete(approval->changes[i].document);
        cJSON_Delete(approval->changes[i].present);
    }
    free(approval->changes);
    *approval = (struct bt_approval){0};
}

static int64_t version_of(const cJSON *part)
{
    int64_t version = 0;
    return bt_json_whole(member(part, "version"), 1, INT64_C(1) << 53, &version) == 0 ? version : 0;
}

// Is the base what people we know have signed, and the one just before? Before the first version
// there was nothing.
static bool check_base(const cJSON *to_sign, const struct bt_keyring *trusted)
{
    const cJSON *base = member(to_sign, "base");
    if (cJSON_IsNull(base) && version_of(member(to_sign, "metadata")) == 1) {
        return true;
    }
    return trusted != NULL && cJSON_IsObject(base) &&
           bt_signatures_check(base, trusted, NULL) == 0 &&
           version_of(member(base, "signed")) + 1 == version_of(member(to_sign, "metadata"));
}

// Which paths a role may name.
static int check_path(const char *role, const char *path, struct bt_error *err)
{
    bool good = strcmp(role, "targets") == 0
                    ? bt_str_starts(path, "p/") || strcmp(path, "servers.json") == 0
                    : false;
    if ((role[0] == 'u' || role[0] == 's') && role[1] == '-') {
        BT_AUTOFREE char *folder = bt_strf("%c/%s/", role[0], role + 2);
        good = bt_str_starts(path, folder);
    }
    return good ? 0
                : bt_fail(err, -EBADMSG, "'%.100s' không thuộc / is none of role '%s'", path, role);
}

// Nothing but targets may change: who may sign is changed with `bangtin key`.
static int check_metadata(const cJSON *to_sign, const cJSON *base, struct bt_error *err)
{
    static const char *const known[] = {"_type",   "spec_version", "version",
                                        "expires", "targets",      "delegations"};
    const cJSON *metadata = member(to_sign, "metadata");
    if (strcmp(text_of(metadata, "_type"), "targets") != 0 || version_of(metadata) == 0 ||
        !cJSON_IsObject(member(metadata, "targets"))) {
        return bt_fail(err, -EBADMSG, "What is to be signed is no targets metadata");
    }
    const cJSON *each;
    cJSON_ArrayForEach(each, metadata)
    {
        bool good = false;
        for (size_t i = 0; i < BT_ARRAY_LEN(known); i++) {
            good |= strcmp(known[i], each->string) == 0;
        }
        if (!good) {
            return bt_fail(err, -EBADMSG, "'%.64s' stands in what is to be signed", each->string);
        }
    }
    const cJSON *now = member(member(base, "signed"), "delegations");
    const cJSON *then = member(metadata, "delegations");
    if (then != NULL && (now == NULL || !cJSON_Compare(now, then, true))) {
        return bt_fail(
            err, -EBADMSG,
            "Bản này đổi cả người được ký; việc đó làm bằng 'bangtin key' / this changes "
            "who may sign; that is done with 'bangtin key'");
    }
    return 0;
}

// The text's length and hash are the target's.
static int check_text(const cJSON *target, const char *text, const char *path, struct bt_error *err)
{
    int64_t length = -1;
    char hex[BT_SHA256_HEX_BYTES];
    size_t len = strlen(text);
    struct bt_sha256 hash = bt_sha256_of(text, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    if (bt_json_whole(member(target, "length"), 0, INT32_MAX, &length) < 0 ||
        length != (int64_t)len || strcmp(text_of(member(target, "hashes"), "sha256"), hex) != 0) {
        return bt_fail(err, -EBADMSG,
                       "'%s' không khớp mã băm sẽ ký / has not the hash that would be signed",
                       path);
    }
    return 0;
}

static const cJSON *find_change(const cJSON *to_sign, const char *path)
{
    const cJSON *change;
    cJSON_ArrayForEach(change, member(to_sign, "changes"))
    {
        if (strcmp(text_of(change, "path"), path) == 0) {
            return change;
        }
    }
    return NULL;
}

// A document of the answer, held against the hash in `targets`.
static int take_text(const cJSON *change, const char *key, const cJSON *target, const char *path,
                     cJSON **out, struct bt_error *err)
{
    const char *text = cJSON_GetStringValue(member(change, key));
    if (text == NULL) {
        return bt_fail(err, -EBADMSG, "'%s' sẽ đổi mà không cho xem / would change unseen", path);
    }
    int r = check_text(target, text, path, err);
    return r < 0 ? r : bt_json_parse(text, strlen(text), out, err);
}

static int add_change(struct bt_approval *approval, const cJSON *to_sign, const char *path,
                      const cJSON *now, const cJSON *then, struct bt_error *err)
{
    const cJSON *change = find_change(to_sign, path);
    struct bt_approval_change taken = {.path = path};
    int r = check_path(text_of(to_sign, "role"), path, err);
    if (r == 0 && then != NULL) {
        r = take_text(change, "document", then, path, &taken.document, err);
    }
    if (r == 0 && now != NULL && approval->base_trusted) {
        r = take_text(change, "present", now, path, &taken.present, err);
    }
    if (r < 0) {
        cJSON_Delete(taken.document);
        return r;
    }
    size_t room = approval->count;
    BT_GROW(approval->changes, room, approval->count + 1);
    approval->changes[approval->count++] = taken;
    return 0;
}

int bt_approval_read(const cJSON *to_sign, const struct bt_keyring *trusted,
                     struct bt_approval *out, struct bt_error *err)
{
    BT_AUTOFINISH(bt_approval_finish)
    struct bt_approval approval = {.metadata = member(to_sign, "metadata"),
                                   .base_trusted = check_base(to_sign, trusted)};
    const cJSON *base = approval.base_trusted ? member(to_sign, "base") : NULL;
    const cJSON *now = member(member(base, "signed"), "targets"), *each;
    const cJSON *then = member(approval.metadata, "targets");
    int r = check_metadata(to_sign, base, err);
    cJSON_ArrayForEach(each, then)
    {
        const cJSON *old = member(now, each->string);
        if (r == 0 && (old == NULL || !cJSON_Compare(old, each, true))) {
            r = add_change(&approval, to_sign, each->string, old, each, err);
        }
    }
    cJSON_ArrayForEach(each, now)
    {
        if (r == 0 && member(then, each->string) == NULL) {
            r = add_change(&approval, to_sign, each->string, each, NULL, err);
        }
    }
    if (r == 0) {
        *out = approval;
        approval = (struct bt_approval){0};
    }
    return r;
}

// An item as it stands in a document, its files by their hashes instead of their names there.
static cJSON *resolve(const cJSON *item, const cJSON *document)
{
    cJSON *copy = cJSON_Duplicate(item, true);
    const char *name = cJSON_GetStringValue(member(item, "asset"));
    const cJSON *asset;
    cJSON_ArrayForEach(asset, member(document, "assets"))
    {
        if (name != NULL && strcmp(text_of(asset, "name"), name) == 0) {
            cJSON_AddStringToObject(copy, "sha256", text_of(asset, "sha256"));
            cJSON_DeleteItemFromObjectCaseSensitive(copy, "asset");
        }
    }
    const cJSON *card;
    int index = 0;
    cJSON_ArrayForEach(card, member(item, "cards"))
    {
        cJSON *cards = cJSON_GetObjectItemCaseSensitive(copy, "cards");
        cJSON_ReplaceItemInArray(cards, index++, resolve(card, document));
    }
    return copy;
}

// All items of a document by "playlist/id".
static cJSON *items_of(const cJSON *document)
{
    cJSON *items = cJSON_CreateObject();
    const cJSON *playlist, *item;
    cJSON_ArrayForEach(playlist, member(document, "playlists"))
    {
        cJSON_ArrayForEach(item, member(playlist, "items"))
        {
            BT_AUTOFREE char *key =
                bt_strf("%s/%s", text_of(playlist, "name"), text_of(item, "id"));
            cJSON_AddItemToObject(items, key, resolve(item, document));
        }
    }
    return items;
}

// Whole, however long it is: what is cut away would be signed unseen. Without what terminals obey,
// U+0080 to U+009F (C2 80 to C2 9F) among it.
static void print_safe(const char *text, FILE *to)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool obeyed = c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0;
        fputc(*c < 0x20 || *c == 0x7F || obeyed ? ' ' : *c, to);
        c += obeyed;
    }
}

static void print_value(const char *label, const cJSON *value, FILE *to)
{
    char *text = value != NULL ? cJSON_PrintUnformatted(value) : NULL;
    fputs("      ", to);
    print_safe(label, to);
    fputc(' ', to);
    print_safe(text != NULL ? text : "—", to);
    fputc('\n', to);
    cJSON_free(text);
}

// Keys of an item in the order in which they are read best; the others follow as they stand.
static const char *const item_keys[] = {"type", "title", "text", "sha256"};

static bool is_item_key(const char *key)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(item_keys); i++) {
        if (strcmp(item_keys[i], key) == 0) {
            return true;
        }
    }
    return strcmp(key, "id") == 0 || strcmp(key, "seconds") == 0 ||
           strcmp(key, "volume_percent") == 0;
}

// What moves and how words look, in words below its JSON.
static void print_words(const cJSON *value, FILE *to)
{
    BT_AUTOFREE char *words = NULL;
    if (strcmp(value->string, "transition") == 0) {
        words = bt_transition_words_of(value);
    } else if (strcmp(value->string, "motion") == 0) {
        words = bt_motion_words_of(value);
    } else if (strcmp(value->string, "style") == 0) {
        words = bt_style_words_of(value);
    }
    if (words != NULL) {
        fputs("        ", to);
        print_safe(words, to);
        fputc('\n', to);
    }
}

// Nobody sees beforehand what will be on, so where it comes from is said in words.
static void print_stream(const cJSON *item, FILE *to)
{
    const char *url = cJSON_GetStringValue(member(item, "url"));
    const char *local = cJSON_GetStringValue(member(item, "local"));
    char host[BT_LIVE_URL_BYTES] = "";
    if (!bt_str_equal(cJSON_GetStringValue(member(item, "type")), "stream")) {
        return;
    }
    if (url != NULL && bt_live_url_check(url, NULL) == 0) {
        bt_live_url_host(url, host, sizeof(host));
    }
    fputs(local != NULL ? "      Truyền trực tiếp từ nguồn tại chỗ / live from the player's own: "
                        : "      Truyền trực tiếp từ / live from: ",
          to);
    print_safe(local != NULL ? local : host, to);
    fputc('\n', to);
}

static void print_item(const char *mark, const cJSON *item, FILE *to)
{
    fprintf(to, "  %s ", mark);
    print_safe(item->string, to);
    for (size_t i = 0; i < BT_ARRAY_LEN(item_keys); i++) {
        const char *text = cJSON_GetStringValue(member(item, item_keys[i]));
        if (text != NULL) {
            fputs(i < 1 ? "  " : i < 3 ? "  '" : "  ", to);
            print_safe(text, to);
            fputs(i == 1 || i == 2 ? "'" : "", to);
        }
    }
    const cJSON *seconds = member(item, "seconds"), *each;
    if (cJSON_IsNumber(seconds)) {
        fprintf(to, "  %.15g s", seconds->valuedouble);
    }
    fputc('\n', to);
    print_stream(item, to);
    const cJSON *volume = member(item, "volume_percent");
    if (cJSON_IsNumber(volume) && volume->valuedouble > 0) {
        fprintf(to, "      Có âm thanh / with sound: %.15g %%\n", volume->valuedouble);
    }
    cJSON_ArrayForEach(each, item)
    {
        if (!is_item_key(each->string)) {
            print_value(each->string, each, to);
            print_words(each, to);
        }
    }
}

static void print_items(const struct bt_approval_change *change, FILE *to)
{
    BT_AUTOJSON *now = items_of(change->present);
    BT_AUTOJSON *then = items_of(change->document);
    const cJSON *each;
    cJSON_ArrayForEach(each, then)
    {
        const cJSON *old = member(now, each->string);
        if (old == NULL) {
            print_item("+ mới / new:", each, to);
        } else if (!cJSON_Compare(old, each, true)) {
            print_item("- trước / before:", old, to);
            print_item("+ sau / after: ", each, to);
        }
    }
    cJSON_ArrayForEach(each, now)
    {
        if (member(then, each->string) == NULL) {
            print_item("- bỏ / gone:", each, to);
        }
    }
}

// What is no item: times, zones, schedule… The lists of files and items are shown as items.
static bool is_part(const char *key)
{
    return strcmp(key, "assets") != 0 && strcmp(key, "playlists") != 0;
}

static void print_part(const char *key, const cJSON *now, const cJSON *then, FILE *to)
{
    fputs("  * ", to);
    print_safe(key, to);
    fputc('\n', to);
    if (now != NULL) {
        print_value("trước / before:", now, to);
    }
    print_value(now != NULL ? "sau / after:  " : "", then, to);
}

static void print_parts(const struct bt_approval_change *change, FILE *to)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, change->document)
    {
        const cJSON *old = member(change->present, each->string);
        if (is_part(each->string) && (old == NULL || !cJSON_Compare(old, each, true))) {
            print_part(each->string, old, each, to);
        }
    }
    cJSON_ArrayForEach(each, change->present)
    {
        if (is_part(each->string) && member(change->document, each->string) == NULL) {
            print_part(each->string, each, NULL, to);
        }
    }
}

// Which item stands where: moving one changes the wall, too.
static cJSON *order_of(const cJSON *document)
{
    cJSON *order = cJSON_CreateArray();
    const cJSON *playlist, *item;
    cJSON_ArrayForEach(playlist, member(document, "playlists"))
    {
        cJSON *entry = cJSON_Duplicate(playlist, true);
        cJSON_DeleteItemFromObjectCaseSensitive(entry, "items");
        cJSON *items = cJSON_AddArrayToObject(entry, "items");
        cJSON_ArrayForEach(item, member(playlist, "items"))
        {
            cJSON_AddItemToArray(items, cJSON_CreateString(text_of(item, "id")));
        }
        cJSON_AddItemToArray(order, entry);
    }
    return order;
}

static void print_order(const struct bt_approval_change *change, FILE *to)
{
    BT_AUTOJSON *now = order_of(change->present);
    BT_AUTOJSON *then = order_of(change->document);
    if (change->present != NULL && change->document != NULL && !cJSON_Compare(now, then, true)) {
        print_part("playlists", now, then, to);
    }
}

void bt_approval_print(const struct bt_approval *approval, FILE *to)
{
    fprintf(to, "Bản / version %lld, đến / until %s\n", (long long)version_of(approval->metadata),
            text_of(approval->metadata, "expires"));
    if (!approval->base_trusted) {
        fputs("Chưa biết chắc nội dung đang chiếu: mọi văn bản dưới đây đều coi là mới.\n"
              "What is on the screens now is not known for sure: every document counts as new.\n",
              to);
    }
    for (size_t i = 0; i < approval->count; i++) {
        const struct bt_approval_change *change = &approval->changes[i];
        fprintf(to, "\n%s: ",
                change->document == NULL  ? "GỠ BỎ / REMOVED"
                : change->present == NULL ? "MỚI / NEW"
                                          : "SỬA / CHANGED");
        print_safe(change->path, to);
        fputc('\n', to);
        print_items(change, to);
        print_order(change, to);
        print_parts(change, to);
    }
    if (approval->count == 0) {
        fputs("Không đổi nội dung nào; chỉ gia hạn. / No document changes; a renewal.\n", to);
    }
}

static bool has_asset(const cJSON *document, const char *sha256)
{
    const cJSON *asset;
    cJSON_ArrayForEach(asset, member(document, "assets"))
    {
        if (strcmp(text_of(asset, "sha256"), sha256) == 0) {
            return true;
        }
    }
    return false;
}

cJSON *bt_approval_assets(const struct bt_approval *approval)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < approval->count; i++) {
        const struct bt_approval_change *change = &approval->changes[i];
        const cJSON *asset;
        cJSON_ArrayForEach(asset, member(change->document, "assets"))
        {
            if (!has_asset(change->present, text_of(asset, "sha256"))) {
                cJSON_AddItemToArray(list, cJSON_Duplicate(asset, true));
            }
        }
    }
    return list;
}
