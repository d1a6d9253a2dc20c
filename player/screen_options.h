/**
 * Options that all commands which play have in common: which display, how paced, what is logged.
 */
#ifndef BT_PLAYER_SCREEN_OPTIONS_H
#define BT_PLAYER_SCREEN_OPTIONS_H

#include <getopt.h>

#include "player/stage.h"

struct bt_screen_options {
    struct bt_stage_options stage;
    const char *frame_log;  // NULL: none
    enum bt_trust_mode trust;
};

// Keys of struct option; a command's own begin at BT_OPTION_OWN.
enum bt_screen_option {
    BT_OPTION_WINDOW = 256,
    BT_OPTION_HEADLESS,
    BT_OPTION_REFRESH,
    BT_OPTION_BACKEND,
    BT_OPTION_FOR,
    BT_OPTION_FRAME_LOG,
    BT_OPTION_CLOCK,
    BT_OPTION_VERBOSE,
    BT_OPTION_OWN,
};

#define BT_SCREEN_OPTIONS                                                                          \
    {"window", required_argument, NULL, BT_OPTION_WINDOW},                                         \
        {"headless", no_argument, NULL, BT_OPTION_HEADLESS},                                       \
        {"refresh", required_argument, NULL, BT_OPTION_REFRESH},                                   \
        {"backend", required_argument, NULL, BT_OPTION_BACKEND},                                   \
        {"for", required_argument, NULL, BT_OPTION_FOR},                                           \
        {"frame-log", required_argument, NULL, BT_OPTION_FRAME_LOG},                               \
        {"clock", required_argument, NULL, BT_OPTION_CLOCK},                                       \
    {                                                                                              \
        "verbose", no_argument, NULL, BT_OPTION_VERBOSE                                            \
    }

#define BT_SCREEN_OPTIONS_HELP                                                                              \
    "  --window WxH[+X+Y]   trong cửa sổ / in a window instead of full screen\n"                        \
    "  --headless           không màn hình; lượt phát ghi là mô phỏng / no display at all\n"     \
    "  --refresh HZ         lưới làm tươi riêng, 50 hoặc 60 / a refresh grid of our own\n"         \
    "  --backend NAME       auto, soft, gles2\n"                                                            \
    "  --for SECONDS        dừng sau chừng ấy giây / stop after so long\n"                           \
    "  --frame-log FILE     mỗi lần hiện một dòng JSON / one JSON line per present (- : stdout)\n" \
    "  --clock MODE         auto, trusted, untrusted: tin đồng hồ máy đến đâu / how far the\n"   \
    "                       system clock is trusted (a Raspberry Pi has no clock battery)\n"

void bt_screen_options_init(struct bt_screen_options *options);

// 0, -EINVAL the value is not taken, -ENOENT not one of these options.
int bt_screen_options_apply(struct bt_screen_options *options, int key,
                            const char *value) BT_NODISCARD;

#endif
