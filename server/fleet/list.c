#include "server/fleet/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/fleet/fleet.h"

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

struct entry {
    char id[32];
    cJSON *item;
};

struct page {
    struct entry *entries;
    size_t count, capacity;
    int64_t limit;
    const char *after;
};

static void finish_page(struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        cJSON_Delete(page->entries[i].item);
    }
    free(page->entries);
}

// The part of a path the caller may see that lies in the wanted one; NULL when nothing does.
static const char *narrower(const char *allowed, const char *wanted)
{
    if (bt_str_starts(wanted, allowed)) {
        return wanted;
    }
    return bt_str_starts(allowed, wanted) ? allowed : NULL;
}

static int add_below(struct bt_call *call, const struct bt_fleet_list *list, const char *path,
                     struct page *page, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = list->ask(bt_call_db(call), path, page->after, page->limit + 1, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        BT_GROW(page->entries, page->capacity, page->count + 1);
        struct entry *entry = &page->entries[page->count++];
        bt_copy_cut(entry->id, sizeof(entry->id), bt_db_get_text(rows, 0));
        entry->item = list->row(rows);
    }
    return r;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    return strcmp(left->id, right->id);
}

// By id, each once: a caller's units may lie in one another.
static cJSON *put_together(struct page *page)
{
    if (page->count > 0) {
        qsort(page->entries, page->count, sizeof(*page->entries), compare_entries);
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    const char *last = "", *next = NULL;
    int64_t count = 0;
    for (size_t i = 0; i < page->count && next == NULL; i++) {
        struct entry *entry = &page->entries[i];
        if (strcmp(entry->id, last) == 0) {
            continue;
        }
        if (count == page->limit) {
            next = last;
            continue;
        }
        count++;
        last = entry->id;
        cJSON_AddItemToArray(items, BT_TAKE(entry->item));
    }
    cJSON_AddItemToObject(reply, "next",
                          next != NULL ? cJSON_CreateString(next) : cJSON_CreateNull());
    return reply;
}

static int fill(struct bt_call *call, const struct bt_fleet_list *list, char *const *allowed,
                const char *wanted, struct page *page, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && allowed[i] != NULL; i++) {
        const char *path = narrower(allowed[i], wanted);
        r = path == NULL ? 0 : add_below(call, list, path, page, err);
    }
    return r;
}

int bt_fleet_list_reply(struct bt_call *call, enum bt_action action,
                        const struct bt_fleet_list *list, struct bt_error *err)
{
    struct page page = {.after = bt_call_query(call, "after")};
    char wanted[BT_UNIT_PATH_BYTES] = "/";
    const char *unit = bt_call_query(call, "unit");
    if (!bt_call_query_int(call, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &page.limit)) {
        return 0;
    }
    page.after = page.after != NULL ? page.after : "";
    int r = unit == NULL ? 0 : bt_fleet_unit_path(call, unit, wanted, sizeof(wanted), err);
    if (r < 0) {
        return r;
    }
    if (wanted[0] == '\0') {
        return bt_call_problem(call, 404, "not-found", "Không có đơn vị này.",
                               "There is no such unit.");
    }
    char **allowed = bt_access_units(call, action);
    r = allowed == NULL ? 0 : fill(call, list, allowed, wanted, &page, err);
    bt_access_units_free(allowed);
    cJSON *reply = r == 0 ? put_together(&page) : NULL;
    finish_page(&page);
    return r < 0 ? r : bt_call_json_reply(call, 200, reply);
}
