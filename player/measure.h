/**
 * What a board and its display make of a publication: presents, refreshes, and what the machine
 * says of itself meanwhile (docs/hardware-tests.md). Presents are counted where they happen, on
 * the main thread; heat, power and memory are read once a second by a thread of its own.
 */
#ifndef BT_PLAYER_MEASURE_H
#define BT_PLAYER_MEASURE_H

#include <stdio.h>

#include "player/stage.h"

struct bt_measure;

// `root`: of the kernel's files, "" but for tests; must outlive it.
struct bt_measure *bt_measure_start(const char *root) BT_NODISCARD;
void bt_measure_destroy(struct bt_measure *measure);
BT_DEFINE_AUTO(bt_measure)

// A bt_present_listener's function; the context is the measure.
void bt_measure_presented(void *context, const struct bt_stage *stage, int64_t presented_ns);

/**
 * Ends the thread; then what was measured can be read. One JSON object with a fixed set of members:
 * what is not known here is null. The text is the caller's.
 */
void bt_measure_stop(struct bt_measure *measure);
char *bt_measure_json(const struct bt_measure *measure) BT_NODISCARD;

// The same as lines for people, Vietnamese beside English.
void bt_measure_print(const struct bt_measure *measure, FILE *to);

#endif
