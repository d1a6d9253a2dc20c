// The insides of struct bt_standing: who stands (standing.c), what the main loop is told
// (standing_tell.c), orders (standing_obey.c), answers (standing_answer.c). Private to those.
#ifndef BT_SYNC_STANDING_INSIDE_H
#define BT_SYNC_STANDING_INSIDE_H

#include <pthread.h>

#include "sync/standing.h"
#include "sync/takedowns.h"

// Emergencies whose keys or templates are yet to come.
#define BT_MAX_PENDING 16

struct bt_standing {
    struct bt_standing_parts parts;  // set by open, never changed
    pthread_mutex_t lock;            // the news queue's own is taken inside
    // Protected by lock.
    struct bt_identity identity;
    bool bound;  // a technician signed that this player may show its screen
    struct bt_documents content, templates;
    struct bt_takedowns takedowns;
    struct bt_emergencies emergencies;
    struct bt_order *pending[BT_MAX_PENDING];  // owned
    size_t pending_count;
    struct bt_standing_keys keys;
    bool demo_allowed;  // the root did not say that thresholds of one are meant
    bool told;          // the main loop has content of this life
    bool unsaid;        // the content was not told to the main loop yet
    bool unsaid_urgent;
    char shown[64];  // emergency the content was told with
    int64_t shown_until_ms;
    int64_t last_order;
    uint64_t generation;
};

void bt_standing_lock(struct bt_standing *standing);
void bt_standing_unlock(struct bt_standing *standing);
struct bt_instant bt_standing_now(const struct bt_standing *standing);

// With the lock held. Says the content as it stands now, or notes that it could not be said.
void bt_standing_announce(struct bt_standing *standing, bool urgent);

// The very template that the activation names is there, with its assets.
bool bt_standing_has_template(const struct bt_emergency *emergency, void *standing);

// With the lock held. Asks the main loop to answer once the emergency is on the screen.
int bt_standing_tell_emergency(struct bt_standing *standing, int64_t n,
                               const struct bt_activation *activation) BT_NODISCARD;

int bt_standing_copy_order(const char *body, struct bt_order **out) BT_NODISCARD;

// With the lock held. False: too many.
bool bt_standing_add_pending(struct bt_standing *standing, const char *body);

#endif
