// What a batch costs whoever counts it: unpacking with the chain, reading the records, the tally.
// Usage: batch-bench [RECORDS [BATCHES]]
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "plays/batch.h"
#include "plays/tally.h"

#define START_MS 1795240000000LL
#define CARD_MS 10000

static struct bt_play card_of(int64_t number)
{
    struct bt_play_start start = {
        .asset = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .kind = "set",
        .zone = "chinh",
        .publication = "quang-truong",
        .publication_version = 42,
        .layer = "unit",
        .priority = "normal",
        .campaign = "cds-10-10",
        .card = number % 8 + 1,
        .cards = 8,
        .run = number / 8,
        .why_started = "schedule",
        .planned_ms = CARD_MS,
        .mono_ns = number * CARD_MS * BT_NS_PER_MS,
        .wall_ms = START_MS + number * CARD_MS,
        .clock_trust = BT_CLOCK_SYNCED,
        .evidence = BT_EVIDENCE_PRESENT,
        .display = "on",
        .display_evidence = "edid",
    };
    struct bt_play play;
    int r = bt_format(start.item, sizeof(start.item), "nghi-quyet-57-%lld",
                      (long long)(number / 8 % 6));
    bt_play_begin(&play, (uint64_t)number + 1, &start);
    const struct bt_play_counts counts = {.shown_ms = CARD_MS, .presented = 1, .repeated = 5 + r};
    bt_play_end(&play, &counts, BT_PLAY_END_SCHEDULE);
    return play;
}

static int add_card(struct bt_batch_maker *maker, struct bt_sha256 *hash, int64_t number,
                    struct bt_error *err)
{
    static const struct bt_record_origin origin = {.boot = "b7e1c0de-0000-4000-8000-000000000001",
                                                   .screen = "s-7K3QZ5AAAA"};
    struct bt_play play = card_of(number);
    BT_AUTOBUF tail, body;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    int r = bt_record_play(&play, &origin, &tail);
    r = r < 0 ? r : bt_record_seal(number + 1, bt_buf_text(&tail), &body);
    if (r < 0) {
        return r;
    }
    *hash = bt_chain_next(hash, body.data, body.len);
    struct bt_row row = {.seq = number + 1, .hash = *hash, .body = body.data, .len = body.len};
    return bt_batch_maker_add(maker, &row, err);
}

static int make(int64_t records, struct bt_buf *packed, struct bt_error *err)
{
    static const uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    struct bt_sha256 hash = {{0}};
    struct bt_batch_header header = {.player = "d-7K3QZ5AAAA",
                                     .journal = "0123456789abcdef0123456789abcdef",
                                     .boot = "b7e1c0de-0000-4000-8000-000000000001"};
    BT_AUTO(bt_batch_maker) maker = bt_batch_maker_create(&hash, 1);
    BT_AUTOBUF line;
    bt_buf_init(&line, BT_BATCH_MAX_HEADER);
    int r = 1;
    for (int64_t i = 0; i < records && r == 1; i++) {
        r = add_card(maker, &hash, i, err);
    }
    r = r < 0 ? r : bt_batch_maker_header(maker, &header, &line, err);
    return r < 0 ? r : bt_batch_maker_seal(maker, &line, signature, packed, err);
}

static int sum(const struct bt_tally_key *key, const struct bt_tally_counts *delta, void *context,
               struct bt_error *err)
{
    (void)key;
    (void)err;
    bt_tally_counts_add(context, delta);
    return 0;
}

// Of this thread alone, whatever else the machine does.
static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * BT_NS_PER_S + now.tv_nsec;
}

struct times {
    int64_t read_ns, parse_ns, tally_ns;
    struct bt_tally_counts counts;
};

static int parse_records(const struct bt_batch *batch, struct bt_record *records,
                         struct bt_error *err)
{
    struct bt_batch_cursor cursor = {0};
    struct bt_row row;
    int r = 0;
    while (r == 0 && bt_batch_next(batch, &cursor, &row) == 1) {
        r = bt_record_parse(row.body, row.len, &records[row.seq - batch->header.first], err);
    }
    return r;
}

static int count_records(const struct bt_record *records, int64_t number, struct bt_tally *tally,
                         struct bt_tally_counts *counts, struct bt_error *err)
{
    static const struct bt_tally_time unknown = {0};
    int r = 0;
    for (int64_t i = 0; i < number && r == 0; i++) {
        r = bt_tally_add(tally, &records[i], &unknown, sum, counts, err);
    }
    return r;
}

static int count_batch(const struct bt_buf *packed, const struct bt_tz *tz, struct times *times,
                       struct bt_error *err)
{
    static struct bt_record records[BT_BATCH_MAX_RECORDS];
    struct bt_batch batch;
    BT_AUTO(bt_tally) tally = bt_tally_create(tz);
    int64_t begun_ns = cpu_ns();
    int r = bt_batch_read(packed->data, packed->len, &batch, err);
    if (r < 0) {
        return r;
    }
    int64_t read_ns = cpu_ns();
    r = parse_records(&batch, records, err);
    int64_t parsed_ns = cpu_ns();
    r = r < 0 ? r : count_records(records, batch.header.count, tally, &times->counts, err);
    times->read_ns += read_ns - begun_ns;
    times->parse_ns += parsed_ns - read_ns;
    times->tally_ns += cpu_ns() - parsed_ns;
    bt_batch_finish(&batch);
    return r;
}

int main(int argc, char **argv)
{
    int64_t records = 60, batches = 2000;
    struct bt_error err = {""};
    struct times times = {0};
    if ((argc > 1 && bt_parse_int(argv[1], 1, BT_BATCH_MAX_RECORDS, &records) < 0) ||
        (argc > 2 && bt_parse_int(argv[2], 1, 1000000, &batches) < 0)) {
        fputs("usage: batch-bench [RECORDS [BATCHES]]\n", stderr);
        return 2;
    }
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    BT_AUTOBUF packed;
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    int r = make(records, &packed, &err);
    for (int64_t i = 0; i < batches && r == 0; i++) {
        r = count_batch(&packed, tz, &times, &err);
    }
    if (r < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    int64_t all_ns = times.read_ns + times.parse_ns + times.tally_ns;
    printf("%lld records in %zu bytes; µs of processor per batch: read %.1f, parse %.1f, tally "
           "%.1f, all %.1f; "
           "%.0f batches/s of one core\n",
           (long long)records, packed.len, (double)times.read_ns / 1e3 / (double)batches,
           (double)times.parse_ns / 1e3 / (double)batches,
           (double)times.tally_ns / 1e3 / (double)batches, (double)all_ns / 1e3 / (double)batches,
           (double)batches * 1e9 / (double)all_ns);
    return 0;
}
