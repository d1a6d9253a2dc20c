/**
 * Which versions of the programs are out and for whom: the text of the target software.json, signed
 * by the top role `targets` (docs/software.md), and which of them one player takes. Pure.
 */
#ifndef BT_TRUST_SOFTWARE_H
#define BT_TRUST_SOFTWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/sha256.h"

#define BT_SOFTWARE_TARGET "software.json"

// The text at most; a release with a hundred screens has 3 KiB.
#define BT_SOFTWARE_MAX_BYTES (64 * 1024)
#define BT_SOFTWARE_MAX_RELEASES 64
#define BT_SOFTWARE_MAX_WHO 512  // units of a release, and as many screens

// A package at most; ours have a tenth of it.
#define BT_PACKAGE_MAX_BYTES INT64_C(67108864)
#define BT_PACKAGE_TYPE "application/vnd.debian.binary-package"

#define BT_VERSION_BYTES 24  // "999999.999999.999999"
#define BT_PLATFORM_BYTES 33

// "A.B.C", numbers without leading zeros up to 999999: what Debian's comparison orders alike.
struct bt_version {
    int64_t part[3];
};
int bt_version_parse(const char *text, struct bt_version *out) BT_NODISCARD;
int bt_version_compare(const struct bt_version *a, const struct bt_version *b);
void bt_version_text(const struct bt_version *version, char out[BT_VERSION_BYTES]);

struct bt_names {
    char (*list)[33];  // owned
    size_t count;
};

struct bt_release {
    char program[33];                  // "bangtin-player"
    char platform[BT_PLATFORM_BYTES];  // "debian-13-arm64"
    struct bt_version version;
    struct bt_sha256 sha256;         // of the package
    int64_t size;                    // of it, in bytes
    struct bt_names units, screens;  // both empty: everybody
    int64_t from_ms;                 // UTC; not before
    int from_min, until_min;         // minutes of the screen's own day; equal: at any time
    bool now;                        // whatever the hour, and whatever is shown
};

struct bt_software {
    struct bt_release *list;  // owned
    size_t count;
};

/**
 * Reads the text. Unknown keys, and a version that has two packages on one platform, are suffered
 * by players; `strict` refuses them, where people write them. Errors: -EMSGSIZE, -EINVAL with which
 * release and key, -EPROTONOSUPPORT another format.
 */
int bt_software_parse(const char *text, size_t len, bool strict, struct bt_software **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_software_destroy(struct bt_software *software);
BT_DEFINE_AUTO(bt_software)

// Who is looking for something newer.
struct bt_software_seeker {
    const char *program, *platform, *unit, *screen;
    struct bt_version running;
    int64_t now_ms;
    const struct bt_version *bad;  // versions that played worse; never again
    size_t bad_count;
};

// The newest version above the running one that is out for the seeker and not bad; NULL: none.
// Borrowed. That it is out says nothing about the hour.
const struct bt_release *bt_software_choose(const struct bt_software *software,
                                            const struct bt_software_seeker *seeker);

// May it be installed at this minute of the screen's day (0..1439)?
bool bt_release_is_open(const struct bt_release *release, int minute);

#endif
