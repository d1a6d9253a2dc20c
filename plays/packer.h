/**
 * Packs a journal into batches (batch.h): whatever follows what the server has counted, with what
 * is known of the time of its boots. Knows neither keys nor network. Reads the journal while a
 * player writes it, each time anew and for a moment. Belongs to one thread.
 */
#ifndef BT_PLAYS_PACKER_H
#define BT_PLAYS_PACKER_H

#include "plays/batch.h"

struct bt_packer;

struct bt_packer *bt_packer_create(const char *path) BT_NODISCARD;
void bt_packer_destroy(struct bt_packer *packer);
BT_DEFINE_AUTO(bt_packer)

// Errors of this and of the next: those of bt_reader_open.
int bt_packer_facts(struct bt_packer *packer, struct bt_journal_facts *out,
                    struct bt_error *err) BT_NODISCARD;

// How far the server has counted this journal.
struct bt_packer_counted {
    int64_t seq;  // 0: nothing
    struct bt_sha256 hash;
};

struct bt_pack {
    struct bt_batch_maker *maker;   // owned
    struct bt_batch_header header;  // journal, base_seq, more and boots are filled in
    int64_t last_seq;               // the journal's newest record
    int64_t skipped;  // damaged records that were left out; `base_seq` says that they do not come
    bool ends;        // the database cannot be read any further
};

/**
 * At most `max_records` of what follows. It can be empty.
 * Errors besides: -ESTALE: what the server counted is not in this journal's chain: one of the two
 * is another journal under the same name.
 */
int bt_packer_pack(struct bt_packer *packer, const struct bt_packer_counted *counted,
                   size_t max_records, struct bt_pack *out, struct bt_error *err) BT_NODISCARD;
void bt_pack_finish(struct bt_pack *pack);

#endif
