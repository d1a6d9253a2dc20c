#include "player/sound_keeper.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"

// Far from 0, as the monotonic clock is.
#define T0 (1000 * BT_NS_PER_S)
#define LOOK_NS (20 * BT_NS_PER_MS)

// The only card there is, and what was done to it.
static struct bt_sound_device {
    bool refuses, pulled, hangs;
    int tried, opened, closed;
} card;

static int open_card(const struct bt_sound_source *source, struct bt_sound_device **out,
                     struct bt_error *err)
{
    (void)source;
    card.tried++;
    if (card.refuses) {
        return bt_fail(err, -ENODEV, "No sound: there is no card");
    }
    card.opened++;
    card.pulled = false;
    *out = &card;
    return 0;
}

static bool is_there(const struct bt_sound_device *device)
{
    assert_ptr_equal(device, &card);
    return !card.pulled;
}

static void close_card(struct bt_sound_device *device)
{
    assert_ptr_equal(device, &card);
    card.closed++;
}

static const struct bt_sound_device_impl impl = {open_card, is_there, close_card};

static struct bt_sound_keeper keeper;
static int64_t at_ns;

static int set_up(void **state)
{
    (void)state;
    card = (struct bt_sound_device){0};
    at_ns = T0;
    bt_sound_keeper_init(&keeper, &impl, (struct bt_sound_source){0});
    return 0;
}

// Looks until so much has passed; the card asks for samples as cards do.
static void look_for(bool wanted, int64_t for_ns)
{
    for (int64_t until_ns = at_ns + for_ns; at_ns < until_ns; at_ns += LOOK_NS) {
        if (keeper.device != NULL && !card.hangs) {
            atomic_store(&keeper.asked_ns, at_ns);
        }
        bt_sound_keeper_look(&keeper, wanted, at_ns);
    }
}

static void assert_state(enum bt_speaker_state expected)
{
    assert_int_equal(atomic_load(&keeper.state), expected);
    assert_int_equal(bt_sound_keeper_sounds(&keeper, at_ns - LOOK_NS),
                     card.opened > card.closed && !card.hangs);
}

static void a_device_is_opened_when_something_is_to_be_heard(void **state)
{
    (void)state;
    look_for(false, 60 * BT_NS_PER_S);
    assert_int_equal(card.tried, 0);
    assert_state(BT_SPEAKER_IDLE);
    look_for(true, LOOK_NS);
    assert_int_equal(card.opened, 1);
    assert_state(BT_SPEAKER_OK);
    look_for(true, 600 * BT_NS_PER_S);
    assert_int_equal(card.tried, 1);
    assert_int_equal(card.closed, 0);
}

static void it_is_given_back_ten_seconds_after_the_last_sound(void **state)
{
    (void)state;
    look_for(true, BT_NS_PER_S);
    look_for(false, BT_SOUND_KEEP_NS);
    assert_int_equal(card.closed, 0);
    assert_state(BT_SPEAKER_IDLE);
    look_for(true, LOOK_NS);  // in time: the same device sounds
    assert_int_equal(card.opened, 1);
    look_for(false, BT_SOUND_KEEP_NS + 2 * LOOK_NS);
    assert_int_equal(card.closed, 1);
    look_for(true, LOOK_NS);
    assert_int_equal(card.opened, 2);
    bt_sound_keeper_finish(&keeper);
    assert_int_equal(card.closed, 2);
    bt_sound_keeper_finish(&keeper);
    assert_int_equal(card.closed, 2);
}

static void what_does_not_open_is_tried_ever_less_often(void **state)
{
    (void)state;
    static const int64_t pauses_s[] = {1, 2, 4, 8, 16, 30, 30, 30};
    card.refuses = true;
    look_for(true, LOOK_NS);
    assert_state(BT_SPEAKER_NO_DEVICE);
    for (size_t i = 0; i < BT_ARRAY_LEN(pauses_s); i++) {
        int tried = card.tried;
        look_for(true, pauses_s[i] * BT_NS_PER_S - LOOK_NS);
        assert_int_equal(card.tried, tried);
        look_for(true, LOOK_NS);
        assert_int_equal(card.tried, tried + 1);
    }
    card.refuses = false;
    look_for(true, BT_SOUND_MAX_RETRY_NS);
    assert_state(BT_SPEAKER_OK);
}

static void what_goes_away_is_replaced_after_a_second(void **state)
{
    (void)state;
    look_for(true, BT_NS_PER_S);
    card.pulled = true;
    look_for(true, LOOK_NS);
    assert_int_equal(card.closed, 1);
    assert_state(BT_SPEAKER_NO_DEVICE);
    look_for(true, BT_SOUND_RETRY_NS - LOOK_NS);
    assert_int_equal(card.tried, 1);
    look_for(true, LOOK_NS);
    assert_int_equal(card.opened, 2);
    assert_state(BT_SPEAKER_OK);
    // It works in between: the next pause is no longer than the first was.
    look_for(true, BT_NS_PER_S);
    card.pulled = true;
    look_for(true, BT_SOUND_RETRY_NS + LOOK_NS);
    assert_int_equal(card.opened, 3);
}

static void one_that_vanishes_as_soon_as_it_is_opened_is_tried_ever_less_often(void **state)
{
    (void)state;
    for (int i = 0; i < 600 * 50; i++) {
        bt_sound_keeper_look(&keeper, true, at_ns);
        card.pulled = keeper.device != NULL;
        at_ns += LOOK_NS;
    }
    assert_in_range(card.opened, 20, 25);  // of 30000 looks
    assert_int_equal(card.closed, card.opened);
}

static void one_that_asks_for_nothing_is_said_and_kept_and_heard_again(void **state)
{
    (void)state;
    look_for(true, BT_NS_PER_S);
    card.hangs = true;
    look_for(true, BT_SOUND_STALL_NS);
    assert_int_equal(atomic_load(&keeper.state), BT_SPEAKER_OK);
    look_for(true, 2 * LOOK_NS);
    assert_state(BT_SPEAKER_NO_DEVICE);
    look_for(true, 60 * BT_NS_PER_S);
    assert_int_equal(card.tried, 1);
    assert_int_equal(card.closed, 0);
    card.hangs = false;
    look_for(true, LOOK_NS);
    assert_state(BT_SPEAKER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_device_is_opened_when_something_is_to_be_heard, set_up),
        cmocka_unit_test_setup(it_is_given_back_ten_seconds_after_the_last_sound, set_up),
        cmocka_unit_test_setup(what_does_not_open_is_tried_ever_less_often, set_up),
        cmocka_unit_test_setup(what_goes_away_is_replaced_after_a_second, set_up),
        cmocka_unit_test_setup(one_that_vanishes_as_soon_as_it_is_opened_is_tried_ever_less_often,
                               set_up),
        cmocka_unit_test_setup(one_that_asks_for_nothing_is_said_and_kept_and_heard_again, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
