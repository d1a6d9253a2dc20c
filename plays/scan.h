/**
 * Reads a flat JSON object the short way: in one pass, without allocating, when it is written as
 * our own records are (no blanks, no escapes, no lists or objects inside, only keys of the table,
 * each at most once). What is written otherwise is not wrong: base/json.h then judges it. Servers
 * read millions of records; with the table in the records' order a key is found at the first look.
 *
 * Pure; does not log.
 */
#ifndef BT_PLAYS_SCAN_H
#define BT_PLAYS_SCAN_H

#include "base/json.h"

// The table's fields may be STRING, INT, BOOL and ENUM; an object that has others is not read. At
// most 64 of them.
struct bt_scan_part {
    const struct bt_json_field *fields;
    size_t count;
};

/**
 * True: `target` is filled as bt_json_parse and bt_json_read with all the parts' fields would have
 * filled it. False: it may be half filled, and nothing is said about the text.
 */
bool bt_scan_object(const char *text, size_t len, const struct bt_scan_part *parts, size_t count,
                    void *target);

#endif
