// Time zone files: what is accepted must give offsets within a day or so, and instants that hold.
#include <assert.h>
#include <stdlib.h>

#include "base/civil.h"
#include "fuzz/fuzz.h"

static void ask(const struct bt_tz *tz, int64_t utc_s)
{
    int32_t offset_s = bt_tz_offset_s(tz, utc_s);
    assert(offset_s >= -26 * 3600 && offset_s <= 26 * 3600);
    assert(bt_tz_next_change_s(tz, utc_s) > utc_s);
    int64_t again_s = bt_tz_to_utc_s(tz, bt_tz_to_local_s(tz, utc_s));
    assert(again_s <= utc_s);  // of two instants with the same local time the first is meant
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {0};
    BT_AUTO(bt_tz) tz = NULL;
    if (bt_tz_parse(data, size, &tz, &err) < 0) {
        assert(tz == NULL && err.msg[0] != '\0');
        return 0;
    }
    for (int64_t utc_s = -3000000000; utc_s < 5000000000; utc_s += 86400 * 61) {
        ask(tz, utc_s);
    }
    return 0;
}
