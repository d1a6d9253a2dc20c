#include "server/care/outbox.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/ids.h"

#define MINUTE_MS 60000LL
#define LONGEST_MS (6 * 60 * MINUTE_MS)

void bt_letter_finish(struct bt_letter *letter)
{
    free(letter->address);
    free(letter->subject);
    free(letter->body);
    *letter = (struct bt_letter){.attempts = 0};
}

static int check_room(struct bt_db *db, const char *channel, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT COUNT(*) FROM care_outbox WHERE done_ms IS NULL AND channel = $1",
                      BT_TEXT(channel));
    if (r == 0 && bt_db_next(rows) && bt_db_get_int(rows, 0) >= BT_OUTBOX_MAX_WAITING) {
        return bt_fail(err, -EAGAIN, "%d messages wait already", BT_OUTBOX_MAX_WAITING);
    }
    return r;
}

// So that the first failure of a trial is its last.
#define TRIAL_ATTEMPTS (BT_OUTBOX_MAX_ATTEMPTS - 1)

static int put(struct bt_db *db, const char *channel, const struct bt_db_value *values,
               size_t count, struct bt_error *err)
{
    int r = check_room(db, channel, err);
    int64_t done =
        r < 0 ? r
              : bt_db_run_values(db,
                                 "INSERT INTO care_outbox(id, channel, address, subject, body,"
                                 " made_ms, next_ms, attempts, error)"
                                 " VALUES($1, $2, $3, $4, $5, $6, $6, $7, '')",
                                 values, count, err);
    return done < 0 ? (int)done : 0;
}

int bt_outbox_put(struct bt_db *db, const char *channel, const char *address, const char *subject,
                  const char *body, int64_t now_ms, struct bt_error *err)
{
    char id[BT_SERVER_ID_BYTES];
    bt_server_id('o', id);
    const struct bt_db_value values[] = {BT_TEXT(id),      BT_TEXT(channel), BT_TEXT(address),
                                         BT_TEXT(subject), BT_TEXT(body),    BT_INT(now_ms),
                                         BT_INT(0)};
    return put(db, channel, values, BT_ARRAY_LEN(values), err);
}

int bt_outbox_put_trial(struct bt_db *db, const char *channel, const char *address,
                        const char *subject, const char *body, int64_t now_ms,
                        char out_id[BT_SERVER_ID_BYTES], struct bt_error *err)
{
    bt_server_id('o', out_id);
    const struct bt_db_value values[] = {BT_TEXT(out_id),       BT_TEXT(channel), BT_TEXT(address),
                                         BT_TEXT(subject),      BT_TEXT(body),    BT_INT(now_ms),
                                         BT_INT(TRIAL_ATTEMPTS)};
    return put(db, channel, values, BT_ARRAY_LEN(values), err);
}

int bt_outbox_next(struct bt_db *db, const char *after_id, int64_t now_ms, struct bt_letter *out,
                   struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, channel, address, subject, body, made_ms, attempts"
                      " FROM care_outbox WHERE done_ms IS NULL AND next_ms <= $1 AND id > $2"
                      " ORDER BY id LIMIT 1",
                      BT_INT(now_ms), BT_TEXT(after_id));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    *out = (struct bt_letter){.address = bt_strdup(bt_db_get_text(rows, 2)),
                              .subject = bt_strdup(bt_db_get_text(rows, 3)),
                              .body = bt_strdup(bt_db_get_text(rows, 4)),
                              .made_ms = bt_db_get_int(rows, 5),
                              .attempts = bt_db_get_int(rows, 6)};
    bt_copy_cut(out->id, sizeof(out->id), bt_db_get_text(rows, 0));
    bt_copy_cut(out->channel, sizeof(out->channel), bt_db_get_text(rows, 1));
    return 1;
}

int bt_outbox_sent(struct bt_db *db, const struct bt_letter *letter, int64_t now_ms,
                   struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "UPDATE care_outbox SET done_ms = $2, sent = 1, error = '',"
                          " attempts = attempts + 1 WHERE id = $1",
                          BT_TEXT(letter->id), BT_INT(now_ms));
    return r < 0 ? (int)r : 0;
}

int bt_outbox_failed(struct bt_db *db, const struct bt_letter *letter, const char *why, bool final,
                     int64_t now_ms, struct bt_error *err)
{
    bool over = final || letter->attempts + 1 >= BT_OUTBOX_MAX_ATTEMPTS;
    int64_t doubled = MINUTE_MS << BT_MIN(letter->attempts, (int64_t)10);
    int64_t next_ms = now_ms + BT_MIN(doubled, LONGEST_MS);
    int64_t r = bt_db_run(
        db, err,
        "UPDATE care_outbox SET attempts = attempts + 1, error = $2, next_ms = $3,"
        " done_ms = $4 WHERE id = $1",
        BT_TEXT(letter->id), BT_TEXT(why), BT_INT(next_ms), over ? BT_INT(now_ms) : BT_NULL);
    return r < 0 ? (int)r : 0;
}
