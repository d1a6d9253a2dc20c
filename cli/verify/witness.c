#include "cli/verify/witness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/tally.h"

// As many as the server keeps (server/plays/standing.h): both must date alike.
#define MAX_BOOTS 16

// After so many faults of one journal the others are not said one by one.
#define MAX_FAULTS 5

struct bt_witness {
    struct bt_witness_facts facts;
    char place[32];
    struct bt_verdict *verdict;  // borrowed, like the marks
    const struct bt_marks *all_marks;
    const struct bt_mark *marks;  // its own
    size_t mark_count, next_mark;
    int64_t known_seq;  // what came home before need not be here
    int64_t until_seq;

    struct bt_key *key;
    struct bt_tz *tz;
    struct bt_tally *tally;

    bool begun;
    int64_t first_seq, last_seq;
    struct bt_sha256 last_hash;
    struct bt_boot_offset boots[MAX_BOOTS];
    size_t boot_count;
    int faults;
    struct bt_witness_sum sum;
};

void bt_witness_destroy(struct bt_witness *witness)
{
    if (witness == NULL) {
        return;
    }
    bt_key_destroy(witness->key);
    bt_tally_destroy(witness->tally);
    bt_tz_destroy(witness->tz);
    free(witness);
}

// `readable` false: `bad` says why.
struct bt_testimony {
    int64_t received_ms;
    bool readable, is_signed;
    struct bt_error bad;
    struct bt_batch batch;
    struct bt_record *records;  // one that cannot be read has `seq` 0
};

static int read_key(const char *hex, struct bt_key **out, struct bt_error *err)
{
    BT_AUTOJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "keytype", "ed25519");
    cJSON_AddStringToObject(object, "scheme", "ed25519");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "keyval"), "public", hex);
    return bt_key_read(object, "player", out, err);
}

int bt_witness_create(const struct bt_witness_facts *facts, const char *place,
                      const struct bt_marks *marks, int64_t until_seq, struct bt_verdict *verdict,
                      struct bt_witness **out, struct bt_error *err)
{
    BT_AUTO(bt_witness) witness = BT_NEW(struct bt_witness);
    witness->facts = *facts;
    witness->verdict = verdict;
    witness->until_seq = until_seq;
    witness->all_marks = marks;
    witness->marks = bt_marks_of(marks, facts->player, facts->journal, &witness->mark_count);
    witness->known_seq = bt_marks_known(marks, witness->marks);
    int r = bt_format(witness->place, sizeof(witness->place), "%s", place);
    r = r < 0 ? bt_fail(err, r, "The unit's code is too long")
              : read_key(facts->public_key, &witness->key, err);
    r = r < 0 ? r : bt_tz_load(facts->time_zone, &witness->tz, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Journal %s of player %s", facts->journal, facts->player);
    }
    witness->tally = bt_tally_create(witness->tz);
    *out = BT_TAKE(witness);
    return 0;
}

// "Sổ JOURNAL của máy PLAYER (màn hình SCREEN): …"; takes both sentences.
static void accuse(struct bt_witness *witness, const char *code, char *vi, char *en)
{
    const struct bt_witness_facts *facts = &witness->facts;
    if (witness->faults++ < MAX_FAULTS) {
        bt_verdict_add(witness->verdict, BT_FINDING_FAULT, code,
                       bt_strf("Máy %s, màn hình %s, sổ %.8s…: %s", facts->player, facts->screen,
                               facts->journal, vi),
                       bt_strf("Player %s, screen %s, journal %.8s…: %s", facts->player,
                               facts->screen, facts->journal, en));
    }
    free(vi);
    free(en);
}

static void accuse_missing(struct bt_witness *witness, int64_t from, int64_t until)
{
    accuse(witness, "records-missing",
           bt_strf("thiếu bản ghi %lld đến %lld", (long long)from, (long long)until),
           bt_strf("records %lld to %lld are missing", (long long)from, (long long)until));
}

/*
 * Signature and chain.
 */

static bool is_signed(const struct bt_witness *witness, const struct bt_batch *batch)
{
    static const char prefix[] = BT_BATCH_SIGNED_PREFIX;
    char text[sizeof(prefix) + BT_BATCH_MAX_HEADER];
    size_t len = sizeof(prefix) - 1;
    memcpy(text, prefix, len);
    memcpy(text + len, batch->header_line, batch->header_len);
    return bt_key_verifies(witness->key, text, len + batch->header_len, batch->signature,
                           BT_BATCH_SIGNATURE_BYTES);
}

static bool is_ours(struct bt_witness *witness, const struct bt_testimony *testimony)
{
    const struct bt_batch_header *header = &testimony->batch.header;
    if (!testimony->readable) {
        accuse(witness, "batch-malformed",
               bt_strf("một gói bị hỏng hoặc bị sửa: %s", testimony->bad.msg),
               bt_strf("a batch is damaged or was changed: %s", testimony->bad.msg));
        return false;
    }
    if (strcmp(header->player, witness->facts.player) != 0 ||
        strcmp(header->journal, witness->facts.journal) != 0) {
        accuse(witness, "batch-foreign", bt_strdup("có gói của máy hoặc sổ khác"),
               bt_strdup("a batch of another player or journal lies here"));
        return false;
    }
    if (!testimony->is_signed) {
        accuse(witness, "batch-signature",
               bt_strf("chữ ký của gói từ bản ghi %lld không phải của máy này",
                       (long long)header->first),
               bt_strf("the batch from record %lld on is not signed by this player",
                       (long long)header->first));
        return false;
    }
    return true;
}

// Records that are not here: pruned by the player before they came, as it signed, or missing.
static void meet_hole(struct bt_witness *witness, const struct bt_batch_header *header,
                      int64_t from)
{
    if (header->base_seq < header->first - 1) {
        accuse_missing(witness, from, header->first - 1);
        return;
    }
    bt_verdict_add(
        witness->verdict, BT_FINDING_NOTE, "records-pruned",
        bt_strf("Máy %s, sổ %.8s…: bản ghi %lld đến %lld đã bị máy xóa trước khi gửi "
                "(máy tự khai, có chữ ký)",
                header->player, header->journal, (long long)from, (long long)header->first - 1),
        bt_strf("Player %s, journal %.8s…: records %lld to %lld were pruned by the "
                "player before they came (its own signed word)",
                header->player, header->journal, (long long)from, (long long)header->first - 1));
}

// The first batch: what came home before the first heads need not be here.
static void begin(struct bt_witness *witness, const struct bt_batch_header *header)
{
    const struct bt_mark *mark = witness->marks;
    int64_t known = witness->known_seq;
    witness->begun = true;
    witness->first_seq = header->first;
    bool goes_on =
        known == 0 && bt_marks_elsewhere(witness->all_marks, header->player, header->journal,
                                         header->first - 1, &header->prev);
    if (header->first > known + 1 && !goes_on) {
        meet_hole(witness, header, known + 1);
    } else if (known > 0 && header->first == known + 1 &&
               memcmp(&mark->hash, &header->prev, sizeof(mark->hash)) != 0) {
        accuse(witness, "heads-differ", bt_strdup("không nối với mốc hằng ngày đầu tiên"),
               bt_strdup("does not continue from the first daily heads"));
    }
    witness->last_seq = header->first - 1;
    witness->last_hash = header->prev;
}

// 0: the batch goes on where the one before ended, or overlaps it; its records may be counted.
static int follow(struct bt_witness *witness, const struct bt_batch *batch)
{
    const struct bt_batch_header *header = &batch->header;
    struct bt_sha256 meets;
    if (!witness->begun) {
        begin(witness, header);
        return 0;
    }
    if (header->first > witness->last_seq + 1) {
        meet_hole(witness, header, witness->last_seq + 1);
        witness->last_seq = header->first - 1;
        witness->last_hash = header->prev;
        return 0;
    }
    if (bt_batch_hash_at(batch, witness->last_seq, &meets) < 0) {
        accuse(witness, "batch-order",
               bt_strf("gói từ bản ghi %lld lặp lại cái đã có", (long long)header->first),
               bt_strf("the batch from record %lld on repeats what is there",
                       (long long)header->first));
        return -EBADMSG;
    }
    if (memcmp(&meets, &witness->last_hash, sizeof(meets)) != 0) {
        accuse(witness, "chain",
               bt_strf("chuỗi băm đứt trước bản ghi %lld", (long long)header->first),
               bt_strf("the chain is broken before record %lld", (long long)header->first));
        return -EBADMSG;
    }
    return 0;
}

// What the server said then against what is here now.
static void meet_marks(struct bt_witness *witness, const struct bt_batch *batch)
{
    int64_t last = batch->header.first + batch->header.count - 1;
    for (; witness->next_mark < witness->mark_count; witness->next_mark++) {
        const struct bt_mark *mark = &witness->marks[witness->next_mark];
        struct bt_sha256 hash;
        if (mark->seq > last) {
            return;
        }
        if (mark->seq > 0 && bt_batch_hash_at(batch, mark->seq, &hash) == 0 &&
            memcmp(&hash, &mark->hash, sizeof(hash)) != 0) {
            accuse(witness, "heads-differ",
                   bt_strf("bản ghi %lld khác với mốc hằng ngày đã ký", (long long)mark->seq),
                   bt_strf("record %lld differs from the countersigned daily heads",
                           (long long)mark->seq));
        }
    }
}

/*
 * Dating, as the server does (server/plays/reckoning.c).
 */

static void keep_boot(struct bt_witness *witness, const char *boot, int64_t offset_ms)
{
    for (size_t i = 0; i < witness->boot_count; i++) {
        if (strcmp(witness->boots[i].boot, boot) == 0) {
            return;  // the first that was said stays
        }
    }
    if (witness->boot_count == MAX_BOOTS) {
        memmove(witness->boots, witness->boots + 1, (MAX_BOOTS - 1) * sizeof(*witness->boots));
        witness->boot_count--;
    }
    struct bt_boot_offset *kept = &witness->boots[witness->boot_count++];
    bt_copy_cut(kept->boot, sizeof(kept->boot), boot);
    kept->offset_ms = offset_ms;
}

static void learn_boots(struct bt_witness *witness, const struct bt_testimony *testimony)
{
    const struct bt_batch_header *header = &testimony->batch.header;
    for (int64_t i = 0; i < header->count; i++) {
        const struct bt_record *record = &testimony->records[i];
        if (record->seq > 0 && record->kind == BT_RECORD_PLAY &&
            record->clock_trust == BT_CLOCK_SYNCED && record->origin.boot[0] != '\0') {
            keep_boot(witness, record->origin.boot, record->start_ms - record->mono_ms);
        }
    }
    for (size_t i = 0; i < header->boot_count; i++) {
        keep_boot(witness, header->boots[i].boot, header->boots[i].offset_ms);
    }
}

static struct bt_tally_time time_of(const struct bt_witness *witness,
                                    const struct bt_testimony *testimony, const char *boot)
{
    const struct bt_batch_header *header = &testimony->batch.header;
    for (size_t i = 0; i < witness->boot_count; i++) {
        if (strcmp(witness->boots[i].boot, boot) == 0) {
            return (struct bt_tally_time){true, witness->boots[i].offset_ms};
        }
    }
    bool sends = boot[0] != '\0' && strcmp(header->boot, boot) == 0;
    return (struct bt_tally_time){
        sends, sends ? testimony->received_ms - header->now.mono_ns / BT_NS_PER_MS : 0};
}

/*
 * Counting.
 */

struct counting {
    const struct bt_witness *witness;
    const struct bt_witness_counts *counts;
};

static int count(const struct bt_tally_key *key, const struct bt_tally_counts *delta, void *context,
                 struct bt_error *err)
{
    const struct counting *counting = context;
    const struct bt_witness *witness = counting->witness;
    const struct bt_witness_counts *counts = counting->counts;
    const struct bt_recount_place place = {witness->place, witness->facts.screen};
    char name[BT_RECOUNT_KEY_BYTES], screen[BT_RECOUNT_KEY_BYTES + 40];
    if (!bt_recount_key(counts->plan, &place, key, name)) {
        return 0;
    }
    int r = bt_recount_add(counts->rows, name, delta, err);
    if (r == 0 && bt_format(screen, sizeof(screen), "%s%c%s", name, BT_RECOUNT_SCREEN,
                            witness->facts.screen) == 0) {
        r = bt_recount_add(counts->screens, screen, delta, err);
    }
    return r;
}

static bool is_late(const struct bt_witness *witness, const struct bt_record *record,
                    const struct bt_tally_time *time)
{
    return record->kind == BT_RECORD_PLAY && witness->facts.replaced_ms > 0 &&
           bt_tally_start_ms(record, time) >= witness->facts.replaced_ms;
}

static int count_record(struct bt_witness *witness, const struct bt_testimony *testimony,
                        const struct bt_record *record, const struct bt_witness_counts *counts,
                        struct bt_error *err)
{
    struct counting counting = {witness, counts};
    struct bt_tally_time time = time_of(witness, testimony, record->origin.boot);
    witness->sum.plays += record->kind == BT_RECORD_PLAY;
    if (is_late(witness, record, &time)) {
        witness->sum.late++;
        return 0;
    }
    if (record->kind == BT_RECORD_START &&
        strcmp(record->origin.journal, witness->facts.journal) != 0) {
        accuse(witness, "record-stranger",
               bt_strf("bản ghi %lld là của sổ khác", (long long)record->seq),
               bt_strf("record %lld is of another journal", (long long)record->seq));
    }
    return record->seq > witness->until_seq
               ? 0
               : bt_tally_add(witness->tally, record, &time, count, &counting, err);
}

static int count_records(struct bt_witness *witness, const struct bt_testimony *testimony,
                         const struct bt_witness_counts *counts, struct bt_error *err)
{
    const struct bt_batch_header *header = &testimony->batch.header;
    int r = 0;
    learn_boots(witness, testimony);
    for (int64_t seq = witness->last_seq + 1; r == 0 && seq < header->first + header->count;
         seq++) {
        const struct bt_record *record = &testimony->records[seq - header->first];
        witness->sum.records++;
        if (record->seq == 0) {
            witness->sum.unreadable++;
        } else {
            r = count_record(witness, testimony, record, counts, err);
        }
    }
    return r;
}

int bt_witness_take(struct bt_witness *witness, const struct bt_testimony *testimony,
                    const struct bt_witness_counts *counts, struct bt_error *err)
{
    const struct bt_batch *batch = &testimony->batch;
    witness->sum.batches++;
    if (!is_ours(witness, testimony) || follow(witness, batch) < 0) {
        return 0;
    }
    meet_marks(witness, batch);
    int r = count_records(witness, testimony, counts, err);
    witness->last_seq = batch->header.first + batch->header.count - 1;
    witness->last_hash = batch->header.head;
    return r;
}

/*
 * Reading a batch, on any thread.
 */

// What cannot be read is in the chain all the same, and said.
static void read_records(struct bt_testimony *testimony)
{
    struct bt_batch_cursor cursor = {0};
    struct bt_row row;
    testimony->records = BT_NEW_ARRAY(struct bt_record, (size_t)testimony->batch.header.count + 1);
    for (size_t i = 0; bt_batch_next(&testimony->batch, &cursor, &row) == 1; i++) {
        struct bt_record *record = &testimony->records[i];
        if (bt_record_parse(row.body, row.len, record, NULL) < 0 || record->seq != row.seq) {
            *record = (struct bt_record){.seq = 0};
        }
    }
}

struct bt_testimony *bt_testimony_read(const struct bt_witness *witness, int64_t received_ms,
                                       const void *packed, size_t len)
{
    struct bt_testimony *testimony = BT_NEW(struct bt_testimony);
    testimony->received_ms = received_ms;
    if (bt_batch_read(packed, len, &testimony->batch, &testimony->bad) == 0) {
        testimony->readable = true;
        testimony->is_signed = is_signed(witness, &testimony->batch);
        read_records(testimony);
    }
    return testimony;
}

void bt_testimony_destroy(struct bt_testimony *testimony)
{
    if (testimony != NULL) {
        bt_batch_finish(&testimony->batch);
        free(testimony->records);
        free(testimony);
    }
}

/*
 * The end.
 */

static void end_marks(struct bt_witness *witness)
{
    const struct bt_mark *last =
        witness->mark_count > 0 ? &witness->marks[witness->mark_count - 1] : NULL;
    if (last != NULL && last->seq > witness->last_seq) {
        accuse_missing(witness, witness->last_seq + 1, last->seq);
    }
    for (size_t i = 0; i < witness->mark_count; i++) {
        if (strcmp(witness->marks[i].public_key, witness->facts.public_key) != 0 ||
            strcmp(witness->marks[i].screen, witness->facts.screen) != 0) {
            accuse(witness, "heads-key", bt_strdup("khóa hoặc màn hình khác với mốc hằng ngày"),
                   bt_strdup("the key or the screen differs from the daily heads"));
            return;
        }
    }
}

static void end_facts(struct bt_witness *witness)
{
    const struct bt_witness_facts *facts = &witness->facts;
    bool differs = facts->last_seq == witness->last_seq &&
                   memcmp(&facts->last_hash, &witness->last_hash, sizeof(facts->last_hash)) != 0;
    if (!witness->begun || facts->last_seq < witness->last_seq || differs) {
        accuse(witness, "journal-end", bt_strdup("không khớp với điều máy chủ nói về sổ này"),
               bt_strdup("does not agree with what the server says of this journal"));
    }
}

int bt_witness_end(struct bt_witness *witness, const struct bt_witness_counts *counts,
                   struct bt_error *err)
{
    struct counting counting = {witness, counts};
    end_marks(witness);
    end_facts(witness);
    bool over = strcmp(witness->facts.state, "closed") == 0 &&
                witness->facts.last_seq == witness->last_seq &&
                witness->until_seq >= witness->last_seq;
    return over ? bt_tally_close(witness->tally, count, &counting, err) : 0;
}

const struct bt_witness_sum *bt_witness_sum(const struct bt_witness *witness)
{
    return &witness->sum;
}

const struct bt_witness_facts *bt_witness_facts(const struct bt_witness *witness)
{
    return &witness->facts;
}
