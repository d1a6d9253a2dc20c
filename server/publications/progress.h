/**
 * How far publications and proposals have come: two small state machines. Pure.
 *
 *   draft ─propose─► proposed ─approve─► approved ─publish─► published ─supersede─► superseded
 *     ▲                 │                                        │
 *     └────refuse───────┘         withdraw ─► withdrawn ◄────────┘ (from draft and published)
 *
 *   queued ─open─► open ─complete─► published     refuse, withdraw: from queued and open
 *                  └rebase┘
 */
#ifndef BT_SERVER_PUBLICATIONS_PROGRESS_H
#define BT_SERVER_PUBLICATIONS_PROGRESS_H

#include "base/error.h"

enum bt_publication_state {
    BT_PUBLICATION_DRAFT,
    BT_PUBLICATION_PROPOSED,
    BT_PUBLICATION_APPROVED,  // enough people signed; players have not been told yet
    BT_PUBLICATION_PUBLISHED,
    BT_PUBLICATION_SUPERSEDED,
    BT_PUBLICATION_WITHDRAWN,
    BT_PUBLICATION_STATES
};
extern const char *const bt_publication_state_words[];  // as stored and in the API; ends with NULL

enum bt_publication_event {
    BT_PUBLICATION_PROPOSE,
    BT_PUBLICATION_REFUSE,
    BT_PUBLICATION_APPROVE,
    BT_PUBLICATION_PUBLISH,
    BT_PUBLICATION_SUPERSEDE,
    BT_PUBLICATION_WITHDRAW,
    BT_PUBLICATION_EVENTS
};

enum bt_proposal_state {
    BT_PROPOSAL_QUEUED,
    BT_PROPOSAL_OPEN,
    BT_PROPOSAL_PUBLISHED,
    BT_PROPOSAL_REFUSED,
    BT_PROPOSAL_WITHDRAWN,
    BT_PROPOSAL_STATES
};
extern const char *const bt_proposal_state_words[];

enum bt_proposal_event {
    BT_PROPOSAL_DO_OPEN,
    BT_PROPOSAL_REBASE,
    BT_PROPOSAL_COMPLETE,
    BT_PROPOSAL_REFUSE,
    BT_PROPOSAL_WITHDRAW,
    BT_PROPOSAL_EVENTS
};

/**
 * The state's word after the event, static. -EINVAL with a sentence when it cannot happen in this
 * state, or the word is none.
 */
int bt_publication_step(const char *state, enum bt_publication_event event, const char **out,
                        struct bt_error *err) BT_NODISCARD;
int bt_proposal_step(const char *state, enum bt_proposal_event event, const char **out,
                     struct bt_error *err) BT_NODISCARD;

#endif
