#include "plays/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

// Plays of the boot before that power cut off may lie between records of this one: 256 can be open.
#define MAX_STRANGERS 300
#define MAX_DISTANCE 2000  // in records, with those that were not made under a synced clock

struct bt_packer {
    char *path;
    // No record between these two, excluded, was made under a synced clock. A journal that grew for
    // weeks without one is read through once, not for every batch.
    int64_t quiet_after, quiet_before;
};

struct bt_packer *bt_packer_create(const char *path)
{
    struct bt_packer *packer = BT_NEW(struct bt_packer);
    packer->path = bt_strdup(path);
    return packer;
}

void bt_packer_destroy(struct bt_packer *packer)
{
    if (packer != NULL) {
        free(packer->path);
        free(packer);
    }
}

int bt_packer_facts(struct bt_packer *packer, struct bt_journal_facts *out, struct bt_error *err)
{
    BT_AUTO(bt_reader) reader = NULL;
    int r = bt_reader_open(packer->path, &reader, err);
    if (r == 0) {
        *out = *bt_reader_facts(reader);
    }
    return r;
}

/*
 * The time of boots.
 */

static bool dates_boot(const struct bt_record *record)
{
    return record->clock_trust == BT_CLOCK_SYNCED && record->origin.boot[0] != '\0' &&
           (record->kind == BT_RECORD_PLAY || record->kind == BT_RECORD_START ||
            record->kind == BT_RECORD_STOP);
}

// Among the synced records from `from` on towards `to`, one of the boot.
static bool look_near(struct bt_reader *reader, int64_t from, int64_t to, const char *boot,
                      int64_t *out_offset_ms)
{
    int64_t step = from <= to ? 1 : -1;
    struct bt_row row;
    struct bt_record record;
    for (int i = 0; i < MAX_STRANGERS && (to - from) * step >= 0; i++) {
        if (bt_reader_find_synced(reader, from, to, &row, NULL) != 1) {
            return false;
        }
        if (bt_record_parse(row.body, row.len, &record, NULL) == 0 && dates_boot(&record) &&
            bt_str_equal(record.origin.boot, boot)) {
            *out_offset_ms = record.start_ms - record.mono_ms;
            return true;
        }
        from = row.seq + step;
    }
    return false;
}

// Makes the quiet stretch reach from one synced record, or end, to the next around `seq`.
static void widen_quiet(struct bt_packer *packer, struct bt_reader *reader, int64_t seq)
{
    const struct bt_journal_facts *facts = bt_reader_facts(reader);
    struct bt_row row;
    if (seq <= packer->quiet_after || seq >= packer->quiet_before) {
        packer->quiet_after = seq;
        packer->quiet_before = seq + 1;
    }
    bool after = packer->quiet_before <= facts->last_seq;
    if (after) {
        int r = bt_reader_find_synced(reader, packer->quiet_before, facts->last_seq, &row, NULL);
        packer->quiet_before = r == 1 ? row.seq : facts->last_seq + 1;
    }
    bool before = packer->quiet_after > facts->base_seq;
    if (before) {
        int r = bt_reader_find_synced(reader, packer->quiet_after, facts->base_seq + 1, &row, NULL);
        packer->quiet_after = r == 1 ? row.seq : facts->base_seq;
    }
}

// Of a boot one of whose records, number `seq`, was not made under a synced clock.
static bool find_offset(struct bt_packer *packer, struct bt_reader *reader, int64_t seq,
                        const char *boot, int64_t *out_offset_ms)
{
    const struct bt_journal_facts *facts = bt_reader_facts(reader);
    widen_quiet(packer, reader, seq);
    int64_t after = packer->quiet_before, before = packer->quiet_after;
    return (after <= facts->last_seq &&
            look_near(reader, after, BT_MIN(after + MAX_DISTANCE, facts->last_seq), boot,
                      out_offset_ms)) ||
           (before > facts->base_seq &&
            look_near(reader, before, BT_MAX(before - MAX_DISTANCE, facts->base_seq + 1), boot,
                      out_offset_ms));
}

// Boots of the records of one batch; those whose time is not known are remembered, too.
struct boots {
    struct bt_boot_offset list[BT_BATCH_MAX_BOOTS];
    bool known[BT_BATCH_MAX_BOOTS];
    size_t count;
};

// False: there are too many boots for one batch.
static bool note_boot(struct bt_packer *packer, struct bt_reader *reader,
                      const struct bt_record *record, struct boots *boots)
{
    size_t i = 0;
    while (i < boots->count && !bt_str_equal(boots->list[i].boot, record->origin.boot)) {
        i++;
    }
    if (record->origin.boot[0] == '\0' || (i < boots->count && boots->known[i])) {
        return true;
    }
    if (i == BT_BATCH_MAX_BOOTS) {
        return false;
    }
    struct bt_boot_offset *boot = &boots->list[i];
    if (dates_boot(record)) {
        boot->offset_ms = record->start_ms - record->mono_ms;
        boots->known[i] = true;
    } else if (i == boots->count) {
        boots->known[i] =
            find_offset(packer, reader, record->seq, record->origin.boot, &boot->offset_ms);
    }
    bt_copy_cut(boot->boot, sizeof(boot->boot), record->origin.boot);
    boots->count = BT_MAX(boots->count, i + 1);
    return true;
}

static void fill_boots(const struct boots *boots, struct bt_batch_header *header)
{
    for (size_t i = 0; i < boots->count; i++) {
        if (boots->known[i]) {
            header->boots[header->boot_count++] = boots->list[i];
        }
    }
}

/*
 * Packing.
 */

// Where to begin: behind what is counted, or behind what was pruned.
static int find_begin(struct bt_reader *reader, const struct bt_packer_counted *counted,
                      struct bt_packer_counted *out, struct bt_error *err)
{
    const struct bt_journal_facts *facts = bt_reader_facts(reader);
    if (counted->seq < facts->base_seq) {
        *out = (struct bt_packer_counted){facts->base_seq, facts->base_hash};
        return 0;
    }
    struct bt_sha256 own;
    int r = bt_reader_link(reader, counted->seq, &own, err);
    if (r < 0) {
        return r;
    }
    if (r == 0 || memcmp(&own, &counted->hash, sizeof(own)) != 0) {
        return bt_fail(err, -ESTALE,
                       "Record %lld as the server has it is not in this journal, which has %lld",
                       (long long)counted->seq, (long long)facts->last_seq);
    }
    *out = *counted;
    return 0;
}

// A damaged record cannot travel: nobody could check it. What follows it can.
static void begin_after(struct bt_pack *pack, const struct bt_row *row)
{
    bt_batch_maker_destroy(pack->maker);
    pack->maker = bt_batch_maker_create(&row->hash, row->seq + 1);
    pack->header.base_seq = row->seq;
    pack->skipped++;
}

// 1: it is in, or was left out; 0: the batch ends before it.
static int add_row(struct bt_packer *packer, struct bt_reader *reader, const struct bt_row *row,
                   struct boots *boots, struct bt_pack *pack)
{
    struct bt_record record;
    bool read = bt_record_parse(row->body, row->len, &record, NULL) == 0;
    if (read && !note_boot(packer, reader, &record, boots)) {
        return 0;
    }
    int r = bt_batch_maker_add(pack->maker, row, NULL);
    if (r == -EINVAL && bt_batch_maker_count(pack->maker) == 0) {
        begin_after(pack, row);
        return 1;
    }
    return r == 1;
}

static int add_rows(struct bt_packer *packer, struct bt_reader *reader, size_t max_records,
                    struct bt_pack *pack, struct bt_error *err)
{
    struct boots boots = {.count = 0};
    struct bt_row row;
    int r;
    while (bt_batch_maker_count(pack->maker) < max_records) {
        r = bt_reader_next(reader, &row, err);
        pack->ends = r == -EUCLEAN;
        if (r < 0 && r != -EUCLEAN) {
            return r;
        }
        if (r != 1 || add_row(packer, reader, &row, &boots, pack) == 0) {
            break;
        }
    }
    fill_boots(&boots, &pack->header);
    return 0;
}

static int pack_rows(struct bt_packer *packer, struct bt_reader *reader,
                     const struct bt_packer_counted *counted, size_t max_records,
                     struct bt_pack *pack, struct bt_error *err)
{
    const struct bt_journal_facts *facts = bt_reader_facts(reader);
    struct bt_packer_counted begin = {0};
    int r = find_begin(reader, counted, &begin, err);
    if (r < 0) {
        return r;
    }
    bt_copy_cut(pack->header.journal, sizeof(pack->header.journal), facts->journal);
    pack->header.base_seq = facts->base_seq;
    pack->last_seq = facts->last_seq;
    pack->maker = bt_batch_maker_create(&begin.hash, begin.seq + 1);
    bt_reader_seek(reader, begin.seq + 1);
    r = add_rows(packer, reader, max_records, pack, err);
    if (r < 0) {
        return r;
    }
    int64_t end = bt_batch_maker_next(pack->maker) - 1;
    pack->header.more = end < facts->last_seq && !pack->ends;
    return 0;
}

int bt_packer_pack(struct bt_packer *packer, const struct bt_packer_counted *counted,
                   size_t max_records, struct bt_pack *out, struct bt_error *err)
{
    BT_AUTO(bt_reader) reader = NULL;
    struct bt_pack pack = {0};
    int r = bt_reader_open(packer->path, &reader, err);
    r = r < 0 ? r : pack_rows(packer, reader, counted, max_records, &pack, err);
    if (r < 0) {
        bt_pack_finish(&pack);
        return r;
    }
    *out = pack;
    return 0;
}

void bt_pack_finish(struct bt_pack *pack)
{
    bt_batch_maker_destroy(pack->maker);
    pack->maker = NULL;
}
