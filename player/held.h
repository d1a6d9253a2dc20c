/**
 * What is held back from being replaced: a publication that is to be activated at a time to come
 * lets its predecessor play until then, also when the player was restarted meanwhile. The texts of
 * such predecessors, in one small file that is there only as long as anything waits.
 */
#ifndef BT_PLAYER_HELD_H
#define BT_PLAYER_HELD_H

#include "player/content.h"

// Empty when there is no such file, or none that can be read.
struct bt_content bt_held_load(const char *path);

// The errand that keeps the documents (copied), or removes the file when there are none.
struct bt_errand *bt_held_save(const char *path, const struct bt_content *held) BT_NODISCARD;

#endif
