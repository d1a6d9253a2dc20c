// The safe card: the unit's name on a plain ground, what a screen shows when nothing else is left,
// and while it starts.
#ifndef BT_PLAYER_SAFE_CARD_H
#define BT_PLAYER_SAFE_CARD_H

#include "playlists/publication.h"

// Where no unit is known.
#define BT_SAFE_CARD_NAME "Bảng tin"

// How the name is set on a card of that size, in pixels.
struct bt_text_style bt_safe_card_style(int width, int height);

#endif
