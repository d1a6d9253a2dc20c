/**
 * The secret with which a player that was prepared beforehand pairs by itself, once: the file
 * "enrolment" in its data (docs/protocol.md, "Pairing"). It is gone as soon as it was used or
 * refused, and never said to a log.
 */
#ifndef BT_SYNC_ENROLMENT_H
#define BT_SYNC_ENROLMENT_H

#include "base/error.h"

#define BT_ENROLMENT_BYTES 65  // 64 hex digits, with the NUL

// "" when there is none, or what is there is none: that is said, and it goes.
void bt_enrolment_read(const char *directory, char out[BT_ENROLMENT_BYTES]);

void bt_enrolment_forget(const char *directory);

#endif
