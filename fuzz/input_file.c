#include "fuzz/input_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

static void give_up(const char *what)
{
    perror(what);
    abort();
}

const char *bt_fuzz_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[40];
    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        if (fd < 0 || bt_format(path, sizeof(path), "/proc/self/fd/%d", fd) < 0) {
            give_up("memfd_create");
        }
    }
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        give_up("the input's file");
    }
    return path;
}
