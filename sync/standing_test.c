// Takedowns of a stick: all at once, whatever the main loop has room for.
#include "sync/standing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/news.h"
#include "sync/told.h"
#include "sync/usb_inside.h"

#define COUNT 1024
#define FEW 3
#define ROOM 4  // of the main loop's queue

struct place {
    char directory[64];
    struct bt_state *state;
    struct bt_store *store;
    struct bt_time_floor *time;
    struct bt_queue *news;
    struct bt_standing *standing;
};

static void free_news(void *item)
{
    bt_news_destroy(item);
}

// The state is open afterwards in any case; gives standing's error.
static int open_standing(struct place *place, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/state.db", place->directory);
    assert_int_equal(bt_state_open(path, &place->state, NULL), 0);
    const struct bt_standing_parts parts = {
        .state = place->state, .store = place->store, .time = place->time, .news = place->news};
    place->standing = NULL;
    return bt_standing_open(&parts, &place->standing, err);
}

static void close_standing(struct place *place)
{
    bt_standing_destroy(place->standing);
    bt_state_destroy(place->state);
}

// A power cut, and what the player finds afterwards.
static void start_again(struct place *place)
{
    close_standing(place);
    assert_int_equal(open_standing(place, NULL), 0);
}

static int setup(void **state)
{
    struct place *place = BT_NEW(struct place);
    assert_int_equal(
        bt_format(place->directory, sizeof(place->directory), "/tmp/bt-standing-XXXXXX"), 0);
    assert_non_null(mkdtemp(place->directory));
    assert_int_equal(bt_store_open(place->directory, &place->store, NULL), 0);
    place->time = bt_time_floor_create(bt_clock_real(), 0);
    place->news = bt_queue_create(ROOM, free_news, (struct bt_waker){0});
    assert_int_equal(open_standing(place, NULL), 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    close_standing(place);
    bt_queue_destroy(place->news);
    bt_time_floor_destroy(place->time);
    bt_store_destroy(place->store);
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", place->directory);
    // NOLINTNEXTLINE(concurrency-mt-unsafe,bugprone-command-processor)
    assert_int_equal(system(command), 0);
    free(place);
    return 0;
}

// What a stick says: COUNT takedowns.
struct stick {
    struct bt_told told;
    struct bt_stick_takedown *list;  // owned, and what is in it
};

static void stick_init(struct stick *stick)
{
    BT_AUTOBUF text;
    const cJSON *cursor = NULL;
    bt_buf_init(&text, 1024 * 1024);
    assert_int_equal(bt_buf_appendf(&text, "{\"format\":1,\"counted\":[],\"takedowns\":["), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(bt_buf_appendf(&text,
                                        "%s{\"id\":\"t-%d\",\"units\":[\"1\"],\"items\":[],"
                                        "\"assets\":[\"%064x\"],\"issued_ms\":1}",
                                        i > 0 ? "," : "", i, (unsigned)i),
                         0);
    }
    assert_int_equal(bt_buf_appendf(&text, "]}"), 0);
    assert_int_equal(bt_told_parse(bt_buf_text(&text), text.len, &stick->told, NULL), 0);
    stick->list = BT_NEW_ARRAY(struct bt_stick_takedown, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct bt_stick_takedown *each = &stick->list[i];
        assert_int_equal(
            bt_told_next_takedown(&stick->told, "1", &cursor, &each->order, &each->body), 1);
    }
}

static void stick_finish(struct stick *stick)
{
    for (size_t i = 0; i < COUNT; i++) {
        bt_order_destroy(stick->list[i].order);
        cJSON_free(stick->list[i].body);
    }
    free(stick->list);
    bt_told_finish(&stick->told);
}
#define STICK BT_AUTOFINISH(stick_finish) struct stick

static int kept(struct place *place)
{
    BT_AUTOJSON *status = cJSON_CreateObject();
    bt_standing_status(place->standing, status);
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(status, "takedowns"));
}

static void all_of_a_stick_hold_and_are_kept(void **state)
{
    struct place *place = *state;
    struct bt_error err = {""};
    size_t held = 0;
    STICK stick;
    stick_init(&stick);
    struct bt_stick_takedown *list = stick.list;
    assert_int_equal(bt_standing_take_down(place->standing, list, COUNT, &held, &err), 0);
    assert_int_equal(held, COUNT);
    assert_true(list[COUNT - 1].is_new);
    assert_int_equal(bt_queue_count(place->news), ROOM);
    assert_true(bt_store_forbids(place->store, &list[COUNT - 1].order->assets[0]));
    start_again(place);
    assert_int_equal(kept(place), COUNT);
    // A second time they are nothing new.
    list[0].is_new = false;
    assert_int_equal(bt_standing_take_down(place->standing, list, 1, &held, &err), 0);
    assert_int_equal(held, 1);
    assert_false(list[0].is_new);
    assert_int_equal(kept(place), COUNT);
}

// Whatever is written finds no room.
static void fill_disk(bool full)
{
    static struct rlimit before;
    struct rlimit none;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &none), 0);
    before = full ? none : before;
    none.rlim_cur = 0;
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignored, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, full ? &none : &before), 0);
}

static void what_the_disk_did_not_take_is_not_done(void **state)
{
    struct place *place = *state;
    struct bt_error err = {""};
    size_t held = 0;
    STICK stick;
    stick_init(&stick);
    struct bt_stick_takedown *list = stick.list;
    fill_disk(true);
    int r = bt_standing_take_down(place->standing, list, FEW, &held, &err);
    fill_disk(false);
    assert_true(r < 0);
    // It holds at once all the same; nobody is told that it is done.
    assert_int_equal(held, FEW);
    assert_true(bt_store_forbids(place->store, &list[FEW - 1].order->assets[0]));
    assert_true(list[FEW - 1].is_unkept);
    assert_int_equal(kept(place), 0);
    // The same stick again, when there is room.
    for (size_t i = 0; i < FEW; i++) {
        list[i].is_new = list[i].is_unkept = false;
    }
    assert_int_equal(bt_standing_take_down(place->standing, list, FEW, &held, &err), 0);
    assert_true(list[0].is_new);
    assert_int_equal(kept(place), FEW);
    start_again(place);
    assert_int_equal(kept(place), FEW);
}

// A page of the state as a dying card gives it; counted from the start, or with -1 from the middle.
static void damage(const struct place *place, long page)
{
    static const char noise[4096] = {[0] = 0x55, [1] = 0x55};
    BT_AUTOFREE char *path = bt_strf("%s/state.db", place->directory);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long pages = ftell(file) / (long)sizeof(noise);
    assert_int_equal(fseek(file, (page < 0 ? pages / 2 : page) * (long)sizeof(noise), SEEK_SET), 0);
    assert_int_equal(fwrite(noise, sizeof(noise), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

// Opens what is damaged; gives standing's error, and leaves nothing open but a new state.
static int open_damaged(struct place *place, long page, struct bt_error *err)
{
    close_standing(place);
    damage(place, page);
    return open_standing(place, err);
}

static void takedowns_that_cannot_be_read_are_not_forgotten(void **state)
{
    struct place *place = *state;
    struct bt_error err = {""};
    size_t held = 0;
    STICK stick;
    stick_init(&stick);
    struct bt_stick_takedown *list = stick.list;
    assert_int_equal(bt_standing_take_down(place->standing, list, COUNT, &held, &err), 0);
    assert_true(open_damaged(place, -1, &err) < 0);
    assert_non_null(strstr(err.msg, "cannot be read"));
}

static void who_cannot_read_who_it_is_is_not_unpaired(void **state)
{
    struct place *place = *state;
    struct bt_error err = {""};
    const struct bt_identity identity = {
        .player = "d-AAAAAAAAAA", .unit = "1", .screen = "s-AAAAAAAAAA"};
    assert_int_equal(bt_standing_pair(place->standing, &identity, &err), 0);
    // Behind the page with the schema comes that of single values.
    assert_true(open_damaged(place, 1, &err) < 0);
    assert_non_null(strstr(err.msg, "who the player is"));
}

static void whoever_carries_the_stick_reads_it(void **state)
{
    const struct place *place = *state;
    struct bt_sync sync = {.standing = place->standing, .time = place->time};
    const struct bt_usb_outcome outcome = {.import = {.takedowns = 3, .unkept = 2, .refused = 1}};
    BT_AUTOBUF text;
    bt_buf_init(&text, 65536);
    assert_int_equal(bt_usb_words(&sync, &outcome, &text), 0);
    assert_non_null(strstr(bt_buf_text(&text), "Máy phát không ghi được lên đĩa của nó."));
    assert_non_null(strstr(bt_buf_text(&text), "Trong đó 2 lệnh gỡ không ghi được"));
    assert_non_null(strstr(bt_buf_text(&text), "1 takedowns of the stick were refused"));
    assert_null(strstr(bt_buf_text(&text), "Màn hình đã nhận nội dung trên USB."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_a_stick_hold_and_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_disk_did_not_take_is_not_done, setup, teardown),
        cmocka_unit_test_setup_teardown(takedowns_that_cannot_be_read_are_not_forgotten, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_cannot_read_who_it_is_is_not_unpaired, setup, teardown),
        cmocka_unit_test_setup_teardown(whoever_carries_the_stick_reads_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
