#include "playlists/publication.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// Documents in this file are written with ' for ", so that they can be read.
static char *json(const char *quoted)
{
    char *text = bt_strdup(quoted);
    for (char *c = strchr(text, '\''); c != NULL; c = strchr(c, '\'')) {
        *c = '"';
    }
    return text;
}

static int parse(const char *quoted, enum bt_unknown_keys unknown, struct bt_publication **out,
                 struct bt_error *err)
{
    BT_AUTOFREE char *text = json(quoted);
    return bt_publication_parse(text, strlen(text), unknown, out, err);
}

static struct bt_publication *read_valid(const char *quoted)
{
    struct bt_publication *pub = NULL;
    struct bt_error err = {0};
    if (parse(quoted, BT_UNKNOWN_REFUSE, &pub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return pub;
}

// Everything a publication can say.
static const char full[] =
    "{'format':1,'requires':[],'id':'bn.nq57','version':7,'layer':'unit',"
    "'unit':'Sở Khoa học và Công nghệ','title':'Chuyển đổi số',"
    "'valid':{'from':'2026-11-01T00:00:00+07:00','until':'2027-01-01T00:00:00+07:00'},"
    "'activate':'2026-11-01T06:00:00+07:00',"
    "'canvas':{'width':1920,'height':1080,'time_zone':'Asia/Ho_Chi_Minh','background':'#102030'},"
    "'assets':["
    "{'name':'bia','sha256':'" SHA "','size':1000,'type':'image/png','width':1920,'height':900},"
    "{'name':'phim','sha256':'" SHA "','size':2000,'type':'video/mp4','duration_ms':15040},"
    "{'name':'dong','sha256':'" SHA "','size':3000,'type':'image/gif','duration_ms':4000}],"
    "'campaigns':[{'id':'nq57','name':'Nghị quyết 57','from':'2026-11-01T00:00:00Z',"
    "'until':'2026-12-01T00:00:00Z','goal_plays':500,'weight':3}],"
    "'playlists':[{'name':'chinh','items':["
    "{'id':'anh','type':'image','asset':'bia','seconds':8.5,'title':'Bìa','campaign':'nq57',"
    "'from':'2026-11-02T00:00:00Z','until':'2026-11-03T00:00:00Z','fit':'cover',"
    "'focus':{'x':0.25,'y':1},'background':'#ff000080','transition':{'type':'crossfade','ms':800},"
    "'motion':{'from':{'x':0.5,'y':0.5,'zoom':1},'to':{'x':0.25,'y':1,'zoom':1.125}}},"
    "{'id':'clip','type':'video','asset':'phim','fit':'stretch','transition':{'type':'cut'}},"
    "{'id':'bo','type':'set','seconds':6,'cards':[{'asset':'bia'},{'asset':'dong','seconds':9}],"
    "'transition':{'type':'push','ms':700,'towards':'up'}},"
    "{'id':'gif','type':'image','asset':'dong',"
    "'transition':{'type':'fade','ms':600,'colour':'#ffffff'}},"
    "{'id':'chu','type':'text','text':'Xin chào\\nquê hương','seconds':5,'style':{'font':"
    "'Noto Sans','bold':true,'size':72,'line_percent':120,'colour':'#FFCC00',"
    "'background':'#00000000','align':'left','valign':'top','padding':24}}]},"
    "{'name':'phu','items':[{'id':'chay','type':'crawl','text':'Tin chạy','speed':3},"
    "{'id':'gio','type':'clock'},{'id':'ngay','type':'clock','pattern':'%d/%m','seconds':10},"
    "{'id':'nen','type':'colour','colour':'#da251d'}]}],"
    "'layouts':[{'name':'thuong','zones':["
    "{'name':'chinh','x':0,'y':0,'width':1920,'height':900,'order':1,'playlist':'chinh'},"
    "{'name':'chan','x':0,'y':900,'width':1920,'height':180,'playlist':'phu'}]},"
    "{'name':'toan','zones':[{'name':'chinh','playlist':'chinh'}]}],"
    "'schedule':["
    "{'id':'dem','zone':'chinh','playlist':'phu','priority':'priority','weight':5,"
    "'share_percent':30,'from':'2026-11-01T00:00:00+07:00','until':'2026-12-01T00:00:00+07:00',"
    "'first_day':'2026-11-05','last_day':'2026-11-07','times':'22:00-02:00',"
    "'weekdays':['mon','sun']},"
    "{'layout':'toan','repeat':{'rrule':'FREQ=WEEKLY;BYDAY=SA','start':'2026-11-07T19:00',"
    "'seconds':7200}}],"
    "'fallback':[{'zone':'chinh','playlist':'phu'}]}";

static void the_head_is_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    assert_int_equal(pub->format, 1);
    assert_string_equal(pub->id, "bn.nq57");
    assert_int_equal(pub->version, 7);
    assert_int_equal(pub->layer, BT_LAYER_UNIT);
    assert_string_equal(pub->unit, "Sở Khoa học và Công nghệ");
    assert_string_equal(pub->title, "Chuyển đổi số");
    int64_t from_ms;
    assert_int_equal(bt_rfc3339_parse("2026-10-31T17:00:00Z", &from_ms), 0);
    assert_true(pub->valid_from_ms == from_ms);
    assert_true(pub->valid_until_ms == from_ms + 61 * INT64_C(86400000));
    assert_int_equal(pub->activate, BT_ACTIVATE_TIME);
    assert_true(pub->activate_ms == from_ms + 6 * 3600 * 1000);
    assert_int_equal(pub->canvas.width, 1920);
    assert_int_equal(pub->canvas.height, 1080);
    assert_string_equal(pub->canvas.time_zone, "Asia/Ho_Chi_Minh");
    assert_int_equal(pub->canvas.background.b, 0x30);
    BT_AUTOFREE char *text = json(full);
    struct bt_sha256 hash = bt_sha256_of(text, strlen(text));
    assert_memory_equal(&pub->sha256, &hash, sizeof(hash));
}

static void assets_and_campaigns_are_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    assert_int_equal(pub->asset_count, 3);
    const struct bt_asset *clip = &pub->assets[1];
    assert_string_equal(clip->name, "phim");
    assert_string_equal(clip->type, "video/mp4");
    assert_int_equal(clip->sha256.bytes[1], 0x23);
    assert_int_equal(clip->size, 2000);
    assert_int_equal(clip->duration_ms, 15040);
    assert_int_equal(clip->width, 0);
    assert_int_equal(pub->assets[0].height, 900);
    assert_int_equal(pub->campaign_count, 1);
    assert_string_equal(pub->campaigns[0].name, "Nghị quyết 57");
    assert_int_equal(pub->campaigns[0].goal_plays, 500);
    assert_int_equal(pub->campaigns[0].weight, 3);
    assert_true(pub->campaigns[0].until_ms - pub->campaigns[0].from_ms == 30 * INT64_C(86400000));
}

static void a_fitted_item_is_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    assert_int_equal(pub->playlist_count, 2);
    assert_int_equal(pub->playlists[0].item_count, 5);
    const struct bt_item *item = &pub->playlists[0].items[0];
    assert_string_equal(item->id, "anh");
    assert_string_equal(item->title, "Bìa");
    assert_int_equal(item->type, BT_ITEM_IMAGE);
    assert_int_equal(item->campaign, 0);
    assert_true(item->until_ms - item->from_ms == 86400000);
    assert_int_equal(item->fit, BT_FIT_COVER);
    assert_int_equal(item->focus_x, 250);
    assert_int_equal(item->focus_y, 1000);
    assert_int_equal(item->background.a, 0x80);
    assert_int_equal(item->transition.type, BT_TRANSITION_CROSSFADE);
    assert_int_equal(item->transition.ms, 800);
    assert_int_equal(item->card_count, 1);
    assert_int_equal(item->cards[0].asset, 0);
    assert_int_equal(item->cards[0].duration_ms, 8500);
}

static void what_moves_is_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    const struct bt_item *items = pub->playlists[0].items;
    assert_true(items[0].motion.moves);
    assert_int_equal(items[0].motion.from.zoom, 1000);
    assert_int_equal(items[0].motion.to.x, 250);
    assert_int_equal(items[0].motion.to.y, 1000);
    assert_int_equal(items[0].motion.to.zoom, 1125);
    assert_int_equal(items[1].transition.type, BT_TRANSITION_CUT);
    assert_false(items[1].motion.moves);
    assert_int_equal(items[2].transition.type, BT_TRANSITION_PUSH);
    assert_int_equal(items[2].transition.towards, BT_TOWARDS_UP);
    assert_int_equal(items[2].transition.ms, 700);
    assert_int_equal(items[3].transition.type, BT_TRANSITION_FADE);
    assert_int_equal(items[3].transition.colour.g, 255);
    assert_int_equal(items[3].transition.colour.a, 255);
}

static void lengths_come_from_the_item_its_cards_or_the_asset(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    const struct bt_item *items = pub->playlists[0].items;
    assert_true(bt_card_length_ms(pub, &items[0], 0) == 8500);
    assert_true(bt_card_length_ms(pub, &items[1], 0) == 15040);
    assert_int_equal(items[2].card_count, 2);
    assert_true(bt_card_length_ms(pub, &items[2], 0) == 6000);
    assert_true(bt_card_length_ms(pub, &items[2], 1) == 9000);
    assert_true(bt_card_length_ms(pub, &items[3], 0) == 4000);
    const struct bt_item *more = pub->playlists[1].items;
    assert_true(bt_card_length_ms(pub, &more[0], 0) == BT_ENDLESS_MS);
    assert_true(bt_card_length_ms(pub, &more[1], 0) == BT_ENDLESS_MS);
    assert_true(bt_card_length_ms(pub, &more[2], 0) == 10000);
    assert_true(bt_card_length_ms(pub, &more[3], 0) == BT_ENDLESS_MS);
}

static void texts_and_styles_are_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    const struct bt_item *text = &pub->playlists[0].items[4];
    assert_string_equal(text->text, "Xin chào\nquê hương");
    assert_int_equal(text->style.family, BT_FAMILY_SANS);
    assert_true(text->style.bold);
    assert_int_equal(text->style.size_px, 72);
    assert_int_equal(text->style.line_percent, 120);
    assert_int_equal(text->style.colour.g, 0xCC);
    assert_int_equal(text->style.background.a, 0);
    assert_int_equal(text->style.align, BT_ALIGN_LEFT);
    assert_int_equal(text->style.valign, BT_VALIGN_TOP);
    assert_int_equal(text->style.padding_px, 24);
    const struct bt_item *more = pub->playlists[1].items;
    assert_int_equal(more[0].speed_px, 3);
    assert_int_equal(more[0].style.align, BT_ALIGN_CENTER);
    assert_string_equal(more[1].text, "%H:%M");
    assert_string_equal(more[2].text, "%d/%m");
    assert_null(more[3].text);
    assert_int_equal(more[3].background.r, 0xDA);
}

static void layouts_and_zones_are_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    assert_int_equal(pub->layout_count, 2);
    assert_string_equal(pub->layouts[1].name, "toan");
    const struct bt_zone *foot = &pub->layouts[0].zones[1];
    assert_string_equal(foot->name, "chan");
    assert_int_equal(foot->rect.y, 900);
    assert_int_equal(foot->rect.height, 180);
    assert_int_equal(foot->playlist, 1);
    assert_int_equal(pub->layouts[0].zones[0].order, 1);
    const struct bt_zone *whole = &pub->layouts[1].zones[0];
    assert_int_equal(whole->rect.width, 1920);
    assert_int_equal(whole->rect.height, 1080);
}

static void rules_come_from_zones_schedule_and_fallback(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    assert_int_equal(pub->rule_count, 5);  // 'chinh' stands in two layouts and is one rule
    const struct bt_rule *own = &pub->rules[1];
    assert_string_equal(own->id, "layouts[0].zones[1]");
    assert_string_equal(own->zone, "chan");
    assert_int_equal(own->priority, BT_PRIORITY_NORMAL);
    assert_int_equal(own->weight, 1);
    assert_true(own->when.from_ms == INT64_MIN && own->when.date_until_s == INT64_MAX);
    assert_int_equal(own->when.time_until_s, 86400);
    assert_int_equal(own->when.weekdays, 0x7F);
    const struct bt_rule *layout = &pub->rules[3];
    assert_string_equal(layout->id, "schedule[1]");
    assert_string_equal(layout->zone, "");
    assert_string_equal(layout->layout, "toan");
    assert_int_equal(layout->playlist, -1);
    const struct bt_rule *fallback = &pub->rules[4];
    assert_string_equal(fallback->id, "fallback[0]");
    assert_int_equal(fallback->priority, BT_PRIORITY_FALLBACK);
    assert_int_equal(fallback->playlist, 1);
}

static void a_rule_says_when_it_holds(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid(full);
    const struct bt_rule *night = &pub->rules[2];
    assert_string_equal(night->id, "dem");
    assert_int_equal(night->priority, BT_PRIORITY_PRIORITY);
    assert_int_equal(night->weight, 5);
    assert_int_equal(night->share_percent, 30);
    assert_true(night->when.until_ms - night->when.from_ms == 30 * INT64_C(86400000));
    assert_true(night->when.date_until_s - night->when.date_from_s == 3 * 86400);
    assert_int_equal(night->when.time_from_s, 22 * 3600);
    assert_int_equal(night->when.time_until_s, 26 * 3600);
    assert_int_equal(night->when.weekdays, 0x41);
    const struct bt_when *weekly = &pub->rules[3].when;
    assert_string_equal(weekly->rrule, "FREQ=WEEKLY;BYDAY=SA");
    int64_t start_s = bt_civil_to_s(&(struct bt_civil){2026, 11, 7, 19, 0, 0});
    assert_true(weekly->rrule_start_s == start_s);
    assert_int_equal(weekly->rrule_length_s, 7200);
}

static void the_least_publication_has_defaults(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = read_valid("{'format':1,'id':'a','version':1}");
    assert_int_equal(pub->layer, BT_LAYER_UNIT);
    assert_int_equal(pub->activate, BT_ACTIVATE_BOUNDARY);
    assert_int_equal(pub->canvas.width, 0);
    assert_true(pub->valid_from_ms == INT64_MIN && pub->valid_until_ms == INT64_MAX);
    assert_int_equal(pub->rule_count, 0);
}

static void zones_alone_are_one_layout(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    pub = read_valid(
        "{'format':1,'id':'a','version':1,'activate':'now','canvas':{'width':640,'height':360},"
        "'zones':[{'name':'main'}]}");
    assert_int_equal(pub->activate, BT_ACTIVATE_NOW);
    assert_string_equal(pub->canvas.time_zone, "Asia/Ho_Chi_Minh");
    assert_int_equal(pub->canvas.background.a, 255);
    assert_int_equal(pub->layout_count, 1);
    assert_string_equal(pub->layouts[0].name, BT_ONLY_LAYOUT);
    assert_int_equal(pub->layouts[0].zones[0].rect.width, 640);
    assert_int_equal(pub->layouts[0].zones[0].playlist, -1);
    assert_int_equal(pub->rule_count, 0);
}

static void rules_of_the_emergency_layer_are_emergencies(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    pub = read_valid(
        "{'format':1,'id':'a','version':1,'layer':'emergency','playlists':[{'name':'p','items':["
        "{'id':'i','type':'colour','colour':'#ff0000'}]}],'schedule':[{'zone':'z','playlist':'p'},"
        "{'zone':'z','playlist':'p','priority':'normal'}]}");
    assert_int_equal(pub->rules[0].priority, BT_PRIORITY_EMERGENCY);
    assert_int_equal(pub->rules[1].priority, BT_PRIORITY_NORMAL);
}

static void unknown_keys_are_ignored_or_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{'format':1,'id':'a','version':1,'canvas':{'width':1,'height':1,'depth':3}}";
    BT_AUTO(bt_publication) pub = NULL;
    struct bt_error err = {0};
    assert_int_equal(parse(text, BT_UNKNOWN_REFUSE, &pub, &err), -EINVAL);
    assert_string_equal(err.msg, "canvas: the key 'depth' is not known here");
    assert_null(pub);
    assert_int_equal(parse(text, BT_UNKNOWN_IGNORE, &pub, &err), 0);
    assert_int_equal(pub->canvas.width, 1);
}

static void tomorrows_formats_and_features_are_told_from_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{'format':2,'everything':'else differs'}",
         "'format' is 2, but this program reads publications up to format 1"},
        {"{'format':1,'requires':['holograms'],'id':'!'}",
         "'requires' names 'holograms', which this program does not know; a newer one is needed"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(rows); i++) {
        struct bt_publication *pub = NULL;
        struct bt_error err = {0};
        assert_int_equal(parse(rows[i].text, BT_UNKNOWN_IGNORE, &pub, &err), -EPROTONOSUPPORT);
        assert_string_equal(err.msg, rows[i].message);
        assert_null(pub);
    }
}

static void too_long_a_text_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct bt_publication *pub = NULL;
    struct bt_error err = {0};
    assert_int_equal(
        bt_publication_parse("", BT_PUBLICATION_MAX_BYTES + 1, BT_UNKNOWN_IGNORE, &pub, &err),
        -EMSGSIZE);
    assert_string_equal(err.msg, "4194305 bytes are more than a publication's 4194304");
}

// As many assets as there may be, and `playlists` playlists of as many items.
static char *large_document(int playlists, size_t *out_len)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = bt_buf_appendf(&text, "{\"format\":1,\"id\":\"a\",\"version\":1,\"assets\":[");
    for (int i = 0; i < BT_MAX_ASSETS; i++) {
        r |= bt_buf_appendf(&text,
                            "%s{\"name\":\"asset-%d\",\"sha256\":\"" SHA "\",\"size\":9,"
                            "\"type\":\"image/png\"}",
                            i == 0 ? "" : ",", i * 7919 % BT_MAX_ASSETS);
    }
    r |= bt_buf_appendf(&text, "],\"playlists\":[");
    for (int p = 0; p < playlists; p++) {
        r |= bt_buf_appendf(&text, "%s{\"name\":\"p%d\",\"items\":[", p == 0 ? "" : ",", p);
        for (int i = 0; i < BT_MAX_ITEMS; i++) {
            r |=
                bt_buf_appendf(&text,
                               "%s{\"id\":\"item-%d-%d\",\"type\":\"image\",\"asset\":\"asset-%d\","
                               "\"seconds\":9.5}",
                               i == 0 ? "" : ",", p, i, i);
        }
        r |= bt_buf_appendf(&text, "]}");
    }
    r |= bt_buf_appendf(&text, "]}");
    assert_int_equal(r, 0);
    *out_len = text.len;
    return bt_strndup(bt_buf_text(&text), text.len);
}

static void the_largest_document_is_read(void **state)
{
    (void)state;
    size_t len;
    BT_AUTOFREE char *text = large_document(BT_MAX_ALL_ITEMS / BT_MAX_ITEMS, &len);
    BT_AUTO(bt_publication) pub = NULL;
    struct bt_error err = {0};
    if (bt_publication_parse(text, len, BT_UNKNOWN_REFUSE, &pub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    const struct bt_playlist *last = &pub->playlists[pub->playlist_count - 1];
    const struct bt_item *item = &last->items[BT_MAX_ITEMS - 1];
    assert_string_equal(pub->assets[item->cards[0].asset].name, "asset-4095");
}

static void one_item_more_is_refused(void **state)
{
    (void)state;
    size_t len;
    BT_AUTOFREE char *text = large_document(BT_MAX_ALL_ITEMS / BT_MAX_ITEMS + 1, &len);
    struct bt_publication *pub = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_publication_parse(text, len, BT_UNKNOWN_REFUSE, &pub, &err), -EINVAL);
    assert_string_equal(err.msg,
                        "playlists[4].items[0]: more than 16384 items in all playlists together");
}

static void what_a_screen_carries_and_allows_is_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    pub =
        read_valid("{'format':1,'id':'m','version':4,'layer':'screen','lifts':['t-1','t-2'],"
                   "'carries':['p/chung','u/31333/quang-truong'],"
                   "'players':['b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c'],"
                   "'limits':{'volume_percent':0,'province_share_percent':30,"
                   "'sound_times':['06:30-11:30','22:00-01:00']}}");
    assert_int_equal(pub->carry_count, 2);
    assert_string_equal(pub->carries[1].target, "u/31333/quang-truong");
    assert_int_equal(pub->lift_count, 2);
    assert_string_equal(pub->lifts[1].takedown, "t-2");
    assert_int_equal(pub->limits.volume_percent, 0);
    assert_int_equal(pub->limits.brightness_percent, 100);
    assert_int_equal(pub->limits.province_share_percent, 30);
    assert_int_equal(pub->limits.sound_time_count, 2);
    assert_int_equal(pub->limits.sound_times[1].from_s, 22 * 3600);
    assert_int_equal(pub->limits.sound_times[1].until_s, 25 * 3600);
}

static void where_the_canvas_stands_is_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    pub = read_valid("{'format':1,'id':'m','version':4,'layer':'screen',"
                     "'canvas':{'width':384,'height':192},"
                     "'output':{'mode':{'width':1920,'height':1080,'hz':50},'x':7,'y':9,"
                     "'rotation':270,'curves':{'green':[0,64,255]},'dimming_percent':50,"
                     "'pixel_shift':{'px':4,'minutes':3}}}");
    const struct bt_output_plan *plan = &pub->output;
    assert_int_equal(plan->mode_width, 1920);
    assert_int_equal(plan->mode_hz, 50);
    assert_int_equal(plan->slice_count, 1);
    const struct bt_rect place = bt_slice_place(&plan->slices[0]);
    assert_int_equal(place.x, 7);
    assert_int_equal(place.y, 9);
    assert_int_equal(place.width, 192);
    assert_int_equal(place.height, 384);
    assert_true(plan->has_curves);
    assert_int_equal(plan->curves[0][255], 128);
    assert_int_equal(plan->curves[1][127], 32);
    assert_int_equal(plan->shift_px, 4);
    assert_int_equal(plan->shift_minutes, 3);
}

static void slices_and_folds_are_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    cut = read_valid("{'format':1,'id':'m','version':4,'layer':'screen',"
                     "'canvas':{'width':384,'height':192},"
                     "'output':{'mode':{'width':640,'height':480},'slices':["
                     "{'from':{'width':192,'height':192},'to':{'x':1,'y':2}},"
                     "{'from':{'x':192,'width':192,'height':96},'to':{'x':400,'y':0},"
                     "'rotation':180}]}}");
    assert_int_equal(cut->output.slice_count, 2);
    assert_int_equal(cut->output.slices[1].from.x, 192);
    assert_int_equal(cut->output.slices[1].rotation, 180);
    assert_false(cut->output.has_curves);
    BT_AUTO(bt_publication)
    folded = read_valid("{'format':1,'id':'m','version':4,'layer':'screen',"
                        "'canvas':{'width':3200,'height':96},"
                        "'output':{'mode':{'width':1920,'height':1080},'fold':{'width':1280}}}");
    assert_int_equal(folded->output.slice_count, 3);
    assert_int_equal(folded->output.slices[2].from.width, 640);
    assert_int_equal(folded->output.slices[2].y, 192);
    BT_AUTO(bt_publication)
    nothing = read_valid("{'format':1,'id':'m','version':4,'layer':'screen'}");
    assert_int_equal(nothing->output.slice_count, 0);
}

static void windows_are_read_with_their_slices(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    pub = read_valid("{'format':1,'id':'m','version':4,'layer':'screen',"
                     "'canvas':{'width':384,'height':192},"
                     "'output':{'dimming_percent':40,'windows':["
                     "{'name':'trai','x':0,'y':4,'width':200,'height':192,'slices':["
                     "{'from':{'width':100,'height':192},'to':{'x':100,'y':0}},"
                     "{'from':{'x':100,'width':92,'height':92},'to':{'x':0,'y':0},'rotation':90}]},"
                     "{'name':'phai','display':2,'width':192,'height':192,'slices':["
                     "{'from':{'x':192,'width':192,'height':192},'to':{'x':0,'y':0}}]}]}}");
    const struct bt_output_plan *plan = &pub->output;
    assert_int_equal(plan->mode_width, 0);
    assert_int_equal(plan->window_count, 2);
    assert_int_equal(plan->slice_count, 3);
    assert_string_equal(plan->windows[0].name, "trai");
    assert_int_equal(plan->windows[0].display, 0);
    assert_int_equal(plan->windows[0].y, 4);
    assert_int_equal(plan->windows[1].display, 2);
    assert_int_equal(plan->slices[1].rotation, 90);
    assert_int_equal(plan->slices[1].window, 0);
    assert_int_equal(plan->slices[2].window, 1);
    assert_true(plan->has_curves);
}

static void the_fields_of_a_template_are_read(void **state)
{
    (void)state;
    BT_AUTO(bt_publication)
    pub = read_valid("{'format':1,'id':'m','version':1,'layer':'emergency',"
                     "'fields':[{'name':'cap','type':'number','max_bytes':2},"
                     "{'name':'den','type':'time'}],"
                     "'playlists':[{'name':'p','items':[{'id':'i','type':'text','seconds':9,"
                     "'text':'Cấp {cap}, đến {den}; {không phải tên} {'}]}]}");
    assert_int_equal(pub->field_count, 2);
    assert_string_equal(pub->fields[0].name, "cap");
    assert_int_equal(pub->fields[0].type, BT_FIELD_NUMBER);
    assert_int_equal(pub->fields[0].max_bytes, 2);
    assert_int_equal(pub->fields[1].type, BT_FIELD_TIME);
    assert_int_equal(pub->fields[1].max_bytes, BT_FIELD_MAX_BYTES);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct bt_publication *pub = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_publication_load("/nowhere/a.json", BT_UNKNOWN_REFUSE, &pub, &err),
                     -ENOENT);
    assert_non_null(strstr(err.msg, "/nowhere/a.json"));
    assert_null(pub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_is_read),
        cmocka_unit_test(assets_and_campaigns_are_read),
        cmocka_unit_test(a_fitted_item_is_read),
        cmocka_unit_test(what_moves_is_read),
        cmocka_unit_test(lengths_come_from_the_item_its_cards_or_the_asset),
        cmocka_unit_test(texts_and_styles_are_read),
        cmocka_unit_test(layouts_and_zones_are_read),
        cmocka_unit_test(rules_come_from_zones_schedule_and_fallback),
        cmocka_unit_test(a_rule_says_when_it_holds),
        cmocka_unit_test(the_least_publication_has_defaults),
        cmocka_unit_test(zones_alone_are_one_layout),
        cmocka_unit_test(rules_of_the_emergency_layer_are_emergencies),
        cmocka_unit_test(unknown_keys_are_ignored_or_refused),
        cmocka_unit_test(tomorrows_formats_and_features_are_told_from_mistakes),
        cmocka_unit_test(too_long_a_text_is_refused_before_it_is_read),
        cmocka_unit_test(the_largest_document_is_read),
        cmocka_unit_test(one_item_more_is_refused),
        cmocka_unit_test(what_a_screen_carries_and_allows_is_read),
        cmocka_unit_test(where_the_canvas_stands_is_read),
        cmocka_unit_test(slices_and_folds_are_read),
        cmocka_unit_test(windows_are_read_with_their_slices),
        cmocka_unit_test(the_fields_of_a_template_are_read),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
