// Writes a journal for tests of the tools that read one, or adds to it: three plays, one of them
// cut short and none on a display, or so many whole ones. Usage: make_journal DB [PLAYS]
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plays/recorder.h"

static void play(struct bt_recorder *recorder, int number, const char *why_ended,
                 enum bt_evidence evidence)
{
    const struct bt_play_start start = {
        .item = "anh",
        .kind = "image",
        .zone = "chinh",
        .publication = "thu",
        .publication_version = 1,
        .layer = "unit",
        .priority = "normal",
        .run = number,
        .why_started = "schedule",
        .planned_ms = 10000,
        .mono_ns = number * 10000000000LL,
        .wall_ms = 1795228200000LL + number * 10000LL,  // 21 November 2026, morning in Hà Nội
        .clock_trust = BT_CLOCK_SYNCED,
        .evidence = evidence,
    };
    const struct bt_play_counts counts = {
        .shown_ms = strcmp(why_ended, "schedule") == 0 ? 10000 : 3000,
        .presented = 1,
        .repeated = 499,
    };
    uint64_t handle = bt_recorder_begin(recorder, &start);
    bt_recorder_end(recorder, handle, &counts, why_ended);
}

// The recorder's ring holds some hundred.
#define FLUSH_EVERY 200

static int play_many(struct bt_recorder *recorder, const char *number)
{
    int64_t plays;
    if (bt_parse_int(number, 0, 1000000, &plays) < 0) {
        return 1;
    }
    for (int i = 1; i <= (int)plays; i++) {
        play(recorder, i, "schedule", BT_EVIDENCE_PRESENT);
        if (i % FLUSH_EVERY == 0 && bt_recorder_flush(recorder) < 0) {
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct bt_error err = {""};
    BT_AUTO(bt_recorder) recorder = NULL;
    const struct bt_recorder_options options = {
        .path = argc > 1 ? argv[1] : "",
        .screen = "man-hinh-1",
        .player = "test",
        .wait_for_open = true,
    };
    if (bt_recorder_open(&options, &recorder, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    if (argc > 2) {
        return play_many(recorder, argv[2]);
    }
    play(recorder, 1, "schedule", BT_EVIDENCE_SIMULATED);
    play(recorder, 2, "schedule", BT_EVIDENCE_SIMULATED);
    play(recorder, 3, "stopped", BT_EVIDENCE_SIMULATED);
    return 0;
}
