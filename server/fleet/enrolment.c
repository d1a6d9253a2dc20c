#include "server/fleet/enrolment.h"

#include "base/log.h"
#include "base/str.h"
#include "server/accounts/secret.h"
#include "server/fleet/fleet.h"
#include "server/fleet/pairing_give.h"

static const struct bt_log logger = {"server/enrolment"};

struct enrolment {
    char id[BT_SERVER_ID_BYTES];
    char screen[32], by[32], player[32];  // player "": not used yet
    int64_t used_ms;
    bool ended;    // too late, withdrawn, or whoever made it works here no more
    bool foreign;  // of another player's key
};

// *out_found is false when there is none such.
static int find(struct bt_call *call, const char *secret, const char *public_key,
                struct enrolment *out, bool *out_found, struct bt_error *err)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_secret_hash(secret, hash);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT e.id, e.screen, e.created_by, e.player, e.used_ms, e.public_key,"
                      " e.expires_ms, e.withdrawn_ms, u.state FROM enrolment e"
                      " LEFT JOIN user_account u ON u.id = e.created_by"
                      " WHERE e.secret_sha256 = $1",
                      BT_TEXT(hash));
    *out_found = r == 0 && bt_db_next(rows);
    if (!*out_found) {
        return r;
    }
    bt_copy_cut(out->id, sizeof(out->id), bt_db_get_text(rows, 0));
    bt_copy_cut(out->screen, sizeof(out->screen), bt_db_get_text(rows, 1));
    bt_copy_cut(out->by, sizeof(out->by), bt_db_get_text(rows, 2));
    bt_copy_cut(out->player, sizeof(out->player), bt_db_get_text(rows, 3));
    out->used_ms = bt_db_get_int(rows, 4);
    out->foreign = !bt_str_equal(bt_db_get_text(rows, 5), public_key);
    out->ended = bt_db_get_int(rows, 6) <= bt_call_now_ms(call) || !bt_db_is_null(rows, 7) ||
                 !bt_str_equal(bt_db_get_text(rows, 8), "active");
    return 0;
}

// The answer was lost on its way: while that pairing would still live it may be given once more.
static int repeat(struct bt_call *call, const struct enrolment *enrolment,
                  const struct bt_pairing *pairing, bool *out_used, struct bt_error *err)
{
    if (bt_call_now_ms(call) > enrolment->used_ms + BT_PAIRING_LIVES_S * 1000LL) {
        return 0;
    }
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "UPDATE pairing SET player = $2 WHERE id = $1 AND EXISTS"
                          " (SELECT 1 FROM player WHERE id = $2 AND state = 'active')",
                          BT_TEXT(pairing->id), BT_TEXT(enrolment->player));
    *out_used = r > 0;
    return r < 0 ? (int)r : 0;
}

static int use(struct bt_call *call, const struct enrolment *enrolment,
               const struct bt_pairing *pairing, bool *out_used, struct bt_error *err)
{
    char actor[48];
    struct bt_pairing_gift gift = {.by = enrolment->by, .actor = actor};
    int r = bt_format(actor, sizeof(actor), "enrolment/%s", enrolment->id);
    if (r < 0) {
        return bt_fail(err, r, "An enrolment's id is too long");
    }
    bt_copy_cut(gift.screen, sizeof(gift.screen), enrolment->screen);
    r = bt_pairing_give(call, pairing, &gift, err);
    if (r < 0 || gift.unit[0] == '\0') {
        return r;
    }
    int64_t changed = bt_db_run(
        bt_call_db(call), err, "UPDATE enrolment SET used_ms = $2, player = $3 WHERE id = $1",
        BT_TEXT(enrolment->id), BT_INT(bt_call_now_ms(call)), BT_TEXT(gift.player));
    r = changed < 0 ? (int)changed : 0;
    const char *const others[] = {gift.replaced, gift.moved};
    for (size_t i = 0; i < BT_ARRAY_LEN(others) && r == 0; i++) {
        r = others[i][0] != '\0' ? bt_fleet_forget_after_commit(call, others[i], err) : 0;
    }
    *out_used = r == 0;
    return r;
}

int bt_enrolment_use(struct bt_call *call, const char *secret, const struct bt_pairing *pairing,
                     bool *out_used, struct bt_error *err)
{
    struct enrolment enrolment = {0};
    bool found;
    *out_used = false;
    int r = find(call, secret, pairing->public_key, &enrolment, &found, err);
    if (r < 0 || !found) {
        return r;
    }
    if (!enrolment.foreign && !enrolment.ended) {
        r = enrolment.player[0] != '\0' ? repeat(call, &enrolment, pairing, out_used, err)
                                        : use(call, &enrolment, pairing, out_used, err);
    }
    if (r == 0 && !*out_used) {
        // A card that was copied or stolen shows itself by this.
        bt_log_warn(&logger, "Enrolment '%s' of screen '%s' refused: %s", enrolment.id,
                    enrolment.screen,
                    enrolment.foreign ? "another player brought it"
                    : enrolment.ended ? "it has ended"
                                      : "it was used before");
    }
    return r;
}

int bt_enrolment_clean(struct bt_db *db, int64_t now_ms, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err, "DELETE FROM enrolment WHERE expires_ms < $1",
                          BT_INT(now_ms - BT_ENROLMENT_SHOWN_MS));
    return r < 0 ? (int)r : 0;
}
