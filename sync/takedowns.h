/**
 * What was taken down and not lifted: ids, hashes, items, and which version of each document the
 * player had when the order came. A takedown is lifted by a newer version that names it, of
 * whatever document. Pure, but for keeping it. One thread at a time.
 */
#ifndef BT_SYNC_TAKEDOWNS_H
#define BT_SYNC_TAKEDOWNS_H

#include "sync/documents.h"
#include "sync/order.h"

// Hundreds of years of a province's takedowns; beyond it the oldest stays obeyed and new ones are
// refused aloud.
#define BT_MAX_TAKEDOWNS 4096

// Of all of them together in memory, whatever a server invents: as many ordinary ones as may be,
// or some two hundred of the largest.
#define BT_TAKEDOWNS_MAX_BYTES (32 * 1024 * 1024)

struct bt_takedown {
    struct bt_order *order;  // owned
    cJSON *versions;         // {target: version} of then; owned
    bool unkept;             // the disk does not have it, so the next life would not know it
};

struct bt_takedowns {
    struct bt_takedown *list;  // owned; by id
    size_t count, capacity;
    size_t bytes;  // of all of them
};

void bt_takedowns_finish(struct bt_takedowns *takedowns);

/**
 * May the order be added? -EEXIST: one with the same id came before and names more than this; only
 * a signed document brings back what was taken down. -ENOSPC: there is no room for it; those that
 * are there stay.
 */
int bt_takedowns_check(const struct bt_takedowns *takedowns, const struct bt_order *order,
                       struct bt_error *err) BT_NODISCARD;

const struct bt_takedown *bt_takedowns_find(const struct bt_takedowns *takedowns, const char *id);

// The disk did not take it; until it is added again.
void bt_takedowns_note_unkept(struct bt_takedowns *takedowns, const char *id);

// Nothing new: one with its id is kept and names all that it names, or a document of these lifts
// it.
bool bt_takedowns_settled(const struct bt_takedowns *takedowns, const struct bt_order *order,
                          const struct bt_documents *documents);

// Takes the order; one with the same id is replaced, and counts as come now. Errors: as above.
int bt_takedowns_add(struct bt_takedowns *takedowns, struct bt_order *order,
                     const struct bt_documents *current, struct bt_error *err) BT_NODISCARD;

bool bt_takedown_is_lifted(const struct bt_takedown *takedown,
                           const struct bt_documents *documents);

void bt_takedowns_forget_lifted(struct bt_takedowns *takedowns,
                                const struct bt_documents *documents);

// All hashes of what `newest` (may be NULL) does not lift; for free().
struct bt_sha256 *bt_takedowns_hashes(const struct bt_takedowns *takedowns,
                                      const struct bt_documents *newest, size_t *out_count);

// Fills a CONTENT news: everything that is taken down.
void bt_takedowns_fill(const struct bt_takedowns *takedowns, struct bt_news *news);

int bt_takedown_keep(const struct bt_takedown *takedown, const char *body, struct bt_state *state,
                     struct bt_error *err) BT_NODISCARD;
int bt_takedowns_load(struct bt_takedowns *takedowns, struct bt_state *state,
                      struct bt_error *err) BT_NODISCARD;

#endif
