#include "update/trial.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/private_key.h"
#include "trust/signing.h"
#include "update/verify.h"

#define PLATFORM "debian-13-arm64"
#define NOW_MS INT64_C(1795240000000)
#define LATER_MS (NOW_MS + INT64_C(86400000) * 90)
static const char smooth[] = "{\"start\":1,\"presented\":6000,\"due\":6000,\"missing\":0}";
#define CUT 77  // how a process that was cut off ends

/*
 * A house: a player's directory, the installer's state, and a player that is played by the step
 * that looks: it writes frames as the version that `current` names would.
 */
struct house {
    char dir[128];
    char *player, *state, *run;
    struct bt_private_key *key;
    struct bt_clock *clock;
    int64_t due, missing;  // of a second of 0.2.0
    int64_t frames;        // seconds that it has run
    int64_t watch_ms;
    int steps, cut_at;  // cut off before this step; 0: never
    struct bt_version installed;
    int stop, stop_at;  // told to stop at that look; 0: never
    const char *restart, *forgive;
    int looks;
    int starts;             // trials in this process
    bool dark;              // it finds no display
    const char *take_back;  // the offer is gone at this step
};

static void put(const char *directory, const char *name, const void *bytes, size_t len)
{
    BT_AUTOFREE char *file = bt_strf("%s/%s", directory, name);
    assert_int_equal(bt_file_replace(file, bytes, len, NULL), 0);
}

static void put_text(const char *directory, const char *name, const char *text)
{
    put(directory, name, text, strlen(text));
}

static void put_document(const struct house *house, const char *name, cJSON *document)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    assert_int_equal(bt_signing_sign(document, house->key, NULL), 0);
    assert_int_equal(bt_signing_text(document, &text, NULL), 0);
    put_text(house->player, name, bt_buf_text(&text));
}

static void announce(const struct house *house, const char *software)
{
    BT_AUTOJSON *targets = NULL, *snapshot = NULL, *timestamp = NULL;
    assert_int_equal(bt_signing_targets(1, LATER_MS, &targets, NULL), 0);
    assert_int_equal(
        bt_signing_set_target(targets, BT_SOFTWARE_TARGET, software, strlen(software), NULL), 0);
    put_text(house->player, "update/software.json", software);
    put_document(house, "metadata/targets.json", targets);
    assert_int_equal(bt_signing_snapshot(1, LATER_MS, &snapshot, NULL), 0);
    assert_int_equal(bt_signing_set_meta(snapshot, "targets", 1, NULL), 0);
    put_document(house, "metadata/snapshot.json", snapshot);
    assert_int_equal(bt_signing_timestamp(1, LATER_MS, 1, "00ff", &timestamp, NULL), 0);
    put_document(house, "metadata/timestamp.json", timestamp);
}

static void pin_root(const struct house *house)
{
    cJSON *public_key = bt_private_key_public(house->key);
    const cJSON *keys[] = {public_key};
    const struct bt_role_keys role = {keys, 1, 1};
    const struct bt_root_roles roles = {role, role, role, role};
    BT_AUTOJSON *root = NULL;
    BT_AUTOFREE char *trusted = bt_strf("%s/trusted", house->state);
    assert_int_equal(bt_signing_root(1, LATER_MS, &roles, &root, NULL), 0);
    put_document(house, "metadata/root.json", root);
    assert_int_equal(bt_file_make_dirs(trusted, NULL), 0);
    assert_int_equal(bt_verify_pin(house->player, trusted, NULL, NULL), 0);
    cJSON_Delete(public_key);
}

static void run(const char *const *words)
{
    assert_int_equal(bt_run_program(words, NULL), 0);
}

// A real Debian package with a player in it, announced and offered.
static void offer(const struct house *house, const char *version, const char *inside)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256;
    int64_t size;
    BT_AUTOFREE char *tree = bt_strf("%s/tree", house->dir);
    BT_AUTOFREE char *package = bt_strf("%s/update/goi.deb", house->player);
    BT_AUTOFREE char *debian = bt_strf("%s/DEBIAN", tree);
    BT_AUTOFREE char *bin = bt_strf("%s/usr/bin", tree);
    BT_AUTOFREE char *program = bt_strf("%s/%s", bin, inside);
    BT_AUTOFREE char *control = bt_strf("Package: bangtin-player\nVersion: %s\nArchitecture: all\n"
                                        "Maintainer: a <a@example.vn>\nDescription: for a test\n",
                                        version);
    run((const char *const[]){"rm", "-rf", tree, NULL});
    assert_int_equal(bt_file_make_dirs(debian, NULL), 0);
    assert_int_equal(bt_file_make_dirs(bin, NULL), 0);
    put_text(debian, "control", control);
    put_text(bin, inside, version);
    assert_int_equal(chmod(program, 0755), 0);
    run((const char *const[]){"dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, package,
                              NULL});
    assert_int_equal(bt_sha256_of_file(package, &sha256, &size, NULL), 0);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    BT_AUTOFREE char *software =
        bt_strf("{\"format\":1,\"releases\":[{\"program\":\"bangtin-player\",\"platform\":"
                "\"" PLATFORM "\",\"version\":\"%s\",\"sha256\":\"%s\",\"size\":%lld,\"who\":{},"
                "\"from_ms\":0,\"hours\":\"01:00-04:00\"}]}",
                version, hex, (long long)size);
    announce(house, software);
    BT_AUTOFREE char *said = bt_strf("{\"version\":\"%s\",\"file\":\"goi.deb\"}", version);
    put_text(house->player, "update/offer.json", said);
}

static int set_up(void **state)
{
    struct house *house = BT_NEW(struct house);
    const char *fast = getenv("TMPDIR");
    assert_int_equal(bt_format(house->dir, sizeof(house->dir), "%s/bt-trial-XXXXXX",
                               fast != NULL ? fast : "/tmp"),
                     0);
    assert_non_null(mkdtemp(house->dir));
    house->player = bt_strf("%s/player", house->dir);
    house->state = bt_strf("%s/state", house->dir);
    house->run = bt_strf("%s/run", house->dir);
    BT_AUTOFREE char *metadata = bt_strf("%s/metadata", house->player);
    BT_AUTOFREE char *update = bt_strf("%s/update", house->player);
    const char *const all[] = {metadata, update, house->state, house->run};
    for (size_t i = 0; i < BT_ARRAY_LEN(all); i++) {
        assert_int_equal(bt_file_make_dirs(all[i], NULL), 0);
    }
    assert_int_equal(bt_private_key_generate(BT_PRIVATE_ED25519, &house->key, NULL), 0);
    house->clock = bt_clock_create_simulated(0, NOW_MS);
    house->due = 60;
    house->installed = (struct bt_version){{0, 1, 0}};
    house->restart = house->forgive = "true";
    house->watch_ms = BT_WATCH_MS;
    pin_root(house);
    put_text(house->run, "frames.json", smooth);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    run((const char *const[]){"rm", "-rf", house->dir, NULL});
    bt_private_key_destroy(house->key);
    bt_clock_destroy(house->clock);
    free(house->player);
    free(house->state);
    free(house->run);
    free(house);
    return 0;
}

// What `current` names, or "installed"; it must be whole.
static void running(const struct house *house, char out[BT_VERSION_BYTES])
{
    char to[PATH_MAX] = "";
    BT_AUTOFREE char *link = bt_strf("%s/current", house->state);
    BT_AUTOFREE char *program = bt_strf("%s/current/usr/bin/bangtin-player", house->state);
    if (readlink(link, to, sizeof(to) - 1) < 0) {
        bt_copy_cut(out, BT_VERSION_BYTES, "installed");
        return;
    }
    BT_AUTOBUF text;
    bt_buf_init(&text, 100);
    assert_int_equal(bt_file_read(program, &text, NULL), 0);
    assert_true(bt_str_ends(to, bt_buf_text(&text)));
    bt_copy_cut(out, BT_VERSION_BYTES, bt_buf_text(&text));
}

static void handle_step(const char *name, void *context)
{
    struct house *house = context;
    char version[BT_VERSION_BYTES];
    house->steps++;
    if (house->steps == house->cut_at) {
        _exit(CUT);
    }
    if (house->take_back != NULL && strcmp(name, house->take_back) == 0) {
        BT_AUTOFREE char *offered = bt_strf("%s/update/offer.json", house->player);
        assert_int_equal(unlink(offered), 0);
    }
    running(house, version);
    house->looks += strcmp(name, "look") == 0;
    house->stop = house->stop_at > 0 && house->looks >= house->stop_at;
    if (strcmp(name, "look") == 0 && strcmp(version, "installed") != 0) {
        house->frames++;
        long long due = house->frames * house->due, missing = house->frames * house->missing;
        BT_AUTOFREE char *said =
            bt_strf("{\"start\":%d,\"presented\":%lld,\"due\":%lld,\"missing\":%lld%s}",
                    (int)getpid() * 100 + house->starts, due, due, missing,
                    house->dark ? ",\"dark\":true" : "");
        put_text(house->run, "frames.json", said);
    }
}

static int try_it(struct house *house, struct bt_error *err)
{
    house->starts++;
    const char *const restart[] = {house->restart, NULL};
    const char *const forgive[] = {house->forgive, NULL};
    struct bt_judge_limits limits = bt_judge_usual_limits;
    limits.watch_ms = house->watch_ms;
    const struct bt_trial_options options = {
        .state = house->state,
        .player = house->player,
        .frames_directory = house->run,
        .frames_name = "frames.json",
        .platform = PLATFORM,
        .installed = house->installed,
        .restart = restart,
        .forgive = forgive,
        .stop = &house->stop,
        .limits = limits,
        .clock = house->clock,
        .step = handle_step,
        .step_context = house,
    };
    return bt_trial_run(&options, err);
}

static void runs(const struct house *house, const char *wanted)
{
    char version[BT_VERSION_BYTES];
    running(house, version);
    assert_string_equal(version, wanted);
}

static struct bt_record record_of(const struct house *house)
{
    struct bt_record record;
    assert_int_equal(bt_record_load(house->state, &record, NULL), 0);
    return record;
}

static void nothing_is_offered(void **state)
{
    struct house *house = *state;
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "installed");
}

static void a_version_that_plays_as_well_is_kept(void **state)
{
    struct house *house = *state;
    struct bt_error err = {0};
    offer(house, "0.2.0", "bangtin-player");
    if (try_it(house, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    runs(house, "0.2.0");
    assert_string_equal(record_of(house).outcome, "kept");
    assert_int_equal(record_of(house).phase, BT_PHASE_IDLE);
    assert_int_equal(bt_clock_mono_ns(house->clock) / BT_NS_PER_S, BT_WATCH_MS / 1000);
    // What runs already is nothing new, and no failure.
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "0.2.0");
}

static void one_that_plays_worse_goes_back_for_ever(void **state)
{
    struct house *house = *state;
    house->missing = 6;
    house->forgive = "false";  // the player is restarted all the same
    offer(house, "0.2.0", "bangtin-player");
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "installed");
    assert_string_equal(record_of(house).outcome, "missing-frames");
    assert_int_equal(record_of(house).bad_count, 1);
    assert_int_equal(try_it(house, NULL), -EPERM);
    runs(house, "installed");
    assert_true(bt_clock_mono_ns(house->clock) / BT_NS_PER_S < 15);
}

static void one_that_shows_nothing_goes_back(void **state)
{
    struct house *house = *state;
    house->due = 0;
    offer(house, "0.2.0", "bangtin-player");
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "installed");
    assert_string_equal(record_of(house).outcome, "no-present");
}

// Walls are switched off; but who never finds a display is to blame.
static void one_that_finds_no_display_is_tried_thrice(void **state)
{
    struct house *house = *state;
    house->due = 0;
    house->dark = true;
    offer(house, "0.2.0", "bangtin-player");
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(try_it(house, NULL), 0);
        runs(house, "installed");
        assert_string_equal(record_of(house).outcome, BT_NO_DISPLAY);
        assert_int_equal(record_of(house).bad_count, i == 3 ? 1 : 0);
    }
    assert_int_equal(try_it(house, NULL), -EPERM);
}

static void one_that_is_taken_back_while_it_is_unpacked_is_not_tried(void **state)
{
    struct house *house = *state;
    offer(house, "0.2.0", "bangtin-player");
    house->take_back = "unpack";
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "installed");
    assert_int_equal(house->looks, 0);
    house->take_back = NULL;
    BT_AUTOFREE char *directory = bt_strf("%s/update", house->player);
    put_text(directory, "offer.json", "{\"version\":\"0.2.0\",\"file\":\"goi.deb\"}");
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "0.2.0");
}

static void a_newer_package_that_is_installed_runs(void **state)
{
    struct house *house = *state;
    offer(house, "0.2.0", "bangtin-player");
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "0.2.0");
    house->installed = (struct bt_version){{0, 3, 0}};
    house->restart = "false";  // nobody is restarted: what installed it has done so
    // The offer of before still lies there, below what runs now.
    assert_int_equal(try_it(house, NULL), -EPERM);
    runs(house, "installed");
    struct bt_record record = record_of(house);
    assert_true(bt_version_is_zero(&record.version));
}

static void being_shut_down_is_no_try(void **state)
{
    struct house *house = *state;
    offer(house, "0.2.0", "bangtin-player");
    for (int i = 0; i < 5; i++) {
        house->stop_at = house->looks + 3;
        assert_int_equal(try_it(house, NULL), 0);
        assert_int_equal(record_of(house).phase, BT_PHASE_TRYING);
        assert_int_equal(record_of(house).tries, 0);
        runs(house, "0.2.0");
    }
    // systemd starts nothing any more while it shuts down.
    house->stop_at = 1;
    house->restart = "false";
    assert_int_equal(try_it(house, NULL), 0);
    assert_int_equal(record_of(house).phase, BT_PHASE_TRYING);
    house->stop_at = house->stop = 0;
    house->restart = "true";
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "0.2.0");
    assert_string_equal(record_of(house).outcome, "kept");
}

static void a_package_without_a_player_changes_nothing(void **state)
{
    struct house *house = *state;
    offer(house, "0.2.0", "something-else");
    assert_int_equal(try_it(house, NULL), -EINVAL);
    runs(house, "installed");
    assert_int_equal(record_of(house).phase, BT_PHASE_IDLE);
}

// In a process of its own, which is cut off before the step; true when it was not reached.
static bool cut_off_at(struct house *house, int number)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        house->cut_at = number;
        house->steps = 0;
        _exit(try_it(house, NULL) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == CUT || WEXITSTATUS(status) == 0);
    return WEXITSTATUS(status) == 0;
}

static void forget_all(const struct house *house)
{
    BT_AUTOFREE char *versions = bt_strf("%s/versions", house->state);
    BT_AUTOFREE char *record = bt_strf("%s/record.json", house->state);
    BT_AUTOFREE char *current = bt_strf("%s/current", house->state);
    run((const char *const[]){"rm", "-rf", versions, record, current, NULL});
    put_text(house->run, "frames.json", smooth);
}

// Whenever it is: what `current` names is whole, and the next start brings it to the same end.
static void cut_everywhere(struct house *house, const char *wanted)
{
    offer(house, "0.2.0", "bangtin-player");
    house->watch_ms = 2000;
    bool ended = false;
    for (int number = 1; !ended; number++) {
        forget_all(house);
        ended = cut_off_at(house, number);
        char version[BT_VERSION_BYTES];
        running(house, version);
        if (!ended) {
            // Cut off after the end was noted, there is nothing more to do.
            int r = try_it(house, NULL);
            assert_true(r == 0 || r == -EPERM);
        }
        runs(house, wanted);
        assert_int_equal(record_of(house).phase, BT_PHASE_IDLE);
        house->frames = 0;
    }
}

static void a_power_cut_anywhere_on_the_way_to_keeping(void **state)
{
    cut_everywhere(*state, "0.2.0");
}

static void a_power_cut_anywhere_on_the_way_back(void **state)
{
    struct house *house = *state;
    house->due = 600;
    house->missing = 60;
    cut_everywhere(house, "installed");
}

static void a_version_that_takes_the_machine_down_is_given_up(void **state)
{
    struct house *house = *state;
    offer(house, "0.2.0", "bangtin-player");
    // Each time while it is looked at.
    assert_false(cut_off_at(house, 8));
    runs(house, "0.2.0");
    assert_false(cut_off_at(house, 5));
    assert_false(cut_off_at(house, 5));
    assert_int_equal(try_it(house, NULL), 0);
    runs(house, "installed");
    assert_string_equal(record_of(house).outcome, "power-cuts");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_offered),
        CASE(a_version_that_plays_as_well_is_kept),
        CASE(one_that_plays_worse_goes_back_for_ever),
        CASE(one_that_shows_nothing_goes_back),
        CASE(one_that_finds_no_display_is_tried_thrice),
        CASE(one_that_is_taken_back_while_it_is_unpacked_is_not_tried),
        CASE(a_newer_package_that_is_installed_runs),
        CASE(being_shut_down_is_no_try),
        CASE(a_package_without_a_player_changes_nothing),
        CASE(a_power_cut_anywhere_on_the_way_to_keeping),
        CASE(a_power_cut_anywhere_on_the_way_back),
        CASE(a_version_that_takes_the_machine_down_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
