#include "player/test_house.h"

#include <sys/stat.h>

#include "base/civil.h"
#include "base/str.h"
#include "playlists/show_fixture.h"

#define WALL_MS 1795240799000LL  // in November 2026; a second before a full hour
#define LIST_MAX_BYTES 8192

void bt_test_house_init(struct bt_test_house *house, const struct bt_test_dir *dir)
{
    *house = (struct bt_test_house){.dir = dir};
    assert_int_equal(bt_format(house->assets, sizeof(house->assets), "%s/assets", dir->path), 0);
    assert_int_equal(mkdir(house->assets, 0755), 0);
    bt_buf_init(&house->list, LIST_MAX_BYTES);
    bt_test_house_add_still(house, "den", 0);
}

void bt_test_house_finish(struct bt_test_house *house)
{
    bt_running_order_destroy(house->order);
    bt_kitchen_destroy(house->kitchen);
    bt_clock_destroy(house->clock);
    bt_buf_finish(&house->list);
}

static void list(struct bt_test_house *house, const char *name, const struct bt_sha256 *sha256,
                 int64_t size, const char *type, int64_t duration_ms)
{
    char hex[2 * BT_SHA256_BYTES + 1];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    const char *comma = house->list.len == 0 ? "" : ",";
    BT_AUTOFREE char *length =
        duration_ms == 0 ? bt_strdup("") : bt_strf(",'duration_ms':%lld", (long long)duration_ms);
    assert_int_equal(bt_buf_appendf(&house->list,
                                    "%s{'name':'%s','sha256':'%s','size':%lld,'type':'%s'%s}",
                                    comma, name, hex, (long long)size, type, length),
                     0);
}

void bt_test_house_add(struct bt_test_house *house, const char *name, const char *path,
                       const char *type, int64_t duration_ms)
{
    BT_AUTO(bt_store) store = NULL;
    struct bt_error err;
    struct bt_sha256 sha256;
    int64_t size;
    assert_int_equal(bt_store_open(house->assets, &store, &err), 0);
    assert_int_equal(bt_store_add(store, path, &sha256, &size, &err), 0);
    list(house, name, &sha256, size, type, duration_ms);
}

void bt_test_house_add_still(struct bt_test_house *house, const char *name, uint8_t grey)
{
    BT_AUTO(bt_image) image = bt_image_create(64, 36);
    BT_AUTOFREE char *path = bt_strf("%s/%s.png", house->dir->path, name);
    for (size_t i = 0; i < image->stride * 36; i++) {
        image->pixels[i] = i % 4 == 3 ? 255 : grey;
    }
    assert_int_equal(bt_image_write_png(image, path, NULL), 0);
    bt_test_house_add(house, name, path, "image/png", 0);
}

void bt_test_house_add_missing(struct bt_test_house *house, const char *name)
{
    const struct bt_sha256 sha256 = {{(uint8_t)name[0], (uint8_t)name[1]}};
    list(house, name, &sha256, 1000, "image/png", 0);
}

static int64_t open_publication(struct bt_test_house *house, const char *playlists,
                                const char *schedule)
{
    BT_AUTOFREE char *text =
        bt_strf("{'format':1,'id':'a','version':1,'layer':'unit','unit':'Xã Thử','title':'x',"
                "'canvas':{'width':64,'height':36},'assets':[%.*s],"
                "'playlists':[%s],'zones':[{'name':'z','playlist':'p'}]%s}",
                (int)house->list.len, house->list.data, playlists, schedule);
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    struct bt_error err;
    if (bt_kitchen_open(house->assets, &house->kitchen, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    house->clock = bt_clock_create_simulated(now_ns, WALL_MS);
    house->order = bt_running_order_create(fixture_show(text), house->clock, BT_TRUST_ALWAYS, 0);
    bt_running_order_start(house->order, now_ns);
    return now_ns;
}

int64_t bt_test_house_open(struct bt_test_house *house, const char *items)
{
    BT_AUTOFREE char *playlists = bt_strf("{'name':'p','items':[%s]}", items);
    return open_publication(house, playlists, "");
}

int64_t bt_test_house_open_urgent(struct bt_test_house *house, const char *items,
                                  const char *urgent, int64_t from_ms, int64_t length_ms)
{
    char from[BT_RFC3339_BYTES], until[BT_RFC3339_BYTES];
    bt_rfc3339_format(WALL_MS + from_ms, 0, from);
    bt_rfc3339_format(WALL_MS + from_ms + length_ms, 0, until);
    BT_AUTOFREE char *playlists =
        bt_strf("{'name':'p','items':[%s]},{'name':'u','items':[%s]}", items, urgent);
    BT_AUTOFREE char *schedule =
        bt_strf(",'schedule':[{'zone':'z','playlist':'u','priority':'priority','from':'%s',"
                "'until':'%s'}]",
                from, until);
    return open_publication(house, playlists, schedule);
}
