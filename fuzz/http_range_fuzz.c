// Range and entity tags: a part that is sent lies inside the file.
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "server/http/range.h"

// Six bytes of a file's size, then the header.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t file_size = 0;
    if (size < 6) {
        return 0;
    }
    for (size_t i = 0; i < 6; i++) {
        file_size = file_size << 8 | data[i];
    }
    BT_AUTOFREE char *text = bt_strndup((const char *)data + 6, size - 6);
    struct bt_range range = {0};
    bool beyond = false;
    if (bt_range_parse(text, file_size, &range, &beyond)) {
        assert(!beyond && range.offset >= 0 && range.length > 0);
        assert(range.offset < file_size && range.length <= file_size - range.offset);
    }
    bool strong = bt_etag_listed(text, "abc", false);
    bool weak = bt_etag_listed(text, "abc", true);
    assert(weak || !strong);
    return 0;
}
