#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/director_parts.h"
#include "sync/pace.h"
#include "update/frames.h"

#define FRAMES_NS (5 * BT_NS_PER_S)
#define MAX_START (INT64_C(1) << 52)

static const struct bt_log logger = {"player/frames"};

struct saving {
    struct bt_errand errand;
    char *path;
    struct bt_frames frames;
    int result;
    struct bt_error err;
};

static int write_aside(const char *path, const struct bt_buf *text, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len) {
        return bt_fail_errno(err, "Cannot write '%s'", path);
    }
    return 0;
}

// In one piece, but not durable: after a power cut nobody wants to know.
static int save(const char *path, const struct bt_frames *frames, struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOFREE char *aside = bt_strf("%s.next", path);
    bt_buf_init(&text, BT_FRAMES_MAX_BYTES);
    int r = bt_frames_write(frames, &text);
    r = r < 0 ? bt_fail(err, r, "The frames do not fit") : write_aside(aside, &text, err);
    if (r == 0 && rename(aside, path) < 0) {
        r = bt_fail_errno(err, "Cannot rename '%s'", aside);
    }
    return r;
}

static void run(struct bt_errand *errand)
{
    struct saving *saving = (struct saving *)errand;
    saving->result = save(saving->path, &saving->frames, &saving->err);
}

// Said once, and again when it was different in between.
static void finish(struct bt_errand *errand, void *context)
{
    const struct saving *saving = (const struct saving *)errand;
    struct bt_director *director = ((const struct bt_desk *)context)->director;
    if (saving->result != director->frames_result && saving->result < 0) {
        bt_log_warn(&logger, "%s; a new version would be taken for one that shows nothing",
                    saving->err.msg);
    }
    director->frames_result = saving->result;
}

static void destroy(struct bt_errand *errand)
{
    struct saving *saving = (struct saving *)errand;
    free(saving->path);
    free(saving);
}

void bt_director_tell_frames(struct bt_director *director, const struct bt_stage *stage)
{
    struct bt_stage_info info;
    int64_t now_ns = bt_director_now_ns();
    if (director->options.frames == NULL || now_ns < director->frames_at_ns) {
        return;
    }
    director->frames_at_ns = now_ns + FRAMES_NS;
    if (director->start == 0) {
        director->start = 1 + bt_chance(MAX_START);
    }
    bt_stage_info(stage, &info);
    struct saving *saving = BT_NEW(struct saving);
    saving->errand = (struct bt_errand){run, finish, destroy};
    saving->path = bt_strdup(director->options.frames);
    saving->frames = (struct bt_frames){.start = director->start,
                                        .presented = info.presented,
                                        .due = info.frames.due,
                                        .missing = info.frames.missing,
                                        .dark = info.output == NULL};
    bt_errands_send(director->slow, &saving->errand);
}
