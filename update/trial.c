#include "update/trial.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "update/hostile.h"
#include "update/verify.h"

#define MAX_TRIES 3
#define LOOK_NS BT_NS_PER_S

static const struct bt_log logger = {"update"};

struct trial {
    const struct bt_trial_options *options;
    struct bt_record record;
};

static void step(const struct trial *trial, const char *name)
{
    if (trial->options->step != NULL) {
        trial->options->step(name, trial->options->step_context);
    }
}

static int save(const struct trial *trial, const char *name, struct bt_error *err)
{
    step(trial, name);
    return bt_record_save(trial->options->state, &trial->record, err);
}

static bool read_frames(const struct trial *trial, struct bt_frames *out)
{
    BT_AUTOBUF text;
    const struct bt_trial_options *options = trial->options;
    bt_buf_init(&text, BT_FRAMES_MAX_BYTES);
    return bt_hostile_read(options->frames_directory, options->frames_name, &text, NULL) == 0 &&
           bt_frames_parse(bt_buf_text(&text), text.len, out, NULL) == 0;
}

static int switch_to(const struct trial *trial, const struct bt_version *version, const char *name,
                     struct bt_error *err)
{
    step(trial, name);
    int r = bt_versions_switch(trial->options->state, version, err);
    step(trial, "restart");
    return r < 0 ? r : bt_run_program(trial->options->restart, err);
}

/*
 * The end of a trial.
 */

static int end(struct trial *trial, struct bt_error *err)
{
    const struct bt_record *record = &trial->record;
    trial->record.phase = BT_PHASE_IDLE;
    trial->record.tries = 0;
    int r = save(trial, "note the end", err);
    step(trial, "tidy");
    return r < 0 ? r
                 : bt_versions_tidy(trial->options->state, &record->version, &record->before, err);
}

static int go_back(struct trial *trial, struct bt_error *err)
{
    int r = switch_to(trial, &trial->record.before, "switch back", err);
    if (r < 0) {
        return r;
    }
    trial->record.version = trial->record.before;
    return end(trial, err);
}

static int give_up(struct trial *trial, const char *why, struct bt_error *err)
{
    char version[BT_VERSION_BYTES];
    bt_version_text(&trial->record.version, version);
    bt_log_warn(&logger, "Version %s: %s; going back", version, why);
    bt_record_mark_bad(&trial->record, &trial->record.version);
    bt_copy_cut(trial->record.outcome, sizeof(trial->record.outcome), why);
    trial->record.phase = BT_PHASE_GOING_BACK;
    int r = save(trial, "note going back", err);
    return r < 0 ? r : go_back(trial, err);
}

/*
 * The trial.
 */

static enum bt_verdict watch(const struct trial *trial, const struct bt_frames *before,
                             const char **out_why)
{
    struct bt_judge judge;
    struct bt_frames frames;
    const struct bt_clock *clock = trial->options->clock;
    int64_t now_ns = bt_clock_mono_ns(clock);
    enum bt_verdict verdict = BT_VERDICT_WATCH;
    bt_judge_begin(&judge, &trial->options->limits, before, now_ns / BT_NS_PER_MS);
    while (verdict == BT_VERDICT_WATCH) {
        step(trial, "look");
        bool said = read_frames(trial, &frames);
        now_ns = bt_clock_mono_ns(clock);
        verdict = bt_judge_look(&judge, said ? &frames : NULL, now_ns / BT_NS_PER_MS, out_why);
        if (verdict == BT_VERDICT_WATCH) {
            bt_clock_sleep_until(clock, now_ns + LOOK_NS);
        }
    }
    return verdict;
}

static int try_out(struct trial *trial, struct bt_error *err)
{
    const char *why = "";
    struct bt_frames before = {0};
    if (trial->record.tries >= MAX_TRIES) {
        return give_up(trial, "power-cuts", err);
    }
    // Of the version before; after a power cut that is not known any more, and counts as smooth.
    if (trial->record.tries > 0 || !read_frames(trial, &before)) {
        before = (struct bt_frames){0};
    }
    trial->record.tries++;
    int r = save(trial, "note the trial", err);
    r = r < 0 ? r : switch_to(trial, &trial->record.version, "switch", err);
    if (r < 0) {
        return give_up(trial, "not-started", err);
    }
    if (watch(trial, &before, &why) == BT_VERDICT_BACK) {
        return give_up(trial, why, err);
    }
    bt_copy_cut(trial->record.outcome, sizeof(trial->record.outcome), "kept");
    return end(trial, err);
}

static int begin(struct trial *trial, struct bt_error *err)
{
    char package[PATH_MAX], trusted[PATH_MAX];
    struct bt_version version, running = trial->record.version;
    const struct bt_trial_options *options = trial->options;
    if (bt_format(package, sizeof(package), "%s/package.deb", options->state) < 0 ||
        bt_format(trusted, sizeof(trusted), "%s/trusted", options->state) < 0) {
        return bt_fail(err, -EINVAL, "'%.128s' is too long", options->state);
    }
    // A package that was installed by hand is the floor, too; `current` goes on naming what it
    // named.
    if (bt_version_compare(&running, &options->installed) < 0) {
        running = options->installed;
    }
    const struct bt_verify_options verify = {
        .player = options->player,
        .trusted = trusted,
        .platform = options->platform,
        .running = running,
        .bad = trial->record.bad,
        .bad_count = trial->record.bad_count,
        .now_ms = bt_clock_wall_ms(options->clock),
    };
    step(trial, "verify");
    int r = bt_verify_offer(&verify, package, &version, err);
    step(trial, "unpack");
    r = r < 0 ? r : bt_versions_unpack(options->state, &version, err);
    if (r < 0) {
        return r;
    }
    trial->record.before = trial->record.version;
    trial->record.version = version;
    trial->record.phase = BT_PHASE_TRYING;
    trial->record.tries = 0;
    return try_out(trial, err);
}

int bt_trial_run(const struct bt_trial_options *options, struct bt_error *err)
{
    struct trial trial = {.options = options};
    int r = bt_record_load(options->state, &trial.record, err);
    if (r < 0) {
        return r;
    }
    if (trial.record.phase == BT_PHASE_GOING_BACK) {
        return go_back(&trial, err);
    }
    if (trial.record.phase == BT_PHASE_TRYING) {
        return try_out(&trial, err);
    }
    r = begin(&trial, err);
    return r == -ENOENT ? 0 : r;
}
