// JSON from outside: whatever the strict parser accepts, cJSON prints and the parser reads again.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {0};
    BT_AUTOJSON *json = NULL;
    if (bt_json_parse((const char *)data, size, &json, &err) < 0) {
        assert(json == NULL && err.msg[0] != '\0');
        return 0;
    }
    char *text = cJSON_PrintUnformatted(json);
    assert(text != NULL);
    BT_AUTOJSON *again = NULL;
    assert(bt_json_parse(text, strlen(text), &again, &err) == 0);
    assert(cJSON_Compare(json, again, true));
    cJSON_free(text);
    return 0;
}
