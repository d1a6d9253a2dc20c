// What is handed in through the workshop's hatch: what is taken is a job with bounded numbers and
// its file. The first byte says how many files come along.
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hatch.h"
#include "fuzz/fuzz.h"

#define MOST_FILES 4
#define MOST_BYTES 4096  // fits any socket at once

static void push(int socket, const uint8_t *data, size_t size, size_t files)
{
    union {
        char bytes[CMSG_SPACE(MOST_FILES * sizeof(int))];
        struct cmsghdr header;
    } control = {0};
    char bytes[MOST_BYTES];
    memcpy(bytes, data, size);
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (files > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(files * sizeof(int));
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(files * sizeof(int)),
                                          .cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS};
        for (size_t i = 0; i < files; i++) {
            memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &socket, sizeof(socket));
        }
    }
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    assert(sent == (ssize_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MOST_BYTES) {
        return 0;
    }
    int ends[2], file = -1;
    int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    assert(made == 0);
    push(ends[0], data + 1, size - 1, data[0] % (MOST_FILES + 1));
    struct bt_hatch_job job;
    struct bt_error err = {0};
    if (bt_hatch_take(ends[1], &job, &file, &err) < 0) {
        assert(err.msg[0] != '\0' && file == -1);
    } else {
        assert(file >= 0 && job.width >= 0 && job.width <= 16384 && job.height >= 0 &&
               job.height <= 16384);
        close(file);
    }
    close(ends[0]);
    close(ends[1]);
    return 0;
}
