/**
 * Reminders that signatures run out: roles whose expiry some command saw are remembered, and every
 * command says so from 30 days before.
 */
#ifndef BT_CLI_REMINDERS_H
#define BT_CLI_REMINDERS_H

#include <stdint.h>
#include <stdio.h>

enum bt_reminder { BT_REMINDER_NONE, BT_REMINDER_30, BT_REMINDER_7, BT_REMINDER_1, BT_EXPIRED };

enum bt_reminder bt_reminder_of(int64_t expires_ms, int64_t now_ms);

// "còn 12 ngày / 12 days left", "đã hết hạn / expired".
#define BT_REMINDER_TEXT_BYTES 96
void bt_reminder_text(int64_t expires_ms, int64_t now_ms, char out[BT_REMINDER_TEXT_BYTES]);

// Remembers when the role's metadata expires (0: forget it). What cannot be kept is let go.
void bt_reminders_note(const char *role, int64_t expires_ms);

// A line for each role that should be renewed; nothing when all is well.
void bt_reminders_print(FILE *to);

#endif
