/**
 * The stage: the loop that presents. Waits for a display, starts the zones, and then at every
 * instant something is due composes ahead, sleeps until the instant, and presents.
 *
 * When nothing changes nothing is drawn, but the same picture is presented again every 2 s: it
 * feeds the watchdog and is the evidence that a still was on the screen.
 *
 * A guide may change what is on the stage while it plays: another cast, overlays, blank. It is
 * called on the main thread and must not wait. What it asks for is on the screen with a present to
 * come; `presented` tells it.
 */
#ifndef BT_PLAYER_STAGE_H
#define BT_PLAYER_STAGE_H

#include "player/cast.h"
#include "player/overlays.h"
#include "render/output.h"

struct bt_stage;

// Told of every present, on the main thread; it may not wait.
struct bt_present_listener {
    void (*presented)(void *context, const struct bt_stage *stage, int64_t presented_ns);
    void *context;
};

struct bt_stage_options {
    struct bt_output_options output;      // its canvas is the first one
    int64_t refresh_hz;                   // a grid of our own; 0: the display's, or none
    int64_t run_ns;                       // stop after so long on a display; 0: never
    const char *root;                     // of the kernel's files: "" but for tests
    struct bt_present_listener listener;  // its function NULL: nobody listens
    int64_t sound_delay_ns;               // after the picture is presented
    bool mute;                            // no sound at all, whatever is published
};

struct bt_stage_guide {
    void *context;
    int wake_fd;  // readable when there is something to look at; -1: none. It stays readable until
                  // `look` has read it
    void (*look)(void *context, struct bt_stage *stage);  // every turn of the loop
    void (*presented)(void *context, struct bt_stage *stage, int64_t presented_ns);

    // A cast took over: its first present follows. Or it was never to: `cast` is the guide's now,
    // to be destroyed where that may wait.
    void (*changed)(void *context, struct bt_stage *stage);
    void (*dismiss)(void *context, struct bt_cast *cast);

    // The loop has ended: what works for the stage on other threads ends now.
    void (*ended)(void *context);
};

/**
 * Plays until told to stop (*stop becomes non-zero, the window is closed, the time is over). All
 * is borrowed but the order, of which a reference is taken; recorder and frame_log may be NULL.
 *
 * 0 when it ended as asked; an error only when a display exists but cannot be used, or a fixed
 * part of the installation is missing.
 */
int bt_stage_play(const struct bt_stage_options *options, struct bt_running_order *order,
                  struct bt_kitchen *kitchen, struct bt_recorder *recorder,
                  struct bt_frame_log *frame_log, const volatile int *stop,
                  struct bt_error *err) BT_NODISCARD;

// As above; what is played comes from the guide. The kitchen is for the casts it makes.
int bt_stage_direct(const struct bt_stage_options *options, const struct bt_stage_guide *guide,
                    struct bt_kitchen *kitchen, struct bt_recorder *recorder,
                    struct bt_frame_log *frame_log, const volatile int *stop,
                    struct bt_error *err) BT_NODISCARD;

// For guides.

// What the stage's casts have in common; constant while it plays.
const struct bt_cast_house *bt_stage_house(const struct bt_stage *stage);
struct bt_cast *bt_stage_cast(const struct bt_stage *stage);  // on the stage; NULL: none yet

/**
 * Takes the cast, which replaces the one on the stage as soon as it is ready: each zone at the end
 * of its item; or at once where it must (`urgent`: whatever is gone; what was taken down; what is
 * to begin now). Where canvas or zones are others, the whole changes at the end of the largest
 * zone's item, or at once when told so. A cast that still waits is dismissed.
 */
void bt_stage_change(struct bt_stage *stage, struct bt_cast *cast, bool urgent, bool at_once);
bool bt_stage_is_changing(const struct bt_stage *stage);

// To be changed, so that a present follows; or only to be looked at.
struct bt_overlays *bt_stage_overlays(struct bt_stage *stage);
const struct bt_overlays *bt_stage_overlays_shown(const struct bt_stage *stage);

// Background only, and nothing plays; afterwards the show goes on.
void bt_stage_blank(struct bt_stage *stage, bool blank);

bool bt_stage_is_blank(const struct bt_stage *stage);

// Nothing is louder than this, 0 to 100.
void bt_stage_set_volume(struct bt_stage *stage, int64_t percent);

enum bt_stage_sound {
    BT_STAGE_SOUND_NONE,  // what is on asks for none
    BT_STAGE_SOUND_OK,
    BT_STAGE_SOUND_NO_DEVICE,
    BT_STAGE_SOUND_LIMITED,  // the screen, or who orders the volume, allows none
    BT_STAGE_SOUND_CURFEW,   // not at this hour
};
enum bt_stage_sound bt_stage_sound(const struct bt_stage *stage);

// Borrowed until the next one.
void bt_stage_take_down(struct bt_stage *stage, const struct bt_taken *taken);

struct bt_stage_info {
    int canvas_width, canvas_height;
    const struct bt_output_info *output;  // NULL: no display now
    const char *wrong_mode;               // in words; "": it is the one that was asked for
    int64_t wrong_mode_ms;                // wall clock; since when
    double refresh_hz;                    // of the grid
    int64_t anchor_ns;                    // monotonic; when the first cast began
    int64_t presented, dropped;           // since the start
    struct bt_frame_counts frames;        // likewise
    enum bt_panel panel;                  // NONE while there is no output
};
void bt_stage_info(const struct bt_stage *stage, struct bt_stage_info *out);

// A copy of the canvas as it was presented last; call it from `presented`.
int bt_stage_read(struct bt_stage *stage, struct bt_image **out, struct bt_error *err) BT_NODISCARD;

void bt_stage_leave(struct bt_stage *stage);  // ends the loop

#endif
