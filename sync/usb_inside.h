// What sync/usb.c (the thread), usb_copy.c (assets), usb_back.c (what comes back) and usb_words.c
// (what people read) share.
#ifndef BT_SYNC_USB_INSIDE_H
#define BT_SYNC_USB_INSIDE_H

#include "sync/import.h"
#include "sync/usb.h"

// What became of a stick.
struct bt_usb_outcome {
    struct bt_import import;
    int64_t copied, copied_bytes;  // assets
    int64_t damaged;               // that are not what they are called
    int64_t absent;                // that are missing here and not on the stick
    bool full;                     // our own disk
    bool gone;                     // the stick was pulled, or cannot be read
    bool slow;                     // it does not answer any more, or hardly
    bool kept;                     // the disk has what was committed before it was asked
    int64_t batches;               // of plays that were put into NAME.back
    bool more;                     // more plays than one stick takes
};

/**
 * Copies the assets that are wanted. Reads, hashes and writes on gentle threads and lets the disk
 * breathe. Everything that was copied stays, whatever ends it. -ECANCELED: sync stops.
 */
int bt_usb_copy(struct bt_sync *sync, struct bt_stick_reader *reader, struct bt_gentle *hands,
                struct bt_usb_outcome *outcome) BT_NODISCARD;

// Writes the plays and a status into DIR/TRA-VE/PLAYER, sealed. The status waits until the disk has
// all that it says, and is not tried when it did not keep what KET-QUA.txt says; without it the
// plays go all the same.
int bt_usb_plays_back(struct bt_sync *sync, const char *directory, struct bt_usb_outcome *outcome,
                      struct bt_error *err) BT_NODISCARD;

// KET-QUA.txt: what happened, why, and what to do; UTF-8 with a mark, lines as Windows has them.
int bt_usb_words(struct bt_sync *sync, const struct bt_usb_outcome *outcome,
                 struct bt_buf *out) BT_NODISCARD;

#endif
