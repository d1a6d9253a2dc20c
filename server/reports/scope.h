/**
 * The screens a report is about: those of its unit that were in use during its days, and those that
 * showed something for it then and belong to somebody else now. For each, how far its journals are
 * known and what it showed.
 */
#ifndef BT_SERVER_REPORTS_SCOPE_H
#define BT_SERVER_REPORTS_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"
#include "server/reports/params.h"

struct bt_scope_screen {
    char id[32], unit[25];
    char *name, *unit_name, *unit_path;
    int64_t known_ms;  // everything shown before is counted; 0: nothing ever came
    bool forked;
    int64_t complete;  // in the days of the report
};

// What ends showings that did not come complete.
enum bt_cut {
    BT_CUT_REMOVED,
    BT_CUT_PREEMPTED,
    BT_CUT_POWER,
    BT_CUT_DISPLAY,
    BT_CUT_ERROR,
    BT_CUT_STOPPED,
    BT_CUT_WINDOW,    // these two are no reason by themselves:
    BT_CUT_SCHEDULE,  // something was missing on the way
    BT_CUT_COUNT
};
extern const char *const bt_cut_words[BT_CUT_COUNT];  // as records have them

// What a screen showed on a day; or, over very long ranges, on all days together.
struct bt_scope_day {
    int64_t day;
    char screen[32];
    int64_t complete, partial, shown_ms;
    int64_t cut[BT_CUT_COUNT];  // of the partial ones, by bt_cut_words
};

struct bt_scope {
    int64_t start_ms, end_ms;  // the days, in the unit's time zone
    int64_t cutoff_ms;         // what is known up to here is in full
    struct bt_scope_screen *screens;
    size_t count, capacity;
    struct bt_scope_day *days;
    size_t day_count, day_capacity;
    bool by_day;
    int64_t complete, partial, verified, cards, shown_ms, repaired, undated;
    int64_t cut[BT_CUT_COUNT];
};
void bt_scope_finish(struct bt_scope *scope);
#define BT_AUTOSCOPE BT_AUTOFINISH(bt_scope_finish) struct bt_scope

enum bt_scope_state { BT_SCOPE_FULL, BT_SCOPE_PART, BT_SCOPE_NONE };
enum bt_scope_state bt_scope_state(const struct bt_scope *scope,
                                   const struct bt_scope_screen *screen);

// `path` of the report's unit. *out is for bt_scope_finish in either case.
int bt_scope_load(struct bt_db *db, const struct bt_report_params *params, const char *path,
                  int64_t now_ms, struct bt_scope *out, struct bt_error *err) BT_NODISCARD;

/**
 * What was counted by screen, and by day, too, if so: day (0 without), screen, complete, partial,
 * verified, cards, shown_ms, repaired, undated, and the partial ones by bt_cut_words; by day they
 * are sorted by day and screen.
 */
int bt_scope_ask_days(struct bt_db *db, const struct bt_report_params *params, const char *path,
                      bool by_day, struct bt_db_rows **out, struct bt_error *err) BT_NODISCARD;

// The screen's index, or -ENOENT. They are sorted by id.
int64_t bt_scope_find(const struct bt_scope *scope, const char *id);

#endif
