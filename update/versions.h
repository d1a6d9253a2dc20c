/**
 * Versions side by side, and which of them runs:
 *
 *   STATE/versions/0.2.0/usr/bin/bangtin-player …   unpacked packages
 *   STATE/current        a link to versions/0.2.0; without it the installed package runs
 *   STATE/record.json    what is being tried, what to go back to, what was bad
 *   STATE/package.deb    the copy that was verified
 *
 * Each step is durable before the next begins, so that a power cut leaves a version that runs.
 */
#ifndef BT_UPDATE_VERSIONS_H
#define BT_UPDATE_VERSIONS_H

#include <stdbool.h>

#include "trust/software.h"

#define BT_MAX_BAD 64  // remembered; the oldest makes room

enum bt_phase {
    BT_PHASE_IDLE,
    BT_PHASE_TRYING,      // `version` is being watched, or about to be
    BT_PHASE_GOING_BACK,  // to `before`
};

// Version 0.0.0 stands for the installed package.
struct bt_record {
    enum bt_phase phase;
    struct bt_version version, before;
    int64_t tries;     // how often the trial was begun; a power cut begins it anew
    int64_t dark;      // trials in a row that ended for want of a display
    char outcome[16];  // of the last trial: "kept", or why it went back; "": none yet
    struct bt_version bad[BT_MAX_BAD];
    size_t bad_count;
};

// An empty record where there is none yet.
int bt_record_load(const char *state, struct bt_record *out, struct bt_error *err) BT_NODISCARD;
int bt_record_save(const char *state, const struct bt_record *record,
                   struct bt_error *err) BT_NODISCARD;
void bt_record_mark_bad(struct bt_record *record, const struct bt_version *version);
bool bt_version_is_zero(const struct bt_version *version);

/**
 * Unpacks STATE/package.deb with dpkg-deb into versions/VERSION, which is there whole or not at
 * all. -EINVAL when it has no player inside.
 */
int bt_versions_unpack(const char *state, const struct bt_version *version,
                       struct bt_error *err) BT_NODISCARD;

// Has `current` name it, or nothing (0.0.0): at once, and durably.
int bt_versions_switch(const char *state, const struct bt_version *version,
                       struct bt_error *err) BT_NODISCARD;

// Removes what is neither of these, and what a power cut left half done.
int bt_versions_tidy(const char *state, const struct bt_version *keep,
                     const struct bt_version *keep_too, struct bt_error *err) BT_NODISCARD;

// Runs a program and waits for it: 0, or -EIO when it fails. The list ends with NULL.
int bt_run_program(const char *const *words, struct bt_error *err) BT_NODISCARD;

#endif
