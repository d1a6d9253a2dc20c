/**
 * What stands: the content that is shown, what was taken down, the emergencies in force, and who
 * the player is. Everything that changes the picture goes through here, so that the main loop gets
 * it in one order, and so that the disk knows of it.
 *
 * What removes is told to the main loop first and kept after, so that a slow disk does not hold it
 * up; it is answered only when it is kept. What shows is kept first. Thread-safe.
 */
#ifndef BT_SYNC_STANDING_H
#define BT_SYNC_STANDING_H

#include <cjson/cJSON.h>

#include "assets/store.h"
#include "base/queue.h"
#include "sync/documents.h"
#include "sync/emergencies.h"
#include "sync/identity.h"
#include "sync/order.h"
#include "sync/state.h"
#include "sync/time_floor.h"
#include "trust/metadata.h"

struct bt_standing;

struct bt_standing_parts {
    struct bt_state *state;  // all borrowed; must outlive the standing
    struct bt_store *store;
    struct bt_time_floor *time;
    struct bt_queue *news;
};

// Loads what was kept. Says nothing yet.
int bt_standing_open(const struct bt_standing_parts *parts, struct bt_standing **out,
                     struct bt_error *err) BT_NODISCARD;
void bt_standing_destroy(struct bt_standing *standing);
BT_DEFINE_AUTO(bt_standing)

// The first words to the main loop: blank, volume, light, unanswered orders, the last content.
void bt_standing_begin(struct bt_standing *standing);

// Paired, perhaps again: from now on this is who we are. What stands stays; orders begin anew.
int bt_standing_pair(struct bt_standing *standing, const struct bt_identity *identity,
                     struct bt_error *err) BT_NODISCARD;
struct bt_identity bt_standing_identity(struct bt_standing *standing);

/**
 * Whether a technician signed that this player may show its screen. Until then emergencies wait:
 * which screen it is, the server alone says.
 */
void bt_standing_set_bound(struct bt_standing *standing, bool bound);

/**
 * Obeys an order, once: an order that was taken before is not obeyed again. `body` is its text as
 * it came. Emergencies are believed by bt_standing_set_keys's rings; one that is not, or whose
 * template is not there, is taken and stays pending.
 * 1: a removal was refused and is answered so; err says why. -EAGAIN: the main loop's queue is
 * full; nothing happened, it is to come again. -EINVAL: a number that cannot be. Other errors: the
 * disk; it was obeyed when it removes, but it is to come again.
 */
int bt_standing_obey(struct bt_standing *standing, const struct bt_order *order, const char *body,
                     struct bt_error *err) BT_NODISCARD;

// In the words of the server, but without an order's number.
struct bt_stick_takedown {
    struct bt_order *order;  // borrowed
    char *body;              // borrowed; its text
    bool is_new;             // set here
    bool is_unkept;          // likewise: new, and the disk did not take it
};

/**
 * Takedowns that came by a stick: obeyed like orders and answered by none; the orders themselves
 * may still come. What was taken down under these ids, or is lifted by what is shown, stays as it
 * is. *out_held is how many hold now, also on an error: the last one's that was refused, or the
 * disk's. What the disk did not take holds until the next start, is not in the status, and is new
 * again when it comes again.
 */
int bt_standing_take_down(struct bt_standing *standing, struct bt_stick_takedown *list,
                          size_t count, size_t *out_held, struct bt_error *err) BT_NODISCARD;

/**
 * Looks at the pending emergencies again. `final`: the metadata are the newest, so what is not
 * believed now is refused. True when one was answered.
 */
bool bt_standing_has_pending(struct bt_standing *standing);
bool bt_standing_retry(struct bt_standing *standing, bool final);

// The number of the last order taken.
int64_t bt_standing_last_order(struct bt_standing *standing);

// Is any in force, whether it can be shown or not?
bool bt_standing_has_emergency(struct bt_standing *standing);

// A result from the main loop, or our own; kept until the server has it.
void bt_standing_answer(struct bt_standing *standing, int64_t n, const char *word,
                        const char *detail);

// The bodies of POST /v1/player/done: {"results": […]} of what is answered; false when nothing is.
bool bt_standing_results(struct bt_standing *standing, struct bt_buf *out);
void bt_standing_results_sent(struct bt_standing *standing, const struct bt_buf *sent);

/**
 * New content, complete and verified: kept, then told to the main loop. `urgent`: now, whatever the
 * publications say. Takedowns they lift are over.
 */
int bt_standing_set_content(struct bt_standing *standing, const struct bt_documents *content,
                            bool urgent, struct bt_error *err) BT_NODISCARD;
void bt_standing_content(struct bt_standing *standing, struct bt_documents *out);

// Templates with all their assets, and the rings that may activate them ("em-p", "em-UNIT").
struct bt_standing_keys {
    struct bt_keyring province, unit;  // taken; count 0: nobody may
};
int bt_standing_set_templates(struct bt_standing *standing, const struct bt_documents *templates,
                              struct bt_error *err) BT_NODISCARD;
void bt_standing_set_keys(struct bt_standing *standing, struct bt_standing_keys *keys);
void bt_standing_set_demo(struct bt_standing *standing, bool allowed);

// Forbids the store what was taken down and is not lifted by `newest`, which is about to come.
void bt_standing_forbid(struct bt_standing *standing, const struct bt_documents *newest);

/**
 * Begins and ends emergencies as time passes, and tells what the queue had no room for. Returns
 * when to call again, at the latest, ns from now.
 */
int64_t bt_standing_tick(struct bt_standing *standing);

// {"publications", "emergency", "takedowns" that are kept} into the status; and a number that grows
// with each change.
void bt_standing_status(struct bt_standing *standing, cJSON *status);
uint64_t bt_standing_generation(struct bt_standing *standing);

#endif
