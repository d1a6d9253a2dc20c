#include "server/plays/standing.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const words[] = {"open", "closed", "forked"};

const char *bt_standing_word(enum bt_standing_state state)
{
    return words[state];
}

static enum bt_standing_state state_of(const char *word)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(words); i++) {
        if (bt_str_equal(words[i], word)) {
            return (enum bt_standing_state)i;
        }
    }
    return BT_STANDING_FORKED;  // what we do not know is not counted on
}

static const struct bt_json_field boot_fields[] = {
    BT_JSON_FIELD(struct bt_boot_offset, boot, "boot", BT_JSON_STRING, .min = 1,
                  .max = BT_BOOT_ID_BYTES - 1),
    BT_JSON_FIELD(struct bt_boot_offset, offset_ms, "offset_ms", BT_JSON_INT, .min = -(1LL << 52),
                  .max = 1LL << 52),
};

static int read_boots(const char *text, struct bt_standing *out, struct bt_error *err)
{
    BT_AUTOJSON *list = NULL;
    int r = bt_json_parse(text, strlen(text), &list, err);
    const cJSON *entry = r == 0 && cJSON_IsArray(list) ? list->child : NULL;
    for (; r == 0 && entry != NULL && out->boot_count < BT_STANDING_MAX_BOOTS;
         entry = entry->next) {
        r = bt_json_read(entry, boot_fields, BT_ARRAY_LEN(boot_fields),
                         &out->boots[out->boot_count], NULL, err);
        out->boot_count += r == 0;
    }
    return r;
}

void bt_standing_keep_boot(struct bt_standing *standing, const char *boot, int64_t offset_ms)
{
    for (size_t i = 0; i < standing->boot_count; i++) {
        if (strcmp(standing->boots[i].boot, boot) == 0) {
            return;  // the first that was said stays: what is counted does not depend on how it
                     // came
        }
    }
    if (standing->boot_count == BT_STANDING_MAX_BOOTS) {
        memmove(standing->boots, standing->boots + 1,
                (BT_STANDING_MAX_BOOTS - 1) * sizeof(*standing->boots));
        standing->boot_count--;
    }
    struct bt_boot_offset *kept = &standing->boots[standing->boot_count++];
    bt_copy_cut(kept->boot, sizeof(kept->boot), boot);
    kept->offset_ms = offset_ms;
}

int bt_standing_write_boots(const struct bt_standing *standing, struct bt_buf *out)
{
    int r = bt_buf_append(out, "[", 1);
    for (size_t i = 0; r == 0 && i < standing->boot_count; i++) {
        r = bt_buf_appendf(out, "%s{\"boot\":", i == 0 ? "" : ",");
        r = r < 0 ? r : bt_json_append_string(out, standing->boots[i].boot);
        r = r < 0 ? r
                  : bt_buf_appendf(out, ",\"offset_ms\":%lld}",
                                   (long long)standing->boots[i].offset_ms);
    }
    return r < 0 ? r : bt_buf_append(out, "]", 1);
}

#define COLUMNS                                                                                    \
    "SELECT last_seq, last_hash, tally, boots, screen, unit, state, resolved_ms, first_ms,"        \
    " received_ms, known_ms, stopped FROM play_journal "

// What a journal's place in the chain is; the rest belongs to the player whose row it is.
static int take_chain(const struct bt_db_rows *row, struct bt_standing *out, char **state,
                      struct bt_error *err)
{
    out->last_seq = bt_db_get_int(row, 0);
    int r = bt_unhex(bt_db_get_text(row, 1), out->last_hash.bytes, BT_SHA256_BYTES);
    r = r < 0 ? bt_fail(err, -EIO, "The hash is damaged")
              : read_boots(bt_db_get_text(row, 3), out, err);
    if (r == 0 && state != NULL) {
        *state = bt_strdup(bt_db_get_text(row, 2));
    }
    return r;
}

static void take_row(const struct bt_db_rows *row, struct bt_standing *out)
{
    out->stored = true;
    bt_copy_cut(out->screen, sizeof(out->screen), bt_db_get_text(row, 4));
    bt_copy_cut(out->unit, sizeof(out->unit), bt_db_get_text(row, 5));
    out->state = state_of(bt_db_get_text(row, 6));
    out->resolved = !bt_db_is_null(row, 7);
    out->first_ms = bt_db_get_int(row, 8);
    out->received_ms = bt_db_get_int(row, 9);
    out->known_ms = bt_db_get_int(row, 10);
    out->stopped = bt_db_get_int(row, 11) != 0;
}

int bt_standing_read(struct bt_db *db, const char *player, const char *journal,
                     struct bt_standing *out, char **state, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) own = NULL;
    BT_AUTO(bt_db_rows) others = NULL;
    *out = (struct bt_standing){.state = BT_STANDING_OPEN};
    bt_copy_cut(out->player, sizeof(out->player), player);
    bt_copy_cut(out->journal, sizeof(out->journal), journal);
    int r = bt_db_ask(db, &own, err, COLUMNS "WHERE player = $1 AND journal = $2", BT_TEXT(player),
                      BT_TEXT(journal));
    if (r == 0 && bt_db_next(own)) {
        take_row(own, out);
        r = take_chain(own, out, state, err);
        return r < 0 ? bt_fail_in(err, r, "Journal %s of %s", journal, player) : 0;
    }
    r = r < 0 ? r
              : bt_db_ask(db, &others, err,
                          COLUMNS "WHERE journal = $1 ORDER BY last_seq DESC LIMIT 1",
                          BT_TEXT(journal));
    if (r == 0 && bt_db_next(others)) {
        out->known_ms = bt_db_get_int(others, 10);
        return take_chain(others, out, state, err);
    }
    if (r == 0 && state != NULL) {
        *state = bt_strdup("");
    }
    return r;
}

static struct bt_judgement known(void)
{
    return (struct bt_judgement){.verdict = BT_VERDICT_KNOWN};
}

static struct bt_judgement forked(void)
{
    return (struct bt_judgement){.verdict = BT_VERDICT_FORKED};
}

static struct bt_judgement count_from(int64_t from, int64_t hole_from)
{
    return (struct bt_judgement){.verdict = BT_VERDICT_COUNT, .from = from, .hole_from = hole_from};
}

// The chain after a record that lies in the batch, or right before it.
static const struct bt_sha256 *hash_after(const struct bt_delivery *delivery, int64_t seq)
{
    const struct bt_batch_header *header = &delivery->batch.header;
    return seq < header->first ? &header->prev : &delivery->hashes[seq - header->first];
}

struct bt_judgement bt_standing_judge(const struct bt_standing *standing,
                                      const struct bt_delivery *delivery)
{
    const struct bt_batch_header *header = &delivery->batch.header;
    int64_t last = header->first + header->count - 1;
    if (standing->state == BT_STANDING_FORKED) {
        return forked();
    }
    if (last < standing->last_seq) {
        return known();
    }
    if (header->first > standing->last_seq + 1) {
        int64_t wanted = BT_MAX(standing->last_seq, header->base_seq) + 1;
        return header->first == wanted
                   ? count_from(wanted, standing->last_seq + 1)
                   : (struct bt_judgement){.verdict = BT_VERDICT_GAP, .from = wanted};
    }
    const struct bt_sha256 *meets = hash_after(delivery, standing->last_seq);
    if (memcmp(meets, &standing->last_hash, sizeof(*meets)) != 0) {
        return forked();
    }
    return last == standing->last_seq && header->count > 0 ? known()
                                                           : count_from(standing->last_seq + 1, 0);
}
