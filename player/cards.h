/**
 * Cards: what the program itself says on the screen, Vietnamese first. No text of a server's
 * making is among it: a pairing code is drawn only when it looks like one, the address only as a
 * QR code. Not for the render thread.
 */
#ifndef BT_PLAYER_CARDS_H
#define BT_PLAYER_CARDS_H

#include "player/prepare.h"

struct bt_pairing {
    char code[16];   // "K7WQ-2MXB"
    char words[64];  // four syllables
    char url[512];   // for the QR code
};

// The whole canvas: code, words, QR. -EINVAL: the code is not one.
int bt_card_pairing(struct bt_kitchen *kitchen, const struct bt_pairing *pairing, int width,
                    int height, struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// The whole canvas, before there is a code or any content.
enum bt_waiting { BT_WAITING_SERVER, BT_WAITING_BINDING, BT_WAITING_CONTENT };
int bt_card_waiting(struct bt_kitchen *kitchen, enum bt_waiting what, int width, int height,
                    struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// The screen's name and unit, for finding it among others; smaller than the canvas.
int bt_card_name(struct bt_kitchen *kitchen, const char *screen, const char *unit, int width,
                 int height, struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// What is shown was approved by one person only.
int bt_card_mark(struct bt_kitchen *kitchen, int width, int height, struct bt_image **out,
                 struct bt_error *err) BT_NODISCARD;

#endif
