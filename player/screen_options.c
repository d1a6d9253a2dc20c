#include "player/screen_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/outside.h"

const char *const bt_screen_backends[] = {"auto", "soft", "gles2", NULL};
const char *const bt_screen_clocks[] = {"auto", "trusted", "untrusted", NULL};

// The parser has found it among the words.
static int find_word(const char *text, const char *const *words)
{
    int i = 0;
    while (text != NULL && words[i] != NULL && strcmp(words[i], text) != 0) {
        i++;
    }
    return text != NULL && words[i] != NULL ? i : 0;
}

// "WxH" or "WxH+X+Y".
static int parse_window(const char *text, struct bt_output_options *out)
{
    int64_t part[4] = {0, 0, -1, -1};
    static const char separators[] = "x++";
    BT_AUTOFREE char *copy = bt_strdup(text);
    char *at = copy;
    for (int i = 0; i < 4 && at != NULL; i++) {
        char *next = i < 3 ? strchr(at, separators[i]) : NULL;
        if (next != NULL) {
            *next++ = '\0';
        }
        if (bt_parse_int(at, i < 2 ? 1 : 0, BT_CANVAS_MAX_PX, &part[i]) < 0 ||
            (next == NULL && i != 1 && i != 3)) {
            return -EINVAL;
        }
        at = next;
    }
    out->fullscreen = false;
    out->window_width = (int)part[0];
    out->window_height = (int)part[1];
    out->window_x = (int)part[2];
    out->window_y = (int)part[3];
    return 0;
}

int bt_size_parse(const char *text, int min, int max, struct bt_size *out)
{
    BT_AUTOFREE char *width = bt_strdup(text);
    char *height = strchr(width, 'x');
    int64_t size[2];
    if (height == NULL) {
        return -EINVAL;
    }
    *height++ = '\0';
    if (bt_parse_int(width, min, max, &size[0]) < 0 ||
        bt_parse_int(height, min, max, &size[1]) < 0) {
        return -EINVAL;
    }
    *out = (struct bt_size){(int)size[0], (int)size[1]};
    return 0;
}

// BT_SYS_ROOT is where tests have a /sys of their own.
static const char *kernel_root(void)
{
    const char *root = getenv("BT_SYS_ROOT");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return root != NULL ? root : "";
}

int bt_screen_options_read(const struct bt_arguments *arguments, struct bt_screen_options *out,
                           struct bt_error *err)
{
    const char *window = bt_argument(arguments, "window");
    *out = (struct bt_screen_options){
        .stage.output = {.fullscreen = true,
                         .title = "Bangtin",
                         .window_x = -1,
                         .window_y = -1,
                         .root = kernel_root()},
        .stage.refresh_hz = bt_argument_int(arguments, "refresh", 0),
        .stage.root = kernel_root(),
        .stage.mute = bt_argument_flag(arguments, "mute"),
        .stage.sound_delay_ns = bt_argument_int(arguments, "sound-delay", 0) * BT_NS_PER_MS,
        .stage.run_ns = bt_argument_int(arguments, "for", 0) * BT_NS_PER_S,
        .frame_log = bt_argument(arguments, "frame-log"),
        .decoder = bt_argument(arguments, "decoder"),
        .streams = bt_argument(arguments, "streams"),
        .trust = (enum bt_trust_mode)find_word(bt_argument(arguments, "clock"), bt_screen_clocks),
    };
    struct bt_output_options *output = &out->stage.output;
    output->headless = bt_argument_flag(arguments, "headless");
    output->backend =
        (enum bt_backend)find_word(bt_argument(arguments, "backend"), bt_screen_backends);
    if (bt_argument_flag(arguments, "verbose")) {
        bt_log_set_level(BT_LOG_DEBUG);
    }
    struct bt_hatch workshop;
    int r = bt_hatch_read(bt_argument(arguments, "workshop"), &workshop, err);
    if (r < 0) {
        return r;
    }
    bt_outside_ask(&workshop);
    return window == NULL || parse_window(window, output) == 0
               ? 0
               : bt_fail(err, -EINVAL, "--window '%s': cần dạng / must look like 1280x720+0+0",
                         window);
}

int bt_screen_options_receive(const struct bt_screen_options *options, struct bt_kitchen *kitchen,
                              struct bt_error *err)
{
    struct bt_local_streams local = {0};
    int r = options->streams == NULL ? 0 : bt_local_streams_load(options->streams, &local, err);
    if (r == 0) {
        bt_kitchen_receive(kitchen, &local);
    }
    return r;
}
