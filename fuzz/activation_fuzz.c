// An emergency activation from outside: what is taken lies within all bounds.
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "server/publications/activation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {0};
    BT_AUTOJSON *document = NULL;
    struct bt_activation activation;
    if (size > BT_ACTIVATION_MAX_BYTES ||
        bt_json_parse((const char *)data, size, &document, &err) < 0) {
        return 0;
    }
    int r = bt_activation_read(document, &activation, &err);
    assert((r < 0) == (err.msg[0] != '\0'));
    if (r < 0) {
        return 0;
    }
    assert(activation.scope_count >= 1 && activation.scope_count <= BT_ACTIVATION_MAX_NAMES);
    assert(activation.screen_count <= BT_ACTIVATION_MAX_NAMES);
    assert(activation.level >= 1 && activation.level <= 5);
    assert(activation.template.layer == BT_DOCUMENT_TEMPLATE);
    assert(strlen(activation.template_sha256) == BT_SHA256_HEX_BYTES - 1);
    if (bt_activation_check_time(&activation, activation.from_ms, &err) == 0) {
        assert(activation.until_ms - activation.from_ms <= 24 * 3600 * 1000);
    }
    return 0;
}
