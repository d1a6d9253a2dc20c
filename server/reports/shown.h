// What a report document's members are called on paper.
#ifndef BT_SERVER_REPORTS_SHOWN_H
#define BT_SERVER_REPORTS_SHOWN_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define BT_SHOWN_BYTES 512

// Everything the others look at is there; -EINVAL otherwise.
int bt_shown_check(const cJSON *head, struct bt_error *err) BT_NODISCARD;

const cJSON *bt_shown_member(const cJSON *object, const char *key);  // or NULL
const char *bt_shown_key(const cJSON *object, const char *key);      // a text, or ""
bool bt_shown_whole(const cJSON *value, int64_t *out);               // a whole number
int64_t bt_shown_number(const cJSON *object, const char *key);       // or 0

// A cell's text as a column shows it: days as 01/10/2026, months as 10/2026, words in Vietnamese.
void bt_shown_text(const cJSON *column, const char *text, char out[BT_SHOWN_BYTES]);
void bt_shown_day(const char *iso, char out[BT_SHOWN_BYTES]);

// A moment in Viet Nam, or in the report's time zone: "19/10/2026 07:30".
void bt_shown_moment(const cJSON *head, int64_t ms, char out[BT_SHOWN_BYTES]);

// What must stand beside the numbers, line by line: completeness, definitions, root, the sentence.
#define BT_SHOWN_MAX_NOTES 12
struct bt_shown_notes {
    char lines[BT_SHOWN_MAX_NOTES][BT_SHOWN_BYTES];
    size_t count;
};
void bt_shown_notes(const cJSON *head, struct bt_shown_notes *out);

// One line of it for the foot of every page.
void bt_shown_foot(const cJSON *head, char out[BT_SHOWN_BYTES]);

// "BC_luot-phat_2026-10_BacNinh.xlsx"
void bt_shown_file_name(const cJSON *head, const char *ending, char out[BT_SHOWN_BYTES]);

#endif
