// What a backup says of itself, on a disk that anybody may have held: no path leads out of it, and
// what is read comes back when it is written.
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "server/backup/manifest.h"
#include "server/backup/shelf.h"

static void read_manifest(const char *text, size_t size)
{
    BT_AUTOFREE struct bt_manifest *manifest = BT_NEW(struct bt_manifest);
    BT_AUTOFREE struct bt_manifest *again = BT_NEW(struct bt_manifest);
    BT_AUTOBUF out;
    bt_buf_init(&out, 4 * BT_MANIFEST_MAX_BYTES);
    if (bt_manifest_read(text, size, manifest, NULL) < 0) {
        return;
    }
    assert(manifest->count <= BT_MANIFEST_MAX_FILES);
    for (size_t i = 0; i < manifest->count; i++) {
        const char *path = manifest->files[i].path, *slash = strchr(path, '/');
        assert(path[0] != '/' && path[0] != '.' && path[0] != '\0');
        assert(slash == NULL || (slash[1] != '.' && strchr(slash + 1, '/') == NULL));
    }
    assert(bt_manifest_write(manifest, &out) == 0);
    assert(bt_manifest_read(bt_buf_text(&out), out.len, again, NULL) == 0);
    assert(again->made_ms == manifest->made_ms && again->count == manifest->count);
}

static void read_list(const char *text, size_t size)
{
    BT_AUTOBLOBS list = {0};
    BT_AUTOBUF out;
    bt_buf_init(&out, size + 1);
    if (bt_blob_list_read(text, size, &list, NULL) < 0) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        assert(bt_blob_list_has(&list, &list.list[i].sha256));
    }
    // Zeros in front of a size are all that may go.
    assert(bt_blob_list_write(&list, &out) == 0 && out.len <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_manifest((const char *)data, size);
    read_list((const char *)data, size);
    return 0;
}
