// A disk that takes its time: preloaded, every fsync and fdatasync takes $BT_SLOW_SYNC_MS more.
#include <dlfcn.h>
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

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_for_the_disk();
    return real(fd);
}

int fdatasync(int fd)  // NOLINT(readability-inconsistent-declaration-parameter-name)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_for_the_disk();
    return real(fd);
}
