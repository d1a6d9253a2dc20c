#include "base/hatch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

// Soon at first, for a job of the moment; a service that cannot start is not to be kept busy.
#define ASK_AGAIN_NS (100 * BT_NS_PER_MS)
#define ASK_AGAIN_MAX_NS (2 * BT_NS_PER_S)
#define JOB_PATIENCE_S 10
#define MAX_SIDE_PX 16384

const char *const bt_hatch_products[BT_HATCH_PRODUCTS] = {"report.json", "thumbnail.jpg",
                                                          "filmstrip.jpg", "converted.png"};

int bt_hatch_read(const char *text, struct bt_hatch *out, struct bt_error *err)
{
    static const char prefix[] = "unix:";
    if (text == NULL) {
        *out = (struct bt_hatch){.path = BT_HATCH_INSTALLED};
        return 0;
    }
    if (strcmp(text, "own") == 0) {
        *out = (struct bt_hatch){.path = NULL};
        return 0;
    }
    struct sockaddr_un address;
    size_t most = sizeof(prefix) - 1 + sizeof(address.sun_path) - 1;
    if (!bt_str_starts(text, "unix:/") || strlen(text) > most) {
        return bt_fail(err, -EINVAL,
                       "--workshop '%s': cần / must be own or unix:/PATH of at most %zu bytes",
                       text, sizeof(address.sun_path) - 1);
    }
    *out = (struct bt_hatch){.path = text + sizeof(prefix) - 1, .required = true};
    return 0;
}

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static int reach(int fd, const char *path, int64_t until_ns, struct bt_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (bt_format(address.sun_path, sizeof(address.sun_path), "%s", path) < 0) {
        return bt_fail(err, -ENOENT, "'%s' is too long for a socket", path);
    }
    int64_t left_ns = BT_MAX(until_ns - now_ns(), BT_NS_PER_MS);
    const struct timeval patience = {.tv_sec = left_ns / BT_NS_PER_S,
                                     .tv_usec = left_ns % BT_NS_PER_S / BT_NS_PER_US};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
        return bt_fail_errno(err, "Cannot make a socket");
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = errno == EAGAIN || errno == EINTR ? -EBUSY : -errno;
        return bt_fail(err, r, "There is no workshop for us at '%s': %m", path);
    }
    return 0;
}

// Room for one descriptor, aligned as control messages are.
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr header;
};

static bool hand_in(int hatch, const struct bt_hatch_job *job, int file)
{
    struct bt_hatch_job copy = *job;
    struct iovec part = {.iov_base = &copy, .iov_len = sizeof(copy)};
    union control control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(file));
    memcpy(CMSG_DATA(header), &file, sizeof(file));
    return sendmsg(hatch, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(copy);
}

// -EBUSY: nobody took it; the service manager hangs up at once when it has enough to do.
static int ask(int hatch, const char *path, const struct bt_hatch_job *job, int file,
               int64_t until_ns, struct bt_error *err)
{
    struct bt_hatch_word word;
    int r = reach(hatch, path, until_ns, err);
    if (r < 0) {
        return r;
    }
    if (!hand_in(hatch, job, file) || bt_hatch_hear(hatch, &word, sizeof(word), until_ns) < 0) {
        return bt_fail(err, -EBUSY, "The workshop at '%s' takes nothing in", path);
    }
    if (word.magic != BT_HATCH_MAGIC) {
        return bt_fail(err, -EPROTO, "The workshop at '%s' is of another version", path);
    }
    if (word.result != 0) {
        errno = word.result < 0 && word.result > -4096 ? -word.result : EPROTO;
        return bt_fail(err, -EREMOTEIO, "The workshop at '%s' will not: %m", path);
    }
    return 0;
}

int bt_hatch_open(const char *path, const struct bt_hatch_job *job, int file, int64_t until_ns,
                  int *out, struct bt_error *err)
{
    for (int64_t pause_ns = ASK_AGAIN_NS;; pause_ns = BT_MIN(pause_ns * 2, ASK_AGAIN_MAX_NS)) {
        int hatch = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = ask(hatch, path, job, file, until_ns, err);
        if (r == 0) {
            *out = hatch;
            return 0;
        }
        bt_close_auto(&hatch);
        int64_t again_ns = now_ns() + pause_ns;
        if (r != -EBUSY || again_ns >= until_ns) {
            return r;
        }
        bt_clock_sleep_until(bt_clock_real(), again_ns);
    }
}

bool bt_hatch_is_absent(int error)
{
    return error == -ENOENT || error == -ECONNREFUSED || error == -EACCES;
}

int bt_hatch_hear(int hatch, void *out, size_t size, int64_t until_ns)
{
    uint8_t *at = out;
    while (size > 0) {
        struct pollfd waiting = {.fd = hatch, .events = POLLIN};
        int64_t left_ms = (until_ns - now_ns()) / BT_NS_PER_MS;
        int ready = left_ms > 0 ? poll(&waiting, 1, (int)BT_MIN(left_ms, (int64_t)INT32_MAX)) : 0;
        if (ready == 0) {
            return -ETIMEDOUT;
        }
        ssize_t got = ready > 0 ? read(hatch, at, size) : -1;
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return -EPIPE;
        }
        at += got;
        size -= (size_t)got;
    }
    return 0;
}

static int check_job(const struct bt_hatch_job *job, struct bt_error *err)
{
    bool known = job->what == BT_HATCH_INSPECT || job->what == BT_HATCH_DRAW;
    if (job->magic != BT_HATCH_MAGIC || !known) {
        return bt_fail(err, -EBADMSG, "What was handed in is no job of this version");
    }
    bool small = job->width >= 0 && job->width <= MAX_SIDE_PX && job->height >= 0 &&
                 job->height <= MAX_SIDE_PX;
    return small ? 0 : bt_fail(err, -EBADMSG, "A picture is at most %d pixels wide", MAX_SIDE_PX);
}

// -1: none. There is room for one; the kernel closes what does not fit.
static int find_file(struct msghdr *message)
{
    int file = -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(file))) {
        memcpy(&file, CMSG_DATA(header), sizeof(file));
    }
    return file;
}

int bt_hatch_take(int hatch, struct bt_hatch_job *out_job, int *out_file, struct bt_error *err)
{
    static const struct timeval patience = {.tv_sec = JOB_PATIENCE_S};
    struct bt_hatch_job job;
    struct iovec part = {.iov_base = &job, .iov_len = sizeof(job)};
    union control control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_LEN(sizeof(int))};
    if (setsockopt(hatch, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
        return bt_fail_errno(err, "Standard input is no socket");
    }
    ssize_t got = recvmsg(hatch, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) {
        return bt_fail_errno(err, "Nothing is handed in");
    }
    int file = find_file(&message);
    bool whole = got == (ssize_t)sizeof(job) && file >= 0 && (message.msg_flags & MSG_CTRUNC) == 0;
    int r = whole ? check_job(&job, err)
                  : bt_fail(err, -EBADMSG, "What was handed in is not one job with one file");
    if (r < 0) {
        bt_close_auto(&file);
        return r;
    }
    *out_job = job;
    *out_file = file;
    return 0;
}

int bt_hatch_say(int hatch, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t said = send(hatch, at, len, MSG_NOSIGNAL);
        if (said < 0 && errno == EINTR) {
            continue;
        }
        if (said < 0) {
            return -EPIPE;
        }
        at += said;
        len -= (size_t)said;
    }
    return 0;
}
