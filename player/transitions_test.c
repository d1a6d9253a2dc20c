/**
 * Every kind of item after every other, with every transition, walked through refresh by refresh
 * and drawn: the next item begins at its instant, nothing but the two pictures is ever seen, and a
 * transition begins with the one and ends with the other. Something urgent may come in its middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sched.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/test_media.h"
#include "player/test_house.h"
#include "player/zone_player.h"
#include "render/compositor.h"
#include "render/region.h"

#define PATIENCE_NS (180 * BT_NS_PER_S)
#define REFRESH_MS 40
#define ITEM_MS 360
#define ITEMS_MAX_BYTES (64 * 1024)

// A walk of so many items ends before the loader holds back what is not due for a while.
#define BOUNDARIES 9
#define ITEMS (BOUNDARIES + 1)

// No item has it; where it is seen the canvas shows through.
static const struct bt_colour bare = {7, 249, 133, 255};

static const char moving_still[] =
    "'type':'image','asset':'lon','fit':'cover',"
    "'motion':{'from':{'x':0.1,'y':0.2,'zoom':1},'to':{'x':0.9,'y':0.5,'zoom':1.7}}";

// What an item of each kind needs beside its id, length and transition. A set has two cards.
static const char *const kinds[] = {
    "'type':'image','asset':'xam'",
    moving_still,
    "'type':'video','asset':'phim'",
    "'type':'set','cards':[{'asset':'xam'},{'asset':'lon'}]",
    "'type':'text','text':'Xin chào','style':{'size':12,'background':'#123456'}",
    "'type':'crawl','text':'Chuyển đổi số','style':{'size':20,'background':'#203040'}",
    "'type':'clock','style':{'size':12}",
    "'type':'colour','colour':'#0a8020'",
    "'type':'image','asset':'dong'",
};
#define KINDS BT_ARRAY_LEN(kinds)
#define SET 3

static const char *const transitions[] = {
    "",
    ",'transition':{'type':'crossfade','ms':160}",
    ",'transition':{'type':'fade','ms':160,'colour':'#00ffff'}",
    ",'transition':{'type':'slide','ms':160,'towards':'%s'}",
    ",'transition':{'type':'push','ms':160,'towards':'%s'}",
    ",'transition':{'type':'wipe','ms':160,'towards':'%s'}",
};

struct walk {
    struct bt_test_house house;
    struct bt_grid grid;
    struct bt_zone_player *zone;
    int64_t start_ns;
    struct bt_compositor *compositor;
    struct bt_image *picture, *last;
    struct bt_zone_view stood;  // what was drawn last of the item before
    int kinds[ITEMS];
};

// Each kind after each once: the cyclic sequence of all words of two letters.
static void order_kinds(int out[KINDS * KINDS])
{
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++) {
        out[count++] = (int)i;
        for (size_t j = i + 1; j < KINDS; j++) {
            out[count++] = (int)i;
            out[count++] = (int)j;
        }
    }
    assert_int_equal(count, KINDS * KINDS);
}

static void list_items(const struct walk *walk, const char *transition, struct bt_buf *out)
{
    static const char *const ways[] = {"left", "right", "up", "down"};
    for (size_t i = 0; i < ITEMS; i++) {
        const char *mark = strstr(transition, "%s");
        size_t head = mark != NULL ? (size_t)(mark - transition) : strlen(transition);
        assert_int_equal(bt_buf_appendf(out, "%s{'id':'n%zu','seconds':0.%d,%s%.*s%s%s}",
                                        i > 0 ? "," : "", i, ITEM_MS, kinds[walk->kinds[i]],
                                        (int)head, transition, mark != NULL ? ways[i % 4] : "",
                                        mark != NULL ? mark + 2 : ""),
                         0);
    }
}

static bool add_media(struct bt_test_house *house)
{
    BT_AUTOFREE char *clip =
        bt_test_media("player-clip.mp4", "-f lavfi -i testsrc2=size=64x36:rate=25:duration=1 "
                                         "-c:v libx264 -pix_fmt yuv420p");
    BT_AUTOFREE char *moving =
        bt_test_media("player-moving.gif", "-f lavfi -i testsrc2=size=64x36:rate=10 -t 1");
    BT_AUTOFREE char *large =
        bt_test_media("player-large.png", "-f lavfi -i testsrc2=size=300x120 -frames:v 1");
    if (clip == NULL || moving == NULL || large == NULL) {
        return false;
    }
    bt_test_house_add_still(house, "xam", 90);
    bt_test_house_add(house, "phim", clip, "video/mp4", 1000);
    bt_test_house_add(house, "dong", moving, "image/gif", 1000);
    bt_test_house_add(house, "lon", large, "image/png", 0);
    return true;
}

static void begin_walk(struct walk *walk, int64_t start_ns)
{
    walk->start_ns = start_ns;
    bt_grid_init(&walk->grid, BT_GRID_TIMED, 1000.0 / REFRESH_MS, walk->start_ns);
    struct bt_loader *loader = bt_loader_create(walk->house.order, walk->house.kitchen, 0);
    const struct bt_show *show = bt_running_order_show(walk->house.order);
    walk->zone = bt_zone_player_create(bt_show_track(show, 0), loader, &walk->grid);
    bt_zone_player_begin(walk->zone, walk->start_ns);
    walk->compositor = bt_compositor_create(64, 36);
    walk->picture = bt_image_create(64, 36);
    walk->last = bt_image_create(64, 36);
}

static void open_walk(struct walk *walk, const char *transition)
{
    BT_AUTOBUF items;
    bt_buf_init(&items, ITEMS_MAX_BYTES);
    list_items(walk, transition, &items);
    begin_walk(walk, bt_test_house_open(&walk->house, bt_buf_text(&items)));
}

static void close_walk(struct walk *walk)
{
    bt_zone_player_stop(walk->zone, BT_END_STOPPED, walk->start_ns);
    bt_zone_player_destroy(walk->zone);
    bt_running_order_destroy(BT_TAKE(walk->house.order));
    bt_kitchen_destroy(BT_TAKE(walk->house.kitchen));
    bt_clock_destroy(BT_TAKE(walk->house.clock));
    bt_compositor_destroy(walk->compositor);
    bt_image_destroy(walk->picture);
    bt_image_destroy(walk->last);
}

static const struct bt_play_start *on(const struct walk *walk)
{
    int64_t pts_ms;
    bool is_new;
    return bt_zone_player_on(walk->zone, &pts_ms, &is_new);
}

static void draw(struct bt_compositor *compositor, const struct bt_zone_view *view,
                 struct bt_image *into)
{
    struct bt_scene scene = {.background = bare, .zone_count = 1};
    scene.zones[0] = *view;
    const struct bt_raster target = bt_raster_of(into);
    assert_true(bt_compositor_draw(compositor, &scene, &target, NULL) >= 0);
}

// Decoders and loaders take their time, which is not the screen's here. What stands until then is
// drawn, as a player would.
static void advance(struct walk *walk, int64_t at_ns, const char *item, int64_t card)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
    for (;;) {
        (void)bt_zone_player_receive(walk->zone);
        bool ready = bt_zone_player_advance(walk->zone, at_ns);
        const struct bt_play_start *play = on(walk);
        if (ready && play != NULL && bt_str_equal(play->item, item) && play->card == card) {
            return;
        }
        if (ready) {
            bt_zone_player_view(walk->zone, at_ns, &walk->stood);
            draw(walk->compositor, &walk->stood, walk->picture);
            memcpy(walk->last->pixels, walk->picture->pixels, walk->picture->stride * 36);
        }
        if (bt_clock_mono_ns(bt_clock_real()) > until_ns) {
            fail_msg("'%s' card %lld is not on", item, (long long)card);
        }
        sched_yield();
    }
}

static void assert_covered(const struct bt_image *picture, const char *item, int64_t ms)
{
    for (size_t i = 0; i < picture->stride * 36; i += 4) {
        const uint8_t *pixel = picture->pixels + i;
        if (pixel[0] == bare.b && pixel[1] == bare.g && pixel[2] == bare.r) {
            fail_msg("'%s' leaves the canvas bare after %lld ms", item, (long long)ms);
        }
    }
}

static void assert_same(const struct bt_image *a, const struct bt_image *b, const char *item,
                        const char *what)
{
    if (memcmp(a->pixels, b->pixels, a->stride * 36) != 0) {
        fail_msg("'%s' does not %s", item, what);
    }
}

static void assert_is_the_new_one_alone(const struct bt_zone_view *view,
                                        const struct bt_image *picture, const char *item)
{
    BT_AUTO(bt_compositor) fresh = bt_compositor_create(64, 36);
    BT_AUTO(bt_image) alone = bt_image_create(64, 36);
    const struct bt_zone_view plain = {.rect = view->rect, .to = view->to, .mix = 1000};
    draw(fresh, &plain, alone);
    assert_same(picture, alone, item, "end with its own picture");
}

// One item, or one card of it, from its first refresh to its last.
static void walk_item(struct walk *walk, int64_t from_ms, size_t index, int64_t card, bool transits)
{
    char item[16];
    assert_int_equal(bt_format(item, sizeof(item), "n%zu", index), 0);
    for (int64_t ms = 0; ms < ITEM_MS; ms += REFRESH_MS) {
        struct bt_zone_view view;
        int64_t at_ns = walk->start_ns + (from_ms + ms) * BT_NS_PER_MS;
        advance(walk, at_ns, item, card);
        bt_zone_player_view(walk->zone, at_ns, &view);
        draw(walk->compositor, &view, walk->picture);
        bt_zone_player_presented(walk->zone, at_ns);
        assert_covered(walk->picture, item, ms);
        if (ms == 0 && from_ms > 0 && transits) {
            assert_same(walk->picture, walk->last, item, "begin with the old picture");
        }
        if (ms >= 160 || !transits) {
            assert_is_the_new_one_alone(&view, walk->picture, item);
        }
        memcpy(walk->last->pixels, walk->picture->pixels, walk->picture->stride * 36);
    }
}

static void walk_items(struct walk *walk, const char *transition)
{
    int64_t at_ms = 0;
    open_walk(walk, transition);
    for (size_t i = 0; i < ITEMS; i++) {
        bool is_set = walk->kinds[i] == SET;
        for (int64_t card = is_set; card <= (is_set ? 2 : 0); card++) {
            walk_item(walk, at_ms, i, card, transition[0] != '\0');
            at_ms += ITEM_MS;
        }
    }
    close_walk(walk);
}

static void walk_through(const struct bt_test_dir *dir, const char *transition)
{
    struct walk walk = {0};
    int all[KINDS * KINDS];
    order_kinds(all);
    bt_test_house_init(&walk.house, dir);
    if (!add_media(&walk.house)) {
        bt_test_house_finish(&walk.house);
        skip();
    }
    for (size_t first = 0; first < BT_ARRAY_LEN(all); first += BOUNDARIES) {
        for (size_t i = 0; i < ITEMS; i++) {
            walk.kinds[i] = all[(first + i) % BT_ARRAY_LEN(all)];
        }
        walk_items(&walk, transition);
    }
    bt_test_house_finish(&walk.house);
}

// In the middle of the transition into n1 something urgent comes, stays, and n1 goes on.
#define URGENT_MS (ITEM_MS + 2 * REFRESH_MS)
#define URGENT_LENGTH_MS 400

static void open_urgent_walk(struct walk *walk, const char *kind, const char *transition)
{
    BT_AUTOFREE char *way = bt_strdup(transition);
    char *mark = strstr(way, "%s");
    if (mark != NULL) {
        memcpy(mark, "up", 2);
    }
    BT_AUTOFREE char *items = bt_strf("{'id':'n0','seconds':0.%d,'type':'image','asset':'xam'},"
                                      "{'id':'n1','seconds':0.%d,%s%s}",
                                      ITEM_MS, ITEM_MS, kind, way);
    BT_AUTOFREE char *urgent =
        bt_strf("{'id':'gap','seconds':9,'type':'colour','colour':'#ff0000'%s}", way);
    begin_walk(walk,
               bt_test_house_open_urgent(&walk->house, items, urgent, URGENT_MS, URGENT_LENGTH_MS));
}

// One refresh: its item is on, its picture is in walk->picture; *out_view: what it was drawn from.
static void refresh(struct walk *walk, int64_t ms, const char *item, struct bt_zone_view *out_view)
{
    int64_t at_ns = walk->start_ns + ms * BT_NS_PER_MS;
    advance(walk, at_ns, item, 0);
    bt_zone_player_view(walk->zone, at_ns, out_view);
    draw(walk->compositor, out_view, walk->picture);
    bt_zone_player_presented(walk->zone, at_ns);
    assert_covered(walk->picture, item, ms);
}

// Nothing of these kinds moves by itself.
static bool stands_still(size_t kind)
{
    return kind == 0 || kind == 4 || kind == 7;
}

// What was coming in, drawn alone; through a colour it is not seen yet.
static void draw_what_came(const struct bt_zone_view *view, struct bt_image *into)
{
    BT_AUTO(bt_compositor) fresh = bt_compositor_create(64, 36);
    const struct bt_zone_view came = {.rect = view->rect, .to = view->to, .mix = 1000};
    draw(fresh, &came, into);
}

static void interrupt(struct walk *walk, size_t kind, const char *transition)
{
    struct bt_zone_view view;
    bool through_colour = strstr(transition, "'fade'") != NULL;
    BT_AUTO(bt_image) came = bt_image_create(64, 36);
    int64_t ms = 0;
    open_urgent_walk(walk, kinds[kind], transition);
    for (; ms < URGENT_MS; ms += REFRESH_MS) {
        refresh(walk, ms, ms < ITEM_MS ? "n0" : "n1", &view);
    }
    assert_in_range(view.mix, 1, 999);  // it is in the middle
    walk->stood = view;
    refresh(walk, ms, "gap", &view);
    if (!through_colour) {
        draw_what_came(&walk->stood, came);
        assert_same(walk->picture, came, "gap", "begin with what was coming in");
    }
    memcpy(came->pixels, walk->picture->pixels, came->stride * 36);
    for (ms += REFRESH_MS; ms < URGENT_MS + URGENT_LENGTH_MS; ms += REFRESH_MS) {
        refresh(walk, ms, "gap", &view);
    }
    assert_is_the_new_one_alone(&view, walk->picture, "gap");
    refresh(walk, ms, "n1", &view);
    assert_is_the_new_one_alone(&view, walk->picture, "n1");
    if (stands_still(kind)) {
        assert_same(walk->picture, came, "gap", "begin with what goes on after it");
    }
    close_walk(walk);
}

static void something_urgent_comes_in_the_middle_of_a_transition(void **state)
{
    struct walk walk = {0};
    bt_test_house_init(&walk.house, *state);
    if (!add_media(&walk.house)) {
        bt_test_house_finish(&walk.house);
        skip();
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t i = 1; kind != SET && i < BT_ARRAY_LEN(transitions); i++) {
            interrupt(&walk, kind, transitions[i]);
        }
    }
    bt_test_house_finish(&walk.house);
}

static void cuts(void **state)
{
    walk_through(*state, transitions[0]);
}

static void crossfades(void **state)
{
    walk_through(*state, transitions[1]);
}

static void fades_through_a_colour(void **state)
{
    walk_through(*state, transitions[2]);
}

static void slides(void **state)
{
    walk_through(*state, transitions[3]);
}

static void pushes(void **state)
{
    walk_through(*state, transitions[4]);
}

static void wipes(void **state)
{
    walk_through(*state, transitions[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(cuts),
        BT_TEST_IN_DIR(crossfades),
        BT_TEST_IN_DIR(fades_through_a_colour),
        BT_TEST_IN_DIR(slides),
        BT_TEST_IN_DIR(pushes),
        BT_TEST_IN_DIR(wipes),
        BT_TEST_IN_DIR(something_urgent_comes_in_the_middle_of_a_transition),
    };
    return cmocka_run_group_tests_name("transitions", tests, NULL, NULL);
}
