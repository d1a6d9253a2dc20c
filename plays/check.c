#include "plays/check.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "plays/number.h"
#include "plays/record.h"

static const struct {
    const char *vi, *en;
} fault_words[] = {
    [BT_FAULT_NONE] = {"", ""},
    [BT_FAULT_GAP] = {"thiếu số thứ tự hoặc sai thứ tự", "numbers are missing or out of order"},
    [BT_FAULT_CHAIN] = {"nội dung không khớp mã băm", "the content does not match its hash"},
    [BT_FAULT_RECORD] = {"bản ghi không đọc được hoặc tự mâu thuẫn",
                         "the record cannot be read or contradicts itself"},
    [BT_FAULT_STRANGER] = {"bản ghi thuộc về một sổ khác", "the record belongs to another journal"},
    [BT_FAULT_OPEN_PLAY] = {"một lượt đang phát không đọc được", "an open play cannot be read"},
    [BT_FAULT_UNREADABLE] = {"tệp cơ sở dữ liệu bị hỏng", "the database file is damaged"},
};

void bt_check_init(struct bt_check *check, int64_t after_seq, const struct bt_sha256 *after_hash)
{
    *check = (struct bt_check){.last_seq = after_seq, .last_hash = *after_hash, .stopped = true};
    check->verdict.last_seq = after_seq;
    check->verdict.base_seq = after_seq;
}

void bt_check_fault(struct bt_check *check, enum bt_fault fault, int64_t seq, const char *detail)
{
    struct bt_plays_verdict *verdict = &check->verdict;
    if (verdict->faults++ == 0) {
        verdict->first_fault = fault;
        verdict->first_fault_seq = seq;
        bt_copy_cut(verdict->detail, sizeof(verdict->detail), detail);
    }
}

static void count_start(struct bt_check *check, const struct bt_record *record)
{
    struct bt_plays_verdict *verdict = &check->verdict;
    verdict->starts++;
    verdict->unclean_ends += !check->stopped;
    check->stopped = false;
    if (verdict->journal[0] == '\0') {
        bt_copy_cut(verdict->journal, sizeof(verdict->journal), record->origin.journal);
    } else if (!bt_str_equal(verdict->journal, record->origin.journal)) {
        bt_check_fault(check, BT_FAULT_STRANGER, record->seq, record->origin.journal);
    }
}

static void count_record(struct bt_check *check, const struct bt_record *record)
{
    struct bt_plays_verdict *verdict = &check->verdict;
    switch ((enum bt_record_kind)record->kind) {
    case BT_RECORD_PLAY:
        verdict->plays++;
        verdict->complete += record->complete;
        verdict->power_lost += bt_str_equal(record->why_ended, BT_PLAY_END_POWER_LOST);
        break;
    case BT_RECORD_START:
        count_start(check, record);
        break;
    case BT_RECORD_STOP:
        check->stopped = true;
        break;
    case BT_RECORD_LOSS:
        verdict->losses++;
        verdict->lost_plays += record->loss.plays;
        break;
    case BT_RECORD_OTHER:
        break;
    }
}

// The moment by which the record may be pruned, as the record itself tells it.
static bool sure_ms_agrees(const struct bt_record *record, const struct bt_row *row)
{
    if (record->kind == BT_RECORD_OTHER) {
        return true;
    }
    bool has_end = record->kind == BT_RECORD_PLAY || record->kind == BT_RECORD_LOSS;
    int64_t said = has_end ? record->end_ms : record->start_ms;
    return row->has_sure_ms == (record->clock_trust == BT_CLOCK_SYNCED) &&
           (!row->has_sure_ms || row->sure_ms == said);
}

static void check_content(struct bt_check *check, const struct bt_row *row, bool exported)
{
    struct bt_record record;
    struct bt_error err;
    if (bt_record_parse(row->body, row->len, &record, &err) < 0) {
        bt_check_fault(check, BT_FAULT_RECORD, row->seq, err.msg);
        return;
    }
    if (record.seq != row->seq) {
        bt_check_fault(check, BT_FAULT_RECORD, row->seq, "it says another number of itself");
    } else if (!exported && !sure_ms_agrees(&record, row)) {
        bt_check_fault(check, BT_FAULT_RECORD, row->seq, "its time of pruning is not its own");
    }
    count_record(check, &record);
}

static void add(struct bt_check *check, const struct bt_row *row, bool exported)
{
    struct bt_plays_verdict *verdict = &check->verdict;
    struct bt_sha256 hash = bt_chain_next(&check->last_hash, row->body, row->len);
    if (row->seq != check->last_seq + 1) {
        bt_check_fault(check, BT_FAULT_GAP, row->seq, "the number before it is another");
    } else if (memcmp(hash.bytes, row->hash.bytes, BT_SHA256_BYTES) != 0) {
        bt_check_fault(check, BT_FAULT_CHAIN, row->seq, "the hash does not match");
    }
    check_content(check, row, exported);
    if (verdict->records++ == 0) {
        verdict->first_seq = row->seq;
    }
    // Going on from the stored hash: one damaged record is one fault, not a thousand.
    check->last_seq = row->seq;
    check->last_hash = row->hash;
    verdict->last_seq = row->seq;
    verdict->head = row->hash;
}

void bt_check_add(struct bt_check *check, const struct bt_row *row)
{
    add(check, row, false);
}

void bt_check_add_exported(struct bt_check *check, const struct bt_row *row)
{
    add(check, row, true);
}

// Both languages grow side by side; a text that no longer fits just ends.
struct words {
    struct bt_buf vi, en;
    int r;
};

// With one or two numbers, each written as its readers write it.
#define SAY(words, vi_format, en_format, a)                                                        \
    do {                                                                                           \
        (words)->r |= bt_buf_appendf(&(words)->vi, vi_format, vietnamese(a).text);                 \
        (words)->r |= bt_buf_appendf(&(words)->en, en_format, english(a).text);                    \
    } while (0)
#define SAY_2(words, vi_format, en_format, a, b)                                                   \
    do {                                                                                           \
        (words)->r |=                                                                              \
            bt_buf_appendf(&(words)->vi, vi_format, vietnamese(a).text, vietnamese(b).text);       \
        (words)->r |= bt_buf_appendf(&(words)->en, en_format, english(a).text, english(b).text);   \
    } while (0)

struct number {
    char text[BT_NUMBER_BYTES];
};

static struct number vietnamese(int64_t value)
{
    struct number number;
    bt_number_vi(number.text, value, 0);
    return number;
}

static struct number english(int64_t value)
{
    struct number number = vietnamese(value);
    for (char *c = number.text; *c != '\0'; c++) {
        *c = *c == '.' ? ',' : *c;
    }
    return number;
}

static void say_whole(struct words *words, const struct bt_plays_verdict *verdict)
{
    SAY(words, "Sổ phát nguyên vẹn: %s bản ghi,", "The journal is whole: %s records,",
        verdict->records);
    SAY_2(words, " trong đó %s lượt phát (%s trọn vẹn).", " of them %s plays (%s complete).",
          verdict->plays, verdict->complete);
}

static void say_faulty(struct words *words, const struct bt_plays_verdict *verdict)
{
    SAY_2(words, "Sổ phát KHÔNG nguyên vẹn: %s chỗ sai, chỗ đầu tiên ở bản ghi %s: ",
          "The journal is NOT whole: %s faults, the first at record %s: ", verdict->faults,
          verdict->first_fault_seq);
    words->r |= bt_buf_appendf(&words->vi, "%s.", fault_words[verdict->first_fault].vi);
    words->r |= bt_buf_appendf(&words->en, "%s (%s).", fault_words[verdict->first_fault].en,
                               verdict->detail);
}

static void say_more(struct words *words, const struct bt_plays_verdict *verdict)
{
    if (verdict->losses > 0) {
        SAY_2(words, " Đã khai báo mất %s lượt (%s lần).", " Declared lost: %s plays (%s times).",
              verdict->lost_plays, verdict->losses);
    }
    if (verdict->power_lost > 0) {
        SAY(words, " %s lượt bị cắt do mất điện.", " %s plays were cut by a loss of power.",
            verdict->power_lost);
    }
    if (verdict->unclean_ends > 0) {
        SAY(words, " %s lần chương trình dừng đột ngột.", " The player ended abruptly %s times.",
            verdict->unclean_ends);
    }
    if (verdict->open_plays > 0) {
        SAY(words, " %s lượt đang phát.", " %s plays are still open.", verdict->open_plays);
    }
    if (verdict->base_seq > 0) {
        SAY(words, " Các bản ghi đến số %s đã hết hạn lưu.",
            " Records up to number %s were removed after their time.", verdict->base_seq);
    }
}

void bt_check_conclude(struct bt_check *check)
{
    struct bt_plays_verdict *verdict = &check->verdict;
    struct words words = {0};
    bt_buf_init(&words.vi, sizeof(verdict->vi) - 1);
    bt_buf_init(&words.en, sizeof(verdict->en) - 1);
    if (verdict->faults == 0) {
        say_whole(&words, verdict);
    } else {
        say_faulty(&words, verdict);
    }
    say_more(&words, verdict);
    bt_copy_cut(verdict->vi, sizeof(verdict->vi), bt_buf_text(&words.vi));
    bt_copy_cut(verdict->en, sizeof(verdict->en), bt_buf_text(&words.en));
    bt_buf_finish(&words.vi);
    bt_buf_finish(&words.en);
}
