// The handlers of care, for the table in routes.c.
#ifndef BT_SERVER_CARE_HANDLERS_H
#define BT_SERVER_CARE_HANDLERS_H

#include "server/http/call.h"

bool bt_care_unit_of_alert(struct bt_call *call, char *out, size_t size);
bool bt_care_unit_of_hook(struct bt_call *call, char *out, size_t size);

int bt_handle_alerts_list(struct bt_call *call, struct bt_error *err);
int bt_handle_alert_acknowledge(struct bt_call *call, struct bt_error *err);
int bt_handle_alert_test(struct bt_call *call, struct bt_error *err);
int bt_handle_alert_test_result(struct bt_call *call, struct bt_error *err);
int bt_handle_hooks_list(struct bt_call *call, struct bt_error *err);
int bt_handle_hooks_add(struct bt_call *call, struct bt_error *err);
int bt_handle_hook_remove(struct bt_call *call, struct bt_error *err);
int bt_handle_messages_list(struct bt_call *call, struct bt_error *err);
int bt_handle_fleet(struct bt_call *call, struct bt_error *err);

#endif
