/**
 * New versions of the player itself (docs/software.md): which one the province signed for this
 * player, fetched last of all, and handed over to bangtin-update, which believes nothing of it.
 * Neither begins nor stays handed over while warnings or opening hours say no, unless the release
 * says "now". What became of the last one, the installer's record says; the status tells it.
 *
 * Belongs to the repository thread; the status may be asked for by any.
 */
#ifndef BT_SYNC_SOFTWARE_H
#define BT_SYNC_SOFTWARE_H

#include "sync/documents.h"
#include "sync/inside.h"
#include "sync/wanted.h"
#include "trust/software.h"

// What an installation must not disturb, as it is now.
struct bt_software_scene {
    int minute;                 // of the screen's day
    int open_from, open_until;  // its opening hours, minutes of its day; alike: none are known
    bool emergency;             // one is in force
    bool shows;                 // a display is there, so that somebody sees whether it plays
};

enum bt_software_wait {
    BT_SOFTWARE_MAY,
    BT_SOFTWARE_HOURS,
    BT_SOFTWARE_OPEN,
    BT_SOFTWARE_EMERGENCY,
    BT_SOFTWARE_SCREEN,
};

// What the release waits for. Pure.
enum bt_software_wait bt_software_waits(const struct bt_release *release,
                                        const struct bt_software_scene *scene);

struct bt_newer;

// Without a platform in sync's options nothing is ever looked for.
struct bt_newer *bt_newer_create(struct bt_sync *sync) BT_NODISCARD;
void bt_newer_destroy(struct bt_newer *newer);

// The signed text in force, taken over when it can be read; NULL: nothing is signed.
int bt_newer_take(struct bt_newer *newer, const struct bt_sha256 *sha256, const char *text,
                  size_t len, struct bt_error *err) BT_NODISCARD;
bool bt_newer_has(const struct bt_newer *newer, const struct bt_sha256 *sha256);

// Time has passed: chooses, hands over what is there and may be, takes back what may not. `content`
// says the screen's time zone. True when the package that is wanted is another one now.
bool bt_newer_look(struct bt_newer *newer, const struct bt_documents *content);

// The package that is to be fetched now, after everything else; and the one that must stay.
void bt_newer_want(const struct bt_newer *newer, struct bt_wanted *wanted);
bool bt_newer_pins(const struct bt_newer *newer, struct bt_sha256 *out);

// "update" into the status. Thread-safe.
void bt_newer_status(struct bt_newer *newer, cJSON *status);

#endif
