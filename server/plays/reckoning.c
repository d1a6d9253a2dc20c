#include "server/plays/reckoning.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

struct reckoning {
    struct bt_books *books;
    struct bt_standing *standing;
    struct bt_tally *tally;
    const struct bt_delivery *delivery;
    struct bt_reckon_place place;
    int64_t from_ms, until_ms;      // of the plays so far; 0 when there were none
    struct bt_declared_loss late;   // plays after the player was replaced
    const struct bt_record *first;  // the last whose publication was noted, and when it began
    int64_t first_ms;
};

int bt_reckon_sink(const struct bt_tally_key *key, const struct bt_tally_counts *delta,
                   void *context, struct bt_error *err)
{
    (void)err;
    const struct bt_reckon_place *place = context;
    bt_counts_add(place->counts, place->standing->screen, place->standing->unit, key, delta);
    return 0;
}

// From the batch's own synced records first, then by the player's word for the others.
static void learn_boots(struct bt_standing *standing, const struct bt_delivery *delivery)
{
    const struct bt_batch_header *header = &delivery->batch.header;
    for (int64_t i = 0; i < header->count; i++) {
        const struct bt_record *record = &delivery->records[i];
        bool tells = record->seq > 0 && record->clock_trust == BT_CLOCK_SYNCED &&
                     record->kind == BT_RECORD_PLAY && record->origin.boot[0] != '\0';
        if (tells) {
            bt_standing_keep_boot(standing, record->origin.boot,
                                  record->start_ms - record->mono_ms);
        }
    }
    for (size_t i = 0; i < header->boot_count; i++) {
        bt_standing_keep_boot(standing, header->boots[i].boot, header->boots[i].offset_ms);
    }
}

/*
 * The boot that sends, when nothing else dates it: its clock shows now.mono_ms at the moment at
 * which the batch was received.
 */
static struct bt_tally_time time_of(const struct bt_standing *standing,
                                    const struct bt_delivery *delivery, const char *boot)
{
    const struct bt_batch_header *header = &delivery->batch.header;
    for (size_t i = 0; i < standing->boot_count; i++) {
        if (strcmp(standing->boots[i].boot, boot) == 0) {
            return (struct bt_tally_time){true, standing->boots[i].offset_ms};
        }
    }
    bool sends = boot[0] != '\0' && strcmp(header->boot, boot) == 0;
    return (struct bt_tally_time){
        sends, sends ? delivery->received_ms - header->now.mono_ns / BT_NS_PER_MS : 0};
}

static int64_t end_ms(const struct bt_record *record, const struct bt_tally_time *time)
{
    return bt_tally_start_ms(record, time) + BT_MAX(record->end_ms - record->start_ms, 0);
}

static void name_loss(const struct bt_standing *standing, const char *cause, const char *clock,
                      struct bt_declared_loss *out)
{
    *out = (struct bt_declared_loss){.clock = clock};
    bt_copy_cut(out->player, sizeof(out->player), standing->player);
    bt_copy_cut(out->journal, sizeof(out->journal), standing->journal);
    bt_copy_cut(out->screen, sizeof(out->screen), standing->screen);
    bt_copy_cut(out->unit, sizeof(out->unit), standing->unit);
    bt_copy_cut(out->cause, sizeof(out->cause), cause);
}

static void add_loss(struct reckoning *reckoning, const struct bt_record *record)
{
    struct bt_declared_loss loss;
    name_loss(reckoning->standing, record->loss.cause, bt_clock_trust_word(record->clock_trust),
              &loss);
    loss.seq = record->seq;
    loss.plays = record->loss.plays;
    loss.start_ms = record->loss.start_ms;
    loss.end_ms = record->loss.end_ms;
    bt_books_loss(reckoning->books, &loss);
}

static void add_unreadable(struct reckoning *reckoning, int64_t seq)
{
    struct bt_declared_loss loss;
    name_loss(reckoning->standing, "record unreadable", "server", &loss);
    loss.seq = seq;
    loss.start_ms = reckoning->standing->known_ms;
    loss.end_ms = reckoning->delivery->received_ms;
    bt_books_loss(reckoning->books, &loss);
}

static void add_run(struct reckoning *reckoning, const struct bt_record *record,
                    const struct bt_tally_time *time)
{
    bool synced = record->clock_trust == BT_CLOCK_SYNCED;
    bt_books_run(reckoning->books,
                 &(struct bt_run_mark){.standing = reckoning->standing,
                                       .seq = record->seq,
                                       .at_ms = bt_tally_start_ms(record, time),
                                       .recovered = record->recovered,
                                       .kind = record->kind == BT_RECORD_START ? "start" : "stop",
                                       .dated = synced        ? "synced"
                                                : time->known ? "repaired"
                                                              : "unknown"});
}

static void widen(struct reckoning *reckoning, int64_t from_ms, int64_t until_ms)
{
    bool first = reckoning->until_ms == 0;
    reckoning->from_ms = first ? from_ms : BT_MIN(reckoning->from_ms, from_ms);
    reckoning->until_ms = first ? until_ms : BT_MAX(reckoning->until_ms, until_ms);
}

// A player's key is valid until another takes its place; what it showed later is said, not counted.
static bool is_late(const struct bt_sender *sender, const struct bt_record *record,
                    int64_t start_ms)
{
    return record->kind == BT_RECORD_PLAY && sender->state == BT_SENDER_REPLACED &&
           start_ms >= sender->ended_ms;
}

static void add_late(struct reckoning *reckoning, const struct bt_record *record, int64_t start_ms,
                     int64_t until_ms)
{
    struct bt_declared_loss *late = &reckoning->late;
    if (record->start.evidence == BT_EVIDENCE_SIMULATED) {
        return;
    }
    if (late->plays == 0) {
        name_loss(reckoning->standing, "player replaced", "server", late);
        late->seq = record->seq;
        late->start_ms = start_ms;
    }
    late->start_ms = BT_MIN(late->start_ms, start_ms);
    late->end_ms = BT_MAX(late->end_ms, until_ms);
    late->plays++;
}

static bool is_noted(const struct reckoning *reckoning, const struct bt_record *record,
                     int64_t start_ms)
{
    const struct bt_record *first = reckoning->first;
    return first != NULL && start_ms >= reckoning->first_ms &&
           first->start.publication_version == record->start.publication_version &&
           strcmp(first->start.publication, record->start.publication) == 0;
}

// A time that is only a lower bound would say that it was shown before it was approved.
static void add_first(struct reckoning *reckoning, const struct bt_record *record,
                      const struct bt_tally_time *time, int64_t start_ms)
{
    bool dated = record->clock_trust == BT_CLOCK_SYNCED || time->known;
    if (!dated || record->start.evidence == BT_EVIDENCE_SIMULATED ||
        is_noted(reckoning, record, start_ms)) {
        return;
    }
    bt_firsts_add(bt_books_firsts(reckoning->books), reckoning->standing->screen,
                  record->start.publication, record->start.publication_version, start_ms);
    reckoning->first = record;
    reckoning->first_ms = start_ms;
}

static int reckon_record(struct reckoning *reckoning, const struct bt_record *record,
                         struct bt_error *err)
{
    struct bt_tally_time time =
        time_of(reckoning->standing, reckoning->delivery, record->origin.boot);
    int64_t start_ms = bt_tally_start_ms(record, &time);
    if (is_late(&reckoning->delivery->sender, record, start_ms)) {
        add_late(reckoning, record, start_ms, end_ms(record, &time));
        return 0;
    }
    if (record->kind == BT_RECORD_LOSS) {
        add_loss(reckoning, record);
    } else if (record->kind == BT_RECORD_START || record->kind == BT_RECORD_STOP) {
        add_run(reckoning, record, &time);
    } else if (record->kind == BT_RECORD_PLAY) {
        widen(reckoning, start_ms, end_ms(record, &time));
        add_first(reckoning, record, &time, start_ms);
    }
    return bt_tally_add(reckoning->tally, record, &time, bt_reckon_sink, &reckoning->place, err);
}

static int reckon_records(struct reckoning *reckoning, int64_t from, struct bt_error *err)
{
    const struct bt_batch_header *header = &reckoning->delivery->batch.header;
    int r = 0;
    for (int64_t seq = from; r == 0 && seq < header->first + header->count; seq++) {
        const struct bt_record *record = &reckoning->delivery->records[seq - header->first];
        if (record->seq > 0) {
            r = reckon_record(reckoning, record, err);
        } else {
            add_unreadable(reckoning, seq);
        }
    }
    return r;
}

// Up to where everything is known: the moment at which the player had nothing more, or else the end
// of the last record. A clock that runs ahead knows no more than we.
static int64_t known_ms(const struct reckoning *reckoning)
{
    const struct bt_batch_header *header = &reckoning->delivery->batch.header;
    int64_t received_ms = reckoning->delivery->received_ms;
    int64_t until_ms = header->more                                 ? reckoning->until_ms
                       : header->now.clock_trust == BT_CLOCK_SYNCED ? header->now.wall_ms
                                                                    : received_ms;
    return BT_MAX(reckoning->standing->known_ms, BT_MIN(until_ms, received_ms));
}

static bool ends_stopped(const struct reckoning *reckoning)
{
    const struct bt_batch_header *header = &reckoning->delivery->batch.header;
    if (header->count == 0) {
        return reckoning->standing->stopped;
    }
    const struct bt_record *last = &reckoning->delivery->records[header->count - 1];
    return last->seq > 0 && last->kind == BT_RECORD_STOP && !header->more;
}

static void move_standing(const struct reckoning *reckoning)
{
    const struct bt_batch_header *header = &reckoning->delivery->batch.header;
    struct bt_standing *standing = reckoning->standing;
    standing->known_ms = known_ms(reckoning);
    standing->stopped = ends_stopped(reckoning);
    standing->last_seq = header->first + header->count - 1;
    standing->last_hash = header->head;
    standing->received_ms = reckoning->delivery->received_ms;
}

static void keep_batch(const struct reckoning *reckoning, int64_t from)
{
    const struct bt_batch_header *header = &reckoning->delivery->batch.header;
    int64_t last = header->first + header->count - 1;
    if (last >= from) {
        bt_books_batch(reckoning->books, &(struct bt_kept_batch){.delivery = reckoning->delivery,
                                                                 .first_seq = from,
                                                                 .last_seq = last,
                                                                 .from_ms = reckoning->from_ms,
                                                                 .until_ms = reckoning->until_ms});
    }
}

int bt_reckon(struct bt_books *books, struct bt_standing *standing, struct bt_tally *tally,
              const struct bt_delivery *delivery, int64_t from, struct bt_error *err)
{
    struct reckoning reckoning = {.books = books,
                                  .standing = standing,
                                  .tally = tally,
                                  .delivery = delivery,
                                  .place = {bt_books_counts(books), standing}};
    learn_boots(standing, delivery);
    int r = reckon_records(&reckoning, from, err);
    if (r < 0) {
        return r;
    }
    if (reckoning.late.plays > 0) {
        bt_books_loss(books, &reckoning.late);
    }
    keep_batch(&reckoning, from);
    move_standing(&reckoning);
    return 0;
}

int64_t bt_reckon_begin_ms(const struct bt_standing *standing, const struct bt_delivery *delivery)
{
    const struct bt_record *first = &delivery->records[0];
    if (delivery->batch.header.count == 0 || first->seq == 0) {
        return delivery->received_ms;
    }
    struct bt_standing known = *standing;
    learn_boots(&known, delivery);
    struct bt_tally_time time = time_of(&known, delivery, first->origin.boot);
    return bt_tally_start_ms(first, &time);
}
