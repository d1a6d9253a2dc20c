#include "sync/plays.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "sync/pace.h"
#include "sync/plays_link.h"
#include "sync/plays_seal.h"

#define UNPAIRED_NS BT_NS_PER_S
#define FIRST_EVERY_S 60

// Of a journal that was set aside.
#define MAX_TRIES 5

static const struct bt_log logger = {"sync/plays"};

// A journal on its way: the one that is written, or one that was set aside.
struct route {
    bool set_aside;
    struct bt_packer *packer;  // owned
    char journal[BT_JOURNAL_ID_BYTES];
    bool asked;  // the server said how far it is
    struct bt_packer_counted counted;
    bool done;  // set aside, and nothing more can come of it
};

// What the status says.
struct said {
    bool known, counted_known;
    int64_t last, counted, since_ms;
};

#define ROUTES (BT_JOURNAL_MAX_DAMAGED + 1)  // the live one is the last

struct bt_plays {
    struct bt_sync *sync;  // borrowed
    pthread_t thread;
    bool started;
    char boot[BT_BOOT_ID_BYTES];
    // The thread's own.
    struct bt_plays_link link;
    struct route routes[ROUTES];
    size_t max_records;  // of a batch; fewer after one that was too long for somebody in between
    unsigned failures;
    int64_t every_s;
    int64_t since_ms;      // when the first journal began, and the live one is another; or 0
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct said said;
};

static int64_t wall_ms(const struct bt_plays *plays)
{
    return bt_time_floor_now(plays->sync->time).wall_ms;
}

// What the status says. `counted` < 0: not known yet.
static void say(struct bt_plays *plays, int64_t last, int64_t counted)
{
    int64_t now_ms = wall_ms(plays);
    pthread_mutex_lock(&plays->lock);
    plays->said.known = true;
    plays->said.last = last;
    plays->said.counted_known = plays->said.counted_known || counted >= 0;
    plays->said.counted = counted >= 0 ? counted : plays->said.counted;
    if (plays->said.counted >= last) {
        plays->said.since_ms = 0;
    } else if (plays->said.since_ms == 0) {
        plays->said.since_ms = now_ms;
    }
    pthread_mutex_unlock(&plays->lock);
}

void bt_plays_status(struct bt_plays *plays, cJSON *status)
{
    pthread_mutex_lock(&plays->lock);
    struct said said = plays->said;
    pthread_mutex_unlock(&plays->lock);
    cJSON_DeleteItemFromObjectCaseSensitive(status, "plays");
    if (!said.known) {
        return;
    }
    cJSON *object = cJSON_AddObjectToObject(status, "plays");
    cJSON_AddNumberToObject(object, "last", (double)said.last);
    if (said.counted_known) {
        cJSON_AddNumberToObject(object, "counted", (double)said.counted);
    }
    cJSON_AddNumberToObject(object, "since_ms", (double)said.since_ms);
}

/*
 * How long to wait, in ns. What waits is on the disk, and the server can wait for it.
 */

static int64_t after_failure_ns(struct bt_plays *plays)
{
    plays->failures++;
    return bt_pace_backoff_ns(plays->failures, 100 * BT_NS_PER_MS,
                              plays->sync->options.retry_max_s * BT_NS_PER_S);
}

static int64_t regular_ns(const struct bt_plays *plays)
{
    int64_t every_ns = plays->every_s * BT_NS_PER_S;
    return every_ns + bt_chance(every_ns / 10 + 1);
}

// Who was sent away with a time comes back spread over as much again.
static int64_t sent_away_ns(struct bt_plays *plays)
{
    int64_t wait_s = plays->link.retry_after_s > 0 ? plays->link.retry_after_s : plays->every_s;
    return wait_s * BT_NS_PER_S + bt_chance(wait_s * BT_NS_PER_S);
}

static int64_t leave_aside(struct route *route, const char *detail)
{
    bt_log_warn(&logger, "A journal that was set aside stays here: %s", detail);
    route->done = true;
    return 0;
}

// What was set aside must not hold up for ever what is written now. A network that fails is another
// matter: it fails both.
static bool is_hopeless(const struct bt_plays *plays, const struct route *route, int r)
{
    return route->set_aside && r != -ENETUNREACH && r != -EMSGSIZE && plays->failures >= MAX_TRIES;
}

// Nothing more is sent of it until the server says otherwise: it is asked now and then.
static int64_t forked_ns(struct bt_plays *plays, struct route *route, const char *detail)
{
    route->asked = false;
    if (route->set_aside) {
        return leave_aside(route, detail);
    }
    bt_sync_trouble(plays->sync, BT_TROUBLE_PLAYS_FORKED, detail);
    return plays->sync->options.retry_max_s * BT_NS_PER_S;
}

static int64_t handle_failure(struct bt_plays *plays, struct route *route, int r,
                              const struct bt_error *err)
{
    if (r == -ECANCELED) {
        return 0;
    }
    if (r == -ESTALE) {
        return forked_ns(plays, route, err->msg);
    }
    if (r == -EAGAIN) {
        bt_log_info(&logger, "%s; trying again when it asks to", err->msg);
        return sent_away_ns(plays);
    }
    if (r == -EMSGSIZE) {
        plays->max_records = BT_MAX(plays->max_records / 2, (size_t)1);
    }
    if (r == -EACCES) {
        bt_sync_trouble(plays->sync, BT_TROUBLE_PLAYS_REFUSED, err->msg);
    }
    if (is_hopeless(plays, route, r)) {
        plays->failures = 0;
        return leave_aside(route, err->msg);
    }
    route->asked = false;
    int64_t wait_ns = after_failure_ns(plays);
    if (plays->failures == 1) {
        bt_log_info(&logger, "%s; the plays wait in the journal", err->msg);
    }
    return wait_ns;
}

/*
 * One batch.
 */

static int send_pack(struct bt_plays *plays, struct route *route, struct bt_pack *pack,
                     struct bt_error *err)
{
    struct bt_plays_answer answer;
    struct bt_identity identity = bt_standing_identity(plays->sync->standing);
    BT_AUTOBUF packed;
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    int r = bt_plays_seal(plays->sync->key, identity.player, plays->boot, pack, &packed, err);
    r = r < 0 ? r : bt_plays_link_send(&plays->link, &packed, &answer, err);
    if (r < 0) {
        return r;
    }
    bt_log_debug(&logger, "%lld of %lld records are counted", (long long)answer.counted.seq,
                 (long long)pack->last_seq);
    if (answer.counted.seq < bt_batch_maker_next(pack->maker) - 1) {
        return bt_fail(err, -ERANGE, "The server did not count what it was given");
    }
    route->counted = answer.counted;
    plays->every_s = answer.every_s;
    plays->failures = 0;
    return 0;
}

// How long until the next, after one that was counted.
static int64_t go_on(struct bt_plays *plays, struct route *route, const struct bt_pack *pack)
{
    if (!route->set_aside) {
        say(plays, pack->last_seq, route->counted.seq);
        bt_sync_fine(plays->sync, BT_TROUBLE_PLAYS_FORKED);
        bt_sync_fine(plays->sync, BT_TROUBLE_PLAYS_REFUSED);
    }
    if (pack->header.more) {
        return 0;
    }
    route->done = route->set_aside;
    return route->set_aside ? 0 : regular_ns(plays);
}

static int64_t send_next(struct bt_plays *plays, struct route *route)
{
    struct bt_error err = {0};
    struct bt_pack pack;
    struct bt_record_moment now =
        bt_plays_moment(plays->sync);  // before what it speaks for is read
    int r = bt_packer_pack(route->packer, &route->counted, plays->max_records, &pack, &err);
    if (r < 0) {
        return handle_failure(plays, route, r, &err);
    }
    pack.header.now = now;
    pack.header.since_ms = route->set_aside || route->counted.seq > 0 ? 0 : plays->since_ms;
    if (pack.skipped > 0) {
        bt_log_warn(&logger, "%lld damaged records are declared lost", (long long)pack.skipped);
    }
    int64_t wait_ns = 0;
    if (!bt_str_equal(pack.header.journal, route->journal)) {
        route->asked = false;  // a new journal has begun under this path
    } else {
        r = send_pack(plays, route, &pack, &err);
        wait_ns = r < 0 ? handle_failure(plays, route, r, &err) : go_on(plays, route, &pack);
    }
    bt_pack_finish(&pack);
    return wait_ns;
}

/*
 * One journal after the other.
 */

static void look_at_routes_again(struct bt_plays *plays)
{
    for (size_t i = 0; i < ROUTES; i++) {
        plays->routes[i].done = false;
        plays->routes[i].asked = false;
    }
}

// Asks how far the server has come with this journal.
static int64_t ask(struct bt_plays *plays, struct route *route)
{
    struct bt_plays_answer answer;
    struct bt_error err = {0};
    int r = bt_plays_link_ask(&plays->link, route->journal, &answer, &err);
    if (r < 0) {
        return handle_failure(plays, route, r, &err);
    }
    plays->every_s = answer.every_s;
    route->counted = answer.counted;
    if (!route->set_aside) {
        say(plays, plays->said.last, answer.counted.seq);
    }
    // One that is closed is counted all the same, when something of it comes late.
    if (bt_str_equal(answer.state, "forked")) {
        return forked_ns(plays, route, "The server says that the journal is forked");
    }
    route->asked = true;
    return 0;
}

static int note_first(struct bt_state *state, const char *journal, int64_t begun_ms,
                      struct bt_error *err)
{
    int r = bt_state_begin(state, err);
    if (r < 0) {
        return r;
    }
    r = bt_state_set(state, "first_journal", journal, err);
    r = r < 0 ? r : bt_state_set_int(state, "first_journal_ms", begun_ms, err);
    return bt_state_end(state, r, err);
}

/*
 * A journal can be lost before anybody has heard of it: its card breaks while the line is dead.
 * That there was one before this is remembered beside the orders, and said to the server.
 */
static void look_back(struct bt_plays *plays, const char *journal)
{
    char first[BT_JOURNAL_ID_BYTES];
    struct bt_error err = {0};
    struct bt_state *state = plays->sync->state;
    plays->since_ms = 0;
    int r = bt_state_get(state, "first_journal", first, sizeof(first));
    if (r == -ENOENT && note_first(state, journal, wall_ms(plays), &err) < 0) {
        bt_log_warn(&logger, "%s; should the journal be lost, nobody will be told", err.msg);
    }
    if (r == 0 && !bt_str_equal(first, journal)) {
        plays->since_ms = BT_MAX(bt_state_get_int(state, "first_journal_ms", 1), (int64_t)1);
    }
}

// Which journal is there. False: none that can be read.
static bool look(struct bt_plays *plays, struct route *route)
{
    struct bt_journal_facts facts;
    if (bt_packer_facts(route->packer, &facts, NULL) < 0) {
        return false;
    }
    if (!bt_str_equal(facts.journal, route->journal)) {
        bool replaced = route->journal[0] != '\0' && !route->set_aside;
        bt_copy_cut(route->journal, sizeof(route->journal), facts.journal);
        route->asked = false;
        if (replaced) {
            look_at_routes_again(plays);  // the one before may have been set aside
        }
        if (!route->set_aside) {
            look_back(plays, route->journal);
        }
    }
    if (!route->set_aside) {
        say(plays, facts.last_seq, route->asked ? route->counted.seq : -1);
    }
    return true;
}

// The first that has something to come; the live one when none has.
static struct route *next_route(struct bt_plays *plays)
{
    struct route *live = &plays->routes[ROUTES - 1];
    bool there = look(plays, live);
    for (size_t i = 0; i < ROUTES - 1; i++) {
        struct route *route = &plays->routes[i];
        if (!route->done && look(plays, route)) {
            return route;
        }
        route->done = true;
    }
    return there ? live : NULL;
}

static int64_t step(struct bt_plays *plays)
{
    if (bt_standing_identity(plays->sync->standing).player[0] == '\0') {
        return UNPAIRED_NS;
    }
    struct route *route = next_route(plays);
    if (route == NULL) {
        return UNPAIRED_NS;
    }
    return route->asked ? send_next(plays, route) : ask(plays, route);
}

static void *run(void *context)
{
    struct bt_plays *plays = context;
    while (!atomic_load(&plays->sync->stopping)) {
        int64_t wait_ns = step(plays);
        bt_plays_link_wait(&plays->link, bt_clock_mono_ns(plays->sync->options.clock) + wait_ns);
    }
    return NULL;
}

static void make_routes(struct bt_plays *plays)
{
    const char *path = plays->sync->options.plays;
    for (size_t i = 0; i < ROUTES; i++) {
        struct route *route = &plays->routes[i];
        route->set_aside = i < ROUTES - 1;
        BT_AUTOFREE char *aside = bt_strf("%s.damaged-%zu", path, i + 1);
        route->packer = bt_packer_create(route->set_aside ? aside : path);
    }
}

int bt_plays_create(struct bt_sync *sync, struct bt_plays **out, struct bt_error *err)
{
    struct bt_plays *plays = BT_NEW(struct bt_plays);
    plays->sync = sync;
    plays->max_records = BT_BATCH_MAX_RECORDS;
    plays->every_s = FIRST_EVERY_S;
    pthread_mutex_init(&plays->lock, NULL);
    *out = plays;
    int r = bt_plays_link_init(&plays->link, sync, err);
    if (r < 0 || sync->options.plays[0] == '\0') {
        return r;
    }
    make_routes(plays);
    return bt_journal_boot_id(plays->boot, err);
}

int bt_plays_run(struct bt_plays *plays, struct bt_error *err)
{
    if (plays->sync->options.plays[0] == '\0') {
        return 0;
    }
    int r = -pthread_create(&plays->thread, NULL, run, plays);
    plays->started = r == 0;
    return r == 0 ? 0 : bt_fail(err, r, "Cannot start the thread of plays");
}

void bt_plays_close(struct bt_plays *plays)
{
    if (plays != NULL) {
        bt_plays_link_wake(&plays->link);
    }
}

void bt_plays_join(struct bt_plays *plays)
{
    if (plays != NULL && plays->started) {
        pthread_join(plays->thread, NULL);
        plays->started = false;
    }
}

void bt_plays_destroy(struct bt_plays *plays)
{
    if (plays == NULL) {
        return;
    }
    for (size_t i = 0; i < ROUTES; i++) {
        bt_packer_destroy(plays->routes[i].packer);
    }
    bt_plays_link_finish(&plays->link);
    pthread_mutex_destroy(&plays->lock);
    free(plays);
}
