// A tally's kept state: what is loaded is kept the same again, and records count on top of it.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "plays/tally.h"

static int note(const struct bt_tally_key *key, const struct bt_tally_counts *delta, void *context,
                struct bt_error *err)
{
    (void)err;
    int64_t *showings = context;
    assert(key->hour >= 0 && key->hour <= 23 && delta->verified <= delta->complete);
    *showings += delta->complete + delta->partial;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {0};
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    BT_AUTO(bt_tally) tally = bt_tally_create(tz);
    if (bt_tally_load(tally, (const char *)data, size, &err) < 0) {
        assert(err.msg[0] != '\0');
        return 0;
    }
    BT_AUTO(bt_tally) again = bt_tally_create(tz);
    BT_AUTOBUF kept, twice;
    bt_buf_init(&kept, BT_TALLY_MAX_STATE);
    bt_buf_init(&twice, BT_TALLY_MAX_STATE);
    assert(bt_tally_save(tally, &kept) == 0);
    assert(bt_tally_load(again, kept.data, kept.len, &err) == 0);
    assert(bt_tally_save(again, &twice) == 0);
    assert(kept.len == twice.len && memcmp(kept.data, twice.data, kept.len) == 0);
    int64_t showings = 0;
    struct bt_record start = {.kind = BT_RECORD_START};
    struct bt_tally_time time = {0};
    assert(bt_tally_add(tally, &start, &time, note, &showings, NULL) == 0);
    assert(showings >= 0 && showings <= BT_TALLY_MAX_RUNS);
    return 0;
}
