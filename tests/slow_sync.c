// A disk that takes its time: preloaded, every fsync and fdatasync takes $BT_SLOW_SYNC_MS more.
// $BT_SYNCED_TO grows by a byte whenever one is over.
#include <dlfcn.h>
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

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_for_the_disk();
    return say_that_it_is_over(real(fd));
}

int fdatasync(int fd)  // NOLINT(readability-inconsistent-declaration-parameter-name)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_for_the_disk();
    return say_that_it_is_over(real(fd));
}
