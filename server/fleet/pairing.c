#include "server/fleet/pairing.h"

#include <string.h>

#include "base/str.h"
#include "server/fleet/secret.h"
#include "server/http/listen.h"

static int is_blocked(struct bt_call *call, bool *out, struct bt_error *err)
{
    char network[BT_NETWORK_BYTES];
    bt_address_network(bt_call_remote(call), network);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT wrong FROM pairing_block WHERE remote = $1 AND wrong >= $2"
                      " AND until_ms > $3",
                      BT_TEXT(network), BT_INT(BT_PAIRING_MAX_WRONG), BT_INT(bt_call_now_ms(call)));
    *out = r == 0 && bt_db_next(rows);
    return r;
}

int bt_pairing_count_wrong(struct bt_call *call, struct bt_error *err)
{
    int64_t now_ms = bt_call_now_ms(call);
    char network[BT_NETWORK_BYTES];
    bt_address_network(bt_call_remote(call), network);
    int64_t r =
        bt_db_run(bt_call_db(call), err,
                  "INSERT INTO pairing_block(remote, wrong, until_ms) VALUES($1, 1, $2)"
                  " ON CONFLICT (remote) DO UPDATE SET wrong = CASE"
                  " WHEN pairing_block.until_ms < $3 THEN 1"
                  " ELSE pairing_block.wrong + 1 END, until_ms = excluded.until_ms",
                  BT_TEXT(network), BT_INT(now_ms + BT_PAIRING_LIVES_S * 1000LL), BT_INT(now_ms));
    return r < 0 ? (int)r : 0;
}

static int take_row(const struct bt_db_rows *rows, const char *code, struct bt_pairing *out)
{
    bt_copy_cut(out->id, sizeof(out->id), bt_db_get_text(rows, 0));
    bt_copy_cut(out->public_key, sizeof(out->public_key), bt_db_get_text(rows, 1));
    bt_copy_cut(out->model, sizeof(out->model), bt_db_get_text(rows, 2));
    bt_copy_cut(out->version, sizeof(out->version), bt_db_get_text(rows, 3));
    bt_copy_cut(out->root_sha256, sizeof(out->root_sha256), bt_db_get_text(rows, 4));
    bt_copy_cut(out->player, sizeof(out->player), bt_db_get_text(rows, 5));
    out->expires_ms = bt_db_get_int(rows, 6);
    return bt_words(out->public_key, out->root_sha256, code, out->words);
}

// 1 found, 0 not.
static int look_up(struct bt_call *call, const char *typed, struct bt_pairing *out,
                   struct bt_error *err)
{
    char code[BT_PAIRING_CODE_BYTES], hash[BT_SHA256_HEX_BYTES];
    uint8_t secret[BT_FLEET_SECRET_BYTES];
    if (bt_pairing_code_read(typed, code) < 0) {
        return 0;
    }
    int r = bt_fleet_secret(bt_call_db(call), "pairing", secret, err);
    if (r < 0) {
        return r;
    }
    bt_pairing_code_hash(code, secret, hash);
    BT_AUTO(bt_db_rows) rows = NULL;
    r = bt_db_ask(bt_call_db(call), &rows, err,
                  "SELECT id, public_key, model, version, root_sha256, player, expires_ms"
                  " FROM pairing WHERE code_hash = $1 AND expires_ms > $2",
                  BT_TEXT(hash), BT_INT(bt_call_now_ms(call)));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    r = take_row(rows, code, out);
    return r < 0 ? bt_fail(err, r, "The words of pairing cannot be worked out") : 1;
}

int bt_pairing_find(struct bt_call *call, const char *typed, enum bt_pairing_found *out_found,
                    struct bt_pairing *out, struct bt_error *err)
{
    bool blocked;
    int r = is_blocked(call, &blocked, err);
    if (r < 0 || blocked) {
        *out_found = BT_PAIRING_BLOCKED;
        return r;
    }
    r = look_up(call, typed, out, err);
    if (r < 0) {
        return r;
    }
    *out_found = r > 0 ? BT_PAIRING_FOUND : BT_PAIRING_WRONG;
    return r > 0 ? 0 : bt_pairing_count_wrong(call, err);
}

int bt_pairing_refuse(struct bt_call *call, enum bt_pairing_found found)
{
    if (found == BT_PAIRING_BLOCKED) {
        bt_call_set_header(call, "Retry-After", "600");
        return bt_call_problem(call, 429, "too-many-wrong-codes",
                               "Nhập sai mã quá nhiều lần. Hãy chờ 10 phút rồi thử lại.",
                               "Too many wrong codes. Wait 10 minutes and try again.");
    }
    return bt_call_problem(call, 404, "no-such-code",
                           "Không có mã ghép nối này, hoặc mã đã hết hạn.",
                           "There is no such pairing code, or it has expired.");
}
