/**
 * Is the journal whole? Every record's hash is computed again from the hash before it and the
 * stored bytes, every number must follow the one before, every record must be readable and say its
 * own number, and the column by which records are pruned must agree with it.
 *
 * What this cannot see: records cut off at the young end, and old ones cut off together with the
 * base. For that the head (last number and hash) must be known elsewhere, such as to a server that
 * acknowledged it.
 */
#ifndef BT_PLAYS_VERIFY_H
#define BT_PLAYS_VERIFY_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/sha256.h"

enum bt_fault {
    BT_FAULT_NONE,
    BT_FAULT_GAP,         // numbers are missing or out of order
    BT_FAULT_CHAIN,       // the hash is not that of the record and the one before
    BT_FAULT_RECORD,      // the record cannot be read, or says another number or time
    BT_FAULT_STRANGER,    // a start record of another journal
    BT_FAULT_OPEN_PLAY,   // an open play cannot be read
    BT_FAULT_UNREADABLE,  // the database itself is damaged from there on
};

struct bt_plays_verdict {
    char journal[33];  // "" for an export without a start record
    int64_t base_seq;  // records up to this one were pruned
    int64_t first_seq, last_seq, records;
    struct bt_sha256 head;  // hash of the last record

    int64_t plays, complete, power_lost, open_plays;
    int64_t starts, unclean_ends;  // starts that were not preceded by an orderly stop
    int64_t losses, lost_plays;    // declared; a loss of an unknown number counts 0 plays

    int64_t faults;
    enum bt_fault first_fault;
    int64_t first_fault_seq;
    char detail[256];  // of the first fault, English

    char vi[640], en[640];  // the verdict for people
};

/**
 * Reads the whole journal, also one that a player is writing. Returns 0 when a verdict was
 * reached, whatever it is. Errors: -ENOENT, -ENOTSUP, -EIO: it could not be read at all.
 */
int bt_plays_verify(const char *path, struct bt_plays_verdict *out,
                    struct bt_error *err) BT_NODISCARD;

// The same for a file of JSON lines that bt_plays_export wrote without from and to.
int bt_plays_verify_export(const char *path, struct bt_plays_verdict *out,
                           struct bt_error *err) BT_NODISCARD;

#endif
