// A rectangle of whole pixels.
#ifndef BT_PLAYLISTS_RECT_H
#define BT_PLAYLISTS_RECT_H

struct bt_rect {
    int x, y, width, height;  // x and y from the left top corner of what it lies on
};

#endif
