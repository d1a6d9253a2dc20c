// The assets of a stick into the store: bounded, hashed while they are copied, and so gently that
// the picture does not notice.
#include <errno.h>

#include "assets/partial.h"
#include "base/log.h"
#include "base/str.h"
#include "sync/repository.h"
#include "sync/transfers.h"
#include "sync/usb_inside.h"

// A card of a small computer writes some 20 MB/s. What is written is on the disk before more comes:
// no heap of it ever stands between a decoder and its clip.
#define BYTES_PER_S (16 * 1024 * 1024)
#define FLUSH_BYTES (4 * 1024 * 1024)

static const struct bt_log logger = {"sync/usb"};

struct copy {
    struct bt_sync *sync;            // borrowed
    struct bt_usb_outcome *outcome;  // borrowed
    struct bt_stick_reader *reader;  // borrowed
    struct bt_gentle *hands;         // borrowed; what is ours is hashed and written there
    const struct bt_want *want;      // borrowed
    char path[96];                   // on the stick
    struct bt_partial *partial;      // owned
    int64_t unflushed, due_ns;       // when the next chunk may be read
    // For `hands`, one job at a time.
    const char *bytes;
    size_t len;
    int r;
    struct bt_error err;
};

static bool stopping(const struct copy *copy)
{
    return atomic_load(&copy->sync->stopping);
}

static void sleep_ns(int64_t ns)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + ns);
}

/*
 * On the gentle thread; takes no lock that others wait for, allocates nothing.
 */

static void take_up(void *context)
{
    struct copy *copy = context;
    copy->r = bt_partial_take_up(copy->partial, &copy->err);
}

static void write_chunk(void *context)
{
    struct copy *copy = context;
    copy->r = bt_partial_write(copy->partial, copy->bytes, copy->len, &copy->err);
    copy->unflushed += (int64_t)copy->len;
    if (copy->unflushed >= FLUSH_BYTES) {
        bt_partial_flush(copy->partial);
        copy->unflushed = 0;
    }
}

static void flush(void *context)
{
    struct copy *copy = context;
    bt_partial_flush(copy->partial);
    copy->unflushed = 0;
}

static int by_hands(struct copy *copy, bt_gentle_fn work)
{
    copy->r = 0;
    bt_gentle_do(copy->hands, work, copy);
    return copy->r;
}

/*
 * One asset.
 */

static void pace(struct copy *copy, int64_t bytes)
{
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    // A stick that hardly gives anything holds up nobody else.
    atomic_store(&copy->sync->importing, bt_stick_reader_is_brisk(copy->reader));
    copy->due_ns = BT_MAX(copy->due_ns, now_ns) + bytes * BT_NS_PER_S / BYTES_PER_S;
    if (copy->due_ns > now_ns) {
        sleep_ns(BT_MIN(copy->due_ns - now_ns, BT_NS_PER_S));
    }
}

// -ENODEV: the stick does not give it, whatever its reasons.
static int copy_chunk(struct copy *copy, int64_t at)
{
    int64_t left = copy->want->size - at;
    int r = bt_stick_reader_read(copy->reader, at, (size_t)BT_MIN(left, BT_STICK_CHUNK_BYTES),
                                 &copy->bytes, &copy->len, &copy->err);
    if (r == -ETIMEDOUT || r == -ECANCELED) {
        return r;
    }
    if (r < 0 || copy->len == 0) {
        return bt_fail(&copy->err, -ENODEV, "'%s' of the stick ends at %lld of %lld bytes",
                       copy->path, (long long)at, (long long)copy->want->size);
    }
    return by_hands(copy, write_chunk);
}

static int copy_bytes(struct copy *copy)
{
    int r = 0;
    while (r == 0 && bt_partial_have(copy->partial) < copy->want->size && !stopping(copy)) {
        r = copy_chunk(copy, bt_partial_have(copy->partial));
        if (r == 0) {
            pace(copy, (int64_t)copy->len);
        }
    }
    if (r < 0 || stopping(copy)) {
        return r < 0 ? r : -ECANCELED;
    }
    // So that the rest takes but a moment.
    by_hands(copy, flush);
    return bt_partial_finish(copy->partial, &copy->err);
}

static int open_source(struct copy *copy)
{
    char hex[BT_SHA256_HEX_BYTES];
    int64_t size = 0;
    bt_hex(copy->want->sha256.bytes, BT_SHA256_BYTES, hex);
    int r = bt_format(copy->path, sizeof(copy->path), "blobs/%.2s/%s", hex, hex);
    r = r < 0 ? r
              : bt_stick_reader_find(copy->reader, copy->path, copy->want->size, &size, &copy->err);
    if (r == 0 && size < copy->want->size) {
        r = bt_fail(&copy->err, -EBADMSG, "'%s' of the stick is too short", copy->path);
    }
    return r;
}

static int copy_one(struct copy *copy)
{
    struct bt_sync *sync = copy->sync;
    int r = open_source(copy);
    r = r < 0 ? r
              : bt_partial_open(sync->store, BT_WAY_STICK, &copy->want->sha256, copy->want->size,
                                &copy->partial, &copy->err);
    r = r < 0 ? r : by_hands(copy, take_up);
    r = r < 0 ? r
              : bt_store_make_room(sync->store, copy->want->size - bt_partial_have(copy->partial),
                                   bt_transfers_reserve(sync), &copy->err);
    r = r < 0 ? r : copy_bytes(copy);
    bt_partial_destroy(BT_TAKE(copy->partial));
    return r;
}

// Goes on with the next unless the stick is gone, or our disk is full.
static int note(struct copy *copy, int r)
{
    struct bt_usb_outcome *outcome = copy->outcome;
    if (r == 0) {
        outcome->copied++;
        outcome->copied_bytes += copy->want->size;
        bt_repository_arrived(copy->sync->repository);
        return 0;
    }
    if (r == -EEXIST || r == -EPERM || r == -ECANCELED) {
        return r == -ECANCELED ? r : 0;
    }
    bt_log_warn(&logger, "%s; going on with the next", copy->err.msg);
    outcome->absent += r == -ENOENT;
    outcome->damaged += r == -EBADMSG || r == -EMSGSIZE || r == -ELOOP || r == -EINVAL;
    outcome->full = outcome->full || r == -ENOSPC || r == -EDQUOT || r == -EROFS;
    outcome->gone = outcome->gone || r == -ENODEV || r == -EIO || r == -ENXIO;
    outcome->slow = outcome->slow || r == -ETIMEDOUT;
    return outcome->full || outcome->gone || outcome->slow ? -ENOENT : 0;
}

int bt_usb_copy(struct bt_sync *sync, struct bt_stick_reader *reader, struct bt_gentle *hands,
                struct bt_usb_outcome *outcome)
{
    struct copy copy = {.sync = sync, .outcome = outcome, .reader = reader, .hands = hands};
    int r = 0;
    atomic_store(&sync->importing, true);
    for (size_t i = 0; i < outcome->import.wanted.count && r == 0; i++) {
        copy.want = &outcome->import.wanted.list[i];
        r = note(&copy, copy_one(&copy));
    }
    atomic_store(&sync->importing, false);
    return r == -ECANCELED ? r : 0;
}
