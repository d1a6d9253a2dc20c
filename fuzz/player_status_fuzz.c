// A status from a player: what is read is read the same again, is not longer than it was allowed to
// be, and its troubles are words.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "server/fleet/player_status.h"

static void check(const cJSON *status)
{
    BT_AUTOJSON *again = NULL;
    assert(bt_player_status_read(status, &again, NULL) == 0);
    assert(cJSON_Compare(status, again, true));
    assert(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(status, "at_ms")));
    BT_AUTOBUF troubles;
    bt_buf_init(&troubles, BT_STATUS_MAX_BYTES);
    assert(bt_player_status_troubles(status, &troubles) == 0);
    const char *text = bt_buf_text(&troubles);
    assert(text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789- ")] == '\0');
    assert(text[0] != ' ' && strstr(text, "  ") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTOJSON *said = NULL;
    BT_AUTOJSON *status = NULL;
    struct bt_error err = {0};
    if (size > BT_STATUS_MAX_BYTES || bt_json_parse((const char *)data, size, &said, &err) < 0) {
        return 0;
    }
    int r = bt_player_status_read(said, &status, &err);
    assert((r < 0) == (status == NULL) && (r < 0) == (err.msg[0] != '\0'));
    if (r == 0) {
        check(status);
    }
    return 0;
}
