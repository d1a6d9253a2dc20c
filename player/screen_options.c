#include "player/screen_options.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

void bt_screen_options_init(struct bt_screen_options *options)
{
    *options = (struct bt_screen_options){
        .stage.output = {.fullscreen = true, .title = "Bangtin", .window_x = -1, .window_y = -1},
    };
}

static int find_word(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
    }
    return -1;
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

static int parse_for(const char *value, struct bt_stage_options *stage)
{
    int64_t seconds;
    int r = bt_parse_int(value, 1, INT32_MAX, &seconds);
    stage->run_ns = r == 0 ? seconds * BT_NS_PER_S : 0;
    return r;
}

static int apply_word(int key, const char *value, struct bt_screen_options *options)
{
    static const char *const backends[] = {"auto", "soft", "gles2", NULL};
    static const char *const clocks[] = {"auto", "trusted", "untrusted", NULL};
    int word = find_word(value, key == BT_OPTION_BACKEND ? backends : clocks);
    if (word < 0) {
        return -EINVAL;
    }
    if (key == BT_OPTION_BACKEND) {
        options->stage.output.backend = (enum bt_backend)word;
    } else {
        options->trust = (enum bt_trust_mode)word;
    }
    return 0;
}

int bt_screen_options_apply(struct bt_screen_options *options, int key, const char *value)
{
    switch (key) {
    case BT_OPTION_FRAME_LOG:
        options->frame_log = value;
        return 0;
    case BT_OPTION_WINDOW:
        return parse_window(value, &options->stage.output);
    case BT_OPTION_HEADLESS:
        options->stage.output.headless = true;
        return 0;
    case BT_OPTION_REFRESH:
        return bt_parse_int(value, 1, 240, &options->stage.refresh_hz);
    case BT_OPTION_FOR:
        return parse_for(value, &options->stage);
    case BT_OPTION_BACKEND:
    case BT_OPTION_CLOCK:
        return apply_word(key, value, options);
    case BT_OPTION_VERBOSE:
        bt_log_set_level(BT_LOG_DEBUG);
        return 0;
    default:
        return -ENOENT;
    }
}
