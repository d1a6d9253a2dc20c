// A power cut at a chosen moment: preloaded, the process is killed right after the first hard link
// that puts something below a directory named $BT_DIE_AFTER_LINK_TO, or right before the first file
// below one named $BT_DIE_BEFORE_UNLINK_IN goes.
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
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
