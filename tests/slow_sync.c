// A disk that takes its time: preloaded, every fsync and fdatasync takes $BT_SLOW_SYNC_MS more.
// $BT_SYNCED_TO grows by a byte whenever one is over. While there is a file $BT_SYNC_FAILS_WHILE,
// those of files whose name ends in $BT_SYNC_FAILS_OF fail.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

static void wait_for_the_disk(void)
{
    const char *text = getenv("BT_SLOW_SYNC_MS");
    int64_t ms = 0;
    if (text != NULL && bt_parse_int(text, 0, 60000, &ms) < 0) {
        return;
    }
    const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);  // allow: this is what it is for
}

static int say_that_it_is_over(int result)
{
    const char *path = getenv("BT_SYNCED_TO");
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        result = write(fd, "x", 1) == 1 ? result : -1;
        close(fd);
    }
    return result;
}

static bool fails(int fd)
{
    char link[64], path[4096];
    const char *end = getenv("BT_SYNC_FAILS_OF"), *now = getenv("BT_SYNC_FAILS_WHILE");
    if (end == NULL || now == NULL || access(now, F_OK) != 0 ||
        bt_format(link, sizeof(link), "/proc/self/fd/%d", fd) < 0) {
        return false;
    }
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    return bt_str_ends(path, end);
}

static int fail(void)
{
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (fails(fd)) {
        return fail();
    }
    wait_for_the_disk();
    return say_that_it_is_over(real(fd));
}

int fdatasync(int fd)  // NOLINT(readability-inconsistent-declaration-parameter-name)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (fails(fd)) {
        return fail();
    }
    wait_for_the_disk();
    return say_that_it_is_over(real(fd));
}
