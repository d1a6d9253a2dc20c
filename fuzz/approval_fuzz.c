// What a server says is to be signed: whatever it says, it is shown or refused.
#include <assert.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/approving.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {""};
    BT_AUTOJSON *to_sign = NULL;
    if (bt_json_parse((const char *)data, size, &to_sign, NULL) < 0) {
        return 0;
    }
    BT_AUTOFINISH(bt_approval_finish) struct bt_approval approval = {0};
    int r = bt_approval_read(to_sign, NULL, &approval, &err);
    assert((r < 0) == (err.msg[0] != '\0'));
    if (r == 0) {
        char *text = NULL;
        size_t len = 0;
        FILE *to = open_memstream(&text, &len);
        assert(to != NULL);
        bt_approval_print(&approval, to);
        fclose(to);
        free(text);
        BT_AUTOJSON *assets = bt_approval_assets(&approval);
        assert(cJSON_IsArray(assets));
    }
    return 0;
}
