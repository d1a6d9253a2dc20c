// What the workshop hands out: whatever it says, there are at most its products, none too large,
// and without its end it is an error.
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hatch.h"
#include "fuzz/fuzz.h"
#include "server/media/parcels.h"

static char place[] = "/tmp/bt-parcels-XXXXXX";

static void remove_place(void)
{
    rmdir(place);
}

static int file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("parcels", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t wrote = write(fd, data, size);
    assert(wrote == (ssize_t)size);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int dir = -1;
    if (dir < 0) {
        char *made = mkdtemp(place);
        assert(made != NULL);
        atexit(remove_place);
        dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    BT_AUTOCLOSE int fd = file_of(data, size);
    struct bt_error err = {0};
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + 60 * BT_NS_PER_S;
    int r = bt_parcels_receive(fd, place, until_ns, &err);
    assert(r == 0 || err.msg[0] != '\0');
    assert(r < 0 || size >= sizeof(struct bt_hatch_parcel));
    off_t all = 0;
    for (size_t i = 0; i < BT_HATCH_PRODUCTS; i++) {
        struct stat status;
        if (fstatat(dir, bt_hatch_products[i], &status, AT_SYMLINK_NOFOLLOW) == 0) {
            all += status.st_size;
            unlinkat(dir, bt_hatch_products[i], 0);
        }
    }
    assert(all <= (off_t)size);
    return 0;
}
