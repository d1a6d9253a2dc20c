/**
 * What is known of screens, put together from all over the database, a page at a time by id; for
 * the rules and for GET /v1/fleet.
 */
#ifndef BT_SERVER_CARE_SCREENS_H
#define BT_SERVER_CARE_SCREENS_H

#include "server/care/rules.h"
#include "server/db/db.h"

#define BT_CARE_PAGE 500

struct bt_care_screen {
    char id[32], unit[32], path[256], name[129], place[257];
    char duty_name[129], duty_phone[33];
    char player[32];
    struct bt_care_facts facts;
    int64_t picture_ms;  // newest screenshot; BT_CARE_UNKNOWN
    char *status;        // JSON text, or NULL
};

struct bt_care_page {
    struct bt_care_screen screens[BT_CARE_PAGE];
    size_t count;
};

/**
 * The page of screens below a unit's path after an id, in the order of ids; empty at the end.
 * `watched_ms`: nobody watched before. *out is for bt_care_page_destroy.
 */
int bt_care_page_load(struct bt_db *db, const char *path, const char *after, int64_t now_ms,
                      int64_t watched_ms, struct bt_care_page **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_care_page_destroy(struct bt_care_page *page);
BT_DEFINE_AUTO(bt_care_page)

#endif
