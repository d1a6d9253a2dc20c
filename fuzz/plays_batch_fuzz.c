// A batch from anybody. The first byte says what follows: 'z' bytes as they come over the wire,
// else a text that is packed here first, so that what lies behind zstd is reached. What is read
// leads from hash to hash, and reads the same when it is packed again.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "fuzz/fuzz.h"
#include "plays/batch.h"

static void walk(const struct bt_batch *batch)
{
    struct bt_batch_cursor cursor = {0};
    struct bt_sha256 hash = batch->header.prev, at;
    struct bt_row row;
    struct bt_record record;
    int64_t seq = batch->header.first;
    while (bt_batch_next(batch, &cursor, &row) == 1) {
        hash = bt_chain_next(&hash, row.body, row.len);
        assert(row.seq == seq++ && memcmp(&hash, &row.hash, sizeof(hash)) == 0);
        assert(bt_batch_hash_at(batch, row.seq, &at) == 0);
        // Its number cannot be said in two ways.
        assert(bt_record_parse(row.body, row.len, &record, NULL) < 0 || record.seq == row.seq);
    }
    assert(seq == batch->header.first + batch->header.count);
    assert(memcmp(&hash, &batch->header.head, sizeof(hash)) == 0);
    assert(batch->header_line == batch->text.data);
}

static int read_packed(const void *packed, size_t len)
{
    struct bt_batch batch;
    struct bt_error err = {0};
    int r = bt_batch_read(packed, len, &batch, &err);
    assert((r < 0) == (err.msg[0] != '\0'));
    if (r == 0) {
        walk(&batch);
        bt_batch_finish(&batch);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    if (data[0] == 'z') {
        read_packed(data + 1, size - 1);
        return 0;
    }
    size_t room = ZSTD_compressBound(size - 1);
    void *packed = malloc(room);
    assert(packed != NULL);
    size_t len = ZSTD_compress(packed, room, data + 1, size - 1, 1);
    assert(!ZSTD_isError(len));
    read_packed(packed, len);
    free(packed);
    return 0;
}
