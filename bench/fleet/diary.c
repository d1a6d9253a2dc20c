#include "bench/fleet/diary.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define ITEMS 8
#define MONO_MS 60000

void diary_init(struct diary *diary, const char *player, const uint8_t *secret, int number,
                int64_t begin_ms, int64_t every_ms)
{
    *diary = (struct diary){
        .player = player, .secret = secret, .begin_ms = begin_ms, .every_ms = every_ms};
    int r = bt_format(diary->journal, sizeof(diary->journal), "%032x", (unsigned)number);
    r = r < 0 ? r : bt_format(diary->boot, sizeof(diary->boot), "boot-%d", number);
    assert(r == 0);
}

// The first record is the start.
int64_t diary_last(const struct diary *diary, int64_t now_ms)
{
    return 1 + BT_MAX(now_ms - diary->begin_ms, 0) / diary->every_ms;
}

static void fill_play(const struct diary *diary, int64_t seq, struct bt_play *play)
{
    int64_t at_ms = (seq - 2) * diary->every_ms;
    struct bt_play_start start = {.kind = "image",
                                  .zone = "chinh",
                                  .publication = "u.31333.chung",
                                  .publication_version = 1,
                                  .layer = "unit",
                                  .priority = "normal",
                                  .campaign = "cds-10-10",
                                  .run = seq,
                                  .why_started = "schedule",
                                  .planned_ms = diary->every_ms,
                                  .mono_ns = (MONO_MS + at_ms) * BT_NS_PER_MS,
                                  .wall_ms = diary->begin_ms + at_ms,
                                  .clock_trust = BT_CLOCK_SYNCED};
    const struct bt_play_counts counts = {
        .shown_ms = diary->every_ms, .presented = 1, .repeated = diary->every_ms / 2000};
    int r = bt_format(start.item, sizeof(start.item), "noi-dung-%d", (int)(seq % ITEMS));
    assert(r == 0);
    bt_play_begin(play, (uint64_t)seq, &start);
    bt_play_end(play, &counts, BT_PLAY_END_SCHEDULE);
}

static void write_record(const struct diary *diary, int64_t seq, struct bt_buf *out)
{
    struct bt_record_origin origin = {.screen = "man-hinh", .player = "0.1.0"};
    const struct bt_record_moment moment = {.wall_ms = diary->begin_ms,
                                            .mono_ns = MONO_MS * BT_NS_PER_MS,
                                            .clock_trust = BT_CLOCK_SYNCED};
    BT_AUTOBUF tail;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    bt_copy_cut(origin.journal, sizeof(origin.journal), diary->journal);
    bt_copy_cut(origin.boot, sizeof(origin.boot), diary->boot);
    int r;
    if (seq == 1) {
        r = bt_record_start(&moment, &origin, 0, &tail);
    } else {
        struct bt_play play;
        fill_play(diary, seq, &play);
        r = bt_record_play(&play, &origin, &tail);
    }
    r = r < 0 ? r : bt_record_seal(seq, bt_buf_text(&tail), out);
    assert(r == 0);
}

static void seal(const struct diary *diary, struct bt_batch_maker *maker,
                 struct bt_batch_header *header, struct bt_buf *out)
{
    uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    BT_AUTOBUF line, text;
    bt_buf_init(&line, BT_BATCH_MAX_HEADER);
    bt_buf_init(&text, BT_BATCH_MAX_HEADER + sizeof(BT_BATCH_SIGNED_PREFIX));
    int r = bt_batch_maker_header(maker, header, &line, NULL);
    r = r < 0 ? r : bt_buf_appendf(&text, "%s%s", BT_BATCH_SIGNED_PREFIX, bt_buf_text(&line));
    assert(r == 0);
    crypto_sign_detached(signature, NULL, (const uint8_t *)text.data, text.len, diary->secret);
    r = bt_batch_maker_seal(maker, &line, signature, out, NULL);
    assert(r == 0);
}

void diary_batch(struct diary *diary, int64_t now_ms, int64_t clock_off_ms, struct bt_buf *out)
{
    int64_t last = diary_last(diary, now_ms);
    int64_t until = BT_MIN(last, diary->counted + BT_BATCH_MAX_RECORDS);
    BT_AUTO(bt_batch_maker) maker = bt_batch_maker_create(&diary->hash, diary->counted + 1);
    struct bt_sha256 hash = diary->hash;
    for (int64_t seq = diary->counted + 1; seq <= until; seq++) {
        BT_AUTOBUF body;
        bt_buf_init(&body, BT_RECORD_MAX_BYTES);
        write_record(diary, seq, &body);
        hash = bt_chain_next(&hash, body.data, body.len);
        int r = bt_batch_maker_add(
            maker, &(struct bt_row){.seq = seq, .hash = hash, .body = body.data, .len = body.len},
            NULL);
        assert(r == 1);
    }
    struct bt_batch_header header = {
        .more = until < last,
        .now = {.wall_ms = now_ms + clock_off_ms,
                .mono_ns = (MONO_MS + now_ms - diary->begin_ms) * BT_NS_PER_MS,
                .clock_trust = clock_off_ms == 0 ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN}};
    bt_copy_cut(header.player, sizeof(header.player), diary->player);
    bt_copy_cut(header.journal, sizeof(header.journal), diary->journal);
    bt_copy_cut(header.boot, sizeof(header.boot), diary->boot);
    seal(diary, maker, &header, out);
    diary->sent = until;
}
