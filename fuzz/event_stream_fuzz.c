// Server-sent events: whole or byte by byte, the same events come out, and the bounds hold.
#include <assert.h>
#include <string.h>

#include "base/sha256.h"
#include "fuzz/fuzz.h"
#include "sync/event_stream.h"

struct seen {
    size_t count;
    struct bt_hasher *hasher;
};

static int note(const struct bt_event *event, void *context, struct bt_error *err)
{
    struct seen *seen = context;
    assert(event->len <= BT_EVENT_MAX_BYTES && event->data[event->len] == '\0');
    bt_hasher_add(seen->hasher, event->name, strlen(event->name) + 1);
    bt_hasher_add(seen->hasher, event->data, event->len);
    seen->count++;
    return 0;
}

static int read_all(const uint8_t *data, size_t size, size_t piece, struct seen *seen,
                    struct bt_sha256 *out)
{
    BT_AUTO(bt_event_stream) stream = bt_event_stream_create(note, seen);
    struct bt_error err = {0};
    int r = 0;
    seen->hasher = bt_hasher_create();
    for (size_t at = 0; at < size && r == 0; at += piece) {
        r = bt_event_stream_feed(stream, data + at, BT_MIN(piece, size - at), &err);
    }
    assert((r < 0) == (err.msg[0] != '\0'));
    *out = bt_hasher_result(seen->hasher);
    bt_hasher_destroy(seen->hasher);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, bytes = {0};
    struct bt_sha256 whole_hash, bytes_hash;
    int r = read_all(data, size, BT_MAX(size, (size_t)1), &whole, &whole_hash);
    assert(read_all(data, size, 1, &bytes, &bytes_hash) == r);
    assert(whole.count == bytes.count);
    assert(memcmp(&whole_hash, &bytes_hash, sizeof(whole_hash)) == 0);
    return 0;
}
