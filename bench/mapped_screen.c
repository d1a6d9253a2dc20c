#include "bench/mapped_screen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "base/str.h"

int mapped_screen_open(const char *dir, struct mapped_screen *out)
{
    char path[4096];
    if (bt_format(path, sizeof(path), "%s/Xvfb_screen0", dir) < 0) {
        return -1;
    }
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        perror(path);
        return -1;
    }
    const uint32_t *header = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED) {
        perror("mmap");
        return -1;
    }
    // XWDFile.h: header size, …, pixmap width (4), height (5), bytes per line (12), colours (19).
    out->width = ntohl(header[4]);
    out->height = ntohl(header[5]);
    out->stride = ntohl(header[12]);
    out->pixels = (const uint8_t *)header + ntohl(header[0]) + ntohl(header[19]) * 12;
    return 0;
}

int mapped_screen_luma(const struct mapped_screen *screen, int x, int y)
{
    if (x < 0 || y < 0 || (uint32_t)x >= screen->width || (uint32_t)y >= screen->height) {
        return 0;
    }
    const uint8_t *p = screen->pixels + (size_t)y * screen->stride + (size_t)x * 4;
    return (p[0] + 2 * p[1] + p[2]) / 4;
}
