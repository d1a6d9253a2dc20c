// A key file from outside, without a passphrase: read or refused with a sentence, never half.
#include <assert.h>

#include "fuzz/fuzz.h"
#include "trust/private_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {""};
    BT_AUTO(bt_private_key) key = NULL;
    int r = bt_private_key_parse((const char *)data, size, NULL, &key, &err);
    assert((r < 0) == (key == NULL) && (r < 0) == (err.msg[0] != '\0'));
    return 0;
}
