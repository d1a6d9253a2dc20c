/**
 * A screen as it is kept and as people edit it: what it is, where, whose, who looks after it, when
 * it may be on and how loud and bright. What binds the player is the screen's signed publication;
 * this is what it is written from.
 */
#ifndef BT_SERVER_FLEET_SCREEN_H
#define BT_SERVER_FLEET_SCREEN_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/http/call.h"

enum bt_screen_kind { BT_SCREEN_LED, BT_SCREEN_LCD, BT_SCREEN_GATE };

struct bt_screen {
    char id[32], unit[32];
    char name[129];
    int kind;               // enum bt_screen_kind
    int64_t width, height;  // pixels of the canvas
    char place[257];
    bool located;
    int64_t latitude_e6, longitude_e6;  // millionths of a degree
    char duty_name[129], duty_phone[33];
    int64_t open_min, close_min;  // minutes of the day; equal: all day
    int64_t volume_max_percent, brightness_max_percent;
    char note[1025];
    char time_zone[64];  // IANA name; whose days and hours its plays are counted by
    int64_t revision;
};

// The body of POST and PUT; answers 400 itself and returns false. Id and revision stay.
bool bt_screen_read(struct bt_call *call, struct bt_screen *out);

// -ENOENT when there is none, or it is out of use.
int bt_screen_find(struct bt_db *db, const char *id, struct bt_screen *out,
                   struct bt_error *err) BT_NODISCARD;
int bt_screen_insert(struct bt_db *db, const struct bt_screen *screen, int64_t now_ms,
                     struct bt_error *err) BT_NODISCARD;
int bt_screen_update(struct bt_db *db, const struct bt_screen *screen,
                     struct bt_error *err) BT_NODISCARD;

// What the audit log and the answers say of it.
cJSON *bt_screen_json(const struct bt_screen *screen) BT_NODISCARD;

// The same from a row of bt_screen_rows, with the player that drives it.
cJSON *bt_screen_row_json(const struct bt_db_rows *row) BT_NODISCARD;
int bt_screen_rows(struct bt_db *db, const char *path, const char *after, int64_t limit,
                   struct bt_db_rows **out, struct bt_error *err) BT_NODISCARD;
int bt_screen_row(struct bt_db *db, const char *id, struct bt_db_rows **out,
                  struct bt_error *err) BT_NODISCARD;

#endif
