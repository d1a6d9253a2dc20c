// A recurrence of any text: reading it and looking for its occurrences is bounded work, and they
// come in order, inside what was asked for.
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "playlists/recurrence.h"

#define YEAR_S INT64_C(31622400)
#define START_S (INT64_C(56) * YEAR_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTOFREE char *text = bt_alloc(size + 1);
    memcpy(text, data, size);
    BT_AUTO(bt_recurrence) recurrence = NULL;
    struct bt_error err;
    if (bt_recurrence_create(text, START_S, &recurrence, &err) < 0) {
        return 0;
    }
    int64_t from_s = START_S, found_s;
    for (int i = 0; i < 100; i++, from_s = found_s + 1) {
        if (!bt_recurrence_next(recurrence, from_s, START_S + 4 * YEAR_S, &found_s)) {
            break;
        }
        assert(found_s >= from_s && found_s < START_S + 4 * YEAR_S);
    }
    return 0;
}
