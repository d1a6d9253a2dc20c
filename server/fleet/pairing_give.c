#include "server/fleet/pairing_give.h"

#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/fleet.h"
#include "server/fleet/hub.h"
#include "server/fleet/orders.h"

// The screen's player and whoever had this key elsewhere end.
static int end_others(struct bt_call *call, const struct bt_pairing *pairing,
                      struct bt_pairing_gift *gift, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    gift->replaced[0] = gift->moved[0] = '\0';
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT id, screen FROM player WHERE state = 'active'"
                      " AND (screen = $1 OR public_key = $2)",
                      BT_TEXT(gift->screen), BT_TEXT(pairing->public_key));
    while (r == 0 && bt_db_next(rows)) {
        const char *player = bt_db_get_text(rows, 0);
        bool here = bt_str_equal(bt_db_get_text(rows, 1), gift->screen);
        bt_copy_cut(here ? gift->replaced : gift->moved, sizeof(gift->replaced), player);
        r = bt_fleet_end_player(bt_call_db(call), player, "replaced", bt_call_now_ms(call), err);
        r = r < 0 ? r : bt_hub_notify_forget(bt_call_db(call), player, err);
    }
    return r;
}

static int add_player(struct bt_call *call, const struct bt_pairing *pairing,
                      struct bt_pairing_gift *gift, struct bt_error *err)
{
    bt_server_id('d', gift->player);
    int64_t now_ms = bt_call_now_ms(call);
    int64_t r = bt_db_run(
        bt_call_db(call), err,
        "INSERT INTO player(id, screen, unit, public_key, state, model, version, paired_ms,"
        " paired_by, last_order, order_ms, channel, channel_ms)"
        " VALUES($1, $2, $3, $4, 'active', $5, $6, $7, $8, 0, $7, 'never-seen', $7)",
        BT_TEXT(gift->player), BT_TEXT(gift->screen), BT_TEXT(gift->unit),
        BT_TEXT(pairing->public_key), BT_TEXT(pairing->model), BT_TEXT(pairing->version),
        BT_INT(now_ms), BT_TEXT(gift->by));
    r = r < 0 ? r
              : bt_db_run(bt_call_db(call), err,
                          "UPDATE pairing SET player = $2, expires_ms = $3 WHERE id = $1",
                          BT_TEXT(pairing->id), BT_TEXT(gift->player),
                          BT_INT(now_ms + BT_PAIRING_LIVES_S * 1000LL));
    return r < 0 ? (int)r : 0;
}

static cJSON *details_of(const struct bt_pairing *pairing, const struct bt_pairing_gift *gift)
{
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "screen", gift->screen);
    cJSON_AddStringToObject(details, "public_key", pairing->public_key);
    cJSON_AddStringToObject(details, "root_sha256", pairing->root_sha256);
    if (gift->replaced[0] != '\0') {
        cJSON_AddStringToObject(details, "replaced", gift->replaced);
    }
    return details;
}

static int audit_gift(struct bt_call *call, const struct bt_pairing *pairing,
                      const struct bt_pairing_gift *gift, struct bt_error *err)
{
    char object[64];
    int r = bt_format(object, sizeof(object), "player/%s", gift->player);
    if (r < 0) {
        return bt_fail(err, r, "A player's id is too long");
    }
    if (gift->actor == NULL) {
        return bt_audit(call, "player.pair", object, gift->unit, details_of(pairing, gift), err);
    }
    const struct bt_audit_entry entry = {.at_ms = bt_call_now_ms(call),
                                         .actor = gift->actor,
                                         .from = bt_call_remote(call),
                                         .verb = "player.pair",
                                         .object = object,
                                         .unit = gift->unit};
    return bt_audit_write(bt_call_db(call), &entry, details_of(pairing, gift), err);
}

// The screen may have gone since the gate looked.
static int find_unit(struct bt_call *call, struct bt_pairing_gift *gift, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT unit FROM screen WHERE id = $1 AND retired_ms IS NULL",
                      BT_TEXT(gift->screen));
    bt_copy_cut(gift->unit, sizeof(gift->unit),
                r == 0 && bt_db_next(rows) ? bt_db_get_text(rows, 0) : "");
    return r;
}

int bt_pairing_give(struct bt_call *call, const struct bt_pairing *pairing,
                    struct bt_pairing_gift *gift, struct bt_error *err)
{
    int r = find_unit(call, gift, err);
    if (r < 0 || gift->unit[0] == '\0') {
        return r;
    }
    r = end_others(call, pairing, gift, err);
    r = r < 0 ? r : add_player(call, pairing, gift, err);
    r = r < 0 ? r : bt_orders_give_standing(call, gift->screen, gift->player, err);
    return r < 0 ? r : audit_gift(call, pairing, gift, err);
}

void bt_pairing_forget_others(struct bt_hub *hub, const struct bt_pairing_gift *gift)
{
    if (gift->replaced[0] != '\0') {
        bt_hub_forget(hub, gift->replaced);
    }
    if (gift->moved[0] != '\0') {
        bt_hub_forget(hub, gift->moved);
    }
}
