#include "workshop/drawing.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "media/header.h"
#include "media/outside.h"
#include "media/stream.h"

#define FILE_MAX_BYTES (64U * 1024 * 1024)

// Two seconds of work; what the largest picture and its reader need; no file, no core.
static const struct {
    int what;
    rlim_t most;
} limits[] = {
    {RLIMIT_CPU, 2},     {RLIMIT_AS, BT_SANITIZED ? RLIM_INFINITY : (rlim_t)1536 * 1024 * 1024},
    {RLIMIT_FSIZE, 0},   {RLIMIT_CORE, 0},
    {RLIMIT_NOFILE, 64},
};

// What only someone who has taken over the reader would ask for.
static const int forbidden[] = {
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(socketpair),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(mount),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(bpf),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(truncate),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(userfaultfd),
};

static int forbid(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(forbidden) && r == 0; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
        r = r == -EDOM ? 0 : r;  // not every processor has each of them
    }
    return r;
}

// False where the kernel has no filters (an emulated processor): the limits hold alone there.
static bool may_filter(void)
{
    return prctl(PR_GET_SECCOMP) >= 0;
}

static int bind_ourselves(struct bt_error *err)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(limits); i++) {
        const struct rlimit limit = {limits[i].most, limits[i].most};
        if (setrlimit((__rlimit_resource_t)limits[i].what, &limit) < 0) {
            return bt_fail_errno(err, "Cannot set a limit");
        }
    }
    if (!may_filter()) {
        return 0;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter != NULL ? forbid(filter) : -ENOMEM;
    r = r < 0 ? r : seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? bt_fail(err, r, "Cannot bind the reader of pictures") : 0;
}

void bt_drawing_finish(struct bt_drawing *drawing)
{
    free(drawing->pixels);
    drawing->pixels = NULL;
}

int bt_drawing_measured(struct bt_drawing *out, int width, int height, struct bt_error *err)
{
    if (width < 1 || height < 1) {
        return bt_fail(err, -EBADMSG, "The picture says it has no width or height");
    }
    if (width > BT_MEDIA_MAX_SIDE_PX || height > BT_MEDIA_MAX_SIDE_PX ||
        (int64_t)width * height > BT_MEDIA_MAX_PIXELS) {
        return bt_fail(err, -EFBIG, "%dx%d is more than we show", width, height);
    }
    *out = (struct bt_drawing){width, height, NULL};
    return 0;
}

int bt_drawing_reserve(struct bt_drawing *out, int width, int height, struct bt_error *err)
{
    int r = bt_drawing_measured(out, width, height, err);
    if (r < 0) {
        return r;
    }
    out->pixels = calloc((size_t)width * (size_t)height, 4);  // allow: a file says how much
    return out->pixels != NULL
               ? 0
               : bt_fail(err, -ENOMEM, "No memory for a picture of %dx%d", width, height);
}

static int draw(const char *file, int width, int height, struct bt_drawing *out,
                struct bt_error *err)
{
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, FILE_MAX_BYTES);
    struct bt_picture_header header;
    int r = strcmp(file, "-") == 0 ? bt_file_read_open(STDIN_FILENO, "-", &bytes, err)
                                   : bt_file_read(file, &bytes, err);
    const uint8_t *data = (const uint8_t *)bytes.data;
    r = r < 0 ? r : bt_picture_header_read(data, bytes.len, &header, err);
    r = r < 0 ? r : bind_ourselves(err);
    if (r < 0) {
        return r;
    }
    switch (header.kind) {
    case BT_PICTURE_SVG:
        return bt_draw_svg(data, bytes.len, width, height, out, err);
    case BT_PICTURE_HEIF:
        return bt_draw_heif(data, bytes.len, width, height, out, err);
    case BT_PICTURE_PNG:
    case BT_PICTURE_JPEG:
    case BT_PICTURE_WEBP:
    case BT_PICTURE_GIF:
    case BT_PICTURE_BMP:
    case BT_PICTURE_TIFF:
        break;
    }
    return bt_fail(err, -ENOTSUP, "The player reads a %s itself",
                   bt_picture_kind_word(header.kind));
}

static bool has_alpha(const struct bt_drawing *drawing)
{
    size_t count = (size_t)drawing->width * (size_t)drawing->height;
    for (size_t i = 0; i < count; i++) {
        if (drawing->pixels[i * 4 + 3] != 255) {
            return true;
        }
    }
    return false;
}

static bool say(const void *bytes, size_t len)
{
    return len == 0 || fwrite(bytes, 1, len, stdout) == len;
}

int bt_drawing_answer(const char *file, int width, int height)
{
    struct bt_error err = {0};
    struct bt_drawing drawing = {0};
    int r = draw(file, width, height, &drawing, &err);
    struct bt_outside_answer answer = {
        .magic = BT_OUTSIDE_MAGIC, .result = r, .width = drawing.width, .height = drawing.height};
    bool said;
    if (r < 0) {
        answer.text_len = (uint32_t)BT_MIN(strlen(err.msg), (size_t)BT_OUTSIDE_MAX_TEXT);
        said = say(&answer, sizeof(answer)) && say(err.msg, answer.text_len);
    } else if (drawing.pixels == NULL) {
        said = say(&answer, sizeof(answer));
    } else {
        answer.has_alpha = has_alpha(&drawing);
        size_t len = (size_t)drawing.width * (size_t)drawing.height * 4;
        said = say(&answer, sizeof(answer)) && say(drawing.pixels, len);
    }
    bt_drawing_finish(&drawing);
    return said && fflush(stdout) == 0 && r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
