// Upload-Length and Upload-Metadata: what is taken has a size, a unit and a title that people can
// read.
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "server/media/tus.h"

// The length up to the first line break, then the metadata.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTOFREE char *text = bt_strndup((const char *)data, size);
    char *metadata = strchr(text, '\n');
    if (metadata == NULL) {
        return 0;
    }
    *metadata++ = '\0';
    struct bt_tus_creation creation;
    struct bt_error err = {0};
    if (bt_tus_read_creation(text, metadata, &creation, &err) < 0) {
        assert(err.msg[0] != '\0');
        return 0;
    }
    assert(creation.size >= 1 && creation.size <= BT_TUS_MAX_BYTES);
    assert(creation.unit[0] != '\0' && creation.title[0] != '\0');
    assert(bt_utf8_valid(creation.title, strlen(creation.title)));
    assert(bt_utf8_valid(creation.unit, strlen(creation.unit)));
    return 0;
}
