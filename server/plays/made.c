#include "server/plays/made.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define PLAY_MS 10000

static void must(int64_t r, const struct bt_error *err)
{
    if (r < 0) {
        bt_log_error(&(const struct bt_log){"testing"}, "%s", err->msg);
    }
    assert(r >= 0);
}

void bt_made_player(struct bt_db *db, int n, struct bt_made_player *out)
{
    struct bt_error err = {0};
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    *out = (struct bt_made_player){.id = ""};
    must(bt_format(out->id, sizeof(out->id), "d-%d", n), &err);
    must(bt_format(out->screen, sizeof(out->screen), "s-%d", n), &err);
    crypto_sign_keypair(key, out->secret);
    bt_hex(key, sizeof(key), out->public_key);
    must(bt_db_run(db, &err,
                   "INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name,"
                   " duty_phone, open_min, close_min, volume_max_percent, brightness_max_percent,"
                   " note, revision, created_ms) VALUES($1, 'vn', $1, 'led', 1, 1, '', '', '', 0,"
                   " 0, 0, 0, '', 1, 0)",
                   BT_TEXT(out->screen)),
         &err);
    must(bt_db_run(db, &err,
                   "INSERT INTO player(id, screen, unit, public_key, state, model, version,"
                   " paired_ms, paired_by, last_order, order_ms, channel, channel_ms)"
                   " VALUES($1, $2, 'vn', $3, 'active', '', '', 0, 'u-1', 0, 0, 'obeys', 0)",
                   BT_TEXT(out->id), BT_TEXT(out->screen), BT_TEXT(out->public_key)),
         &err);
}

void bt_made_boot(struct bt_made_journal *journal, const char *boot)
{
    bt_copy_cut(journal->boot, sizeof(journal->boot), boot);
}

void bt_made_journal_init(struct bt_made_journal *journal, const struct bt_made_player *player,
                          const char *id)
{
    *journal = (struct bt_made_journal){.player = player,
                                        .wall_ms = BT_MADE_BEGIN_MS,
                                        .mono_ms = BT_MADE_MONO_MS,
                                        .clock_trust = BT_CLOCK_SYNCED};
    bt_copy_cut(journal->id, sizeof(journal->id), id);
    bt_made_boot(journal, "boot-1");
}

void bt_made_journal_finish(struct bt_made_journal *journal)
{
    for (size_t i = 0; i < journal->count; i++) {
        free(journal->records[i].body);
    }
    free(journal->records);
}

static struct bt_record_origin origin_of(const struct bt_made_journal *journal)
{
    struct bt_record_origin origin = {.screen = "man-hinh", .player = "0.1"};
    memcpy(origin.journal, journal->id, sizeof(origin.journal));
    memcpy(origin.boot, journal->boot, sizeof(origin.boot));
    return origin;
}

static struct bt_record_moment moment_of(const struct bt_made_journal *journal)
{
    return (struct bt_record_moment){.wall_ms = journal->wall_ms,
                                     .mono_ns = journal->mono_ms * BT_NS_PER_MS,
                                     .clock_trust = journal->clock_trust};
}

static struct bt_sha256 hash_before(const struct bt_made_journal *journal, int64_t seq)
{
    return seq > 1 ? journal->records[seq - 2].hash : (struct bt_sha256){{0}};
}

static void seal(struct bt_made_journal *journal, const struct bt_buf *tail)
{
    struct bt_error err = {0};
    BT_AUTOBUF body;
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    int64_t seq = (int64_t)journal->count + 1;
    must(bt_record_seal(seq, bt_buf_text(tail), &body), &err);
    BT_GROW(journal->records, journal->capacity, journal->count + 1);
    struct bt_made_record *record = &journal->records[journal->count];
    struct bt_sha256 before = hash_before(journal, seq);
    record->body = bt_strndup(body.data, body.len);
    record->len = body.len;
    record->hash = bt_chain_next(&before, body.data, body.len);
    must(bt_record_parse(body.data, body.len, &record->record, &err), &err);
    journal->count++;
}

void bt_made_start(struct bt_made_journal *journal)
{
    struct bt_error err = {0};
    struct bt_record_origin origin = origin_of(journal);
    struct bt_record_moment now = moment_of(journal);
    BT_AUTOBUF tail;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    must(bt_record_start(&now, &origin, 0, &tail), &err);
    seal(journal, &tail);
}

void bt_made_stop(struct bt_made_journal *journal)
{
    struct bt_error err = {0};
    struct bt_record_origin origin = origin_of(journal);
    struct bt_record_moment now = moment_of(journal);
    BT_AUTOBUF tail;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    must(bt_record_stop(&now, &origin, &tail), &err);
    seal(journal, &tail);
}

void bt_made_loss(struct bt_made_journal *journal, int64_t plays, const char *cause)
{
    struct bt_error err = {0};
    struct bt_record_origin origin = origin_of(journal);
    struct bt_loss loss = {.plays = plays,
                           .start_ms = journal->wall_ms,
                           .end_ms = journal->wall_ms + PLAY_MS,
                           .clock_trust = journal->clock_trust};
    bt_copy_cut(loss.cause, sizeof(loss.cause), cause);
    BT_AUTOBUF tail;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    must(bt_record_loss(&loss, &origin, &tail), &err);
    seal(journal, &tail);
}

static struct bt_play_start start_of(const struct bt_made_journal *journal,
                                     const struct bt_made_play *made)
{
    struct bt_play_start start = {.asset = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c"
                                           "15b0f00a08",
                                  .kind = "image",
                                  .zone = "main",
                                  .publication = "nq57-bac-ninh",
                                  .publication_version = 42,
                                  .layer = "unit",
                                  .priority = "normal",
                                  .card = made->card,
                                  .cards = made->cards,
                                  .run = made->run,
                                  .why_started = "schedule",
                                  .planned_ms = PLAY_MS,
                                  .mono_ns = journal->mono_ms * BT_NS_PER_MS,
                                  .wall_ms = journal->wall_ms,
                                  .clock_trust = journal->clock_trust,
                                  .evidence = made->simulated ? BT_EVIDENCE_SIMULATED
                                                              : BT_EVIDENCE_PRESENT};
    bt_copy_cut(start.item, sizeof(start.item), made->item);
    bt_copy_cut(start.campaign, sizeof(start.campaign),
                made->campaign != NULL ? made->campaign : "");
    if (made->lit) {
        bt_copy_cut(start.display, sizeof(start.display), "on");
        bt_copy_cut(start.display_evidence, sizeof(start.display_evidence), "sensor");
    }
    return start;
}

void bt_made_play(struct bt_made_journal *journal, const struct bt_made_play *made)
{
    struct bt_error err = {0};
    struct bt_play_start start = start_of(journal, made);
    const struct bt_play_counts counts = {
        .shown_ms = made->incomplete ? PLAY_MS / 2 : PLAY_MS, .presented = 1, .repeated = 5};
    struct bt_play play;
    bt_play_begin(&play, 1, &start);
    bt_play_end(&play, &counts, made->why != NULL ? made->why : BT_PLAY_END_SCHEDULE);
    struct bt_record_origin origin = origin_of(journal);
    BT_AUTOBUF tail;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    must(bt_record_play(&play, &origin, &tail), &err);
    seal(journal, &tail);
    journal->wall_ms += PLAY_MS;
    journal->mono_ms += PLAY_MS;
}

static void sign(const struct bt_made_journal *journal, const struct bt_buf *header,
                 uint8_t out[BT_BATCH_SIGNATURE_BYTES])
{
    BT_AUTOFREE char *text = bt_strf(BT_BATCH_SIGNED_PREFIX "%s", bt_buf_text(header));
    crypto_sign_detached(out, NULL, (const uint8_t *)text, strlen(text), journal->player->secret);
}

void bt_made_batch(const struct bt_made_journal *journal, int64_t first, int64_t count,
                   void (*changes)(struct bt_batch_header *header), struct bt_buf *out)
{
    struct bt_error err = {0};
    struct bt_sha256 prev = hash_before(journal, first);
    BT_AUTO(bt_batch_maker) maker = bt_batch_maker_create(&prev, first);
    for (int64_t i = 0; i < count; i++) {
        const struct bt_made_record *record = &journal->records[first - 1 + i];
        const struct bt_row row = {
            .seq = first + i, .hash = record->hash, .body = record->body, .len = record->len};
        must(bt_batch_maker_add(maker, &row, &err) - 1, &err);
    }
    struct bt_batch_header header = {.more = first + count <= (int64_t)journal->count,
                                     .now = moment_of(journal)};
    memcpy(header.player, journal->player->id, sizeof(header.player));
    memcpy(header.journal, journal->id, sizeof(header.journal));
    memcpy(header.boot, journal->boot, sizeof(header.boot));
    if (changes != NULL) {
        changes(&header);
    }
    uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    BT_AUTOBUF line;
    bt_buf_init(&line, BT_BATCH_MAX_HEADER);
    must(bt_batch_maker_header(maker, &header, &line, &err), &err);
    sign(journal, &line, signature);
    bt_buf_init(out, BT_BATCH_MAX_PACKED);
    must(bt_batch_maker_seal(maker, &line, signature, out, &err), &err);
}
