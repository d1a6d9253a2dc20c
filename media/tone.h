/**
 * HDR frames (PQ or HLG, BT.2020) for screens that are not: brightness above what a screen has is
 * compressed, not cut (the curve of ITU-R BT.2390), around diffuse white at 203 nits (BT.2408);
 * colours that BT.709 does not have move to its edge. Everything through one table of colours.
 * Inside media/ only.
 */
#ifndef BT_MEDIA_TONE_H
#define BT_MEDIA_TONE_H

#include <libavutil/pixfmt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct bt_tone;

// Whether frames with this transfer want it.
bool bt_transfer_is_hdr(enum AVColorTransferCharacteristic transfer);

// Computes the whole table: once for a clip.
struct bt_tone *bt_tone_create(enum AVColorTransferCharacteristic transfer) BT_NODISCARD;
void bt_tone_destroy(struct bt_tone *tone);
BT_DEFINE_AUTO(bt_tone)
enum AVColorTransferCharacteristic bt_tone_transfer(const struct bt_tone *tone);

// In place: opaque BGRA whose values are still the coded ones of BT.2020.
void bt_tone_map(const struct bt_tone *tone, uint8_t *pixels, size_t stride, int width, int height);

#endif
