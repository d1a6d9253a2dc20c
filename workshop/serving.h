/**
 * `bangtin-media serve`: the workshop's end of the hatch (base/hatch.h). It hands the file to a
 * child of its own, `inspect` or `draw`, and what that leaves to the client; it reads no byte of
 * the file itself. Bounds on memory, time and reach are the service manager's.
 */
#ifndef BT_WORKSHOP_SERVING_H
#define BT_WORKSHOP_SERVING_H

#include "base/compiler.h"
#include "base/error.h"

/**
 * Does the one job that comes through the connected socket. A client that hangs up ends the work.
 * What became of the file is the client's to hear: an error is that it could not be told.
 */
int bt_serving_answer(int hatch, struct bt_error *err) BT_NODISCARD;

#endif
