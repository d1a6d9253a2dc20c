/**
 * Settings: what offices may do differently without anybody touching the server's command line. One
 * table (definitions.c) says what there is; values stand with a unit and hold in everything below
 * it, until a unit further down has its own. Secrets are no settings: they stand in files that the
 * command line names.
 *
 * To add one: a line in definitions.c. Whoever needs it asks with its name and a unit.
 */
#ifndef BT_SERVER_SETTINGS_SETTINGS_H
#define BT_SERVER_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"

#define BT_SETTING_VALUE_BYTES 513

enum bt_setting_kind {
    BT_SETTING_NUMBER,     // min..max
    BT_SETTING_TEXT,       // min..max bytes, one line
    BT_SETTING_WORD,       // one of `words`
    BT_SETTING_DATE,       // a day of each year, "15/6"; 29/2 is none
    BT_SETTING_TIME_ZONE,  // an IANA name
};

struct bt_setting {
    const char *name;
    enum bt_setting_kind kind;
    const char *standard;  // what holds where nobody has said anything
    int64_t min, max;
    const char *const *words;  // ends with NULL
    bool top;                  // of the whole server: only the root unit has it
    const char *vi, *en;       // one sentence each
};
extern const struct bt_setting bt_settings[];
extern const size_t bt_settings_count;

const struct bt_setting *bt_setting_find(const char *name);  // or NULL
const char *bt_setting_kind_word(enum bt_setting_kind kind);

// Is it one of this setting's values? -EINVAL with a sentence in both languages.
int bt_setting_check(const struct bt_setting *setting, const char *value,
                     struct bt_error *err) BT_NODISCARD;

/**
 * What holds in a unit (NULL: the root). The name must be in the table, and of the right kind. A
 * value that a newer or older program left there and that does not fit is passed over.
 */
int bt_setting_text(struct bt_db *db, const char *name, const char *unit,
                    char out[BT_SETTING_VALUE_BYTES], struct bt_error *err) BT_NODISCARD;
int bt_setting_number(struct bt_db *db, const char *name, const char *unit, int64_t *out,
                      struct bt_error *err) BT_NODISCARD;

// "15/6" → day and month of a DATE. False: it is none.
bool bt_setting_date(const char *value, int *out_day, int *out_month);

#endif
