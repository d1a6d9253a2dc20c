/**
 * A file on its way into the store: written in order as it comes, hashed while it is written, and
 * kept when it is interrupted, so that it goes on at the byte. It gets its name in the store only
 * when all of it is there, its hash is right and the disk has it (sync, rename, sync directory).
 *
 * Partial files lie in DIR/partial/<hash>, or in DIR/partial-usb/<hash>: each way on which assets
 * come has its own, so that wrong bytes of one never spoil what the other brought. One thread at a
 * time.
 */
#ifndef BT_ASSETS_PARTIAL_H
#define BT_ASSETS_PARTIAL_H

#include "assets/store.h"

struct bt_partial;

enum bt_way { BT_WAY_NETWORK, BT_WAY_STICK, BT_WAYS };

/**
 * Begins, or goes on with what is there, once bt_partial_take_up has looked at that. Errors: -EPERM
 * taken down, -EEXIST the store has it, -EBUSY somebody else is writing it now on the same way, or
 * the errno of the file.
 */
int bt_partial_open(struct bt_store *store, enum bt_way way, const struct bt_sha256 *sha256,
                    int64_t size, struct bt_partial **out, struct bt_error *err) BT_NODISCARD;

// Reads and hashes what an earlier life wrote, which may take long. Takes no lock, allocates
// nothing.
int bt_partial_take_up(struct bt_partial *partial, struct bt_error *err) BT_NODISCARD;

// Keeps what was written for the next time.
void bt_partial_destroy(struct bt_partial *partial);
BT_DEFINE_AUTO(bt_partial)

int64_t bt_partial_have(const struct bt_partial *partial);  // bytes, 0..size
int64_t bt_partial_size(const struct bt_partial *partial);

// Appends; takes no lock, allocates nothing. Errors: -EMSGSIZE more than the size, -ENOSPC, or the
// errno of writing; then nothing of it counts.
int bt_partial_write(struct bt_partial *partial, const void *bytes, size_t len,
                     struct bt_error *err) BT_NODISCARD;

// Waits until the disk has what was written, so that never much is to be written at once, and lets
// go of the memory it took. Nothing is lost without it. Takes no lock.
void bt_partial_flush(struct bt_partial *partial);

// The other side begins from the first byte.
int bt_partial_restart(struct bt_partial *partial, struct bt_error *err) BT_NODISCARD;

/**
 * All of it is there: makes it part of the store. -EBADMSG: it is not what its hash says; it was
 * thrown away and begins anew. -EAGAIN: something is missing yet.
 */
int bt_partial_finish(struct bt_partial *partial, struct bt_error *err) BT_NODISCARD;

#endif
