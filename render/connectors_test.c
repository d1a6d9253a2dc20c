#include "render/connectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/file.h"
#include "base/str.h"

static int make_root(void **state)
{
    char *root = bt_strf("/tmp/bt-connectors-XXXXXX");
    *state = root;
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
    BT_AUTOFREE char *root = *state;
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", root);
    return system(command);  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

static void put(const char *root, const char *directory, const char *name, const char *text,
                size_t len)
{
    BT_AUTOFREE char *dir = bt_strf("%s/%s", root, directory);
    BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
    assert_int_equal(bt_file_make_dirs(dir, NULL), 0);
    assert_int_equal(bt_file_replace(path, text, len, NULL), 0);
}

static void plug(const char *root, const char *connector, const char *status, const char *modes)
{
    BT_AUTOFREE char *directory = bt_strf("sys/class/drm/%s", connector);
    put(root, directory, "status", status, strlen(status));
    put(root, directory, "modes", modes, strlen(modes));
}

static void cards_with_a_display_are_found_by_their_connectors(void **state)
{
    const char *root = *state;
    struct bt_connectors found;
    bt_connectors_look(root, &found);
    assert_int_equal(found.card_count, 0);

    // A Raspberry Pi 5: one card only draws, and the other has the plugs.
    BT_AUTOFREE char *renderer = bt_strf("%s/sys/class/drm/card0", root);
    assert_int_equal(bt_file_make_dirs(renderer, NULL), 0);
    plug(root, "card10-DP-1", "connected\n", "800x600\n");
    plug(root, "card1-HDMI-A-1", "disconnected\n", "");
    plug(root, "card1-HDMI-A-2", "connected\n", "1920x1080\n1280x720\n");
    plug(root, "card1-HDMI-A-3", "connected\n", "1920x1080\n");
    plug(root, "card2-VGA-1", "connected\n", "");  // says nothing of modes yet
    plug(root, "card3-Writeback-1", "connected\n", "640x480\n");
    plug(root, "card4-DP-1", "unknown\n", "640x480\n");
    plug(root, "cardx-DP-1", "connected\n", "640x480\n");
    plug(root, "card99999999999-DP-1", "connected\n", "640x480\n");
    bt_connectors_look(root, &found);
    assert_int_equal(found.card_count, 2);
    assert_int_equal(found.cards[0], 1);
    assert_int_equal(found.cards[1], 10);
}

static void the_mode_an_only_display_prefers_is_known(void **state)
{
    const char *root = *state;
    static const struct {
        const char *modes;
        int width, height;
    } cases[] = {
        {"1280x720\n1920x1080\n", 1280, 720},
        {"1920x1080i\n1280x720\n", 0, 0},
        {"x720\n", 0, 0},
        {"1280x99999999999999999999999\n", 0, 0},
        {"1280\n", 0, 0},
        {"-1x5\n", 0, 0},
        {"800x600", 800, 600},
    };
    struct bt_connectors found;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        plug(root, "card0-DP-1", "connected\n", cases[i].modes);
        bt_connectors_look(root, &found);
        assert_int_equal(found.display_count, 1);
        assert_int_equal(found.preferred_width, cases[i].width);
        assert_int_equal(found.preferred_height, cases[i].height);
    }
    plug(root, "card0-DP-2", "connected\n", "640x480\n");
    bt_connectors_look(root, &found);
    assert_int_equal(found.display_count, 2);
    assert_int_equal(found.preferred_width, 0);
}

static void a_mode_may_be_forced_on_the_kernels_command_line(void **state)
{
    const char *root = *state;
    static const char plain[] = "console=tty3 quiet\n";
    static const char forced[] = "console=tty3 video=HDMI-A-1:1920x1080M@60D quiet\n";
    assert_false(bt_connectors_mode_is_forced(root));
    put(root, "proc", "cmdline", plain, strlen(plain));
    assert_false(bt_connectors_mode_is_forced(root));
    put(root, "proc", "cmdline", forced, strlen(forced));
    assert_true(bt_connectors_mode_is_forced(root));
}

static void more_cards_than_there_is_room_for_are_left_out(void **state)
{
    const char *root = *state;
    for (int i = 0; i < BT_MAX_GRAPHICS_CARDS + 3; i++) {
        BT_AUTOFREE char *name = bt_strf("card%d-DP-1", i);
        plug(root, name, "connected\n", "640x480\n");
    }
    struct bt_connectors found;
    bt_connectors_look(root, &found);
    assert_int_equal(found.card_count, BT_MAX_GRAPHICS_CARDS);
}

static void whatever_changes_at_the_plugs_changes_the_fingerprint(void **state)
{
    const char *root = *state;
    static const struct {
        const char *status, *modes;
    } steps[] = {
        {"connected\n", "1920x1080\n"},        {"disconnected\n", ""},
        {"connected\n", "1280x720\n"},         {"connected\n", "1280x720\n1024x768\n"},
        {"unknown\n", "1280x720\n1024x768\n"},
    };
    struct bt_connectors before, again;
    bt_connectors_look(root, &before);
    for (size_t i = 0; i < BT_ARRAY_LEN(steps); i++) {
        struct bt_connectors after;
        plug(root, "card0-HDMI-A-1", steps[i].status, steps[i].modes);
        bt_connectors_look(root, &after);
        bt_connectors_look(root, &again);
        assert_true(after.fingerprint != before.fingerprint);
        assert_true(after.fingerprint == again.fingerprint);
        before = after;
    }
    // Another display with the same modes.
    put(root, "sys/class/drm/card0-HDMI-A-1", "edid", "\0\xff\xff", 3);
    bt_connectors_look(root, &again);
    assert_true(again.fingerprint != before.fingerprint);
    // Light is none of its business: we switch it ourselves.
    before = again;
    put(root, "sys/class/drm/card0-HDMI-A-1", "dpms", "Off\n", 4);
    bt_connectors_look(root, &again);
    assert_true(again.fingerprint == before.fingerprint);
}

static void an_old_sdl_is_refused_on_a_raspberry_pi_5_alone(void **state)
{
    const char *root = *state;
    static const char pi4[] = "raspberrypi,4-model-b\0brcm,bcm2711";
    static const char pi5[] = "raspberrypi,5-model-b\0brcm,bcm2712";
    const struct bt_sdl_version old = {2, 26, 5}, trixie = {2, 32, 4};
    struct bt_error err = {0};
    assert_int_equal(bt_kms_check_board(root, old, &err), 0);
    put(root, "proc/device-tree", "compatible", pi4, sizeof(pi4));
    assert_int_equal(bt_kms_check_board(root, old, &err), 0);
    put(root, "proc/device-tree", "compatible", pi5, sizeof(pi5));
    assert_int_equal(bt_kms_check_board(root, trixie, &err), 0);
    assert_int_equal(bt_kms_check_board(root, (struct bt_sdl_version){3, 0, 0}, &err), 0);
    assert_int_equal(bt_kms_check_board(root, (struct bt_sdl_version){2, 29, 9}, &err), -ENOTSUP);
    assert_int_equal(bt_kms_check_board(root, old, &err), -ENOTSUP);
    assert_non_null(strstr(err.msg, "2.26.5"));
    assert_non_null(strstr(err.msg, "Raspberry Pi OS 13"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(cards_with_a_display_are_found_by_their_connectors),
        TEST(the_mode_an_only_display_prefers_is_known),
        TEST(a_mode_may_be_forced_on_the_kernels_command_line),
        TEST(more_cards_than_there_is_room_for_are_left_out),
        TEST(whatever_changes_at_the_plugs_changes_the_fingerprint),
        TEST(an_old_sdl_is_refused_on_a_raspberry_pi_5_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
