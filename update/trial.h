/**
 * One trial of a version, from the offer to the verdict: verify, unpack, note, switch, restart,
 * watch, keep or go back. A power cut at any moment of it leaves a version that runs; the next
 * start goes on from what was noted, and gives up a version that was begun three times.
 */
#ifndef BT_UPDATE_TRIAL_H
#define BT_UPDATE_TRIAL_H

#include "base/clock.h"
#include "update/judge.h"
#include "update/versions.h"

struct bt_trial_options {
    const char *state;                           // our own directory
    const char *player;                          // the player's data
    const char *frames_directory, *frames_name;  // where the player says its frames
    const char *platform;
    struct bt_version installed;  // of the package, when no version runs beside it
    const char *const *restart;   // the command that restarts the player; ends with NULL
    const char *const *forgive;   // one that has it forget failed starts; NULL: none
    const volatile int *stop;     // becomes non-zero when we are to end; NULL: never
    struct bt_judge_limits limits;
    const struct bt_clock *clock;
    // Tests are told before each step; NULL: nobody is.
    void (*step)(const char *name, void *context);
    void *step_context;
};

/**
 * Goes on with what was begun, or takes up what is offered, and returns when that is done. 0 also
 * when nothing is offered but what runs already, and when it was told to stop: that is no try, and
 * the next call goes on. An error means that what ran before runs on.
 */
int bt_trial_run(const struct bt_trial_options *options, struct bt_error *err) BT_NODISCARD;

#endif
