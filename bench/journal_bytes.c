/*
 * What a day of plays costs a memory card: journal-bytes [--hours N] [--zones N] [--seconds N]
 * [--apart] DIR. Records the plays of a day of cards as the recorder would commit them, in a
 * journal that holds the same day of 400 days ago, to be pruned meanwhile, and prints what was
 * written.
 *
 * "disk" is /proc/self/io's write_bytes: pages made dirty, so what the file system is given to
 * write, without its own bookkeeping. --apart: the zones do not change together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "plays/recorder.h"

#define MAX_ZONES 16
#define DAY_START_MS 1795240000000LL
#define HOUR_MS 3600000LL
#define BURST_MS (BT_RECORDER_BURST * BT_RECORDER_GAP_MS)

struct day {
    int64_t hours, zones, seconds;
    bool apart;
    const char *dir;
};

struct io {
    int64_t logical, disk;
};

static int read_line(const char *text, const char *key, int64_t *out)
{
    const char *at = strstr(text, key);
    if (at == NULL) {
        return -EINVAL;
    }
    char digits[32];
    at += strlen(key);
    if (bt_format(digits, sizeof(digits), "%.*s", (int)strcspn(at, "\n"), at) < 0) {
        return -EINVAL;
    }
    return bt_parse_int(digits, 0, INT64_MAX, out);
}

static int read_io(struct io *out, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 4096);
    int r = bt_file_read("/proc/self/io", &text, err);
    if (r == 0 && (read_line(bt_buf_text(&text), "wchar: ", &out->logical) < 0 ||
                   read_line(bt_buf_text(&text), "\nwrite_bytes: ", &out->disk) < 0)) {
        return bt_fail(err, -EINVAL, "/proc/self/io is not as expected");
    }
    return r;
}

static struct bt_play make_play(uint64_t id, int64_t zone, int64_t wall_ms, int64_t seconds)
{
    struct bt_play play;
    struct bt_play_start start = {
        .item = "the-dich-vu-cong-truc-tuyen",
        .asset = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .kind = "set",
        .publication = "unit-bac-ninh-quang-truong",
        .publication_version = 42,
        .layer = "unit",
        .priority = "normal",
        .campaign = "chuyen-doi-so-10-10",
        .card = (int64_t)(id % 8) + 1,
        .cards = 8,
        .run = (int64_t)id / 8,
        .why_started = "schedule",
        .planned_ms = seconds * 1000,
        .mono_ns = wall_ms * BT_NS_PER_MS / 1000,
        .wall_ms = wall_ms,
        .clock_trust = BT_CLOCK_SYNCED,
    };
    bt_copy_cut(start.zone, sizeof(start.zone), zone == 0 ? "chinh" : "ben-phai");
    bt_play_begin(&play, id, &start);
    return play;
}

static int end_and_begin(struct bt_journal *journal, struct bt_play *on, uint64_t id, int64_t zone,
                         int64_t wall_ms, int64_t seconds, struct bt_error *err)
{
    struct bt_play_counts counts = {seconds * 1000, 1, seconds / 2, 0};
    int r = 0;
    if (on->id != 0) {
        bt_play_end(on, &counts, BT_PLAY_END_SCHEDULE);
        r = bt_journal_put(journal, on, err);
    }
    *on = make_play(id, zone, wall_ms, seconds);
    return r < 0 ? r : bt_journal_put(journal, on, err);
}

// The recorder's rule, in steps of a quarter of a second. *out_commits counts.
static int play_day(struct bt_journal *journal, const struct day *day, int64_t start_ms,
                    bool commit, int64_t *out_commits, struct bt_error *err)
{
    struct bt_play on[MAX_ZONES] = {0};
    int64_t boundary_ms = -1, paced_ms = 0, length_ms = day->seconds * 1000;
    uint64_t id = 0;
    int r = 0;
    for (int64_t ms = 0; ms < day->hours * HOUR_MS && r == 0; ms += BT_RECORDER_GATHER_MS) {
        bool due = boundary_ms >= 0 && ms >= boundary_ms + BT_RECORDER_GATHER_MS && ms >= paced_ms;
        if (commit && due) {
            r = bt_journal_commit(journal, err);
            paced_ms = BT_MAX(paced_ms, ms - BURST_MS) + BT_RECORDER_GAP_MS;
            boundary_ms = -1;
            ++*out_commits;
        }
        for (int64_t zone = 0; zone < day->zones && r == 0; zone++) {
            int64_t shift = day->apart ? zone * length_ms / day->zones : 0;
            shift -= shift % BT_RECORDER_GATHER_MS;
            if (ms >= shift && (ms - shift) % length_ms == 0) {
                boundary_ms = boundary_ms < 0 ? ms : boundary_ms;
                r = end_and_begin(journal, &on[zone], ++id, zone, start_ms + ms, day->seconds, err);
            }
        }
        if (commit && r == 0 && ms % BT_JOURNAL_PRUNE_EVERY_MS == 0) {
            r = bt_journal_prune(journal, start_ms + ms, err);
            r = r < 0 ? r : 0;
        }
    }
    return r < 0 ? r : bt_journal_commit(journal, err);
}

static void report(const struct day *day, const struct io *before, const struct io *after,
                   int64_t commits, int64_t seq)
{
    double mb = 1e6;
    printf("%lld zones of %lld-second cards, %lld hours%s: %lld records, %lld commits\n",
           (long long)day->zones, (long long)day->seconds, (long long)day->hours,
           day->apart ? ", zones apart" : "", (long long)seq, (long long)commits);
    printf("written: %.1f MB to disk (%.1f MB logically), %.0f bytes a record\n",
           (double)(after->disk - before->disk) / mb,
           (double)(after->logical - before->logical) / mb,
           (double)(after->disk - before->disk) / (double)BT_MAX(seq, 1));
}

static int measure(const struct day *day, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/journal-bytes.db", day->dir);
    struct bt_journal_options options = {
        .path = path,
        .screen = "Quảng trường",
        .player = "bench",
        .now = {DAY_START_MS - BT_JOURNAL_KEEP_MS, 0, BT_CLOCK_SYNCED},
    };
    BT_AUTO(bt_journal) journal = NULL;
    struct io before, after;
    int64_t commits = 0;
    int r = bt_journal_open(&options, &journal, err);
    int64_t old_ms = DAY_START_MS - BT_JOURNAL_KEEP_MS;
    r = r < 0 ? r : play_day(journal, day, old_ms, false, &commits, err);
    int64_t first = r < 0 ? 0 : bt_journal_last_seq(journal);
    r = r < 0 ? r : read_io(&before, err);
    r = r < 0 ? r : play_day(journal, day, DAY_START_MS, true, &commits, err);
    if (r < 0) {
        return r;
    }
    int64_t seq = bt_journal_last_seq(journal) - first;
    bt_journal_destroy(BT_TAKE(journal));  // what is left in the log goes into the database
    r = read_io(&after, err);
    if (r == 0) {
        report(day, &before, &after, commits, seq);
    }
    return r;
}

static int read_options(int argc, char **argv, struct day *day)
{
    for (int i = 1; i < argc; i++) {
        int64_t *value = bt_str_equal(argv[i], "--hours")     ? &day->hours
                         : bt_str_equal(argv[i], "--zones")   ? &day->zones
                         : bt_str_equal(argv[i], "--seconds") ? &day->seconds
                                                              : NULL;
        if (bt_str_equal(argv[i], "--apart")) {
            day->apart = true;
        } else if (value == NULL) {
            day->dir = argv[i];
        } else if (i + 1 == argc || bt_parse_int(argv[++i], 1, 24, value) < 0) {
            return -EINVAL;
        }
    }
    return day->dir == NULL || day->zones > MAX_ZONES ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
    struct day day = {.hours = 16, .zones = 3, .seconds = 10};
    struct bt_error err;
    if (read_options(argc, argv, &day) < 0) {
        fprintf(stderr, "Usage: %s [--hours N] [--zones N] [--seconds N] [--apart] DIR\n", argv[0]);
        return 2;
    }
    if (measure(&day, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    return 0;
}
