#include "media/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/str.h"
#include "media/stream.h"

// It allows itself two seconds of work; a busy machine may take longer to give them. A player
// cannot wait for ever; a workshop has all the time that its server gives it.
static int64_t time_limit_ns = 6 * BT_NS_PER_S;  // allow: the program's, said once at its start
#define PATIENT_NS (60 * BT_NS_PER_S)

void bt_outside_be_patient(void)
{
    time_limit_ns = PATIENT_NS;
}

static struct bt_hatch said;  // allow: the program's, said once at its start

void bt_outside_ask(const struct bt_hatch *hatch)
{
    said = *hatch;
}

struct painter {
    pid_t pid;  // 0: not ours
    int fd;     // what it says
    int64_t until_ns;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

// Ignored signals would stay ignored, and a blocked mask blocked, in the program.
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int input,
                   int output)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int r = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    r = r != 0 ? r : posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    r = r != 0 ? r : posix_spawnattr_setsigdefault(attributes, &all);
    r = r != 0 ? r : posix_spawnattr_setsigmask(attributes, &none);
    return r != 0 ? r
                  : posix_spawnattr_setflags(attributes,
                                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn(char *const *words, int input, int output, pid_t *out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int r = prepare(&actions, &attributes, input, output);
    char language[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {language, NULL};
    r = r != 0 ? r : posix_spawn(out, words[0], &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

static int begin_ours(const char *path, int width, int height, struct painter *out,
                      struct bt_error *err)
{
    BT_AUTOFREE char *program = bt_program_path("bangtin-media", "workshop");
    BT_AUTOFREE char *across = bt_strf("%d", width);
    BT_AUTOFREE char *down = bt_strf("%d", height);
    char verb[] = "draw", end[] = "--", input[] = "-";
    char *const words[] = {program, verb, across, down, end, input, NULL};
    BT_AUTOCLOSE int file = open(path, O_RDONLY | O_CLOEXEC);
    int ends[2];
    if (file < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return bt_fail_errno(err, "Cannot make a pipe");
    }
    BT_AUTOCLOSE int output = ends[1];
    *out = (struct painter){.fd = ends[0], .until_ns = now_ns() + time_limit_ns};
    int r = spawn(words, file, output, &out->pid);
    if (r != 0) {
        close(ends[0]);
        errno = r;
        return bt_fail(err, -ENOTSUP, "Cannot start '%s', which draws such pictures: %m", program);
    }
    return 0;
}

static int begin_at_hatch(const char *path, int width, int height, struct painter *out,
                          struct bt_error *err)
{
    const struct bt_hatch_job job = {
        .magic = BT_HATCH_MAGIC, .what = BT_HATCH_DRAW, .width = width, .height = height};
    BT_AUTOCLOSE int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    *out = (struct painter){.fd = -1};
    int r = bt_hatch_open(said.path, &job, file, now_ns() + time_limit_ns, &out->fd, err);
    out->until_ns = now_ns() + time_limit_ns;  // what it takes to be let in is not its work
    return r;
}

static int begin(const char *path, int width, int height, struct painter *out, struct bt_error *err)
{
    int r = said.path == NULL ? -ENOENT : begin_at_hatch(path, width, height, out, err);
    if (bt_hatch_is_absent(r) && !said.required) {
        return begin_ours(path, width, height, out, err);
    }
    return r < 0 ? bt_fail_in(err, -ENOTSUP, "Such pictures are drawn elsewhere") : 0;
}

// Whatever it does, it is gone after this.
static void end(struct painter *painter)
{
    close(painter->fd);
    if (painter->pid == 0) {
        return;
    }
    kill(painter->pid, SIGKILL);
    while (waitpid(painter->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int hear(const struct painter *painter, void *out, size_t size, struct bt_error *err)
{
    int r = bt_hatch_hear(painter->fd, out, size, painter->until_ns);
    if (r == -ETIMEDOUT) {
        return bt_fail(err, r, "Drawing the picture takes too long");
    }
    return r == 0 ? 0 : bt_fail(err, -EBADMSG, "The picture could not be drawn within its bounds");
}

// Its sentence may hold whatever the file could make it say.
static int hear_refusal(const struct painter *painter, const struct bt_outside_answer *answer,
                        struct bt_error *err)
{
    char text[BT_OUTSIDE_MAX_TEXT + 1] = "";
    size_t len = BT_MIN((size_t)answer->text_len, (size_t)BT_OUTSIDE_MAX_TEXT);
    int r = hear(painter, text, len, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)((unsigned char)text[i] < ' ' ? ' ' : text[i]);
    }
    bool known = answer->result == -ENOTSUP || answer->result == -EFBIG;
    return bt_fail(err, known ? answer->result : -EBADMSG, "%s", text);
}

static int hear_answer(const struct painter *painter, struct bt_outside_answer *out,
                       struct bt_error *err)
{
    int r = hear(painter, out, sizeof(*out), err);
    if (r < 0) {
        return r;
    }
    if (out->magic != BT_OUTSIDE_MAGIC) {
        return bt_fail(err, -EBADMSG, "The picture could not be drawn");
    }
    if (out->result < 0) {
        return hear_refusal(painter, out, err);
    }
    if (out->width < 1 || out->height < 1 || out->width > BT_MEDIA_MAX_SIDE_PX ||
        out->height > BT_MEDIA_MAX_SIDE_PX ||
        (int64_t)out->width * out->height > BT_MEDIA_MAX_PIXELS) {
        return bt_fail(err, -EFBIG, "The picture is larger than what we show");
    }
    return 0;
}

static int hear_pixels(const struct painter *painter, const struct bt_outside_answer *answer,
                       AVFrame *out, struct bt_error *err)
{
    out->format = answer->has_alpha ? AV_PIX_FMT_BGRA : AV_PIX_FMT_BGR0;
    out->width = answer->width;
    out->height = answer->height;
    if (av_frame_get_buffer(out, 0) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for a picture of %dx%d", answer->width,
                       answer->height);
    }
    int r = 0;
    for (int y = 0; y < answer->height && r == 0; y++) {
        r = hear(painter, out->data[0] + (ptrdiff_t)y * out->linesize[0], (size_t)answer->width * 4,
                 err);
    }
    return r;
}

int bt_outside_hear(int fd, int64_t until_ns, struct bt_outside_answer *out_answer, AVFrame *out,
                    struct bt_error *err)
{
    const struct painter painter = {.fd = fd, .until_ns = until_ns};
    int r = hear_answer(&painter, out_answer, err);
    return r < 0 || out == NULL ? r : hear_pixels(&painter, out_answer, out, err);
}

static int ask(const char *path, int width, int height, struct bt_outside_answer *out_answer,
               AVFrame *out, struct bt_error *err)
{
    struct painter painter;
    int r = begin(path, width, height, &painter, err);
    if (r < 0) {
        return r;
    }
    r = bt_outside_hear(painter.fd, painter.until_ns, out_answer, out, err);
    end(&painter);
    return r;
}

int bt_outside_measure(const char *path, int *out_width, int *out_height, struct bt_error *err)
{
    struct bt_outside_answer answer;
    int r = ask(path, 0, 0, &answer, NULL, err);
    if (r == 0) {
        *out_width = answer.width;
        *out_height = answer.height;
    }
    return r;
}

int bt_outside_draw(const char *path, int width, int height, AVFrame *out, struct bt_error *err)
{
    struct bt_outside_answer answer;
    return ask(path, width, height, &answer, out, err);
}
