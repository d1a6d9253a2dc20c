#include "server/plays/counting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/hub.h"
#include "server/plays/books.h"
#include "server/plays/memory.h"
#include "server/plays/reckoning.h"
#include "server/plays/special.h"

static const struct bt_log logger = {"server/plays"};

// As often as others are faster in a row before the player is told to come back.
#define MAX_TRIES 8
#define MAX_GROUP_TRIES 3

struct bt_counting {
    struct bt_db_pool *db;  // borrowed
    struct bt_hub *hub;     // borrowed; NULL: nobody is told
    struct bt_memory *memory;
    struct bt_books *books;
    struct bt_remembered **moved;  // in the transaction that is being made
    size_t moved_count, moved_capacity;
    bool *careful;  // deliveries of the present group that take the careful way
    size_t careful_capacity;
};

struct bt_counting *bt_counting_create(struct bt_db_pool *db, struct bt_hub *hub)
{
    struct bt_counting *counting = BT_NEW(struct bt_counting);
    counting->db = db;
    counting->hub = hub;
    counting->memory = bt_memory_create();
    counting->books = bt_books_create();
    return counting;
}

void bt_counting_destroy(struct bt_counting *counting)
{
    if (counting == NULL) {
        return;
    }
    bt_memory_destroy(counting->memory);
    bt_books_destroy(counting->books);
    free(counting->moved);
    free(counting->careful);
    free(counting);
}

static void say(const struct bt_standing *standing, enum bt_verdict verdict, struct bt_counted *out)
{
    *out = (struct bt_counted){.verdict = verdict,
                               .state = standing->state,
                               .last_seq = standing->last_seq,
                               .last_hash = standing->last_hash};
}

// It moves in this transaction; its tally is made of the kept state.
static int begin_move(struct bt_counting *counting, struct bt_remembered *journal,
                      const struct bt_tz *tz, struct bt_error *err)
{
    if (journal->moved) {
        return 0;
    }
    journal->moved = true;
    BT_GROW(counting->moved, counting->moved_capacity, counting->moved_count + 1);
    counting->moved[counting->moved_count++] = journal;
    journal->tally = bt_tally_create(tz);
    return bt_tally_load(journal->tally, journal->state, strlen(journal->state), err);
}

static void step_moved(struct bt_counting *counting)
{
    for (size_t i = 0; i < counting->moved_count; i++) {
        struct bt_remembered *journal = counting->moved[i];
        bt_books_step(counting->books, &(struct bt_step){.standing = &journal->standing,
                                                         .tally = journal->tally,
                                                         .state = &journal->state,
                                                         .from_seq = journal->stored_seq});
    }
}

// What was moved in a transaction that failed is no longer known.
static void end_transaction(struct bt_counting *counting, bool committed)
{
    for (size_t i = 0; i < counting->moved_count; i++) {
        struct bt_remembered *journal = counting->moved[i];
        if (committed) {
            journal->moved = false;
            journal->stored_seq = journal->standing.last_seq;
            journal->standing.stored = true;
            bt_tally_destroy(BT_TAKE(journal->tally));
        } else {
            char player[32], name[BT_JOURNAL_ID_BYTES];
            bt_copy_cut(player, sizeof(player), journal->standing.player);
            bt_copy_cut(name, sizeof(name), journal->standing.journal);
            bt_memory_forget(counting->memory, player, name);
        }
    }
    counting->moved_count = 0;
    bt_books_clear(counting->books, committed);
}

/*
 * The careful way: one delivery, everything read anew.
 */

struct careful {
    struct bt_counting *counting;
    struct bt_db *db;
    const struct bt_delivery *delivery;
    bool tell;  // a fork is new
    char unit_path[256];
};

// As bt_special_begin says.
static int begin_carefully(struct careful *careful, struct bt_standing *standing,
                           struct bt_error *err)
{
    struct bt_books *books = careful->counting->books;
    const struct bt_delivery *delivery = careful->delivery;
    int64_t begin_ms = bt_reckon_begin_ms(standing, delivery);
    standing->first_ms = delivery->received_ms;
    int r = bt_special_unheard(careful->db, books, standing, delivery, begin_ms, err);
    return r < 0 ? r
                 : bt_special_begin(careful->db, books, &delivery->sender, standing->journal,
                                    begin_ms, err);
}

static int count_carefully(struct careful *careful, struct bt_remembered *journal,
                           const struct bt_judgement *judgement, struct bt_counted *out,
                           struct bt_error *err)
{
    struct bt_counting *counting = careful->counting;
    const struct bt_delivery *delivery = careful->delivery;
    struct bt_standing *standing = &journal->standing;
    int r = standing->stored ? 1 : begin_carefully(careful, standing, err);
    if (r <= 0) {
        say(standing, BT_VERDICT_BLOCKED, out);
        return r;
    }
    if (judgement->hole_from > 0) {
        bt_special_hole(counting->books, standing, delivery, judgement->hole_from);
    }
    r = begin_move(counting, journal, delivery->sender.tz, err);
    r = r < 0
            ? r
            : bt_reckon(counting->books, standing, journal->tally, delivery, judgement->from, err);
    if (r == 0 && standing->state == BT_STANDING_CLOSED) {
        r = bt_special_go_on(careful->db, counting->books, standing, err);
    }
    say(standing, BT_VERDICT_COUNT, out);
    return r;
}

static int find_path(struct careful *careful, const char *unit, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(careful->db, &rows, err, "SELECT path FROM unit WHERE code = $1", BT_TEXT(unit));
    if (r == 0 && bt_db_next(rows)) {
        bt_copy_cut(careful->unit_path, sizeof(careful->unit_path), bt_db_get_text(rows, 0));
    }
    return r;
}

static int fork_carefully(struct careful *careful, struct bt_remembered *journal,
                          struct bt_counted *out, struct bt_error *err)
{
    int r = bt_special_fork(careful->db, &journal->standing, careful->delivery, err);
    if (r < 0) {
        return r;
    }
    careful->tell = r == 1;
    journal->standing.state = BT_STANDING_FORKED;
    say(&journal->standing, BT_VERDICT_FORKED, out);
    return careful->tell ? find_path(careful, journal->standing.unit, err) : 0;
}

static int judge_carefully(struct careful *careful, struct bt_counted *out, struct bt_error *err)
{
    const struct bt_delivery *delivery = careful->delivery;
    struct bt_remembered *journal;
    int r = bt_memory_read(careful->counting->memory, careful->db, &delivery->sender,
                           delivery->batch.header.journal, &journal, err);
    if (r < 0) {
        return r;
    }
    struct bt_judgement judgement = bt_standing_judge(&journal->standing, delivery);
    switch (judgement.verdict) {
    case BT_VERDICT_COUNT:
        return count_carefully(careful, journal, &judgement, out, err);
    case BT_VERDICT_FORKED:
        return fork_carefully(careful, journal, out, err);
    case BT_VERDICT_KNOWN:
    case BT_VERDICT_GAP:
    case BT_VERDICT_BLOCKED:
    default:
        say(&journal->standing, judgement.verdict, out);
        out->expected = judgement.from;
        return 0;
    }
}

// Its journal and, since it may close them, all others of the player are read anew afterwards.
static int try_carefully(struct careful *careful, struct bt_counted *out, struct bt_error *err)
{
    struct bt_counting *counting = careful->counting;
    int r = bt_db_begin(careful->db, true, err);
    if (r < 0) {
        return r;
    }
    r = judge_carefully(careful, out, err);
    if (r == 0) {
        step_moved(counting);
        r = bt_books_write(counting->books, careful->db, err);
    }
    r = r < 0 ? r : bt_db_commit(careful->db, err);
    bt_db_rollback(careful->db);
    end_transaction(counting, r == 0);
    if (r < 0) {
        bt_memory_forget(counting->memory, careful->delivery->sender.player,
                         careful->delivery->batch.header.journal);
    }
    return r;
}

static void tell_fork(const struct careful *careful)
{
    const struct bt_delivery *delivery = careful->delivery;
    bt_log_warn(&logger,
                "Journal %s of player %s on screen %s does not fit its chain; it is kept"
                " aside and nothing more of it is counted",
                delivery->batch.header.journal, delivery->sender.player, delivery->sender.screen);
    if (careful->counting->hub == NULL || careful->unit_path[0] == '\0') {
        return;
    }
    BT_AUTOJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "screen", delivery->sender.screen);
    cJSON_AddStringToObject(data, "player", delivery->sender.player);
    cJSON_AddStringToObject(data, "journal", delivery->batch.header.journal);
    cJSON_AddStringToObject(data, "state", "forked");
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(data);
    if (text != NULL) {
        bt_hub_tell(careful->counting->hub, careful->unit_path, "plays", text);
    }
}

static void give_way(int tries)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + (BT_NS_PER_MS << tries));
}

static void run_carefully(struct bt_counting *counting, struct bt_db *db,
                          const struct bt_delivery *delivery, struct bt_counted *out)
{
    struct bt_error err = {0};
    int r = -EAGAIN;
    for (int tries = 0; (r == -EAGAIN || r == -EBUSY) && tries < MAX_TRIES; tries++) {
        if (tries > 0) {
            give_way(tries);
        }
        struct careful careful = {.counting = counting, .db = db, .delivery = delivery};
        r = try_carefully(&careful, out, &err);
        if (r == 0 && careful.tell) {
            tell_fork(&careful);
        }
    }
    if (r < 0) {
        bt_log_warn(&logger, "Cannot count plays of %s: %s; the player will send them again",
                    delivery->sender.player, err.msg);
        *out = (struct bt_counted){.result = r};
    }
}

/*
 * The fast way: all that goes on where its journal stands, in one transaction.
 */

// NULL: not to be counted this way.
static struct bt_remembered *find_quickly(struct bt_counting *counting, struct bt_db *db,
                                          const struct bt_delivery *delivery, int *out_r,
                                          struct bt_error *err)
{
    const char *journal = delivery->batch.header.journal;
    struct bt_remembered *found =
        bt_memory_find(counting->memory, delivery->sender.player, journal);
    if (found == NULL) {
        *out_r = bt_memory_read(counting->memory, db, &delivery->sender, journal, &found, err);
    }
    bool usual =
        found != NULL && found->standing.stored && found->standing.state == BT_STANDING_OPEN;
    return usual ? found : NULL;
}

// 1: counted; 0: to be looked at carefully.
static int count_quickly(struct bt_counting *counting, struct bt_db *db,
                         const struct bt_delivery *delivery, struct bt_counted *out,
                         struct bt_error *err)
{
    int r = 0;
    struct bt_remembered *journal = find_quickly(counting, db, delivery, &r, err);
    if (r < 0 || journal == NULL) {
        return r;
    }
    struct bt_judgement judgement = bt_standing_judge(&journal->standing, delivery);
    if (judgement.verdict != BT_VERDICT_COUNT || judgement.hole_from > 0) {
        return 0;
    }
    r = begin_move(counting, journal, delivery->sender.tz, err);
    r = r < 0 ? r
              : bt_reckon(counting->books, &journal->standing, journal->tally, delivery,
                          judgement.from, err);
    say(&journal->standing, BT_VERDICT_COUNT, out);
    return r < 0 ? r : 1;
}

static int try_quickly(struct bt_counting *counting, struct bt_db *db,
                       struct bt_delivery *const *deliveries, size_t count, struct bt_counted *out,
                       struct bt_error *err)
{
    int r = bt_db_begin(db, true, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = count_quickly(counting, db, deliveries[i], &out[i], err);
        counting->careful[i] = r == 0;
    }
    if (r >= 0) {
        step_moved(counting);
        r = bt_books_write(counting->books, db, err);
    }
    r = r < 0 ? r : bt_db_commit(db, err);
    bt_db_rollback(db);
    end_transaction(counting, r == 0);
    return r;
}

static void run_all(struct bt_counting *counting, struct bt_db *db,
                    struct bt_delivery *const *deliveries, size_t count, struct bt_counted *out)
{
    struct bt_error err = {0};
    BT_GROW(counting->careful, counting->careful_capacity, count);
    int r = -EAGAIN;
    for (int tries = 0; r == -EAGAIN && tries < MAX_GROUP_TRIES; tries++) {
        if (tries > 0) {
            give_way(tries);
        }
        r = try_quickly(counting, db, deliveries, count, out, &err);
    }
    if (r < 0) {
        bt_log_debug(&logger, "A group of %zu is counted one by one: %s", count, err.msg);
    }
    for (size_t i = 0; i < count; i++) {
        if (r < 0 || counting->careful[i]) {
            run_carefully(counting, db, deliveries[i], &out[i]);
        }
    }
}

void bt_counting_run(struct bt_counting *counting, struct bt_delivery *const *deliveries,
                     size_t count, struct bt_counted *out)
{
    struct bt_error err = {0};
    struct bt_db *db = NULL;
    bt_memory_trim(counting->memory);
    int r = bt_db_acquire(counting->db, &db, &err);
    if (r == 0) {
        run_all(counting, db, deliveries, count, out);
        bt_db_release(db);
        return;
    }
    bt_log_warn(&logger, "Cannot count plays: %s; players will send them again", err.msg);
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct bt_counted){.result = r};
    }
}
