/**
 * The backups in one place: a folder for each, named by its time, and blobs that they share. One
 * that is being made is called "unfinished".
 */
#ifndef BT_SERVER_BACKUP_GENERATIONS_H
#define BT_SERVER_BACKUP_GENERATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "server/backup/manifest.h"
#include "server/backup/shelf.h"

#define BT_GENERATION_BYTES 24  // "20261121T170000.123Z"

struct bt_generations {
    char (*names)[BT_GENERATION_BYTES];  // oldest first
    size_t count, capacity;
};
void bt_generations_finish(struct bt_generations *generations);
#define BT_AUTOGENERATIONS BT_AUTOFINISH(bt_generations_finish) struct bt_generations

void bt_generation_name(int64_t made_ms, char out[BT_GENERATION_BYTES]);
int bt_generations_list(const char *place, struct bt_generations *out,
                        struct bt_error *err) BT_NODISCARD;

// Its manifest, and which blobs it needs.
int bt_generation_manifest(const char *place, const char *name, struct bt_manifest *out,
                           struct bt_error *err) BT_NODISCARD;
int bt_generation_blobs(const char *place, const char *name, struct bt_blob_list *out,
                        struct bt_error *err) BT_NODISCARD;

// Removes all but the newest `keep`, and the blobs that none of these needs.
int bt_generations_prune(const char *place, size_t keep, struct bt_error *err) BT_NODISCARD;

#endif
