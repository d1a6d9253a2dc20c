// software.json: bounded, and whatever is chosen is above what runs.
#include <assert.h>

#include "fuzz/fuzz.h"
#include "trust/software.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTO(bt_software) software = NULL;
    struct bt_error err = {0};
    if (bt_software_parse((const char *)data, size, false, &software, &err) < 0) {
        assert(software == NULL && err.msg[0] != '\0');
        return 0;
    }
    assert(software->count <= BT_SOFTWARE_MAX_RELEASES);
    const struct bt_software_seeker seeker = {
        .program = "bangtin-player",
        .platform = "debian-13-arm64",
        .unit = "31333",
        .screen = "CHO",
        .running = {{0, 1, 0}},
        .now_ms = INT64_C(1) << 50,
    };
    const struct bt_release *chosen = bt_software_choose(software, &seeker);
    if (chosen != NULL) {
        assert(bt_version_compare(&chosen->version, &seeker.running) > 0);
        assert(chosen->size >= 1 && chosen->size <= BT_PACKAGE_MAX_BYTES);
        assert(bt_release_is_open(chosen, chosen->from_min));
    }
    return 0;
}
