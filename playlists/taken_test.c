#include "playlists/taken.h"

#include "playlists/show_fixture.h"
#include "playlists/timeline.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char document[] =
    "{'format':1,'id':'t','version':1,'canvas':{'width':64,'height':36},'assets':["
    "{'name':'a','sha256':'" SHA_A "','size':9,'type':'image/png'},"
    "{'name':'b','sha256':'" SHA_B "','size':9,'type':'image/png'}],"
    "'playlists':[{'name':'p','items':["
    "{'id':'mot','type':'image','asset':'a','seconds':5},"
    "{'id':'hai','type':'set','seconds':5,'cards':[{'asset':'b'},{'asset':'a'}]},"
    "{'id':'ba','type':'image','asset':'b','seconds':5},"
    "{'id':'chu','type':'text','text':'x','seconds':5}]}],"
    "'zones':[{'name':'main','playlist':'p'}]}";

static struct bt_sha256 sha_of(uint8_t byte)
{
    struct bt_sha256 sha;
    memset(sha.bytes, byte, sizeof(sha.bytes));
    return sha;
}

static void an_asset_takes_every_item_that_shows_it(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = fixture_publication(document);
    BT_AUTOFINISH(bt_taken_finish) struct bt_taken taken = {0};
    struct bt_sha256 a = sha_of(0xaa);
    bt_taken_add_asset(&taken, &a);
    bt_taken_add_asset(&taken, &a);
    assert_int_equal(taken.asset_count, 1);
    bt_publication_take_down(pub, &taken);
    assert_int_equal(pub->playlists[0].item_count, 2);
    assert_string_equal(pub->playlists[0].items[0].id, "ba");
    assert_string_equal(pub->playlists[0].items[1].id, "chu");
}

static void an_item_is_taken_from_its_publication_alone(void **state)
{
    (void)state;
    BT_AUTO(bt_publication) pub = fixture_publication(document);
    BT_AUTOFINISH(bt_taken_finish) struct bt_taken taken = {0};
    bt_taken_add_item(&taken, "khac", "mot");
    bt_publication_take_down(pub, &taken);
    assert_int_equal(pub->playlists[0].item_count, 4);
    bt_taken_add_item(&taken, "t", "mot");
    bt_publication_take_down(pub, &taken);
    assert_int_equal(pub->playlists[0].item_count, 3);
    assert_string_equal(pub->playlists[0].items[0].id, "hai");
}

static void a_show_of_nothing_shows_nothing(void **state)
{
    (void)state;
    struct bt_publication *pub = fixture_publication(document);
    BT_AUTOFINISH(bt_taken_finish) struct bt_taken taken = {0};
    struct bt_sha256 a = sha_of(0xaa), b = sha_of(0xbb);
    bt_taken_add_asset(&taken, &a);
    bt_taken_add_asset(&taken, &b);
    bt_taken_add_item(&taken, "t", "chu");
    bt_publication_take_down(pub, &taken);
    struct bt_error err;
    BT_AUTO(bt_show) show = NULL;
    assert_int_equal(bt_show_create(&pub, 1, bt_tz_create_fixed(7 * 3600), &show, &err), 0);
    struct bt_moment at = {fixture_ns("2026-10-10T06:00:00+07:00"), true};
    BT_AUTO(bt_timeline) timeline = bt_timeline_create(show, at);
    struct bt_slot slot;
    bt_timeline_next(timeline, 0, at, &slot);
    assert_null(slot.item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_asset_takes_every_item_that_shows_it),
        cmocka_unit_test(an_item_is_taken_from_its_publication_alone),
        cmocka_unit_test(a_show_of_nothing_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
