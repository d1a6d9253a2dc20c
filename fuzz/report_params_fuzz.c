// What a report is asked for, from outside: what is read can be settled, and its days are in order.
#include <assert.h>

#include "base/json.h"
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "server/reports/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bt_report_closing closing = {20, 15, 6, 15, 12};
    struct bt_error err = {0};
    struct bt_report_params params;
    BT_AUTOJSON *json = NULL;
    if (bt_json_parse((const char *)data, size, &json, &err) < 0 || !cJSON_IsObject(json)) {
        return 0;
    }
    int r = bt_report_params_read(json, &params, &err);
    assert((r < 0) == (err.msg[0] != '\0'));
    if (r < 0 || bt_report_settle(&params, &closing, 20000, &err) < 0) {
        return 0;
    }
    char kind[65];
    bt_report_kind(&params, kind);
    assert(params.from_day <= params.until_day);
    assert(params.until_day - params.from_day < BT_REPORT_MAX_DAYS);
    assert(params.title[0] != '\0' && params.phrase[0] != '\0');
    for (size_t i = 0; i < params.by_count; i++) {
        assert(bt_report_has(&params, params.by[i]));
    }
    return 0;
}
