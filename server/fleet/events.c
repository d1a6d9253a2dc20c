// GET /v1/events: what happens to the screens a person may see, as it happens.
#include <errno.h>

#include "server/accounts/access.h"
#include "server/fleet/fleet.h"
#include "server/fleet/hub.h"

int bt_handle_events(struct bt_call *call, struct bt_error *err)
{
    char **units = bt_access_units(call, BT_ACTION_VIEW);
    if (units == NULL) {
        return bt_fail(err, -EAGAIN, "Cannot read what the caller may see");
    }
    struct bt_seat *seat = bt_seat_of_watcher(bt_call_server(call)->hub, units);
    if (seat == NULL) {
        bt_call_set_header(call, "Retry-After", "60");
        return bt_call_problem(call, 503, "too-many-watchers", "Đang có quá nhiều người theo dõi.",
                               "Too many are watching.");
    }
    return bt_call_stream_reply(call, bt_seat_on_open, bt_seat_on_close, seat);
}
