#include "update/trial.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "update/hostile.h"
#include "update/verify.h"

#define MAX_TRIES 3
#define MAX_DARK 3  // a version that finds no display so often is to blame itself
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

static bool is_stopping(const struct trial *trial)
{
    return trial->options->stop != NULL && *trial->options->stop != 0;
}

// A version that ended again and again has used up its unit's starts.
static void forgive(const struct trial *trial)
{
    struct bt_error err;
    if (trial->options->forgive != NULL && bt_run_program(trial->options->forgive, &err) < 0) {
        bt_log_warn(&logger, "%s; restarting the player all the same", err.msg);
    }
}

static int switch_to(const struct trial *trial, const struct bt_version *version, const char *name,
                     struct bt_error *err)
{
    step(trial, name);
    int r = bt_versions_switch(trial->options->state, version, err);
    step(trial, "restart");
    if (r < 0) {
        return r;
    }
    forgive(trial);
    return bt_run_program(trial->options->restart, err);
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
    trial->record.dark = strcmp(why, BT_NO_DISPLAY) == 0 ? trial->record.dark + 1 : 0;
    if (trial->record.dark % MAX_DARK == 0) {
        bt_record_mark_bad(&trial->record, &trial->record.version);
        trial->record.dark = 0;
    }
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
    while (verdict == BT_VERDICT_WATCH && !is_stopping(trial)) {
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

// The machine is shut down: nothing of that is the version's fault, and the next start goes on.
static int put_off(struct trial *trial, struct bt_error *err)
{
    bt_log_info(&logger, "Told to stop; the trial goes on with the next start");
    trial->record.tries--;
    return save(trial, "note the shutdown", err);
}

// `before`: what the version before said of its frames.
static int try_out(struct trial *trial, const struct bt_frames *before, struct bt_error *err)
{
    const char *why = "";
    if (trial->record.tries >= MAX_TRIES) {
        return give_up(trial, "power-cuts", err);
    }
    trial->record.tries++;
    int r = save(trial, "note the trial", err);
    r = r < 0 ? r : switch_to(trial, &trial->record.version, "switch", err);
    if (r < 0 && !is_stopping(trial)) {
        return give_up(trial, "not-started", err);
    }
    enum bt_verdict verdict = watch(trial, before, &why);
    if (verdict == BT_VERDICT_WATCH) {
        return put_off(trial, err);
    }
    if (verdict == BT_VERDICT_BACK) {
        return give_up(trial, why, err);
    }
    bt_copy_cut(trial->record.outcome, sizeof(trial->record.outcome), "kept");
    trial->record.dark = 0;
    return end(trial, err);
}

// A package that somebody installed since is newer than what runs beside it. It runs already: what
// installed it has started it.
static int prefer_installed(struct trial *trial, struct bt_error *err)
{
    char version[BT_VERSION_BYTES];
    struct bt_record *record = &trial->record;
    if (bt_version_is_zero(&record->version) ||
        bt_version_compare(&record->version, &trial->options->installed) >= 0) {
        return 0;
    }
    bt_version_text(&trial->options->installed, version);
    bt_log_info(&logger, "The installed package has the newer version %s", version);
    step(trial, "switch to the installed");
    int r = bt_versions_switch(trial->options->state, &(struct bt_version){{0, 0, 0}}, err);
    if (r < 0) {
        return r;
    }
    record->version = record->before = (struct bt_version){{0, 0, 0}};
    return end(trial, err);
}

static int begin(struct trial *trial, struct bt_error *err)
{
    struct bt_frames before;
    char package[PATH_MAX], trusted[PATH_MAX];
    struct bt_version version, running = trial->record.version;
    const struct bt_trial_options *options = trial->options;
    if (bt_format(package, sizeof(package), "%s/package.deb", options->state) < 0 ||
        bt_format(trusted, sizeof(trusted), "%s/trusted", options->state) < 0) {
        return bt_fail(err, -EINVAL, "'%.128s' is too long", options->state);
    }
    if (bt_version_is_zero(&running)) {
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
    step(trial, "look for the offer");
    r = r < 0 ? r : bt_verify_still_offered(options->player, &version, err);
    if (r < 0) {
        return r;
    }
    trial->record.before = trial->record.version;
    trial->record.version = version;
    trial->record.phase = BT_PHASE_TRYING;
    trial->record.tries = 0;
    if (!read_frames(trial, &before)) {
        before = (struct bt_frames){0};
    }
    return try_out(trial, &before, err);
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
        // How the version before played is not known any more; it counts as smooth.
        return try_out(&trial, &(struct bt_frames){0}, err);
    }
    r = prefer_installed(&trial, err);
    r = r < 0 ? r : begin(&trial, err);
    return r == -ENOENT || r == -EALREADY ? 0 : r;
}
