/**
 * What a stick brings, through the very way on which the network's content comes: the repository
 * thread verifies its metadata and documents and changes over when all assets are there. Private to
 * sync/.
 */
#ifndef BT_SYNC_IMPORT_H
#define BT_SYNC_IMPORT_H

#include "sync/inside.h"
#include "sync/stick_papers.h"
#include "sync/told.h"
#include "sync/wanted.h"
#include "trust/stick.h"

enum bt_import_verdict {
    BT_IMPORT_TAKEN,
    BT_IMPORT_UNPAIRED,    // the player is nobody's yet
    BT_IMPORT_STRANGER,    // not signed by the server of this player's root, or changed
    BT_IMPORT_ELSEWHERE,   // for other units and screens
    BT_IMPORT_EXPIRED,     // the stick, or what lies on it
    BT_IMPORT_OLD,         // what is here is newer; missing files are taken all the same
    BT_IMPORT_INCOMPLETE,  // something that is named is not there, or not signed by enough people
    BT_IMPORT_UNBOUND,     // no technician has signed that the player may show the screen
    BT_IMPORT_BROKEN,      // the stick cannot be read, or is gone
    BT_IMPORT_SLOW,        // it does not answer, or hardly
    BT_IMPORT_FAILED,      // our own disk
    BT_IMPORT_VERDICTS
};

struct bt_import {
    const struct bt_stick_papers *papers;  // of the stick; borrowed
    bool settle;                           // reads nothing: what has become of it?
    // What came of it.
    enum bt_import_verdict verdict;
    struct bt_error err;  // why, in English
    bool vouched;         // the server's keys signed the stick's word, whatever else is wrong
    char id[BT_STICK_ID_BYTES];
    uint8_t seal[BT_STICK_SEAL_BYTES];
    struct bt_told told;  // json NULL: none that the word vouches for
    size_t takedowns;     // that hold here
    size_t refused;       // that do not
    size_t unkept;        // of them: our disk did not take them, so they end with the next start
    struct bt_wanted wanted;  // assets that are missing; owned
    cJSON *documents;         // [{"target", "version"}] that are known now; owned
    cJSON *waiting;           // as in the status: known and not yet on; owned
};
void bt_import_finish(struct bt_import *import);

struct bt_repository;

// Hands it to the repository thread and waits for that. -ECANCELED: sync stops.
int bt_repository_import(struct bt_repository *repository, struct bt_import *import) BT_NODISCARD;

#endif
