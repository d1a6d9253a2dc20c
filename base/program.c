#include "base/program.h"

#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/str.h"

// A sandbox may have no /proc; the kernel also said it when it started us.
static void own_path(char *out, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", out, size - 1);
    if (len > 0) {
        out[len] = '\0';
        return;
    }
    const char *started = (const char *)getauxval(AT_EXECFN);  // NOLINT(performance-no-int-to-ptr)
    bt_copy_cut(out, size, started != NULL ? started : "");
}

char *bt_program_path(const char *name, const char *room)
{
    char self[4096];
    own_path(self, sizeof(self));
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return bt_strf("/usr/libexec/bangtin/%s", name);
    }
    *slash = '\0';
    BT_AUTOFREE char *built = bt_strf("%s/../%s/%s", self, room, name);
    BT_AUTOFREE char *beside = bt_strf("%s/%s", self, name);
    char **found[] = {&built, &beside};
    for (size_t i = 0; i < BT_ARRAY_LEN(found); i++) {
        if (access(*found[i], X_OK) == 0) {
            return BT_TAKE(*found[i]);
        }
    }
    return bt_strf("%s/../libexec/bangtin/%s", self, name);
}
