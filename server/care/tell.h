/**
 * Telling: which alerts people should hear of now, put together into messages in the outbox. By
 * e-mail, one message for each unit that named its readers (alert_mail_to); by webhook, one for
 * each hook. In quiet hours only what is urgent. In one transaction: an alert was told of exactly
 * when its message is in the outbox.
 */
#ifndef BT_SERVER_CARE_TELL_H
#define BT_SERVER_CARE_TELL_H

#include "server/care/limits.h"

// -EAGAIN: too much waits in the outbox, or the database wants it again; nothing was written.
int bt_tell(struct bt_db *db, const struct bt_all_limits *limits, int64_t now_ms,
            struct bt_error *err) BT_NODISCARD;

#endif
