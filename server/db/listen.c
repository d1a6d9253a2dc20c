#include "server/db/listen.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/engine.h"
#include "server/db/pool.h"
#include "server/db/pq.h"

#define FIRST_WAIT_MS 100
#define LAST_WAIT_MS 5000

// A connection on which nothing came for so long is asked whether it is still one.
#define QUIET_MS 20000

static const struct bt_log logger = {"server/listen"};

struct bt_db_listener {
    const char *where, *self;  // the pool's
    struct bt_db_hearing hearing;
    pthread_t thread;
    int wake_fd;
    atomic_bool closed;
};

bool bt_db_notifies(const struct bt_db_pool *pool)
{
    return bt_db_pool_engine(pool)->notify != NULL;
}

int bt_db_notify(struct bt_db *db, const char *topic, const char *text, struct bt_error *err)
{
    const struct bt_db_pool *pool = bt_db_pool_of(db);
    const char *sql = bt_db_pool_engine(pool)->notify;
    if (sql == NULL) {
        return 0;
    }
    if (strlen(text) > BT_DB_HINT_BYTES) {
        return bt_fail(err, -EMSGSIZE, "A hint has at most %d bytes", BT_DB_HINT_BYTES);
    }
    BT_AUTOFREE char *hint = bt_strf("%s %s %s", bt_db_pool_name(pool), topic, text);
    int64_t r = bt_db_run(db, err, sql, BT_TEXT(hint));
    return r < 0 ? (int)r : 0;
}

// "POOL TOPIC TEXT"
static void hear(const struct bt_db_listener *listener, char *hint)
{
    char *topic = strchr(hint, ' ');
    char *text = topic == NULL ? NULL : strchr(topic + 1, ' ');
    if (text == NULL) {
        return;
    }
    *topic++ = '\0';
    *text++ = '\0';
    if (strcmp(hint, listener->self) != 0) {
        listener->hearing.hear(listener->hearing.context, topic, text);
    }
}

static void hear_all(const struct bt_db_listener *listener, PGconn *pg)
{
    PGnotify *notification;
    while ((notification = PQnotifies(pg)) != NULL) {
        hear(listener, notification->extra);
        PQfreemem(notification);
    }
}

static bool run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

// 1: something came, 0: the time is over.
static int wait_for(const struct bt_db_listener *listener, int fd, int ms)
{
    struct pollfd fds[] = {{.fd = listener->wake_fd, .events = POLLIN},
                           {.fd = fd, .events = POLLIN}};
    int r = poll(fds, fd < 0 ? 1 : 2, ms);
    return r > 0;
}

static bool closed(const struct bt_db_listener *listener)
{
    return atomic_load(&listener->closed);
}

// Until the connection is lost, or we are closed.
static void listen_on(const struct bt_db_listener *listener, PGconn *pg)
{
    bool alive = true;
    while (alive && !closed(listener)) {
        alive = wait_for(listener, PQsocket(pg), QUIET_MS) > 0 ? PQconsumeInput(pg) != 0
                                                               : run(pg, "SELECT 1");
        hear_all(listener, pg);
        alive = alive && PQstatus(pg) == CONNECTION_OK;
    }
}

static bool connect_and_listen(const struct bt_db_listener *listener)
{
    PGconn *pg = bt_pq_connect(listener->where);
    bool listens = PQstatus(pg) == CONNECTION_OK && run(pg, "LISTEN " BT_DB_CHANNEL);
    if (listens) {
        listener->hearing.listens(listener->hearing.context, true);
        listen_on(listener, pg);
        listener->hearing.listens(listener->hearing.context, false);
    }
    if (!closed(listener)) {
        const char *text = PQerrorMessage(pg);
        bt_log_warn(&logger, "Other servers are not heard: %.*s; trying again",
                    (int)strcspn(text, "\n"), text);
    }
    PQfinish(pg);
    return listens;
}

static void *work(void *context)
{
    const struct bt_db_listener *listener = context;
    int wait_ms = FIRST_WAIT_MS;
    while (!closed(listener)) {
        wait_ms = connect_and_listen(listener) ? FIRST_WAIT_MS : BT_MIN(wait_ms * 2, LAST_WAIT_MS);
        (void)wait_for(listener, -1, wait_ms);
    }
    return NULL;
}

int bt_db_listen(struct bt_db_pool *pool, const struct bt_db_hearing *hearing,
                 struct bt_db_listener **out, struct bt_error *err)
{
    *out = NULL;
    if (!bt_db_notifies(pool)) {
        return 0;
    }
    struct bt_db_listener *listener = BT_NEW(struct bt_db_listener);
    listener->where = bt_db_pool_where(pool);
    listener->self = bt_db_pool_name(pool);
    listener->hearing = *hearing;
    listener->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = listener->wake_fd < 0 ? errno : pthread_create(&listener->thread, NULL, work, listener);
    if (r != 0) {
        if (listener->wake_fd >= 0) {
            close(listener->wake_fd);
        }
        free(listener);
        return bt_fail(err, -r, "Cannot start the thread that listens to other servers");
    }
    *out = listener;
    return 0;
}

void bt_db_listener_destroy(struct bt_db_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    atomic_store(&listener->closed, true);
    (void)!write(listener->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(listener->thread, NULL);
    close(listener->wake_fd);
    free(listener);
}
