#include "base/compiler.h"
#include "server/http/route.h"

const struct bt_route_table *const bt_all_routes[] = {
    &bt_account_routes,
    &bt_http_routes,
    &bt_fleet_routes,
    &bt_media_routes,
    &bt_publication_routes,
    &bt_plays_routes,
    &bt_setting_routes,
    &bt_report_routes,
    &bt_evidence_routes,
    &bt_care_routes,
    NULL,  // each part adds its table above
};
const size_t bt_all_routes_count = BT_ARRAY_LEN(bt_all_routes) - 1;
