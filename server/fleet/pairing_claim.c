/**
 * The technician's side of pairing: look at a code, compare the words, claim it for a screen. In
 * transactions of their own, since wrong codes are counted although they are refused.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/fleet/fleet.h"
#include "server/fleet/pairing_give.h"
#include "server/http/transaction.h"

#define MAX_PREVIOUS 10

struct look {
    struct bt_pairing pairing;
    enum bt_pairing_found found;
    cJSON *previous;
};

// Players that had this key before: a revoked one should make the technician wonder.
static int find_previous(struct bt_call *call, const char *public_key, cJSON **out,
                         struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT id, screen, state FROM player WHERE public_key = $1"
                      " ORDER BY paired_ms DESC LIMIT $2",
                      BT_TEXT(public_key), BT_INT(MAX_PREVIOUS));
    if (r < 0) {
        return r;
    }
    cJSON_Delete(*out);
    *out = cJSON_CreateArray();
    while (bt_db_next(rows)) {
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "player", bt_db_get_text(rows, 0));
        cJSON_AddStringToObject(entry, "screen", bt_db_get_text(rows, 1));
        cJSON_AddStringToObject(entry, "state", bt_db_get_text(rows, 2));
        cJSON_AddItemToArray(*out, entry);
    }
    return 0;
}

static int look(struct bt_call *call, void *context, struct bt_error *err)
{
    struct look *look = context;
    int r = bt_pairing_find(call, bt_call_path(call, "code"), &look->found, &look->pairing, err);
    if (r < 0 || look->found != BT_PAIRING_FOUND) {
        return r;
    }
    return find_previous(call, look->pairing.public_key, &look->previous, err);
}

int bt_handle_pairing_show(struct bt_call *call, struct bt_error *err)
{
    struct look found = {.previous = NULL};
    int r = bt_call_write(call, look, &found, err);
    BT_AUTOJSON *previous = found.previous;
    if (r < 0) {
        return r;
    }
    if (found.found != BT_PAIRING_FOUND) {
        return bt_pairing_refuse(call, found.found);
    }
    const struct bt_pairing *pairing = &found.pairing;
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "state", pairing->player[0] != '\0' ? "claimed" : "waiting");
    cJSON_AddStringToObject(reply, "model", pairing->model);
    cJSON_AddStringToObject(reply, "version", pairing->version);
    cJSON_AddStringToObject(reply, "words", pairing->words);
    cJSON_AddStringToObject(reply, "public_key", pairing->public_key);
    cJSON_AddStringToObject(reply, "root_sha256", pairing->root_sha256);
    cJSON_AddNumberToObject(reply, "expires_ms", (double)pairing->expires_ms);
    cJSON_AddItemToObject(reply, "previous", BT_TAKE(previous));
    return bt_call_json_reply(call, 200, reply);
}

enum claimed { CLAIM_DONE, CLAIM_REFUSED, CLAIM_TAKEN, CLAIM_WORDS_DIFFER, CLAIM_NO_SCREEN };

struct claim {
    char words[BT_WORDS_BYTES];
    struct bt_pairing_gift gift;
    // What came of it.
    enum claimed claimed;
    struct bt_pairing pairing;
    enum bt_pairing_found found;
};

static const struct bt_json_field claim_fields[] = {
    BT_JSON_FIELD(struct claim, gift.screen, "screen", BT_JSON_STRING, .min = 1,
                  .max = sizeof(((struct claim *)NULL)->gift.screen) - 1),
    BT_JSON_FIELD(struct claim, words, "words", BT_JSON_STRING, .min = 1,
                  .max = BT_WORDS_BYTES - 1),
};

static int pair(struct bt_call *call, struct claim *claim, struct bt_error *err)
{
    claim->gift.by = bt_call_caller(call)->user;
    int r = bt_pairing_give(call, &claim->pairing, &claim->gift, err);
    claim->claimed = claim->gift.unit[0] != '\0' ? CLAIM_DONE : CLAIM_NO_SCREEN;
    return r;
}

// Claimed already: for this very screen it is the same claim once more, whose answer was lost.
static int look_again(struct bt_call *call, struct claim *claim, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT id, unit FROM player WHERE id = $1 AND screen = $2"
                      " AND state = 'active'",
                      BT_TEXT(claim->pairing.player), BT_TEXT(claim->gift.screen));
    bool same = r == 0 && bt_db_next(rows);
    claim->claimed = same ? CLAIM_DONE : CLAIM_TAKEN;
    if (same) {
        bt_copy_cut(claim->gift.player, sizeof(claim->gift.player), bt_db_get_text(rows, 0));
        bt_copy_cut(claim->gift.unit, sizeof(claim->gift.unit), bt_db_get_text(rows, 1));
        claim->gift.replaced[0] = claim->gift.moved[0] = '\0';
    }
    return r;
}

static int try_claim(struct bt_call *call, void *context, struct bt_error *err)
{
    struct claim *claim = context;
    int r = bt_pairing_find(call, bt_call_path(call, "code"), &claim->found, &claim->pairing, err);
    if (r < 0 || claim->found != BT_PAIRING_FOUND) {
        claim->claimed = CLAIM_REFUSED;
        return r;
    }
    if (!bt_str_equal(claim->words, claim->pairing.words)) {
        claim->claimed = CLAIM_WORDS_DIFFER;
        return bt_pairing_count_wrong(call, err);
    }
    if (claim->pairing.player[0] != '\0') {
        return look_again(call, claim, err);
    }
    return pair(call, claim, err);
}

static int answer_claim(struct bt_call *call, const struct claim *claim)
{
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "player", claim->gift.player);
    cJSON_AddStringToObject(reply, "screen", claim->gift.screen);
    cJSON_AddStringToObject(reply, "unit", claim->gift.unit);
    if (claim->gift.replaced[0] != '\0') {
        cJSON_AddStringToObject(reply, "replaced", claim->gift.replaced);
    } else {
        cJSON_AddNullToObject(reply, "replaced");
    }
    bt_pairing_forget_others(bt_call_server(call)->hub, &claim->gift);
    return bt_call_json_reply(call, 201, reply);
}

/*
 * A player that was paired before, and waits again, by its key: the technician read it in the
 * signed document of the screen, so there are no words to compare and no code to type. That it
 * holds the key it has proved when it began.
 */

struct reclaim {
    struct claim claim;
    char public_key[BT_PLAYER_KEY_BYTES];
};

static const struct bt_json_field reclaim_fields[] = {
    BT_JSON_FIELD(struct reclaim, public_key, "public_key", BT_JSON_STRING,
                  .min = BT_PLAYER_KEY_BYTES - 1, .max = BT_PLAYER_KEY_BYTES - 1),
};

static int try_reclaim(struct bt_call *call, void *context, struct bt_error *err)
{
    struct reclaim *reclaim = context;
    struct claim *claim = &reclaim->claim;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT id, model, version, root_sha256, player FROM pairing"
                      " WHERE public_key = $1 AND expires_ms > $2"
                      " ORDER BY expires_ms DESC, id LIMIT 1",
                      BT_TEXT(reclaim->public_key), BT_INT(bt_call_now_ms(call)));
    if (r < 0 || !bt_db_next(rows)) {
        claim->claimed = CLAIM_REFUSED;
        return r;
    }
    struct bt_pairing *pairing = &claim->pairing;
    bt_copy_cut(pairing->public_key, sizeof(pairing->public_key), reclaim->public_key);
    bt_copy_cut(pairing->id, sizeof(pairing->id), bt_db_get_text(rows, 0));
    bt_copy_cut(pairing->model, sizeof(pairing->model), bt_db_get_text(rows, 1));
    bt_copy_cut(pairing->version, sizeof(pairing->version), bt_db_get_text(rows, 2));
    bt_copy_cut(pairing->root_sha256, sizeof(pairing->root_sha256), bt_db_get_text(rows, 3));
    bt_copy_cut(pairing->player, sizeof(pairing->player), bt_db_get_text(rows, 4));
    return pairing->player[0] != '\0' ? look_again(call, claim, err) : pair(call, claim, err);
}

int bt_handle_screen_player(struct bt_call *call, struct bt_error *err)
{
    struct reclaim reclaim = {0};
    if (!bt_call_read(call, reclaim_fields, BT_ARRAY_LEN(reclaim_fields), &reclaim)) {
        return 0;
    }
    struct claim *claim = &reclaim.claim;
    bt_copy_cut(claim->gift.screen, sizeof(claim->gift.screen), bt_call_path(call, "screen"));
    int r = bt_call_write(call, try_reclaim, &reclaim, err);
    if (r < 0) {
        return r;
    }
    if (claim->claimed == CLAIM_DONE) {
        return answer_claim(call, claim);
    }
    return bt_call_problem(call, 404, "no-such-pairing",
                           "Máy phát có khóa này hiện không chờ ghép.",
                           "No player with this key waits to be paired.");
}

int bt_handle_pairing_claim(struct bt_call *call, struct bt_error *err)
{
    struct claim claim = {0};
    if (!bt_call_read(call, claim_fields, BT_ARRAY_LEN(claim_fields), &claim)) {
        return 0;
    }
    int r = bt_call_write(call, try_claim, &claim, err);
    if (r < 0) {
        return r;
    }
    switch (claim.claimed) {
    case CLAIM_DONE:
        return answer_claim(call, &claim);
    case CLAIM_TAKEN:
        return bt_call_problem(call, 409, "already-claimed", "Mã này đã được ghép nối.",
                               "This code has been claimed already.");
    case CLAIM_WORDS_DIFFER:
        return bt_call_problem(
            call, 409, "words-differ",
            "Các từ không khớp với từ trên màn hình. Không ghép nối: có thể có kẻ"
            " đứng giữa máy phát và máy chủ.",
            "The words are not those on the screen. Do not pair: somebody may"
            " stand between the player and the server.");
    case CLAIM_NO_SCREEN:
        return bt_call_problem(call, 404, "not-found", "Không có màn hình này.",
                               "There is no such screen.");
    case CLAIM_REFUSED:
        break;
    }
    return bt_pairing_refuse(call, claim.found);
}
