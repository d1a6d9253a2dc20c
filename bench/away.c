/*
 * A player that comes home after a long time: its journal goes to a server by the player's own
 * plays thread, as fast as the line allows. bench/fleet.py runs it.
 *
 *     away-bench DIRECTORY                      makes its key there, says the public one
 *     away-bench DIRECTORY PLAYER URL JOURNAL   sends all; says how many milliseconds it took
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "plays/reader.h"
#include "tests/ledger/courier.h"

#define LOOK_NS (20 * BT_NS_PER_MS)
#define PATIENCE_NS (600 * BT_NS_PER_S)

static int make_key(const char *directory, struct bt_error *err)
{
    char key[BT_PLAYER_HEX_BYTES];
    int r = courier_prepare(directory, key, err);
    if (r == 0) {
        puts(key);
    }
    return r;
}

static int read_last(const char *journal, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_reader) reader = NULL;
    int r = bt_reader_open(journal, &reader, err);
    if (r == 0) {
        *out = bt_reader_facts(reader)->last_seq;
    }
    return r;
}

static int come_home(const struct courier_options *options, struct bt_error *err)
{
    BT_AUTO(courier) courier = NULL;
    int64_t last = 0, begun_ns = bt_clock_mono_ns(options->clock);
    int r = read_last(options->journal, &last, err);
    r = r < 0 ? r : courier_open(options, &courier, err);
    r = r < 0 ? r : courier_start(courier, err);
    while (r == 0 && !courier_is_home(courier, last)) {
        int64_t now_ns = bt_clock_mono_ns(options->clock);
        if (now_ns - begun_ns > PATIENCE_NS) {
            return bt_fail(err, -1, "It did not come home");
        }
        bt_clock_sleep_until(options->clock, now_ns + LOOK_NS);
    }
    if (r == 0) {
        printf("%lld\n", (long long)((bt_clock_mono_ns(options->clock) - begun_ns) / BT_NS_PER_MS));
    }
    return r;
}

int main(int argc, char **argv)
{
    struct bt_error err = {""};
    if (argc != 2 && argc != 5) {
        fprintf(stderr, "away-bench DIRECTORY [PLAYER URL JOURNAL]\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct courier_options options = {.directory = argv[1],
                                            .player = argc == 5 ? argv[2] : "",
                                            .url = argc == 5 ? argv[3] : "",
                                            .journal = argc == 5 ? argv[4] : "",
                                            .clock = bt_clock_real(),
                                            .trusted = true};
    int r = argc == 2 ? make_key(argv[1], &err) : come_home(&options, &err);
    if (r < 0) {
        fprintf(stderr, "away-bench: %s\n", err.msg);
    }
    return r < 0;
}
