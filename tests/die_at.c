// A power cut at a chosen moment: preloaded, the process is killed right after the first hard link
// that puts something below a directory named $BT_DIE_AFTER_LINK_TO, or right before the first file
// below one named $BT_DIE_BEFORE_UNLINK_IN goes, or right after the bytes of a file below one named
// $BT_DIE_AFTER_SYNC_IN were brought to the disk for the first time, or, once there is a file named
// $BT_DIE_BEFORE_ANSWER, right before the first answer that says that all is well.
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_below(const char *path, const char *variable)
{
    const char *name = getenv(variable);
    const char *found = name == NULL ? NULL : strstr(path, name);
    return found != NULL && found[strlen(name)] == '/';
}

int link(const char *from, const char *to)
{
    int (*real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "link");
    int r = real(from, to);
    if (is_below(to, "BT_DIE_AFTER_LINK_TO")) {
        raise(SIGKILL);
    }
    return r;
}

int unlink(const char *path)  // NOLINT(readability-inconsistent-declaration-parameter-name)
{
    int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    if (is_below(path, "BT_DIE_BEFORE_UNLINK_IN")) {
        raise(SIGKILL);
    }
    return real(path);
}

int fdatasync(int fd)  // NOLINT(readability-inconsistent-declaration-parameter-name)
{
    char link_path[64], path[4096];
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int r = real(fd);
    int saved = errno;
    snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link_path, path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    if (is_below(path, "BT_DIE_AFTER_SYNC_IN")) {
        raise(SIGKILL);
    }
    errno = saved;
    return r;
}

static void die_before_answer(const void *bytes, size_t len)
{
    static const char well[] = "HTTP/1.1 200";
    const char *now = getenv("BT_DIE_BEFORE_ANSWER");
    bool is_one = len >= sizeof(well) - 1 && memcmp(bytes, well, sizeof(well) - 1) == 0;
    if (is_one && now != NULL && access(now, F_OK) == 0) {
        raise(SIGKILL);
    }
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int) =
        (ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
    die_before_answer(buf, n);
    return real(fd, buf, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int) =
        (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    if (message->msg_iovlen > 0) {
        die_before_answer(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    }
    return real(fd, message, flags);
}
