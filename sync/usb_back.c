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

static const struct bt_log logger = {"sync/usb"};

struct back {
    struct bt_sync *sync;            // borrowed
    struct bt_usb_outcome *outcome;  // borrowed
    char *directory;                 // borrowed
    char player[BT_PLAYER_BYTES];
    char boot[BT_BOOT_ID_BYTES];
    int64_t bytes;
};

// A journal on its way onto the stick.
struct parcel {
    struct back *back;         // borrowed
    struct bt_packer *packer;  // borrowed
    struct bt_packer_counted counted;
    struct bt_record_moment now;
    int64_t since_ms;
    bool more;
};

/*
 * On the thread of sticks, as plays are packed for the network: SQLite and what packs them
 * allocate, so a thread behind all others could hold up whoever allocates as well.
 */

static int write_batch(struct back *back, struct bt_pack *pack, struct bt_error *err)
{
    BT_AUTOBUF packed, box;
    BT_AUTOFREE char *path =
        bt_strf("%s/%04lld.bin", back->directory, (long long)back->outcome->batches);
    const char *boot = bt_plays_date(&pack->header, back->boot);
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    bt_buf_init(&box, BT_BATCH_MAX_PACKED + BT_SEAL_EXTRA_BYTES);
    int r = bt_plays_seal(back->sync->key, back->player, boot, pack, &packed, err);
    r = r < 0 ? r : bt_seal(back->outcome->import.seal, packed.data, packed.len, &box, err);
    r = r < 0 ? r : bt_file_replace(path, box.data, box.len, err);
    if (r == 0) {
        back->outcome->batches++;
        back->bytes += (int64_t)box.len;
    }
    return r;
}

// One batch after what is counted.
static int pack_next(struct parcel *parcel, struct bt_error *err)
{
    struct bt_pack pack;
    int r = bt_packer_pack(parcel->packer, &parcel->counted, BT_BATCH_MAX_RECORDS, &pack, err);
    if (r < 0) {
        return r;
    }
    parcel->more = pack.header.more;
    pack.header.now = parcel->now;
    pack.header.since_ms = parcel->counted.seq > 0 ? 0 : parcel->since_ms;
    r = write_batch(parcel->back, &pack, err);
    parcel->counted.seq = pack.header.first + pack.header.count - 1;
    parcel->counted.hash = pack.header.head;
    bt_pack_finish(&pack);
    return r;
}

/*
 * Of a journal.
 */

// That there was a journal before this one; see sync/plays.c.
static int64_t since_ms(const struct back *back, const char *journal)
{
    char first[BT_JOURNAL_ID_BYTES];
    struct bt_state *state = back->sync->state;
    bool other = bt_state_get(state, "first_journal", first, sizeof(first)) == 0 &&
                 !bt_str_equal(first, journal);
    return other ? BT_MAX(bt_state_get_int(state, "first_journal_ms", 1), (int64_t)1) : 0;
}

static int pack_all(struct parcel *parcel, struct bt_error *err)
{
    struct back *back = parcel->back;
    int r = 0;
    for (parcel->more = true; r == 0 && parcel->more && !atomic_load(&back->sync->stopping);) {
        if (back->bytes >= MAX_BYTES) {
            back->outcome->more = true;
            return 0;
        }
        parcel->now = bt_plays_moment(back->sync);  // before what it speaks for is read
        r = pack_next(parcel, err);
    }
    return r;
}

static int pack_journal(struct back *back, const char *path, bool set_aside, struct bt_error *err)
{
    BT_AUTO(bt_packer) packer = bt_packer_create(path);
    struct parcel parcel = {.back = back, .packer = packer};
    const struct bt_told *told = &back->outcome->import.told;
    struct bt_journal_facts facts;
    if (bt_packer_facts(packer, &facts, err) < 0) {
        return 0;  // none that can be read
    }
    const char *journal = facts.journal;
    if (told->json == NULL || bt_told_counted(told, back->player, journal, &parcel.counted.seq,
                                              &parcel.counted.hash) < 0) {
        parcel.counted = (struct bt_packer_counted){0};
    }
    parcel.since_ms = set_aside ? 0 : since_ms(back, journal);
    return pack_all(&parcel, err);
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
    // It speaks of what was committed, and the server believes it for ever: a power cut now may not
    // take that back. Nobody but this thread waits for the disk.
    r = r < 0 ? r : bt_state_flush(back->sync->state, err);
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
    // Plays are on the disk before anybody can read them.
    if (r == 0 && !outcome->kept) {
        bt_log_warn(&logger, "The disk did not keep all of it; the plays go without a status");
    } else if (r == 0 && write_status(&back, err) < 0) {
        bt_log_warn(&logger, "%s; the plays go on the stick without a status", err->msg);
    }
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
