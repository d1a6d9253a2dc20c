/**
 * Reads the sound of a file: whatever its codec, rate and channels, stereo at BT_SOUND_RATE comes
 * out. Opens the file for itself, beside whoever reads its pictures, so that neither waits for the
 * other. Everything said of hostile files in input.h holds here.
 *
 * One thread at a time. Inside media/ only.
 */
#ifndef BT_MEDIA_SOUND_READER_H
#define BT_MEDIA_SOUND_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "media/sound_convert.h"

struct bt_sound_reader;

// Errors: those of bt_input_open; -ENODATA there is no sound in it.
int bt_sound_reader_open(const char *path, const atomic_bool *stop, struct bt_sound_reader **out,
                         struct bt_error *err) BT_NODISCARD;
void bt_sound_reader_destroy(struct bt_sound_reader *reader);
BT_DEFINE_AUTO(bt_sound_reader)

// Goes to before the container's time, or stays where it is.
void bt_sound_reader_seek(struct bt_sound_reader *reader, int64_t stamp_ns);

// 1 and a block; 0 at the end. Damage is skipped. Errors: as bt_input_read.
int bt_sound_reader_read(struct bt_sound_reader *reader, struct bt_sound_block *out,
                         struct bt_error *err) BT_NODISCARD;

#endif
