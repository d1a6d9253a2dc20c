/*
 * What the planner costs: screens of 38 communes over days that nobody has planned; the same again
 * when all is known, as it is every quarter of an hour; and one day more.
 *
 *     build-rel/bench/plan-bench WHERE [SCREENS [DAYS]]      WHERE: sqlite:FILE or postgresql://…,
 * empty
 *
 * Every screen carries its commune's document and the province's, each with twenty items of ten
 * seconds in two campaigns; half of the screens have a document that is like nobody else's. Says
 * seconds of the processor, without PostgreSQL's own, and of the clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/plan/planner.h"

#define UNITS 38
#define ITEMS 20
#define NOW_MS INT64_C(1795194000000)  // 2026-11-21 00:00 in Viet Nam
// Of the processor, for a day of 300 screens with the 96 passes that it has.
#define FLOOR_S 10.0

static void must(int64_t r, const struct bt_error *err)
{
    if (r < 0) {
        fprintf(stderr, "plan-bench: %s\n", err->msg);
        exit(1);  // NOLINT(concurrency-mt-unsafe): there is one thread
    }
}

static char *content(const char *id, const char *layer)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, 65536);
    int r = bt_buf_appendf(&text,
                           "{\"format\":1,\"id\":\"%s\",\"version\":1,\"layer\":\"%s\","
                           "\"campaigns\":[{\"id\":\"a\",\"name\":\"A\"},{\"id\":\"b\","
                           "\"name\":\"B\",\"weight\":2}],\"playlists\":[{\"name\":\"p\","
                           "\"items\":[",
                           id, layer);
    for (int i = 0; i < ITEMS && r == 0; i++) {
        r = bt_buf_appendf(&text,
                           "%s{\"id\":\"i%d\",\"type\":\"text\",\"text\":\"x\",\"seconds\":10,"
                           "\"campaign\":\"%c\"}",
                           i == 0 ? "" : ",", i, "ab"[i % 2]);
    }
    r = r < 0 ? r
              : bt_buf_appendf(&text, "]}],\"schedule\":[{\"id\":\"r\",\"zone\":\"main\","
                                      "\"playlist\":\"p\"}]}");
    return r < 0 ? NULL : bt_strdup(bt_buf_text(&text));
}

static char *own(int screen)
{
    return bt_strf("{\"format\":1,\"id\":\"s.c%d.s%d\",\"version\":1,\"layer\":\"screen\","
                   "\"canvas\":{\"width\":%d,\"height\":32},\"layouts\":[{\"name\":\"one\","
                   "\"zones\":[{\"name\":\"main\"}]}],\"carries\":[\"p/chung\",\"u/c%d/bang\"]}",
                   screen % UNITS, screen, screen % 2 == 0 ? 64 : 64 + screen, screen % UNITS);
}

// Takes the text.
static void publish(struct bt_db *db, const char *target, char *text, int64_t at_ms)
{
    struct bt_error err = {0};
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256 = bt_sha256_of(text, strlen(text));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    must(bt_db_run(db, &err,
                   "INSERT INTO publication (id, unit, layer, name, target, role, version, state,"
                   " title, recipe, document, sha256, created_by, created_ms, changed_ms,"
                   " published_ms, revision) VALUES ($1, 'vn', 'unit', 'x', $1, 'x', 1,"
                   " 'published', '', '{}', $2, $3, '', 0, $4, $4, 1)",
                   BT_TEXT(target), BT_TEXT(text), BT_TEXT(hex), BT_INT(at_ms)),
         &err);
    free(text);
}

static void add_unit(struct bt_db *db, int unit, int64_t at_ms)
{
    struct bt_error err = {0};
    BT_AUTOFREE char *code = bt_strf("c%d", unit);
    BT_AUTOFREE char *path = bt_strf("/vn/c%d/", unit);
    BT_AUTOFREE char *target = bt_strf("u/c%d/bang.json", unit);
    BT_AUTOFREE char *id = bt_strf("u.c%d.bang", unit);
    must(bt_db_run(db, &err,
                   "INSERT INTO unit (code, parent, kind, name, path, revision)"
                   " VALUES ($1, 'vn', 'commune', $1, $2, 1)",
                   BT_TEXT(code), BT_TEXT(path)),
         &err);
    publish(db, target, content(id, "unit"), at_ms);
}

static void add_screen(struct bt_db *db, int screen, int64_t at_ms)
{
    struct bt_error err = {0};
    BT_AUTOFREE char *id = bt_strf("s%d", screen);
    BT_AUTOFREE char *unit = bt_strf("c%d", screen % UNITS);
    BT_AUTOFREE char *target = bt_strf("s/%s/%s.json", unit, id);
    must(bt_db_run(db, &err,
                   "INSERT INTO screen (id, unit, name, kind, width, height, place, duty_name,"
                   " duty_phone, open_min, close_min, volume_max_percent, brightness_max_percent,"
                   " note, revision, created_ms) VALUES ($1, $2, $1, 'led', 1, 1, '', '', '', 0, 0,"
                   " 0, 0, '', 1, 0)",
                   BT_TEXT(id), BT_TEXT(unit)),
         &err);
    publish(db, target, own(screen), at_ms);
}

static void make_world(struct bt_db *db, int screens, int64_t at_ms)
{
    struct bt_error err = {0};
    must(bt_db_begin(db, true, &err), &err);
    publish(db, "p/chung.json", content("p.chung", "province"), at_ms);
    for (int i = 0; i < UNITS; i++) {
        add_unit(db, i, at_ms);
    }
    for (int i = 0; i < screens; i++) {
        add_screen(db, i, at_ms);
    }
    must(bt_db_commit(db, &err), &err);
}

static double processor_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);  // allow: measures the processor
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// A whole pass, as a planner makes it that has just been created. Returns what it took.
static double pass(struct bt_db *db, int64_t now_ms, const char *what)
{
    struct bt_error err = {0};
    BT_AUTO(bt_planner) planner = bt_planner_create();
    const struct bt_clock *clock = bt_clock_real();
    int64_t began_ns = bt_clock_mono_ns(clock);
    double began_s = processor_s();
    bool more = true;
    while (more) {
        must(bt_planner_bite(planner, db, now_ms, BT_NS_PER_S, &more, &err), &err);
    }
    double took_s = processor_s() - began_s;
    printf("%-28s %7.2f s of the processor, %7.2f s\n", what, took_s,
           (double)(bt_clock_mono_ns(clock) - began_ns) / 1e9);
    fflush(stdout);
    return took_s;
}

int main(int argc, char **argv)
{
    struct bt_error err = {0};
    int64_t screens = 300, days = 30;
    BT_AUTO(bt_db_pool) pool = NULL;
    struct bt_db *db = NULL;
    if (argc < 2 || (argc > 2 && bt_parse_int(argv[2], 1, 100000, &screens) < 0) ||
        (argc > 3 && bt_parse_int(argv[3], 1, 399, &days) < 0)) {
        fputs("usage: plan-bench WHERE [SCREENS [DAYS]]\n", stderr);
        return 2;
    }
    must(bt_db_open(argv[1], 1, &pool, &err), &err);
    must(bt_db_acquire(pool, &db, &err), &err);
    make_world(db, (int)screens, NOW_MS - days * BT_MS_PER_DAY);
    pass(db, NOW_MS, "days that were not planned");
    double again_s = pass(db, NOW_MS, "the same pass again");
    double day_s = pass(db, NOW_MS + BT_MS_PER_DAY, "one day more");
    bt_db_release(db);
    double whole_s = day_s + 95 * again_s;
    printf("a day of %lld screens: %.2f s of the processor, floor %.0f s: %s\n", (long long)screens,
           whole_s, FLOOR_S, whole_s <= FLOOR_S ? "holds" : "falls short");
    return whole_s <= FLOOR_S ? 0 : 1;
}
