/**
 * What the schedule asked for, day by day, as the server wrote it into the evidence
 * (docs/evidence.md). It is the server's statement, signed with the file and proved by nobody: who
 * published what when stands in no signature. What can be judged is whether the report's numbers
 * follow from it.
 */
#ifndef BT_CLI_VERIFY_PLANNED_H
#define BT_CLI_VERIFY_PLANNED_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/verify/recount.h"

struct bt_planned;
struct bt_planned *bt_planned_create(void) BT_NODISCARD;
void bt_planned_destroy(struct bt_planned *planned);
BT_DEFINE_AUTO(bt_planned)

// What a line is about: for bt_planned_take.
struct bt_planned_head {
    char day[11], screen[32], unit[32];
    int64_t made_ms;  // when the server computed it
};
int bt_planned_head(const cJSON *line, struct bt_planned_head *out,
                    struct bt_error *err) BT_NODISCARD;

/**
 * A day of a screen, counted where the plan has it; `place` is the unit it is reported under. One
 * that was computed after `report_ms` is not what the report was made of. -EINVAL: it has not the
 * shape that it must have.
 */
int bt_planned_take(struct bt_planned *planned, const struct bt_recount_plan *plan,
                    const struct bt_planned_head *head, const char *place, int64_t report_ms,
                    const cJSON *line, struct bt_error *err) BT_NODISCARD;

// Can a report by these dimensions say how often something was scheduled?
bool bt_planned_speaks(const struct bt_recount_plan *plan);

bool bt_planned_any(const struct bt_planned *planned);           // there is a plan
int64_t bt_planned_later(const struct bt_planned *planned);      // days computed after the report
struct bt_recount *bt_planned_rows(struct bt_planned *planned);  // `complete` is how often
int64_t bt_planned_of(struct bt_planned *planned, const char *key);  // 0: not at all

#endif
