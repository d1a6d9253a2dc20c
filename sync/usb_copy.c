// The assets of a stick into the store: bounded, hashed while they are copied, and so gently that
// the picture does not notice.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "assets/partial.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/repository.h"
#include "sync/stick_files.h"
#include "sync/transfers.h"
#include "sync/usb_inside.h"

#define CHUNK_BYTES (256 * 1024)

// A card of a small computer writes some 20 MB/s. What is written is on the disk before more comes:
// no heap of it ever stands between a decoder and its clip.
#define BYTES_PER_S (16 * 1024 * 1024)
#define FLUSH_BYTES (4 * 1024 * 1024)

// The network lets go of a file within a second.
#define BUSY_TRIES 100
#define BUSY_WAIT_NS (100 * BT_NS_PER_MS)

static const struct bt_log logger = {"sync/usb"};

struct copy {
    struct bt_sync *sync;            // borrowed
    struct bt_usb_outcome *outcome;  // borrowed
    const struct bt_want *want;      // borrowed
    char path[96];                   // on the stick
    int fd;                          // of it
    char *chunk;                     // owned
    struct bt_partial *partial;      // owned
    int64_t unflushed, due_ns;       // when the next chunk may be read
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

static void pace(struct copy *copy, int64_t bytes)
{
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    copy->unflushed += bytes;
    if (copy->unflushed >= FLUSH_BYTES) {
        bt_partial_flush(copy->partial);
        posix_fadvise(copy->fd, 0, 0, POSIX_FADV_DONTNEED);
        copy->unflushed = 0;
    }
    copy->due_ns = BT_MAX(copy->due_ns, now_ns) + bytes * BT_NS_PER_S / BYTES_PER_S;
    if (copy->due_ns > now_ns) {
        sleep_ns(BT_MIN(copy->due_ns - now_ns, BT_NS_PER_S));
    }
}

// -ENODEV: the stick does not give it, whatever its reasons.
static int copy_bytes(struct copy *copy)
{
    int64_t size = copy->want->size;
    for (int64_t at = bt_partial_have(copy->partial); at < size && !stopping(copy);) {
        size_t len = (size_t)BT_MIN(size - at, (int64_t)CHUNK_BYTES);
        ssize_t got = pread(copy->fd, copy->chunk, len, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return bt_fail(&copy->err, -ENODEV, "'%s' of the stick ends at %lld of %lld bytes",
                           copy->path, (long long)at, (long long)size);
        }
        int r = bt_partial_write(copy->partial, copy->chunk, (size_t)got, &copy->err);
        if (r < 0) {
            return r;
        }
        at += got;
        pace(copy, got);
    }
    return stopping(copy) ? -ECANCELED : bt_partial_finish(copy->partial, &copy->err);
}

static int open_partial(struct copy *copy)
{
    int r = -EBUSY;
    for (int i = 0; i < BUSY_TRIES && r == -EBUSY && !stopping(copy); i++) {
        r = bt_partial_open(copy->sync->store, &copy->want->sha256, copy->want->size,
                            &copy->partial, &copy->err);
        if (r == -EBUSY) {
            sleep_ns(BUSY_WAIT_NS);
        }
    }
    return r;
}

static int open_source(struct copy *copy)
{
    char hex[BT_SHA256_HEX_BYTES];
    int64_t size;
    bt_hex(copy->want->sha256.bytes, BT_SHA256_BYTES, hex);
    int r = bt_format(copy->path, sizeof(copy->path), "blobs/%.2s/%s", hex, hex);
    r = r < 0 ? r
              : bt_stick_files_find(copy->outcome->import.folder, copy->path, copy->want->size,
                                    &copy->fd, &size, &copy->err);
    if (r == 0 && size < copy->want->size) {
        r = bt_fail(&copy->err, -EBADMSG, "'%s' of the stick is too short", copy->path);
    }
    return r;
}

static int copy_one(struct copy *copy)
{
    struct bt_sync *sync = copy->sync;
    int r = open_source(copy);
    r = r < 0 ? r : open_partial(copy);
    r = r < 0 ? r
              : bt_store_make_room(sync->store, copy->want->size - bt_partial_have(copy->partial),
                                   bt_transfers_reserve(sync), &copy->err);
    r = r < 0 ? r : copy_bytes(copy);
    bt_partial_destroy(BT_TAKE(copy->partial));
    if (copy->fd >= 0) {
        close(copy->fd);
        copy->fd = -1;
    }
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
    outcome->absent += r == -ENOENT || r == -EBUSY;
    outcome->damaged += r == -EBADMSG || r == -EMSGSIZE || r == -ELOOP || r == -EINVAL;
    outcome->full = outcome->full || r == -ENOSPC || r == -EDQUOT || r == -EROFS;
    outcome->gone = outcome->gone || r == -ENODEV || r == -EIO || r == -ENXIO;
    return outcome->full || outcome->gone ? -ENOENT : 0;
}

int bt_usb_copy(struct bt_sync *sync, struct bt_usb_outcome *outcome)
{
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    struct copy copy = {.sync = sync, .outcome = outcome, .chunk = chunk, .fd = -1};
    int r = 0;
    atomic_store(&sync->importing, true);
    for (size_t i = 0; i < outcome->import.wanted.count && r == 0; i++) {
        copy.want = &outcome->import.wanted.list[i];
        r = note(&copy, copy_one(&copy));
    }
    atomic_store(&sync->importing, false);
    return r == -ECANCELED ? r : 0;
}
