// The kernel's events of plugs: what is believed says so in a line of its own.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "render/uevents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (bt_uevent_is_of_cards((const char *)data, size)) {
        assert(data[size - 1] == '\0');
        assert(memmem(data, size, "\0SUBSYSTEM=", sizeof("\0SUBSYSTEM=") - 1) != NULL);
    }
    return 0;
}
