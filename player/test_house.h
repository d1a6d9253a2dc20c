/**
 * What tests of this room share: a directory with a content store, stills in it, and the running
 * order of a publication on a clock that only the test sets.
 */
#ifndef BT_PLAYER_TEST_HOUSE_H
#define BT_PLAYER_TEST_HOUSE_H

#include "base/buf.h"
#include "player/prepare.h"
#include "player/running_order.h"
#include "plays/testing.h"

struct bt_test_house {
    const struct bt_test_dir *dir;  // borrowed
    char assets[96];                // the store's directory
    struct bt_buf list;             // the publication's assets, as JSON
    struct bt_kitchen *kitchen;
    struct bt_clock *clock;  // its monotonic hand stands at the real one of the start
    struct bt_running_order *order;
};

void bt_test_house_init(struct bt_test_house *house, const struct bt_test_dir *dir);
void bt_test_house_finish(struct bt_test_house *house);

// Takes a file into the store, and among the publication's assets under that name.
void bt_test_house_add(struct bt_test_house *house, const char *name, const char *path,
                       const char *type, int64_t duration_ms);

// A still of one colour, likewise; or one that the store does not have.
void bt_test_house_add_still(struct bt_test_house *house, const char *name, uint8_t grey);
void bt_test_house_add_missing(struct bt_test_house *house, const char *name);

// One zone of 64 × 36 with these items (JSON with ' for "). The loop starts now, which is a second
// before a full hour; gives when.
int64_t bt_test_house_open(struct bt_test_house *house, const char *items);

// The same with something more urgent: these items come so many milliseconds after the start, with
// the priority "priority", and stay for as many more.
int64_t bt_test_house_open_urgent(struct bt_test_house *house, const char *items,
                                  const char *urgent, int64_t from_ms, int64_t length_ms);

#endif
