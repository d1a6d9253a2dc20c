/**
 * Proposals: what the next metadata of a role are to be. One is open per role and is signed; the
 * others wait. When the role's metadata move on, the next one is rebased: built anew on what is in
 * force, for a new round of signatures.
 *
 * Everything here runs in the caller's transaction.
 */
#ifndef BT_SERVER_PUBLICATIONS_PROPOSING_H
#define BT_SERVER_PUBLICATIONS_PROPOSING_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"
#include "server/publications/publication_row.h"

// More changes in one go are more than people review.
#define BT_PROPOSAL_MAX_CHANGES 64

struct bt_proposal {
    char id[BT_SERVER_ID_BYTES];
    char role[BT_ROLE_BYTES];
    char unit[BT_UNIT_CODE_BYTES];
    char state[16];  // enum bt_proposal_state's word
    int64_t number, round, version, revision;
    char *signed_text;  // canonical; "" while it waits
    size_t change_count;
    struct bt_proposal_change {
        struct bt_publication_row *publication;  // owned
        bool remove;                             // it is taken out, not put in
    } changes[BT_PROPOSAL_MAX_CHANGES];
};

// -ENOENT when there is none.
int bt_proposal_load(struct bt_db *db, const char *id, struct bt_proposal **out,
                     struct bt_error *err) BT_NODISCARD;
void bt_proposal_destroy(struct bt_proposal *proposal);
BT_DEFINE_AUTO(bt_proposal)

// What is proposed, by publications' ids: to put in and to take out.
struct bt_proposal_request {
    const char *id, *role, *unit, *note, *user;
    const cJSON *publications, *withdraw;  // lists of texts, or NULL
};

/**
 * Freezes the documents and queues the proposal; it opens at once when no other one is open.
 * Without any change it renews the metadata. Errors: -EINVAL a draft that cannot be composed,
 * -ENOENT a publication, or nobody may sign for the role yet, -EBUSY a publication's state.
 */
int bt_proposal_create(struct bt_db *db, int64_t now_ms, const struct bt_proposal_request *request,
                       struct bt_error *err) BT_NODISCARD;

/**
 * The role's oldest unfinished proposal is opened, or rebased when the role's metadata have moved
 * on; nothing happens while it is open and fits.
 */
int bt_proposal_advance(struct bt_db *db, int64_t now_ms, const char *role,
                        struct bt_error *err) BT_NODISCARD;

// Ends it without effect; its documents are drafts again. `event` is an enum bt_proposal_event.
int bt_proposal_end(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal, int event,
                    const char *reason, struct bt_error *err) BT_NODISCARD;

/**
 * Enough people have signed: the document becomes the role's metadata, its new targets are stored,
 * publications change their states. The issuer's part is the caller's.
 */
int bt_proposal_complete(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal,
                         const cJSON *document, struct bt_error *err) BT_NODISCARD;

/**
 * The role has new metadata: what is published and not in them any more is superseded or withdrawn,
 * and the open proposal is rebased.
 */
int bt_proposal_settle(struct bt_db *db, int64_t now_ms, const char *role, const cJSON *document,
                       struct bt_error *err) BT_NODISCARD;

/**
 * Does the change do anything to what is in force? A removal that waited while a newer version was
 * published does not: that one stays.
 */
bool bt_proposal_change_counts(const struct bt_proposal_change *change, const cJSON *base);

// For the routes of proposals (proposal_routes.c): the answer that shows one, and its audit record.
int bt_proposal_answer(struct bt_call *call, const char *id, int status, struct bt_error *err);
int bt_proposal_add_signatures(struct bt_db *db, const char *id, int64_t round, cJSON *shown,
                               struct bt_error *err) BT_NODISCARD;
int bt_proposal_audit(struct bt_call *call, const char *verb, const char *id, const char *unit,
                      cJSON *details, struct bt_error *err) BT_NODISCARD;

#endif
