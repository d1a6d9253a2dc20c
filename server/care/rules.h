/**
 * The rules of care: what is known of a screen and what is too much for its unit go in, what is
 * wrong comes out. One table (rules.c) with a judge for each thing that may be wrong; the time is a
 * parameter. Pure.
 *
 * Nothing flaps: a rule that says `hold_ms` wants to see it for so long before anybody is told, an
 * alert is over when it was gone for `calm_ms`, and a judge asks for more before it says that it is
 * gone than before it says that it is there (`was_on`).
 *
 * To add one: a judge and a line in the table, a line in docs/vi/huong-dan-van-hanh.md.
 */
#ifndef BT_SERVER_CARE_RULES_H
#define BT_SERVER_CARE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/civil.h"

#define BT_CARE_SENTENCE_BYTES 320
#define BT_CARE_NEVER INT64_MAX

enum bt_severity { BT_SEVERITY_NOTICE, BT_SEVERITY_WARNING, BT_SEVERITY_URGENT };
const char *bt_severity_word(enum bt_severity severity);

// What is too much, from the settings of the screen's unit.
struct bt_care_limits {
    int64_t silent_min, celsius, free_mib, content_days, plays_hours;
    int64_t quiet_from, quiet_until;  // hours; equal: never quiet
};

// What is known of a screen. Numbers that nobody said are BT_CARE_UNKNOWN.
#define BT_CARE_UNKNOWN INT64_MIN
struct bt_care_facts {
    int64_t open_since_ms;  // it should be on since; BT_CARE_UNKNOWN: it need not be on now
    int64_t watched_ms;     // nobody watched before this moment

    bool has_player;
    char channel[16];  // of the player: never-seen, obeys, not-obeying
    int64_t paired_ms, channel_ms, seen_ms;

    int64_t status_ms;  // of its newest status
    int64_t celsius, free_bytes, clock_offset_ms;
    bool throttled, clock_untrusted, no_display;
    char display[16];                  // on, off, standby, none; "" unknown
    char troubles[1024];               // codes, separated by spaces
    char back_from[24], back_why[16];  // the version it went back from; "": none

    int64_t order_given_ms;          // the oldest that was not answered
    int64_t order_failed_ms;         // the newest that failed
    int64_t content_end_ms;          // 0: there is none at all; BT_CARE_NEVER
    int64_t plays_known_ms;          // everything shown before is counted
    int64_t plays_lit, plays_unlit;  // of today, of which somebody says that the display was so
    bool forked;
    int64_t loss_ms;  // the end of the newest one
};

struct bt_finding {
    int64_t since_ms;
    char vi[BT_CARE_SENTENCE_BYTES], en[BT_CARE_SENTENCE_BYTES];
};

struct bt_judge {
    const struct bt_care_facts *facts;
    const struct bt_care_limits *limits;
    int64_t now_ms;
    bool was_on;
};

struct bt_rule {
    const char *kind;  // as in the API
    enum bt_severity severity;
    int64_t hold_ms, calm_ms;
    int64_t remind_ms;  // said again after so long while nobody has acknowledged it; 0: never
    const char *vi, *en;
    const char *todo;  // what to do, in Vietnamese
    bool (*holds)(const struct bt_judge *judge, struct bt_finding *out);  // NULL: not of screens
};
extern const struct bt_rule bt_rules[];
extern const size_t bt_rules_count;
const struct bt_rule *bt_rule_find(const char *kind);  // or NULL

// Since when a screen should have been on, or BT_CARE_UNKNOWN. Equal minutes: always.
int64_t bt_opening(int64_t open_min, int64_t close_min, const struct bt_tz *tz, int64_t now_ms);

// Quiet hours by the wall clock of tz.
bool bt_quiet(const struct bt_care_limits *limits, const struct bt_tz *tz, int64_t now_ms);

// How near the end of a role's signatures is: the kind of alert, or NULL.
const char *bt_expiry_kind(int64_t expires_ms, int64_t now_ms);

/**
 * One word for the screen as a whole, for people: "ok", "no-player", "never-seen", "silent",
 * "not-obeying", "dark", "trouble", the worst first; and since when.
 */
const char *bt_screen_state(const struct bt_care_facts *facts, const struct bt_care_limits *limits,
                            int64_t now_ms, int64_t *out_since_ms);

#endif
