#include "tests/ledger/life.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plays/faulty_vfs.h"
#include "plays/journal.h"
#include "plays/reader.h"
#include "tests/ledger/courier.h"

#define FIRST_WALL_MS 1795240000000LL
#define FIRST_MONO_MS 5000
#define JUMP_MS (30 * BT_MS_PER_DAY)
#define PLANNED_MS 10000

#define ZONES 3
#define CARDS 4
#define MAX_STEPS 9
#define MAX_OPERATIONS 250  // until power is cut

// One in so many.
#define JUMPS_ONE_IN 10
#define BOOTS_ONE_IN 4
#define STOPS_ONE_IN 3
#define SETS_ONE_IN 3
#define SKIPS_ONE_IN 6

#define NAP_NS (8 * BT_NS_PER_MS)
#define CARRY_NS (150 * BT_NS_PER_MS)
#define SETTLE_NS (240 * BT_NS_PER_S)

struct zone {
    bool on;
    int64_t number;
    struct bt_play play;
    int64_t card, run;  // of a set that is going on; 0: none
    char set[32];
};

struct living {
    struct life *life;
    struct life_memory *memory;  // of the life
    struct bt_clock *clock;
    bool synced;
    struct bt_journal *journal;
    struct courier *courier;
    struct zone zones[ZONES];
};

static uint64_t draw(struct living *living, uint64_t below)
{
    uint64_t x = living->life->chance += 0x9E3779B97F4A7C15ULL;  // splitmix64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return (x ^ (x >> 31)) % below;
}

static bool one_in(struct living *living, uint64_t count)
{
    return draw(living, count) == 0;
}

static void nap(int64_t ns)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + ns);
}

static void keep_time(struct living *living)
{
    living->memory->wall_ms = bt_clock_wall_ms(living->clock);
    living->memory->mono_ms = bt_clock_mono_ns(living->clock) / BT_NS_PER_MS;
}

static void move_time(struct living *living, int64_t ns)
{
    bt_clock_advance(living->clock, ns);
    if (one_in(living, JUMPS_ONE_IN)) {
        int64_t jump = (int64_t)draw(living, 2 * JUMP_MS) - JUMP_MS;
        bt_clock_set_wall(living->clock, bt_clock_wall_ms(living->clock) + jump);
    }
    keep_time(living);
    if (living->courier != NULL) {
        courier_wake(living->courier);
    }
}

static struct bt_record_moment now(const struct living *living)
{
    int64_t mono_ns = bt_clock_mono_ns(living->clock);
    return (struct bt_record_moment){
        .wall_ms = bt_clock_wall_ms(living->clock),
        .mono_ns = mono_ns - mono_ns % BT_NS_PER_MS,
        .clock_trust = living->synced ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN,
    };
}

/*
 * Plays. Each says its number as the id of its approval: so it is known again in the journal.
 */

static void name_single(struct living *living, struct bt_play_start *start)
{
    static const char *const kinds[] = {"image", "video", "text"};
    size_t kind = draw(living, BT_ARRAY_LEN(kinds));
    bt_copy_cut(start->kind, sizeof(start->kind), kinds[kind]);
    // What a trusted clock dated is counted on its day.
    (void)!bt_format(start->item, sizeof(start->item), "%s-%d%s", kinds[kind], (int)draw(living, 3),
                     living->synced ? "-s" : "-u");
    start->run = living->memory->plays + 1;
}

static void name_card(struct living *living, struct zone *zone, struct bt_play_start *start)
{
    if (zone->run == 0) {
        zone->run = ++living->memory->runs;
        zone->card = 0;
        (void)!bt_format(zone->set, sizeof(zone->set), "set-%d%s", (int)draw(living, 2),
                         living->synced ? "-s" : "-u");
    }
    zone->card += 1 + (one_in(living, SKIPS_ONE_IN) && zone->card < CARDS - 1);
    bt_copy_cut(start->kind, sizeof(start->kind), "set");
    bt_copy_cut(start->item, sizeof(start->item), zone->set);
    start->card = zone->card;
    start->cards = CARDS;
    start->run = zone->run;
    zone->run = zone->card >= CARDS ? 0 : zone->run;
}

static void name_display(struct living *living, struct bt_play_start *start)
{
    static const char *const displays[] = {"", "", "on", "off"};
    bt_copy_cut(start->display, sizeof(start->display),
                displays[draw(living, BT_ARRAY_LEN(displays))]);
    bt_copy_cut(start->display_evidence, sizeof(start->display_evidence),
                start->display[0] != '\0' ? "sensor" : "");
    start->evidence = one_in(living, 12) ? BT_EVIDENCE_SIMULATED : BT_EVIDENCE_PRESENT;
}

static void begin(struct living *living, struct zone *zone, int place)
{
    struct bt_record_moment moment = now(living);
    struct bt_play_start start = {.publication = "p-1",
                                  .publication_version = 7,
                                  .layer = "unit",
                                  .priority = "normal",
                                  .why_started = "schedule",
                                  .planned_ms = PLANNED_MS,
                                  .mono_ns = moment.mono_ns,
                                  .wall_ms = moment.wall_ms,
                                  .clock_trust = moment.clock_trust};
    struct life_memory *memory = living->memory;
    (void)!bt_format(start.zone, sizeof(start.zone), "z-%d", place);
    (void)!bt_format(start.approval, sizeof(start.approval), "n-%lld", (long long)memory->plays);
    bt_copy_cut(start.campaign, sizeof(start.campaign), one_in(living, 2) ? "cds-10-10" : "");
    name_display(living, &start);
    if (zone->run != 0 || one_in(living, SETS_ONE_IN)) {
        name_card(living, zone, &start);
    } else {
        name_single(living, &start);
    }
    zone->number = memory->plays++;
    zone->on = true;
    bt_play_begin(&zone->play, (uint64_t)zone->number + 1, &start);
}

static void end(struct living *living, struct zone *zone)
{
    static const char *const reasons[] = {"schedule", "schedule", "schedule", "window", "removed"};
    bool whole = !one_in(living, 6);
    const struct bt_play_counts counts = {
        .shown_ms = whole ? PLANNED_MS : (int64_t)draw(living, PLANNED_MS / 2),
        .presented = 1 + (int64_t)draw(living, 5),
        .dropped = (int64_t)draw(living, 3),
    };
    bt_play_end(&zone->play, &counts, reasons[draw(living, BT_ARRAY_LEN(reasons))]);
    zone->on = false;
}

static int tell(struct living *living, const struct zone *zone, enum life_word word,
                struct bt_error *err)
{
    living->memory->truth[zone->number].reported = (uint8_t)word;
    return bt_journal_put(living->journal, &zone->play, err);
}

static int commit(struct living *living, struct bt_error *err)
{
    struct life_memory *memory = living->memory;
    int r = bt_journal_commit(living->journal, err);
    for (int64_t i = memory->first_of_life; r == 0 && i < memory->plays; i++) {
        memory->truth[i].acknowledged = memory->truth[i].reported;
    }
    return r;
}

static int pass_boundary(struct living *living, struct bt_error *err)
{
    int r = 0;
    for (int place = 0; place < ZONES && r == 0; place++) {
        struct zone *zone = &living->zones[place];
        if (one_in(living, 4)) {
            continue;
        }
        if (zone->on) {
            end(living, zone);
            r = tell(living, zone, LIFE_ENDED, err);
        }
        if (r == 0 && living->memory->plays < LIFE_MAX_PLAYS) {
            begin(living, zone, place);
            r = tell(living, zone, LIFE_BEGUN, err);
        }
    }
    return r < 0 ? r : commit(living, err);
}

static int stop_in_order(struct living *living, struct bt_error *err)
{
    int r = 0;
    for (int place = 0; place < ZONES && r == 0; place++) {
        struct zone *zone = &living->zones[place];
        if (zone->on) {
            end(living, zone);
            r = tell(living, zone, LIFE_ENDED, err);
        }
    }
    struct bt_record_moment moment = now(living);
    r = r < 0 ? r : bt_journal_put_stop(living->journal, &moment, err);
    return r < 0 ? r : commit(living, err);
}

/*
 * A life.
 */

static void set_clock(struct living *living)
{
    struct life_memory *memory = living->memory;
    bool boots = memory->boots == 0 || living->life->power || one_in(living, BOOTS_ONE_IN);
    if (memory->boots == 0) {
        memory->wall_ms = FIRST_WALL_MS;
    }
    if (boots) {
        memory->boots++;
        memory->mono_ms = FIRST_MONO_MS;
    }
    living->synced = !one_in(living, 3);
    living->clock = bt_clock_create_simulated(memory->mono_ms * BT_NS_PER_MS, memory->wall_ms);
}

static int open_journal(struct living *living, struct bt_error *err)
{
    char boot[BT_BOOT_ID_BYTES];
    (void)!bt_format(boot, sizeof(boot), "boot-%d-%lld", living->life->number,
                     (long long)living->memory->boots);
    const struct bt_journal_options options = {.path = living->life->journal,
                                               .player = "test",
                                               .screen = "man-hinh",
                                               .boot = boot,
                                               .now = now(living)};
    living->memory->first_of_life = living->memory->plays;
    return bt_journal_open(&options, &living->journal, err);
}

static int write_plays(struct living *living, struct bt_error *err)
{
    int r = open_journal(living, err);
    for (uint64_t steps = 2 + draw(living, MAX_STEPS); r == 0 && steps > 0; steps--) {
        r = pass_boundary(living, err);
        move_time(living, BT_NS_PER_S * (5 + (int64_t)draw(living, 90)));
        if (!living->life->power) {
            nap((int64_t)draw(living, NAP_NS));
        }
    }
    if (r == 0 && one_in(living, STOPS_ONE_IN)) {
        r = stop_in_order(living, err);
    }
    bt_journal_destroy(BT_TAKE(living->journal));
    return r;
}

// The courier goes on for a while: what it was told to wait for passes quickly.
static void carry(struct living *living)
{
    for (int64_t left = CARRY_NS / NAP_NS; left > 0; left--) {
        nap(NAP_NS);
        bt_clock_advance(living->clock, 70 * BT_NS_PER_S);
        courier_wake(living->courier);
    }
    keep_time(living);
}

static int open_courier(struct living *living, struct bt_error *err)
{
    char player[16];
    (void)!bt_format(player, sizeof(player), "d-%d", living->life->number);
    const struct courier_options options = {.directory = living->life->directory,
                                            .player = player,
                                            .url = living->life->url,
                                            .journal = living->life->journal,
                                            .clock = living->clock,
                                            .trusted = living->synced};
    int r = courier_open(&options, &living->courier, err);
    return r < 0 ? r : courier_start(living->courier, err);
}

static void finish(struct living *living)
{
    courier_destroy(living->courier);
    bt_clock_destroy(living->clock);
}

// The disk allows one connection at a time: first the journal is written, then it is sent.
static int live_with_power_cuts(struct living *living, struct bt_error *err)
{
    bt_faulty_cut_after(1 + (int64_t)draw(living, MAX_OPERATIONS));
    int r = write_plays(living, err);
    r = bt_faulty_is_off() ? 0 : r;
    bt_faulty_power_on();
    r = r < 0 ? r : open_courier(living, err);
    if (r == 0) {
        carry(living);
    }
    return r;
}

int life_begin(struct life *life, struct bt_error *err)
{
    struct living living = {.life = life, .memory = life->memory};
    set_clock(&living);
    int r = life->power ? live_with_power_cuts(&living, err) : open_courier(&living, err);
    if (r == 0 && !life->power) {
        r = write_plays(&living, err);
        carry(&living);
    }
    finish(&living);
    return r;
}

static int wait_until_home(struct living *living, int64_t last_seq, struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t until_ns = bt_clock_mono_ns(clock) + SETTLE_NS;
    while (!courier_is_home(living->courier, last_seq)) {
        if (bt_clock_mono_ns(clock) > until_ns) {
            return bt_fail(err, -ETIMEDOUT, "%s did not come home", living->life->journal);
        }
        bt_clock_advance(living->clock, 70 * BT_NS_PER_S);
        courier_wake(living->courier);
        nap(NAP_NS);
    }
    keep_time(living);
    return 0;
}

int life_settle(struct life *life, struct bt_error *err)
{
    struct living living = {.life = life, .memory = life->memory};
    set_clock(&living);
    int r = open_journal(&living, err);
    r = r < 0 ? r : stop_in_order(&living, err);
    int64_t last_seq = r < 0 ? 0 : bt_journal_last_seq(living.journal);
    bt_journal_destroy(BT_TAKE(living.journal));
    r = r < 0 ? r : open_courier(&living, err);
    r = r < 0 ? r : wait_until_home(&living, last_seq, err);
    finish(&living);
    return r;
}

int life_open(struct life *life, bool prune, struct bt_error *err)
{
    struct living living = {.life = life, .memory = life->memory};
    set_clock(&living);
    int r = open_journal(&living, err);
    if (r == 0 && prune) {
        int64_t at_ms = bt_clock_wall_ms(living.clock) + BT_JOURNAL_KEEP_MS;
        r = bt_journal_prune(living.journal, at_ms, err);
        r = r < 0 ? r : commit(&living, err);
    }
    bt_journal_destroy(living.journal);
    finish(&living);
    return r;
}

/*
 * What the journal says, for whoever counts again.
 */

static int copy_records(struct bt_reader *reader, FILE *file, struct life_copied *copied,
                        struct bt_error *err)
{
    const struct bt_journal_facts *facts = bt_reader_facts(reader);
    struct bt_row row;
    int r;
    if (!bt_str_equal(copied->journal, facts->journal)) {
        bt_copy_cut(copied->journal, sizeof(copied->journal), facts->journal);
        copied->seq = 0;
    }
    fprintf(file, "{\"journal\":\"%s\",\"base_seq\":%lld}\n", facts->journal,
            (long long)facts->base_seq);
    bt_reader_seek(reader, copied->seq + 1);
    while ((r = bt_reader_next(reader, &row, err)) == 1) {
        fprintf(file, "%.*s\n", (int)row.len, row.body);
        copied->seq = row.seq;
    }
    return r;
}

int life_copy(const char *journal, const char *file, struct life_copied *copied,
              struct bt_error *err)
{
    BT_AUTO(bt_reader) reader = NULL;
    int r = bt_reader_open(journal, &reader, err);
    if (r < 0) {
        bool never_begun = copied->journal[0] == '\0';
        return never_begun ? 0 : r;
    }
    FILE *out = fopen(file, "ae");
    if (out == NULL) {
        return bt_fail_errno(err, "Cannot open '%s'", file);
    }
    r = copy_records(reader, out, copied, err);
    return fclose(out) == 0 ? r : bt_fail_errno(err, "Cannot write '%s'", file);
}
