// A record from anybody. Written as we write it, it is read the short way; with a blank in front of
// its end, the careful way. Both must say the same.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "plays/record.h"

static bool same(const void *one, const void *other, size_t bytes)
{
    return memcmp(one, other, bytes) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_record one, other;
    struct bt_error err = {0}, other_err = {0};
    if (size == 0 || size >= BT_RECORD_MAX_BYTES) {
        return 0;
    }
    char *careful = malloc(size + 1);
    assert(careful != NULL);
    memcpy(careful, data, size - 1);
    careful[size - 1] = ' ';
    careful[size] = (char)data[size - 1];
    // Bytes between members are compared, too.
    memset(&one, 0, sizeof(one));
    memset(&other, 0, sizeof(other));
    int r = bt_record_parse((const char *)data, size, &one, &err);
    bool ends = data[size - 1] == '}';  // else the blank may lie inside a text or a number
    if (ends && bt_record_parse(careful, size + 1, &other, &other_err) == 0) {
        assert(r == 0);
    } else {
        assert(!ends || r < 0);
    }
    if (ends && r == 0) {
        assert(one.seq == other.seq && one.kind == other.kind && one.mono_ms == other.mono_ms);
        assert(same(&one.start, &other.start, sizeof(one.start)));
        assert(same(&one.total, &other.total, sizeof(one.total)));
        assert(same(&one.origin, &other.origin, sizeof(one.origin)));
        assert(same(&one.loss, &other.loss, sizeof(one.loss)));
        assert(strcmp(one.kind_word, other.kind_word) == 0);
        assert(strcmp(one.why_ended, other.why_ended) == 0);
        assert(one.segment_count == other.segment_count && one.complete == other.complete);
        assert(one.start_ms == other.start_ms && one.end_ms == other.end_ms);
        assert(one.clock_trust == other.clock_trust && one.recovered == other.recovered);
    }
    assert((r < 0) == (err.msg[0] != '\0'));
    free(careful);
    return 0;
}
