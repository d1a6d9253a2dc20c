/**
 * Where a picture can go without a desktop: the graphics cards and what is plugged into them, as
 * the kernel knows it (/sys/class/drm). A Raspberry Pi 5 has two cards, of which one only draws;
 * which number is whose changes between boots, and SDL takes the first it likes.
 *
 * Reads a few small files, which never wait for hardware. Any thread.
 */
#ifndef BT_RENDER_CONNECTORS_H
#define BT_RENDER_CONNECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BT_MAX_GRAPHICS_CARDS 8

struct bt_connectors {
    int cards[BT_MAX_GRAPHICS_CARDS];  // numbers of those with a display that has modes; lowest
                                       // first
    size_t card_count;
    size_t display_count;                   // with modes, on all cards
    int preferred_width, preferred_height;  // of the only display there is; 0: unknown, or several
    // What is plugged in where and which modes it offers, as one number. Another number: something
    // was plugged, unplugged or swapped.
    uint64_t fingerprint;
};

// `root` is "" but for tests.
void bt_connectors_look(const char *root, struct bt_connectors *out);

// Whether whoever installed the kernel chose a mode for it (video= on its command line).
bool bt_connectors_mode_is_forced(const char *root);

struct bt_sdl_version {
    int major, minor, patch;
};

/**
 * Whether this SDL may drive the board's display without a desktop. -ENOTSUP: it shows garbage on
 * a Raspberry Pi 5 (BCM2712) before 2.30; err says in both languages what to install.
 */
int bt_kms_check_board(const char *root, struct bt_sdl_version sdl,
                       struct bt_error *err) BT_NODISCARD;

#endif
