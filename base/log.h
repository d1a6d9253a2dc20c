/**
 * Logging. Each long-lived object keeps a `const struct bt_log *` with its name. The layer that
 * decides what to do about a failure logs it, once, and says what happens next; code below
 * returns it. Lines go to stderr with a syslog level prefix when stderr is the system journal.
 * Names and text from outside stand in single quotes; secrets never appear. Thread-safe.
 */
#ifndef BT_BASE_LOG_H
#define BT_BASE_LOG_H

#include "base/compiler.h"

enum bt_log_level {
    BT_LOG_ERROR,  // given up
    BT_LOG_WARN,   // failed, carrying on
    BT_LOG_INFO,   // what an operator wants to know once
    BT_LOG_DEBUG,  // never per frame
};

struct bt_log {
    const char *name;  // for example "player/loader"; static storage
};

// Process-wide threshold, set once by main before threads start. Default: BT_LOG_INFO.
void bt_log_set_level(enum bt_log_level level);

void bt_log_write(const struct bt_log *log, enum bt_log_level level, const char *format, ...)
    BT_PRINTF(3, 4);

#define bt_log_error(log, ...) bt_log_write(log, BT_LOG_ERROR, __VA_ARGS__)
#define bt_log_warn(log, ...) bt_log_write(log, BT_LOG_WARN, __VA_ARGS__)
#define bt_log_info(log, ...) bt_log_write(log, BT_LOG_INFO, __VA_ARGS__)
#define bt_log_debug(log, ...) bt_log_write(log, BT_LOG_DEBUG, __VA_ARGS__)

#endif
