/**
 * The settings of care for all units at once: a province has thousands of units, and few of them
 * say anything of their own. What bt_setting_text would say of each.
 */
#ifndef BT_SERVER_CARE_LIMITS_H
#define BT_SERVER_CARE_LIMITS_H

#include "server/care/rules.h"
#include "server/db/db.h"
#include "server/settings/settings.h"

struct bt_all_limits;
int bt_all_limits_load(struct bt_db *db, struct bt_all_limits **out,
                       struct bt_error *err) BT_NODISCARD;
void bt_all_limits_destroy(struct bt_all_limits *all);
BT_DEFINE_AUTO(bt_all_limits)

// By a unit's path, "/vn/92/31333/".
void bt_all_limits_find(const struct bt_all_limits *all, const char *path,
                        struct bt_care_limits *out);

// Who gets its alerts by e-mail ("": nobody), and the path of the unit that says so.
const char *bt_all_limits_mail_to(const struct bt_all_limits *all, const char *path,
                                  const char **out_unit_path);

// For quiet hours; as the root has it.
const struct bt_tz *bt_all_limits_tz(const struct bt_all_limits *all);

#endif
