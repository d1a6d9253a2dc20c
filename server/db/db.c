#include "server/db/db.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/engine.h"
#include "server/db/migrate.h"
#include "server/db/pool.h"
#include "server/db/rows.h"

// A writer that others wait for longer than this is stuck: they are told to come again.
#define WRITER_WAIT_NS (10 * BT_NS_PER_S)

// Whoever runs already may go in front of who would have to be woken; but not of who has waited for
// so long.
#define OVERTAKEN_NS (20 * BT_NS_PER_MS)

// A database that starts anew is there again after a second or two, and nobody need notice. When
// it has been away for longer, all are told so at once.
#define AWAY_NS (6 * BT_NS_PER_S)
#define LOOK_AGAIN_NS (100 * BT_NS_PER_MS)
#define NEXT_TRY_NS BT_NS_PER_S            // after one that was in vain
#define LONGEST_TRY_NS (60 * BT_NS_PER_S)  // whoever tries has come back by then

#define POOL_NAME_BYTES 33

struct bt_db {
    struct bt_db_pool *pool;  // must outlive this
    void *connection;         // NULL until it is first used
    bool in_transaction;
    bool writes;
    int64_t failed;  // how a statement of the transaction did; it can only be rolled back
    struct bt_db *next_free;
};

// Those who wait for one thing, on their stacks; who came first is served first, and nobody else is
// woken.
struct place {
    struct place *next;
    int64_t since_ns;
    pthread_cond_t woken;
};

struct line {
    struct place *first, **end;
};

struct bt_db_pool {
    const struct bt_db_engine *engine;  // set by open, never changed, as are the next four
    char *where;
    char name[POOL_NAME_BYTES];
    struct bt_db *connections;
    size_t count;
    _Atomic int64_t away_since_ns;  // 0: the database is there
    _Atomic int64_t next_try_ns;    // while it is not
    pthread_mutex_t lock;           // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct bt_db *free;  // the one used last first, so that few are open
    bool writing;
    struct line connecting, entering;  // for a free connection, to be the writer
    size_t waiting;                    // in both
};

struct bt_db_value bt_db_text(const char *text)
{
    if (text == NULL) {
        return BT_NULL;
    }
    return (struct bt_db_value){.type = BT_DB_TEXT, .bytes = text, .len = strlen(text)};
}

static const struct bt_db_engine *engine_of(const char *where)
{
    if (bt_str_starts(where, "sqlite:")) {
        return &bt_db_sqlite;
    }
    bool postgresql = bt_str_starts(where, "postgresql://") ||
                      bt_str_starts(where, "postgres://") || strchr(where, '=') != NULL;
    return postgresql ? &bt_db_postgresql : NULL;
}

static struct bt_db_pool *create_pool(const struct bt_db_engine *engine, const char *where,
                                      size_t connections)
{
    struct bt_db_pool *pool = BT_NEW(struct bt_db_pool);
    pool->engine = engine;
    pool->where = bt_strdup(where);
    pool->count = connections;
    uint8_t name[(POOL_NAME_BYTES - 1) / 2];
    randombytes_buf(name, sizeof(name));
    bt_hex(name, sizeof(name), pool->name);
    pool->connections = BT_NEW_ARRAY(struct bt_db, connections);
    for (size_t i = 0; i < connections; i++) {
        pool->connections[i].pool = pool;
        pool->connections[i].next_free = pool->free;
        pool->free = &pool->connections[i];
    }
    pool->connecting.end = &pool->connecting.first;
    pool->entering.end = &pool->entering.first;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void bt_db_pool_destroy(struct bt_db_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < pool->count; i++) {
        assert(!pool->connections[i].in_transaction);  // somebody has not released it
        pool->engine->disconnect(pool->connections[i].connection);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool->connections);
    free(pool->where);
    free(pool);
}

static int bring_up(const struct bt_db_engine *engine, void *connection, enum bt_db_manner manner,
                    struct bt_error *err)
{
    int r = manner == BT_DB_AS_IS ? bt_db_check_migrations(engine, connection, err)
                                  : bt_db_migrate(engine, connection, err);
    return r < 0 || manner == BT_DB_COPYING ? r : bt_db_refuse_unfinished(engine, connection, err);
}

// Opening would make an empty one.
static int check_is_there(const char *where, struct bt_error *err)
{
    const char *path = where + strlen("sqlite:");
    return !bt_str_starts(where, "sqlite:") || access(path, F_OK) == 0
               ? 0
               : bt_fail_errno(err, "Cannot find '%s'", path);
}

int bt_db_open_as(const char *where, size_t connections, enum bt_db_manner manner,
                  struct bt_db_pool **out, struct bt_error *err)
{
    assert(connections > 0);
    const struct bt_db_engine *engine = engine_of(where);
    if (engine == NULL) {
        // The text may have a password in it, so it is not repeated.
        return bt_fail(err, -EINVAL,
                       "This names no database; write sqlite:PATH or postgresql://HOST/NAME");
    }
    BT_AUTO(bt_db_pool) pool = create_pool(engine, where, connections);
    struct bt_db *first = pool->free;
    int r = manner == BT_DB_AS_IS ? check_is_there(where, err) : 0;
    r = r < 0 ? r : engine->connect(where, &first->connection, err);
    r = r < 0 ? r : bring_up(engine, first->connection, manner, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Cannot open the database");
    }
    *out = BT_TAKE(pool);
    return 0;
}

int bt_db_open(const char *where, size_t connections, struct bt_db_pool **out, struct bt_error *err)
{
    return bt_db_open_as(where, connections, BT_DB_SERVING, out, err);
}

const char *bt_db_engine(const struct bt_db_pool *pool)
{
    return pool->engine->name;
}

const struct bt_db_engine *bt_db_pool_engine(const struct bt_db_pool *pool)
{
    return pool->engine;
}

const char *bt_db_pool_where(const struct bt_db_pool *pool)
{
    return pool->where;
}

const char *bt_db_pool_name(const struct bt_db_pool *pool)
{
    return pool->name;
}

const struct bt_db_pool *bt_db_pool_of(const struct bt_db *db)
{
    return db->pool;
}

const char *bt_db_engine_of(const struct bt_db *db)
{
    return bt_db_engine(db->pool);
}

static bool has_connection(const struct bt_db_pool *pool)
{
    return pool->free != NULL;
}

static bool has_no_writer(const struct bt_db_pool *pool)
{
    return !pool->writing;
}

// Under the lock.
static void wake_first(const struct line *line)
{
    if (line->first != NULL) {
        pthread_cond_signal(&line->first->woken);
    }
}

static void enter_line(struct bt_db_pool *pool, struct line *line, struct place *place)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&place->woken, &attributes);
    pthread_condattr_destroy(&attributes);
    place->next = NULL;
    place->since_ns = bt_clock_mono_ns(bt_clock_real());
    *line->end = place;
    line->end = &place->next;
    pool->waiting++;
}

static void leave_line(struct bt_db_pool *pool, struct line *line, struct place *place)
{
    struct place **link = &line->first;
    while (*link != place) {
        link = &(*link)->next;
    }
    *link = place->next;
    if (place->next == NULL) {
        line->end = link;
    }
    pool->waiting--;
    pthread_cond_destroy(&place->woken);
}

static bool lets_pass(const struct line *line)
{
    return line->first == NULL ||
           bt_clock_mono_ns(bt_clock_real()) - line->first->since_ns < OVERTAKEN_NS;
}

// Under the lock. `until` NULL: as long as it takes. False: it took too long.
static bool wait_in_line(struct bt_db_pool *pool, struct line *line,
                         bool (*goes)(const struct bt_db_pool *pool), const struct timespec *until)
{
    if (goes(pool) && lets_pass(line)) {
        return true;
    }
    struct place place;
    enter_line(pool, line, &place);
    int waited = 0;
    while ((line->first != &place || !goes(pool)) && waited == 0) {
        waited = until == NULL ? pthread_cond_wait(&place.woken, &pool->lock)
                               : pthread_cond_timedwait(&place.woken, &pool->lock, until);
    }
    bool went = line->first == &place && goes(pool);
    leave_line(pool, line, &place);
    return went;
}

size_t bt_db_waiting(struct bt_db_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}

static struct bt_db *take_free(struct bt_db_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    (void)wait_in_line(pool, &pool->connecting, has_connection, NULL);
    struct bt_db *db = pool->free;
    pool->free = db->next_free;
    if (pool->free != NULL) {
        wake_first(&pool->connecting);  // there is enough for the next one, too
    }
    pthread_mutex_unlock(&pool->lock);
    return db;
}

static void give_back(struct bt_db *db)
{
    struct bt_db_pool *pool = db->pool;
    pthread_mutex_lock(&pool->lock);
    db->next_free = pool->free;
    pool->free = db;
    wake_first(&pool->connecting);
    pthread_mutex_unlock(&pool->lock);
}

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static bool away_for_long(struct bt_db_pool *pool)
{
    int64_t at_ns = now_ns(), since_ns = 0;
    bool first = atomic_compare_exchange_strong(&pool->away_since_ns, &since_ns, at_ns);
    return !first && at_ns - since_ns >= AWAY_NS;
}

/*
 * Of a machine that is gone each try takes as long as connecting may: while the database is away
 * for long one of us tries, once in a while, and everybody else is told so at once.
 */
static bool is_our_turn(struct bt_db_pool *pool)
{
    int64_t since_ns = atomic_load(&pool->away_since_ns), at_ns = now_ns();
    int64_t next_ns = atomic_load(&pool->next_try_ns);
    if (since_ns == 0 || at_ns - since_ns < AWAY_NS) {
        return true;
    }
    return at_ns >= next_ns &&
           atomic_compare_exchange_strong(&pool->next_try_ns, &next_ns, at_ns + LONGEST_TRY_NS);
}

bool bt_db_away(struct bt_db_pool *pool)
{
    return atomic_load(&pool->away_since_ns) != 0;
}

static int connect_or_revive(struct bt_db *db, struct bt_error *err)
{
    const struct bt_db_engine *engine = db->pool->engine;
    return db->connection == NULL ? engine->connect(db->pool->where, &db->connection, err)
                                  : engine->revive(db->connection, err);
}

static bool has_connection_still(const struct bt_db *db)
{
    const struct bt_db_engine *engine = db->pool->engine;
    return db->connection != NULL && (engine->is_lost == NULL || !engine->is_lost(db->connection));
}

static int try_to_reach(struct bt_db *db, struct bt_error *err)
{
    struct bt_db_pool *pool = db->pool;
    if (!has_connection_still(db) && !is_our_turn(pool)) {
        return bt_fail(err, -ENOTCONN, "It has been away for a while");
    }
    int r = connect_or_revive(db, err);
    if (bt_db_away(pool)) {
        atomic_store(&pool->next_try_ns, now_ns() + NEXT_TRY_NS);
    }
    if (r == 0 && bt_db_away(pool)) {
        atomic_store(&pool->away_since_ns, 0);
    }
    return r;
}

// Others' connections may be fine while it lets in no new one: what counts then is our own
// patience.
static int reach(struct bt_db *db, struct bt_error *err)
{
    int64_t until_ns = now_ns() + AWAY_NS;
    int r = try_to_reach(db, err);
    while (r == -ENOTCONN && !away_for_long(db->pool) && now_ns() < until_ns) {
        bt_clock_sleep_until(bt_clock_real(), now_ns() + LOOK_AGAIN_NS);
        r = try_to_reach(db, err);
    }
    return r;
}

int bt_db_acquire(struct bt_db_pool *pool, struct bt_db **out, struct bt_error *err)
{
    struct bt_db *db = take_free(pool);
    int r = reach(db, err);
    if (r < 0) {
        give_back(db);
        return bt_fail_in(err, r, "Cannot reach the database");
    }
    *out = db;
    return 0;
}

void bt_db_release(struct bt_db *db)
{
    if (db == NULL) {
        return;
    }
    bt_db_rollback(db);
    give_back(db);
}

static int enter_writer(struct bt_db_pool *pool, struct bt_error *err)
{
    if (!pool->engine->one_writer) {
        return 0;
    }
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + WRITER_WAIT_NS;
    const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                   .tv_nsec = until_ns % BT_NS_PER_S};
    pthread_mutex_lock(&pool->lock);
    bool entered = wait_in_line(pool, &pool->entering, has_no_writer, &until);
    if (entered) {
        pool->writing = true;
    } else if (!pool->writing) {
        wake_first(&pool->entering);  // the one behind us
    }
    pthread_mutex_unlock(&pool->lock);
    return entered ? 0 : bt_fail(err, -EAGAIN, "Another writer has held the database too long");
}

static void leave_writer(struct bt_db_pool *pool)
{
    if (!pool->engine->one_writer) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->writing = false;
    wake_first(&pool->entering);
    pthread_mutex_unlock(&pool->lock);
}

// Who could not get a connection (bt_call_db) and asks all the same.
static int no_connection(struct bt_error *err)
{
    return bt_fail(err, -ENOTCONN, "The database cannot be reached");
}

static int begin(struct bt_db *db, enum bt_db_begin how, struct bt_error *err)
{
    if (db == NULL) {
        return no_connection(err);
    }
    assert(!db->in_transaction);
    bool writes = how != BT_DB_BEGIN_READING;
    const struct bt_db_engine *engine = db->pool->engine;
    int r = writes ? enter_writer(db->pool, err) : 0;
    if (r < 0) {
        return r;
    }
    r = reach(db, err);
    r = r < 0 ? r : engine->begin(db->connection, how, err);
    if (r < 0) {
        engine->rollback(db->connection);
        if (writes) {
            leave_writer(db->pool);
        }
        return r;
    }
    db->in_transaction = true;
    db->writes = writes;
    db->failed = 0;
    return 0;
}

int bt_db_begin(struct bt_db *db, bool writes, struct bt_error *err)
{
    return begin(db, writes ? BT_DB_BEGIN_WRITING : BT_DB_BEGIN_READING, err);
}

int bt_db_begin_alone(struct bt_db *db, struct bt_error *err)
{
    return begin(db, BT_DB_BEGIN_ALONE, err);
}

static void end_transaction(struct bt_db *db)
{
    db->in_transaction = false;
    if (db->writes) {
        leave_writer(db->pool);
    }
}

// What lets the transaction run again still does when somebody has gone on regardless.
static int failed_before(const struct bt_db *db, struct bt_error *err)
{
    return bt_fail(err, db->failed == -EAGAIN ? -EAGAIN : -EIO,
                   "A statement of the transaction failed before");
}

int bt_db_unanswered(const struct bt_db *db)
{
    return db->failed == -EAGAIN || db->failed == -EIO ? (int)db->failed : 0;
}

int bt_db_commit(struct bt_db *db, struct bt_error *err)
{
    assert(db->in_transaction);
    int r = db->failed < 0 ? failed_before(db, err) : db->pool->engine->commit(db->connection, err);
    if (r < 0) {
        db->pool->engine->rollback(db->connection);
    }
    end_transaction(db);
    return r;
}

void bt_db_rollback(struct bt_db *db)
{
    if (db->in_transaction) {
        db->pool->engine->rollback(db->connection);
        end_transaction(db);
    }
}

// PostgreSQL's rule, kept for SQLite too: after an error nothing more is done.
static int64_t execute(struct bt_db *db, const char *sql, const struct bt_db_value *values,
                       size_t count, struct bt_db_rows *rows, struct bt_error *err)
{
    if (db->failed < 0) {
        return failed_before(db, err);
    }
    int64_t r = db->pool->engine->execute(db->connection, sql, values, count, rows, err);
    db->failed = r < 0 ? r : 0;
    return r;
}

static int check_values(const struct bt_db_value *values, size_t count, struct bt_error *err)
{
    assert(count <= BT_DB_MAX_VALUES);
    for (size_t i = 0; i < count; i++) {
        if (values[i].type == BT_DB_TEXT && !bt_utf8_valid(values[i].bytes, values[i].len)) {
            return bt_fail(err, -EINVAL, "Value %zu is not a text", i + 1);
        }
    }
    return 0;
}

static int64_t execute_checked(struct bt_db *db, bool writes, const char *sql,
                               const struct bt_db_value *values, size_t count,
                               struct bt_db_rows *rows, struct bt_error *err)
{
    if (db == NULL) {
        return no_connection(err);
    }
    int64_t r = check_values(values, count, err);
    if (r < 0 || db->in_transaction) {
        return r < 0 ? r : execute(db, sql, values, count, rows, err);
    }
    r = bt_db_begin(db, writes, err);
    if (r < 0) {
        return r;
    }
    r = execute(db, sql, values, count, rows, err);
    if (r < 0) {
        bt_db_rollback(db);
        return r;
    }
    int committed = bt_db_commit(db, err);
    return committed < 0 ? committed : r;
}

int64_t bt_db_run_values(struct bt_db *db, const char *sql, const struct bt_db_value *values,
                         size_t count, struct bt_error *err)
{
    return execute_checked(db, true, sql, values, count, NULL, err);
}

int bt_db_ask_values(struct bt_db *db, const char *sql, const struct bt_db_value *values,
                     size_t count, struct bt_db_rows **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = bt_db_rows_create();
    int64_t r = execute_checked(db, false, sql, values, count, rows, err);
    if (r < 0) {
        return (int)r;
    }
    *out = BT_TAKE(rows);
    return 0;
}

int bt_db_others(struct bt_db *db, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    *out = 0;
    if (db->pool->engine->others == NULL) {
        return 0;
    }
    int r = bt_db_ask(db, &rows, err, db->pool->engine->others);
    if (r == 0 && bt_db_next(rows)) {
        *out = bt_db_get_int(rows, 0);
    }
    return r;
}

int bt_db_backup(struct bt_db *db, const char *path, struct bt_error *err)
{
    assert(!db->in_transaction);
    return db->pool->engine->backup(db->connection, path, err);
}
