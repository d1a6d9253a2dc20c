// Questions to the person at the terminal, and progress for them.
#ifndef BT_CLI_ASK_H
#define BT_CLI_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// One line as it was typed, without its end. -ENOTTY when nobody is there to type.
int bt_ask_line(const char *question, char *out, size_t size, struct bt_error *err) BT_NODISCARD;

// "có", "c", "yes", "y" are yes; everything else is no.
int bt_ask_yes(const char *question, bool *out, struct bt_error *err) BT_NODISCARD;

// A bar on standard error while it is a terminal; for bt_request.progress, context: its title.
void bt_progress_bar(void *context, int64_t done, int64_t total);
void bt_progress_end(void);

#endif
