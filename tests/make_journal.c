// Writes a journal for tests of the tools that read one: three plays, one of them cut short.
// Usage: make_journal DB
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plays/recorder.h"

static void play(struct bt_recorder *recorder, int number, const char *why_ended)
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
        .evidence = BT_EVIDENCE_SIMULATED,
    };
    const struct bt_play_counts counts = {
        .shown_ms = strcmp(why_ended, "schedule") == 0 ? 10000 : 3000,
        .presented = 1,
        .repeated = 499,
    };
    uint64_t handle = bt_recorder_begin(recorder, &start);
    bt_recorder_end(recorder, handle, &counts, why_ended);
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
    play(recorder, 1, "schedule");
    play(recorder, 2, "schedule");
    play(recorder, 3, "stopped");
    return 0;
}
