// What a player puts on a stick: the plays that the server has not counted, in the very batches
// that it would send, sealed to the server.
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "sync/plays_seal.h"
#include "sync/status.h"
#include "sync/usb_inside.h"
#include "trust/seal.h"

// It lies in memory until it is on the stick; the rest goes with the next one.
#define MAX_BYTES (24 * 1024 * 1024)

// Of a clock that is not trusted the server learns what time it was when it received the batch;
// days later that says nothing. No record bears such a boot.
#define NO_BOOT "usb"

static const struct bt_log logger = {"sync/usb"};

struct back {
    struct bt_sync *sync;            // borrowed
    struct bt_usb_outcome *outcome;  // borrowed
    char *directory;                 // owned
    char player[BT_PLAYER_BYTES];
    char boot[BT_BOOT_ID_BYTES];
    int64_t bytes;
};

static int write_batch(struct back *back, struct bt_pack *pack, struct bt_error *err)
{
    BT_AUTOBUF packed, box;
    BT_AUTOFREE char *path =
        bt_strf("%s/%04lld.bin", back->directory, (long long)back->outcome->batches);
    bool trusted = pack->header.now.clock_trust == BT_CLOCK_SYNCED;
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    bt_buf_init(&box, BT_BATCH_MAX_PACKED + BT_SEAL_EXTRA_BYTES);
    pack->header.more = pack->header.more || !trusted;
    int r = bt_plays_seal(back->sync, pack, trusted ? back->boot : NO_BOOT, &packed, err);
    r = r < 0 ? r : bt_seal(back->outcome->import.seal, packed.data, packed.len, &box, err);
    r = r < 0 ? r : bt_file_replace(path, box.data, box.len, err);
    if (r == 0) {
        back->outcome->batches++;
        back->bytes += (int64_t)box.len;
    }
    return r;
}

// That there was a journal before this one; see sync/plays.c.
static int64_t since_ms(const struct back *back, const char *journal)
{
    char first[BT_JOURNAL_ID_BYTES];
    struct bt_state *state = back->sync->state;
    bool other = bt_state_get(state, "first_journal", first, sizeof(first)) == 0 &&
                 !bt_str_equal(first, journal);
    return other ? BT_MAX(bt_state_get_int(state, "first_journal_ms", 1), (int64_t)1) : 0;
}

// One batch after what is counted; 1: there is more.
static int pack_next(struct back *back, struct bt_packer *packer, struct bt_packer_counted *counted,
                     bool set_aside, struct bt_error *err)
{
    struct bt_pack pack;
    struct bt_record_moment now = bt_plays_moment(back->sync);
    int r = bt_packer_pack(packer, counted, BT_BATCH_MAX_RECORDS, &pack, err);
    if (r < 0) {
        return r;
    }
    bool more = pack.header.more;
    pack.header.now = now;
    pack.header.since_ms = set_aside || counted->seq > 0 ? 0 : since_ms(back, pack.header.journal);
    r = write_batch(back, &pack, err);
    counted->seq = pack.header.first + pack.header.count - 1;
    counted->hash = pack.header.head;
    bt_pack_finish(&pack);
    return r < 0 ? r : more;
}

static int pack_journal(struct back *back, const char *path, bool set_aside, struct bt_error *err)
{
    BT_AUTO(bt_packer) packer = bt_packer_create(path);
    struct bt_journal_facts facts;
    struct bt_packer_counted counted = {0};
    int r = bt_packer_facts(packer, &facts, err);
    if (r < 0) {
        return 0;  // none that can be read
    }
    if (back->outcome->import.told.json != NULL &&
        bt_told_counted(&back->outcome->import.told, back->player, facts.journal, &counted.seq,
                        &counted.hash) < 0) {
        counted = (struct bt_packer_counted){0};
    }
    for (r = 1; r > 0 && !atomic_load(&back->sync->stopping);) {
        if (back->bytes >= MAX_BYTES) {
            back->outcome->more = true;
            return 0;
        }
        r = pack_next(back, packer, &counted, set_aside, err);
    }
    return r;
}

/*
 * How the player is, and with that which takedowns it carried out.
 */

static int append_status(struct back *back, struct bt_buf *out, struct bt_error *err)
{
    struct bt_status_said ignored;
    BT_AUTOBUF status;
    bt_buf_init(&status, BT_STICK_STATUS_MAX_BYTES - 256);
    int r = bt_status_write(back->sync, NULL, 0, &status, &ignored, err);
    return r < 0 ? r
                 : bt_buf_appendf(out, "{\"player\":\"%s\",\"status\":%s}", back->player,
                                  bt_buf_text(&status));
}

static int write_status(struct back *back, struct bt_error *err)
{
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    size_t len = 0, prefix = sizeof(BT_STICK_STATUS_PREFIX) - 1;
    BT_AUTOBUF text, signed_text, box;
    BT_AUTOFREE char *path = bt_strf("%s/status.seal", back->directory);
    bt_buf_init(&text, prefix + BT_STICK_STATUS_MAX_BYTES);
    bt_buf_init(&signed_text, BT_SIGNATURE_MAX_BYTES + BT_STICK_STATUS_MAX_BYTES);
    bt_buf_init(&box, BT_SIGNATURE_MAX_BYTES + BT_STICK_STATUS_MAX_BYTES + BT_SEAL_EXTRA_BYTES);
    int r = bt_buf_append(&text, BT_STICK_STATUS_PREFIX, prefix);
    r = r < 0 ? r : append_status(back, &text, err);
    r = r < 0 ? r : bt_private_key_sign(back->sync->key, text.data, text.len, signature, &len, err);
    r = r < 0 ? r : bt_buf_append(&signed_text, signature, len);
    r = r < 0 ? r : bt_buf_append(&signed_text, text.data + prefix, text.len - prefix);
    r = r < 0 ? r
              : bt_seal(back->outcome->import.seal, signed_text.data, signed_text.len, &box, err);
    return r < 0 ? r : bt_file_replace(path, box.data, box.len, err);
}

int bt_usb_plays_back(struct bt_sync *sync, const char *directory, struct bt_usb_outcome *outcome,
                      struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(sync->standing);
    struct back back = {.sync = sync, .outcome = outcome};
    if (sync->options.plays[0] == '\0' || identity.player[0] == '\0' || !outcome->import.vouched) {
        return 0;
    }
    BT_AUTOFREE char *own = bt_strf("%s/TRA-VE/%s", directory, identity.player);
    back.directory = own;
    bt_copy_cut(back.player, sizeof(back.player), identity.player);
    int r = bt_journal_boot_id(back.boot, err);
    r = r < 0 ? r : bt_file_make_dirs(own, err);
    r = r < 0 ? r : write_status(&back, err);
    for (size_t i = 0; i <= BT_JOURNAL_MAX_DAMAGED && r == 0; i++) {
        bool live = i == BT_JOURNAL_MAX_DAMAGED;
        BT_AUTOFREE char *aside = bt_strf("%s.damaged-%zu", sync->options.plays, i + 1);
        r = pack_journal(&back, live ? sync->options.plays : aside, !live, err);
        if (r < 0 && !live) {
            bt_log_warn(&logger, "%s; the journals after it go on the stick", err->msg);
            r = 0;
        }
    }
    return r;
}
