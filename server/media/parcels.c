#include "server/media/parcels.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/hatch.h"
#include "base/mem.h"

#define CHUNK_BYTES 65536

static int hear(int hatch, void *out, size_t size, int64_t until_ns, struct bt_error *err)
{
    int r = bt_hatch_hear(hatch, out, size, until_ns);
    if (r == -ETIMEDOUT) {
        return bt_fail(err, r, "Looking at the file took too long");
    }
    return r == 0 ? 0 : bt_fail(err, -EAGAIN, "Looking at the file broke off");
}

static int check(const struct bt_hatch_parcel *parcel, uint32_t next, struct bt_error *err)
{
    if (parcel->magic != BT_HATCH_MAGIC || parcel->number < next || parcel->number > BT_HATCH_END) {
        return bt_fail(err, -EFAULT, "The workshop handed out something that is no product");
    }
    if (parcel->number < BT_HATCH_END && parcel->len > BT_HATCH_PRODUCT_MAX_BYTES) {
        return bt_fail(err, -EFAULT, "The workshop hands out too much");
    }
    if (parcel->number == BT_HATCH_END && parcel->len != 0) {
        return bt_fail(err, -EFAULT, "The file could not be looked at (status %d)",
                       (int)BT_MIN(parcel->len, (uint64_t)INT32_MAX));
    }
    return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        if (wrote < 0 && errno != EINTR) {
            return -errno;
        }
        bytes += BT_MAX(wrote, (ssize_t)0);
        len -= (size_t)BT_MAX(wrote, (ssize_t)0);
    }
    return 0;
}

static int receive(int hatch, const struct bt_hatch_parcel *parcel, int dir, int64_t until_ns,
                   struct bt_error *err)
{
    const char *name = bt_hatch_products[parcel->number];
    BT_AUTOCLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r = fd < 0 ? bt_fail_errno(err, "Cannot make '%s'", name) : 0;
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    for (uint64_t left = parcel->len; left > 0 && r == 0;) {
        size_t size = (size_t)BT_MIN(left, (uint64_t)CHUNK_BYTES);
        r = hear(hatch, chunk, size, until_ns, err);
        if (r == 0 && (r = write_all(fd, chunk, size)) < 0) {
            errno = -r;
            r = bt_fail_errno(err, "Cannot write '%s'", name);
        }
        left -= size;
    }
    return r;
}

int bt_parcels_receive(int hatch, const char *dir, int64_t until_ns, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct bt_hatch_parcel parcel = {0};
    int r = fd < 0 ? bt_fail_errno(err, "Cannot open '%s'", dir) : 0;
    for (uint32_t next = 0; r == 0; next = parcel.number + 1) {
        r = hear(hatch, &parcel, sizeof(parcel), until_ns, err);
        r = r < 0 ? r : check(&parcel, next, err);
        if (r < 0 || parcel.number == BT_HATCH_END) {
            break;
        }
        r = receive(hatch, &parcel, fd, until_ns, err);
    }
    return r;
}
