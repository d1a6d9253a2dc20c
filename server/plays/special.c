#include "server/plays/special.h"

#include <string.h>

#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/plays/reckoning.h"

#define REPLACED "journal replaced"

// More than that a player has only when somebody plays with it.
#define MAX_OTHERS 64

static void name_loss(const struct bt_standing *standing, const char *cause,
                      struct bt_declared_loss *out)
{
    *out = (struct bt_declared_loss){.clock = "server"};
    bt_copy_cut(out->player, sizeof(out->player), standing->player);
    bt_copy_cut(out->journal, sizeof(out->journal), standing->journal);
    bt_copy_cut(out->screen, sizeof(out->screen), standing->screen);
    bt_copy_cut(out->unit, sizeof(out->unit), standing->unit);
    bt_copy_cut(out->cause, sizeof(out->cause), cause);
}

static void declare_replaced(struct bt_books *books, const struct bt_standing *standing,
                             int64_t end_ms)
{
    struct bt_declared_loss loss;
    name_loss(standing, REPLACED, &loss);
    loss.seq = standing->last_seq + 1;
    loss.start_ms = standing->known_ms;
    loss.end_ms = BT_MAX(end_ms, standing->known_ms);
    bt_books_loss(books, &loss);
}

// Showings that were going on when it stopped in order are over now.
static int close_tally(struct bt_db *db, struct bt_books *books, const struct bt_standing *standing,
                       struct bt_tally *tally, struct bt_error *err)
{
    struct bt_reckon_place place = {bt_books_counts(books), standing};
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_TALLY_MAX_STATE);
    int r = bt_tally_close(tally, bt_reckon_sink, &place, err);
    r = r < 0 ? r : bt_tally_save(tally, &text);
    if (r < 0) {
        return r;
    }
    int64_t ran = bt_db_run(
        db, err, "UPDATE play_journal SET tally = $3 WHERE player = $1 AND journal = $2",
        BT_TEXT(standing->player), BT_TEXT(standing->journal), BT_TEXT(bt_buf_text(&text)));
    return ran < 0 ? (int)ran : 0;
}

static int close_one(struct bt_db *db, struct bt_books *books, const struct bt_sender *sender,
                     const char *journal, int64_t begin_ms, struct bt_error *err)
{
    struct bt_standing standing;
    BT_AUTO(bt_tally) tally = bt_tally_create(sender->tz);
    BT_AUTOFREE char *state = NULL;
    int r = bt_standing_read(db, sender->player, journal, &standing, &state, err);
    r = r < 0 ? r : bt_tally_load(tally, state, strlen(state), err);
    if (r < 0) {
        return r;
    }
    // Also where it had stopped in order: it may have run again, and nobody heard of it.
    declare_replaced(books, &standing, begin_ms);
    return standing.stopped ? close_tally(db, books, &standing, tally, err) : 0;
}

static int ask_others(struct bt_db *db, const char *player, const char *journal,
                      struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT journal, state, resolved_ms FROM play_journal WHERE player = $1"
                     " AND journal <> $2 AND (state = 'open' OR state = 'forked'"
                     " AND resolved_ms IS NULL) ORDER BY state, journal LIMIT $3",
                     BT_TEXT(player), BT_TEXT(journal), BT_INT(MAX_OTHERS));
}

int bt_special_begin(struct bt_db *db, struct bt_books *books, const struct bt_sender *sender,
                     const char *journal, int64_t begin_ms, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) others = NULL;
    int r = ask_others(db, sender->player, journal, &others, err);
    while (r == 0 && bt_db_next(others)) {
        if (bt_str_equal(bt_db_get_text(others, 1), "forked")) {
            return 0;  // forked ones come first
        }
        r = close_one(db, books, sender, bt_db_get_text(others, 0), begin_ms, err);
    }
    int64_t ran = r < 0 ? r
                        : bt_db_run(db, err,
                                    "UPDATE play_journal SET state = 'closed' WHERE player = $1"
                                    " AND journal <> $2 AND state = 'open'",
                                    BT_TEXT(sender->player), BT_TEXT(journal));
    return ran < 0 ? (int)ran : 1;
}

static void declare_unheard(struct bt_books *books, const struct bt_standing *standing,
                            const struct bt_delivery *delivery, int64_t begin_ms)
{
    struct bt_declared_loss loss;
    name_loss(standing, "journal damaged or gone", &loss);
    loss.start_ms = BT_MAX(delivery->batch.header.since_ms, delivery->sender.paired_ms);
    loss.end_ms = BT_MAX(begin_ms, loss.start_ms);
    bt_books_loss(books, &loss);
}

int bt_special_unheard(struct bt_db *db, struct bt_books *books, const struct bt_standing *standing,
                       const struct bt_delivery *delivery, int64_t begin_ms, struct bt_error *err)
{
    // One that was counted under another player goes on; nothing lies before it.
    if (delivery->batch.header.since_ms == 0 || standing->last_seq > 0) {
        return 0;
    }
    BT_AUTO(bt_db_rows) others = NULL;
    int r = bt_db_ask(db, &others, err,
                      "SELECT 1 FROM play_journal WHERE player = $1 AND journal <> $2 LIMIT 1",
                      BT_TEXT(standing->player), BT_TEXT(standing->journal));
    if (r == 0 && !bt_db_next(others)) {
        declare_unheard(books, standing, delivery, begin_ms);
    }
    return r;
}

void bt_special_hole(struct bt_books *books, const struct bt_standing *standing,
                     const struct bt_delivery *delivery, int64_t hole_from)
{
    struct bt_declared_loss loss;
    name_loss(standing, "records pruned", &loss);
    int64_t from_ms = standing->stored ? standing->known_ms : delivery->sender.paired_ms;
    loss.seq = hole_from;
    loss.start_ms = from_ms;
    loss.end_ms = BT_MAX(bt_reckon_begin_ms(standing, delivery), from_ms);
    bt_books_loss(books, &loss);
}

int bt_special_go_on(struct bt_db *db, struct bt_books *books, const struct bt_standing *standing,
                     struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "DELETE FROM play_loss WHERE player = $1 AND journal = $2 AND cause = $3"
                      " RETURNING end_ms",
                      BT_TEXT(standing->player), BT_TEXT(standing->journal), BT_TEXT(REPLACED));
    if (r == 0 && bt_db_next(rows)) {
        declare_replaced(books, standing, bt_db_get_int(rows, 0));
    }
    return r;
}

static int keep_aside(struct bt_db *db, const struct bt_delivery *delivery, struct bt_error *err)
{
    const struct bt_batch_header *header = &delivery->batch.header;
    char id[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(delivery->packed, delivery->packed_len);
    bt_hex(hash.bytes, BT_SHA256_BYTES, id);
    int64_t r = bt_db_run(
        db, err,
        "INSERT INTO play_quarantine(id, player, journal, first_seq, last_seq, received_ms, reason,"
        " body) SELECT $1, $2, $3, $4, $5, $6, 'forked', $7 WHERE (SELECT count(*)"
        " FROM play_quarantine WHERE player = $2 AND journal = $3) < $8 ON CONFLICT (id) DO "
        "NOTHING",
        BT_TEXT(id), BT_TEXT(header->player), BT_TEXT(header->journal), BT_INT(header->first),
        BT_INT(header->first + header->count - 1), BT_INT(delivery->received_ms),
        BT_BLOB(delivery->packed, delivery->packed_len), BT_INT(BT_QUARANTINE_MAX));
    return r < 0 ? (int)r : 0;
}

static int write_audit(struct bt_db *db, const struct bt_standing *standing,
                       const struct bt_delivery *delivery, struct bt_error *err)
{
    char actor[48], object[128];
    int r = bt_format(actor, sizeof(actor), "player/%s", standing->player);
    r = r < 0 ? r
              : bt_format(object, sizeof(object), "journal/%s/%s", standing->player,
                          standing->journal);
    if (r < 0) {
        return bt_fail(err, r, "A journal's name is too long");
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "screen", standing->screen);
    cJSON_AddNumberToObject(details, "counted", (double)standing->last_seq);
    cJSON_AddNumberToObject(details, "first", (double)delivery->batch.header.first);
    const struct bt_audit_entry entry = {.at_ms = delivery->received_ms,
                                         .actor = actor,
                                         .from = "",
                                         .verb = "plays.fork",
                                         .object = object,
                                         .unit = standing->unit};
    return bt_audit_write(db, &entry, details, err);
}

static int mark_forked(struct bt_db *db, const struct bt_standing *standing,
                       const struct bt_delivery *delivery, struct bt_error *err)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_hex(standing->last_hash.bytes, BT_SHA256_BYTES, hash);
    int64_t r = bt_db_run(
        db, err,
        "INSERT INTO play_journal(player, journal, screen, unit, state, last_seq, last_hash, tally,"
        " boots, first_ms, received_ms, known_ms) VALUES($1, $2, $3, $4, 'forked', $5, $6, '',"
        " '[]', $7, $7, $8) ON CONFLICT (player, journal) DO UPDATE SET state = 'forked'",
        BT_TEXT(standing->player), BT_TEXT(standing->journal), BT_TEXT(standing->screen),
        BT_TEXT(standing->unit), BT_INT(standing->last_seq), BT_TEXT(hash),
        BT_INT(delivery->received_ms), BT_INT(standing->known_ms));
    return r < 0 ? (int)r : write_audit(db, standing, delivery, err);
}

int bt_special_fork(struct bt_db *db, const struct bt_standing *standing,
                    const struct bt_delivery *delivery, struct bt_error *err)
{
    bool first = standing->state != BT_STANDING_FORKED;
    int r = first ? mark_forked(db, standing, delivery, err) : 0;
    r = r < 0 ? r : keep_aside(db, delivery, err);
    return r < 0 ? r : first;
}
