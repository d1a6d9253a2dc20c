#include <cjson/cJSON.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/director_parts.h"
#include "plays/record.h"

// What is on changes with every item; the server wants to know, but not of every one.
#define ON_NS (30 * BT_NS_PER_S)
#define LOOK_NS (BT_NS_PER_S / 5)

static cJSON *publications(const struct bt_director *director)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < director->on.count; i++) {
        const struct bt_listed *listed = &director->on.listed[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "target", listed->target);
        cJSON_AddStringToObject(entry, "id", listed->id);
        cJSON_AddNumberToObject(entry, "version", (double)listed->version);
        cJSON_AddNumberToObject(entry, "since_ms", (double)director->on.since_ms[i]);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

static cJSON *on(const struct bt_stage *stage)
{
    cJSON *list = cJSON_CreateArray();
    const struct bt_cast *cast = bt_stage_is_blank(stage) ? NULL : bt_stage_cast(stage);
    for (size_t i = 0; cast != NULL && i < bt_cast_count(cast); i++) {
        struct bt_zone_player *zone = bt_cast_zone(cast, i);
        const struct bt_evidence_log *evidence = bt_zone_player_evidence(zone);
        int64_t pts_ms;
        bool is_new;
        const struct bt_play_start *play = bt_zone_player_on(zone, &pts_ms, &is_new);
        if (play == NULL) {
            continue;
        }
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "zone", play->zone);
        cJSON_AddStringToObject(entry, "publication", play->publication);
        cJSON_AddStringToObject(entry, "item", play->item);
        if (bt_str_equal(play->kind, "local-stream")) {
            cJSON_AddBoolToObject(entry, "local", true);
        }
        cJSON_AddNumberToObject(entry, "since_ms",
                                evidence->play != 0 ? (double)evidence->start.wall_ms : 0);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

static void add_trouble(cJSON *object, const char *code, const char *detail, int64_t since_ms)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "troubles");
    cJSON *trouble = cJSON_CreateObject();
    cJSON_AddStringToObject(trouble, "code", code);
    cJSON_AddStringToObject(trouble, "detail", detail);
    cJSON_AddNumberToObject(trouble, "since_ms", (double)since_ms);
    cJSON_AddItemToArray(list != NULL ? list : cJSON_AddArrayToObject(object, "troubles"), trouble);
}

static void add_decoders(const struct bt_stage *stage, cJSON *object)
{
    struct bt_decoders *decoders = bt_kitchen_decoders(bt_stage_house(stage)->kitchen);
    struct bt_decoder_failures failures = {0};
    if (decoders != NULL) {
        bt_decoders_failures(decoders, &failures);
    }
    if (failures.count > 0) {
        add_trouble(object, "decoder-failed", failures.last.msg, failures.since_ms);
    }
}

static void add_emergency(const struct bt_director *director, struct bt_stage *stage, cJSON *object)
{
    const char *id = director->on.content.emergency;
    const struct bt_unshown *unshown = &director->unshown;
    cJSON *shown = cJSON_AddArrayToObject(object, "emergency");
    if (id[0] != '\0' && bt_director_shows_emergency(director, stage, id)) {
        cJSON_AddItemToArray(shown, cJSON_CreateString(id));
    }
    if (unshown->why != NULL) {
        add_trouble(object, "emergency-not-shown", unshown->why, unshown->since_ms);
    }
}

// Streams that are not ready, and those that the screen does not allow.
static void add_streams(const struct bt_director *director, const struct bt_cast *cast,
                        cJSON *object)
{
    struct bt_live_house *house = bt_kitchen_lives(director->options.kitchen);
    struct bt_live_said said[BT_MAX_LIVES];
    size_t count = house != NULL ? bt_live_house_said(house, said) : 0;
    for (size_t i = 0; i < count; i++) {
        BT_AUTOFREE char *detail =
            bt_strf("%s'%s': %s", said[i].local ? "nguồn tại chỗ / local " : "", said[i].name,
                    said[i].why.msg);
        if (!said[i].ready) {
            add_trouble(object, "stream-not-ready", detail, said[i].since_ms);
        }
    }
    if (cast != NULL && bt_show_forbidden_streams(bt_cast_show(cast)) > 0) {
        add_trouble(object, "streams-not-allowed",
                    "màn hình không cho truyền trực tiếp / the screen does not allow live streams",
                    0);
    }
}

static void add_clock(cJSON *object, struct bt_running_order *order, int64_t anchor_ns)
{
    enum bt_clock_trust trust;
    int64_t anchor_ms = bt_running_order_wall_ms(order, anchor_ns, &trust);
    cJSON_AddNumberToObject(object, "anchor_ms", (double)anchor_ms);
    cJSON *clock = cJSON_AddObjectToObject(object, "clock");
    cJSON_AddStringToObject(clock, "trust", bt_clock_trust_word((int)trust));
}

// The most that may be heard now, and whether it is.
static void add_sound(const struct bt_director *director, const struct bt_stage *stage,
                      cJSON *object)
{
    static const char *const words[] = {
        [BT_STAGE_SOUND_NONE] = "none",           [BT_STAGE_SOUND_OK] = "ok",
        [BT_STAGE_SOUND_NO_DEVICE] = "no-device", [BT_STAGE_SOUND_LIMITED] = "limited",
        [BT_STAGE_SOUND_CURFEW] = "curfew",
    };
    const struct bt_cast *cast = bt_stage_cast(stage);
    int64_t limit = cast != NULL ? bt_show_limits(bt_cast_show(cast))->volume_percent : 100;
    cJSON_AddNumberToObject(object, "volume_percent",
                            (double)BT_MIN(limit, director->volume_percent));
    cJSON *sound = cJSON_AddObjectToObject(object, "sound");
    cJSON_AddStringToObject(sound, "state", words[bt_stage_sound(stage)]);
}

// What the server is told of at once.
static cJSON *state(const struct bt_director *director, struct bt_stage *stage)
{
    struct bt_stage_info info;
    bt_stage_info(stage, &info);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, "publications", publications(director));
    add_emergency(director, stage, object);
    add_decoders(stage, object);
    cJSON_AddBoolToObject(object, "blank", bt_stage_is_blank(stage));
    add_sound(director, stage, object);
    cJSON_AddNumberToObject(object, "brightness_percent",
                            bt_stage_overlays_shown(stage)->light_percent);
    cJSON *display = cJSON_AddObjectToObject(object, "display");
    cJSON_AddNumberToObject(display, "width", info.output != NULL ? info.output->width : 0);
    cJSON_AddNumberToObject(display, "height", info.output != NULL ? info.output->height : 0);
    cJSON_AddNumberToObject(display, "refresh_hz", (double)(int)(info.refresh_hz + 0.5));
    if (info.panel != BT_PANEL_UNKNOWN) {
        cJSON_AddStringToObject(display, "state", bt_panel_word(info.panel));
    }
    if (info.wrong_mode[0] != '\0') {
        add_trouble(object, "wrong-mode", info.wrong_mode, info.wrong_mode_ms);
    }
    const struct bt_cast *cast = bt_stage_cast(stage);
    add_streams(director, cast, object);
    if (cast != NULL) {
        add_clock(object, bt_cast_order(cast), info.anchor_ns);
    }
    return object;
}

static void send_status(struct bt_director *director, cJSON *object, cJSON *shown,
                        const struct bt_stage *stage)
{
    struct bt_stage_info info;
    bt_stage_info(stage, &info);
    cJSON_AddItemReferenceToObject(object, "on", shown);
    cJSON_AddNumberToObject(object, "presented", (double)info.presented);
    cJSON_AddNumberToObject(object, "dropped", (double)info.dropped);
    char *text = cJSON_PrintUnformatted(object);
    if (text != NULL) {
        director->options.source.set_status(director->options.source.context, text);
    }
    free(text);
}

static void keep(char **kept, char *text)
{
    free(*kept);
    *kept = text;
}

void bt_director_tell_status(struct bt_director *director, struct bt_stage *stage)
{
    int64_t now_ns = bt_director_now_ns();
    if (now_ns - director->looked_ns < LOOK_NS && !director->fresh) {
        return;
    }
    director->looked_ns = now_ns;
    BT_AUTOJSON *object = state(director, stage);
    BT_AUTOJSON *shown = on(stage);
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(object);
    BT_AUTOFREE char *on_text = cJSON_PrintUnformatted(shown);
    bool changed = !bt_str_equal(text, director->told);
    bool moved = !bt_str_equal(on_text, director->told_on) && now_ns - director->told_ns >= ON_NS;
    if (!changed && !moved) {
        return;
    }
    director->told_ns = now_ns;
    keep(&director->told, BT_TAKE(text));
    keep(&director->told_on, BT_TAKE(on_text));
    send_status(director, object, shown, stage);
}
