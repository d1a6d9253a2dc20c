#include "playlists/show.h"

#include <errno.h>

#include "base/str.h"
#include "playlists/show_fixture.h"

#define CANVAS "'canvas':{'width':960,'height':480},"
#define LAYOUT "'layouts':[{'name':'one','zones':[{'name':'main'}]}],"
#define PLAYLIST "'playlists':[{'name':'a','items':[{'id':'a','type':'clock'}]}],"
#define RULE "'schedule':[{'id':'r','zone':'main','playlist':'a'}]"

#define SCREEN                                                                                     \
    "{'format':1,'id':'screen','version':1,'layer':'screen'," CANVAS LAYOUT PLAYLIST RULE "}"

static struct bt_show *merge(const char *const *quoted, size_t count)
{
    struct bt_show *show = NULL;
    struct bt_error err;
    if (fixture_try_show(quoted, count, &show, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return show;
}

static void assert_refused(const char *const *quoted, size_t count, const char *why)
{
    struct bt_show *show = NULL;
    struct bt_error err = {0};
    assert_int_equal(fixture_try_show(quoted, count, &show, &err), -EINVAL);
    if (strstr(err.msg, why) == NULL) {
        fail_msg("refused with '%s'", err.msg);
    }
}

static void rules_of_all_layers_feed_a_zone_by_its_name(void **state)
{
    (void)state;
    static const char *const layers[] = {
        "{'format':1,'id':'u','version':1,'layer':'unit'," PLAYLIST RULE "}",
        SCREEN,
        "{'format':1,'id':'p','version':1,'layer':'province'," PLAYLIST
        "'schedule':[{'id':'x','zone':'side','playlist':'a'},{'id':'y','layout':'none'},"
        "{'id':'z','zone':'main','playlist':'a'}]}",
    };
    BT_AUTO(bt_show) show = merge(layers, 3);
    assert_int_equal(bt_show_publication_count(show), 3);
    static const char *const order[] = {"screen", "p", "u"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(bt_show_publication(show, i)->id, order[i]);
        assert_ptr_equal(bt_show_feed(show, i)->publication, bt_show_publication(show, i));
    }
    assert_int_equal(bt_show_feed_count(show), 3);
    assert_string_equal(bt_show_feed(show, 1)->rule->id, "z");
    assert_string_equal(bt_show_notices(show),
                        "Rule 'x' of publication 'p' is left out: there is no zone 'side'\n"
                        "Rule 'y' of publication 'p' is left out: there is no layout 'none'\n");
}

static void the_highest_version_counts_whatever_the_order(void **state)
{
    (void)state;
    static const char *const both[] = {
        "{'format':1,'id':'u','version':3,'layer':'unit'," CANVAS LAYOUT PLAYLIST RULE "}",
        "{'format':1,'id':'u','version':2,'layer':'unit'}",
    };
    const char *const turned[] = {both[1], both[0], both[0]};
    BT_AUTO(bt_show) one = merge(both, 2);
    BT_AUTO(bt_show) other = merge(turned, 3);
    assert_int_equal(bt_show_publication(one, 0)->version, 3);
    assert_int_equal(bt_show_publication_count(other), 1);
    assert_int_equal(bt_show_publication(other, 0)->version, 3);
    assert_string_equal(bt_show_notices(other),
                        "Publication 'u' version 2 is left out: a higher version is there\n"
                        "Publication 'u' version 3 is left out: it is given twice\n");
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static const char *const none[] = {"{'format':1,'id':'u','version':1,'layer':'unit'}"};
    assert_refused(none, 1, "no publication describes a canvas");
    static const char *const bare[] = {
        "{'format':1,'id':'u','version':1,'layer':'unit','canvas':{'width':9,'height':9}}"};
    assert_refused(bare, 1, "no publication describes zones");
    static const char *const texts[] = {SCREEN,
                                        "{'format':1,'id':'screen','version':1,'layer':'screen'}"};
    assert_refused(texts, 2, "two texts for version 1");
    static const char *const canvases[] = {
        SCREEN,
        "{'format':1,'id':'t','version':1,'layer':'screen','canvas':{'width':9,'height':9}}"};
    assert_refused(canvases, 2, "different canvases");
    static const char *const layouts[] = {
        SCREEN, "{'format':1,'id':'t','version':1,'layer':'screen'," CANVAS LAYOUT
                "'title':'two layouts'}"};
    assert_refused(layouts, 2, "both describe layouts");
    static const char *const outside[] = {
        "{'format':1,'id':'s','version':1,'layer':'screen','canvas':{'width':100,'height':100}}",
        "{'format':1,'id':'u','version':1,'layer':'unit','layouts':[{'name':'one','zones':["
        "{'name':'main','x':50,'y':0,'width':51,'height':10}]}]}"};
    assert_refused(outside, 2, "layout 'one': zone 'main' lies outside the canvas");
}

static void the_screen_says_where_its_canvas_stands(void **state)
{
    (void)state;
    static const char *const said[] = {
        "{'format':1,'id':'s','version':1,'layer':'screen'," CANVAS LAYOUT "'output':{'x':8}}",
        "{'format':1,'id':'t','version':1,'layer':'screen'," CANVAS "'output':{'x':9}}"};
    static const char *const nothing[] = {SCREEN};
    BT_AUTO(bt_show) show = merge(said, 1);
    assert_int_equal(bt_show_output(show)->slices[0].x, 8);
    BT_AUTO(bt_show) silent = merge(nothing, 1);
    assert_null(bt_show_output(silent));
    assert_refused(said, 2, "publications 's' and 't' describe different outputs");
}

static void canvas_and_layouts_come_from_the_lowest_layer(void **state)
{
    (void)state;
    static const char *const layers[] = {
        "{'format':1,'id':'u','version':1,'layer':'unit','canvas':{'width':50,'height':50},"
        "'layouts':[{'name':'own','zones':[{'name':'main'}]}]}",
        SCREEN,
    };
    BT_AUTO(bt_show) show = merge(layers, 2);
    assert_int_equal(bt_show_canvas(show)->width, 960);
    assert_int_equal(bt_show_find_layout(show, "one"), 0);
    assert_int_equal(bt_show_find_layout(show, "own"), -1);
}

static void tracks_stand_once_per_name_and_place_from_far_to_near(void **state)
{
    (void)state;
    BT_AUTO(bt_show)
    show = fixture_show(
        "{'format':1,'id':'s','version':1,'layer':'screen'," CANVAS "'layouts':["
        "{'name':'a','zones':[{'name':'near','order':5},{'name':'main'},{'name':'far','order':-1}]}"
        ","
        "{'name':'b','zones':[{'name':'main'},{'name':'far','width':10,'order':-1}]}]}");
    static const char *const names[] = {"far", "far", "main", "near"};
    static const bool in_a[] = {true, false, true, true}, in_b[] = {false, true, true, false};
    assert_int_equal(bt_show_track_count(show), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(bt_show_track(show, i)->name, names[i]);
        assert_int_equal(bt_show_layout_has(show, 0, i), in_a[i]);
        assert_int_equal(bt_show_layout_has(show, 1, i), in_b[i]);
    }
}

#define STREAMS(limits)                                                                            \
    "{'format':1,'id':'screen','version':2,'layer':'screen'," CANVAS LAYOUT limits                 \
    "'playlists':[{'name':'p','items':[{'id':'tv','type':'stream','local':'hoi-truong'},"          \
    "{'id':'gio','type':'clock'}]}],'schedule':[{'zone':'main','playlist':'p'}]}"

static void live_streams_are_left_out_unless_the_screen_allows_them(void **state)
{
    (void)state;
    static const char *const silent[] = {STREAMS("")};
    static const char *const allowed[] = {STREAMS("'limits':{'live':true},")};
    static const char *const one_does_not[] = {
        STREAMS("'limits':{'live':true},"),
        "{'format':1,'id':'second','version':1,'layer':'screen'}"};
    BT_AUTO(bt_show) off = merge(silent, 1);
    BT_AUTO(bt_show) on = merge(allowed, 1);
    BT_AUTO(bt_show) divided = merge(one_does_not, 2);
    assert_int_equal(bt_show_publication(off, 0)->playlists[0].item_count, 1);
    assert_int_equal(bt_show_forbidden_streams(off), 1);
    assert_string_equal(bt_show_notices(off),
                        "Item 'tv' of publication 'screen' is left out: the screen's publication "
                        "does not allow live streams\n");
    assert_int_equal(bt_show_publication(on, 0)->playlists[0].item_count, 2);
    assert_int_equal(bt_show_forbidden_streams(on), 0);
    assert_string_equal(bt_show_notices(on), "");
    assert_int_equal(bt_show_forbidden_streams(divided), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_all_layers_feed_a_zone_by_its_name),
        cmocka_unit_test(the_highest_version_counts_whatever_the_order),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(the_screen_says_where_its_canvas_stands),
        cmocka_unit_test(canvas_and_layouts_come_from_the_lowest_layer),
        cmocka_unit_test(tracks_stand_once_per_name_and_place_from_far_to_near),
        cmocka_unit_test(live_streams_are_left_out_unless_the_screen_allows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
