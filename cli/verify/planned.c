#include "cli/verify/planned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_MS 253402300799999LL
#define MAX_PLANNED 100000000  // of one item on one day

enum { PUBLICATION, ITEM, ASSET, CAMPAIGN, PRIORITY, PLANNED, CELLS };

struct bt_planned {
    struct bt_recount *rows;
    int64_t lines, later;
};

struct bt_planned *bt_planned_create(void)
{
    struct bt_planned *planned = BT_NEW(struct bt_planned);
    planned->rows = bt_recount_create();
    return planned;
}

void bt_planned_destroy(struct bt_planned *planned)
{
    if (planned != NULL) {
        bt_recount_destroy(planned->rows);
        free(planned);
    }
}

#define TEXT(member)                                                                               \
    BT_JSON_FIELD(struct bt_planned_head, member, #member, BT_JSON_STRING, .min = 1,               \
                  .max = sizeof(((struct bt_planned_head *)NULL)->member) - 1)

static const struct bt_json_field head_fields[] = {
    TEXT(day),
    TEXT(screen),
    TEXT(unit),
    BT_JSON_FIELD(struct bt_planned_head, made_ms, "made_ms", BT_JSON_INT, .max = MAX_MS),
};

int bt_planned_head(const cJSON *line, struct bt_planned_head *out, struct bt_error *err)
{
    return bt_json_read(line, head_fields, BT_ARRAY_LEN(head_fields), out, NULL, err);
}

// "c-1" and the like into the key; -EINVAL too long, or no text.
static int read_cell(const cJSON *row, int cell, char *out, size_t size)
{
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(row, cell));
    return text == NULL ? -EINVAL : bt_format(out, size, "%s", text);
}

static int read_row(const cJSON *row, struct bt_tally_key *key, int64_t *out_planned,
                    struct bt_error *err)
{
    struct bt_tally_subject *subject = &key->subject;
    const struct {
        char *to;
        size_t size;
    } texts[] = {
        [PUBLICATION] = {subject->publication, sizeof(subject->publication)},
        [ITEM] = {subject->item, sizeof(subject->item)},
        [ASSET] = {subject->asset, sizeof(subject->asset)},
        [CAMPAIGN] = {subject->campaign, sizeof(subject->campaign)},
        [PRIORITY] = {subject->priority, sizeof(subject->priority)},
    };
    int r = cJSON_IsArray(row) && cJSON_GetArraySize(row) == CELLS ? 0 : -EINVAL;
    for (int i = 0; i < PLANNED && r == 0; i++) {
        r = read_cell(row, i, texts[i].to, texts[i].size);
    }
    r = r < 0 ? r : bt_json_whole(cJSON_GetArrayItem(row, PLANNED), 0, MAX_PLANNED, out_planned);
    return r < 0 ? bt_fail(err, -EINVAL, "a row of a plan is none") : 0;
}

static int count_row(struct bt_planned *planned, const struct bt_recount_plan *plan,
                     const struct bt_recount_place *place, int64_t day, const cJSON *row,
                     struct bt_error *err)
{
    char name[BT_RECOUNT_KEY_BYTES];
    struct bt_tally_key key = {.day = day};
    struct bt_tally_counts counts = {.complete = 0};
    int r = read_row(row, &key, &counts.complete, err);
    return r < 0 || !bt_recount_key(plan, place, &key, name)
               ? r
               : bt_recount_add(planned->rows, name, &counts, err);
}

int bt_planned_take(struct bt_planned *planned, const struct bt_recount_plan *plan,
                    const struct bt_planned_head *head, const char *place, int64_t report_ms,
                    const cJSON *line, struct bt_error *err)
{
    int64_t seconds;
    const struct bt_recount_place where = {.unit = place, .screen = head->screen};
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(line, "rows");
    if (bt_date_parse(head->day, &seconds) < 0 || !cJSON_IsArray(rows)) {
        return bt_fail(err, -EINVAL, "a plan without 'day' and 'rows'");
    }
    int64_t day = seconds / 86400;
    bool ours = day >= plan->from_day && day <= plan->until_day;
    planned->lines += ours ? 1 : 0;
    planned->later += ours && head->made_ms > report_ms ? 1 : 0;
    int r = 0;
    for (const cJSON *row = rows->child; row != NULL && r == 0; row = row->next) {
        r = count_row(planned, plan, &where, day, row, err);
    }
    return r;
}

bool bt_planned_speaks(const struct bt_recount_plan *plan)
{
    for (size_t i = 0; i < plan->by_count; i++) {
        if (plan->by[i] == BT_BY_HOUR || plan->by[i] == BT_BY_REASON ||
            plan->by[i] == BT_BY_EVIDENCE) {
            return false;
        }
    }
    return true;
}

bool bt_planned_any(const struct bt_planned *planned)
{
    return planned->lines > 0;
}

int64_t bt_planned_later(const struct bt_planned *planned)
{
    return planned->later;
}

struct bt_recount *bt_planned_rows(struct bt_planned *planned)
{
    return planned->rows;
}

int64_t bt_planned_of(struct bt_planned *planned, const char *key)
{
    const struct bt_recount_row *row = bt_recount_find(planned->rows, key);
    return row == NULL ? 0 : row->counts.complete;
}
