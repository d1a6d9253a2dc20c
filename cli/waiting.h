// Asking a server again and again until something has become so.
#ifndef BT_CLI_WAITING_H
#define BT_CLI_WAITING_H

#include <stdbool.h>

#include "cli/client.h"

#define BT_WAIT_OPTION                                                                             \
    {                                                                                              \
        "wait", "SECONDS", "chờ xác nhận tối đa bao lâu / how long to wait for answers (30)",      \
            .min = 0, .max = 86400                                                                 \
    }

/**
 * GETs `path` until `is_done` says so of the answer, or --wait seconds have passed. *out is the
 * last answer, for cJSON_Delete; *out_done says which it was.
 */
int bt_wait_for(struct bt_client *client, const struct bt_arguments *arguments, const char *path,
                bool (*is_done)(const cJSON *answer, void *context), void *context, cJSON **out,
                bool *out_done, struct bt_error *err) BT_NODISCARD;

// For lists of {"state"}: none is "sent" or "waiting" any more.
bool bt_all_answered(const cJSON *list);

#endif
