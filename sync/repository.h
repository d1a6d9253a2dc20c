/**
 * The repository thread: verified metadata and documents (trust/tuf_client.h), what of them is
 * mine, which assets are wanted, and changing over to new content when all of it is there, all or
 * nothing. It fetches one small file after the other and may wait for any of them; orders never
 * wait for it.
 */
#ifndef BT_SYNC_REPOSITORY_H
#define BT_SYNC_REPOSITORY_H

#include "sync/inside.h"

// create makes it (also when it fails, for destroy), run starts the thread.
int bt_repository_create(struct bt_sync *sync, struct bt_repository **out,
                         struct bt_error *err) BT_NODISCARD;
int bt_repository_run(struct bt_repository *repository, struct bt_error *err) BT_NODISCARD;
void bt_repository_close(struct bt_repository *repository);
void bt_repository_join(struct bt_repository *repository);  // until its thread has ended
void bt_repository_destroy(struct bt_repository *repository);

// From other threads; none waits.
// The server says that the timestamp has this version; fetch it within `within_ns`.
void bt_repository_hint(struct bt_repository *repository, int64_t timestamp_version,
                        int64_t within_ns);
void bt_repository_arrived(struct bt_repository *repository);  // an asset did
void bt_repository_look(struct bt_repository *repository);     // something was taken down
void bt_repository_content_is_on(struct bt_repository *repository);
void bt_repository_stream_is_up(struct bt_repository *repository, bool up);

// Of what is trusted.
int64_t bt_repository_timestamp(struct bt_repository *repository);
int64_t bt_repository_expires_ms(struct bt_repository *repository);

// Refreshes in any case, now. The ticket tells when a refresh that began later has had its answer.
uint64_t bt_repository_refresh(struct bt_repository *repository);
bool bt_repository_reached(struct bt_repository *repository, uint64_t ticket);

// "waiting": what is approved and not there yet.
void bt_repository_status(struct bt_repository *repository, cJSON *status);

#endif
