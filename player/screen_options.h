/**
 * Options that all commands which play have in common: which display, how paced, what is logged.
 */
#ifndef BT_PLAYER_SCREEN_OPTIONS_H
#define BT_PLAYER_SCREEN_OPTIONS_H

#include "base/hatch.h"
#include "base/options.h"
#include "player/stage.h"

struct bt_screen_options {
    struct bt_stage_options stage;
    const char *frame_log;  // NULL: none
    const char *streams;    // what the installer wrote down about live streams; NULL: nothing
    enum bt_trust_mode trust;
    const char *decoder;  // of bt_decoder_names; NULL: "auto"
};

extern const char *const bt_screen_backends[], *const bt_screen_clocks[];

// Entries of a command's table of options.
#define BT_SCREEN_OPTIONS                                                                              \
    {"window", "WxH[+X+Y]", "trong cửa sổ / in a window instead of full screen"},                      \
        {"headless", NULL, "không màn hình; lượt phát ghi là mô phỏng / no display at all"},           \
        {"refresh", "HZ", "lưới làm tươi riêng, 50 hoặc 60 / a refresh grid of our own", .min = 1,     \
         .max = 240},                                                                                  \
        {"backend", "NAME", "auto, soft, gles2", .words = bt_screen_backends},                         \
        {"decoder", "NAME", "auto, software, drm, v4l2m2m, vaapi: giải mã bằng gì / what decodes",     \
         .words = bt_decoder_names},                                                                   \
        {"for", "SECONDS", "dừng sau chừng ấy giây / stop after so long", .min = 1,                    \
         .max = INT32_MAX},                                                                            \
        {"mute", NULL, "không bao giờ phát tiếng / never any sound"},                                  \
        {"sound-delay", "MS",                                                                          \
         "tiếng muộn hơn hình, dưới 0: sớm hơn / sound later than the picture", .min = -500,           \
         .max = 2000},                                                                                 \
        {"frame-log", "FILE",                                                                          \
         "mỗi lần hiện một dòng JSON / one JSON line per present (- : stdout)"},                       \
        {"clock", "MODE",                                                                              \
         "auto, trusted, untrusted: tin đồng hồ máy đến đâu / how far the system clock is " \
         "trusted (a Raspberry Pi has no clock battery)",                                              \
         .words = bt_screen_clocks},                                                                   \
        BT_HATCH_OPTION,                                                                               \
        {"streams", "FILE", "nguồn truyền trực tiếp tại chỗ / this machine's own live streams"},       \
    {                                                                                                  \
        "verbose", NULL, "nói nhiều hơn / say more"                                                \
    }

// "64x32", each within [min, max], or -EINVAL.
int bt_size_parse(const char *text, int min, int max, struct bt_size *out) BT_NODISCARD;

// -EINVAL: which value is not taken. Texts stay the arguments'.
int bt_screen_options_read(const struct bt_arguments *arguments, struct bt_screen_options *out,
                           struct bt_error *err) BT_NODISCARD;

// Live streams are received from now on, also those of the file. Errors: as bt_local_streams_load.
int bt_screen_options_receive(const struct bt_screen_options *options, struct bt_kitchen *kitchen,
                              struct bt_error *err) BT_NODISCARD;

#endif
