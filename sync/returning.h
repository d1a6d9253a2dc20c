/**
 * Bringing back to a restored server what it has lost. Its snapshot goes back, and is refused; the
 * one we hold bears its own key's signature, so that it learns from it how far every role had come.
 * Its next snapshot names those versions and, as "x-lost", what it wants back: metadata that people
 * signed, and their documents. (docs/server.md, server/publications/returned.h)
 *
 * On the repository's thread. What fails is tried again with the next refresh.
 */
#ifndef BT_SYNC_RETURNING_H
#define BT_SYNC_RETURNING_H

#include "sync/repository_inside.h"

// `r` is how the refresh ended; nothing is done unless something went back.
void bt_return_snapshot(struct bt_repository *repository, int r);

// After a good refresh: what is asked for, as far as it is here; once for each snapshot.
void bt_return_lost(struct bt_repository *repository);

#endif
