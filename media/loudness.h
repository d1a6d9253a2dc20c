/**
 * Loudness kept even: people who made their clips louder are not heard louder. Each file's
 * loudness is measured once, by EBU R 128 (libebur128), and gives the gain that brings it to
 * -23 LUFS: at most 12 dB either way, and never so much that its peaks come above -2 dBFS.
 *
 * Measuring reads the file's sound from the beginning, ten minutes of it or three seconds of the
 * processor's work at most; what was read until then counts. A small table keeps the gains.
 *
 * Thread-safe; two threads may measure at the same time.
 */
#ifndef BT_MEDIA_LOUDNESS_H
#define BT_MEDIA_LOUDNESS_H

#include <stdatomic.h>

#include "base/compiler.h"

#define BT_LOUDNESS_TARGET_LUFS (-23.0)
#define BT_LOUDNESS_MAX_GAIN_DB 12.0
#define BT_LOUDNESS_PEAK_DB (-2.0)

struct bt_loudness;

struct bt_loudness *bt_loudness_create(void) BT_NODISCARD;
void bt_loudness_destroy(struct bt_loudness *loudness);
BT_DEFINE_AUTO(bt_loudness)

// A factor for the samples; 1 of what is silent or cannot be read. Takes its time; gives up when
// *stop is set.
float bt_loudness_gain(struct bt_loudness *loudness, const char *path, const atomic_bool *stop);

// The arithmetic alone: LUFS and the largest sample (0..).
double bt_loudness_gain_db(double lufs, double peak);

#endif
