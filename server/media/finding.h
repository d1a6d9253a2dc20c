/**
 * What looking into an upload has found, and what becomes of it: content that plays goes among the
 * blobs with its pictures, and then, in one transaction, the library has it and the upload has
 * ended; of anything else the upload keeps the report that says why not. The workshop's report and
 * its files may have been written by what it looked at: nothing here trusts them further than their
 * words.
 */
#ifndef BT_SERVER_MEDIA_FINDING_H
#define BT_SERVER_MEDIA_FINDING_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "server/db/db.h"
#include "server/db/keeper.h"
#include "server/server.h"

// The upload that it is about.
struct bt_inspected {
    char id[32], unit[32], title[256], user[32];
    struct bt_keeper *keeper;  // borrowed; of its lease. NULL: there is no other server
};

// Begins as {0}; the hashes are in hex, "" when there is none.
struct bt_finding {
    cJSON *report;  // owned
    char sha256[BT_SHA256_HEX_BYTES], thumbnail[BT_SHA256_HEX_BYTES],
        filmstrip[BT_SHA256_HEX_BYTES];
    int64_t size;
};
void bt_finding_finish(struct bt_finding *finding);

// Instead of what was found, if anything was: looking went wrong, and the file is to blame.
void bt_finding_blame(struct bt_finding *finding, const struct bt_error *why);

bool bt_finding_plays(const struct bt_finding *finding);
const char *bt_finding_verdict(const struct bt_finding *finding);

// What of it would play: `file`, or what it was converted to, in the workshop's `dir`. -EFAULT:
// that is none of the kind that we make.
int bt_finding_shown(const struct bt_finding *finding, const char *file, const char *dir, char *out,
                     size_t size, struct bt_error *err) BT_NODISCARD;

// What plays becomes blobs, with its pictures. Errors as of blobs (server/media/blobs.h).
int bt_finding_adopt(struct bt_finding *finding, struct bt_blobs *blobs, const char *file,
                     const char *shown, const char *dir, struct bt_error *err) BT_NODISCARD;

// Ends the upload by the report. -ESTALE: its lease is lost, another server looks into it.
int bt_finding_store(const struct bt_finding *finding, struct bt_server *server, struct bt_db *db,
                     const struct bt_inspected *upload, struct bt_error *err) BT_NODISCARD;

#endif
