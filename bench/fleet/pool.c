#include "bench/fleet/pool.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/mem.h"

struct request {
    STAILQ_ENTRY(request) link;
    struct bt_buf text;
    bool slow;
    pool_answered_fn answered;
    void *context;
};

struct place {
    struct pool *pool;
    struct line line;
    struct request *request;  // on its way; NULL: free
};

struct pool {
    int epoll;
    const char *path;
    struct place places[POOL_MAX_LINES];
    STAILQ_HEAD(, request) waiting;
    int waiting_count;
};

struct pool *pool_create(int epoll, const char *path)
{
    struct pool *pool = BT_NEW(struct pool);
    pool->epoll = epoll;
    pool->path = path;
    STAILQ_INIT(&pool->waiting);
    for (int i = 0; i < POOL_MAX_LINES; i++) {
        pool->places[i].pool = pool;
        line_init(&pool->places[i].line);
    }
    return pool;
}

static void finish(struct request *request, const struct line_answer *answer)
{
    request->answered(answer, request->context);
    bt_buf_finish(&request->text);
    free(request);
}

static void handle_answered(struct line *line, const struct line_answer *answer, void *context)
{
    struct place *place = context;
    (void)line;
    finish(BT_TAKE(place->request), answer);
}

static bool start(struct place *place, struct request *request)
{
    const struct line_user user = {.answered = handle_answered, .context = place};
    place->request = request;
    place->line.slow = request->slow;
    if (line_send(&place->line, place->pool->epoll, place->pool->path, &request->text, &user)) {
        return true;
    }
    place->request = NULL;
    return false;
}

// An idle connection first: it is there already.
static struct place *find_free(struct pool *pool)
{
    struct place *closed = NULL;
    for (int i = 0; i < POOL_MAX_LINES; i++) {
        struct place *place = &pool->places[i];
        if (place->request == NULL && place->line.fd >= 0) {
            return place;
        }
        closed = closed == NULL && place->request == NULL ? place : closed;
    }
    return closed;
}

void pool_ask(struct pool *pool, const struct bt_buf *text, bool slow, pool_answered_fn answered,
              void *context)
{
    struct request *request = BT_NEW(struct request);
    *request = (struct request){.slow = slow, .answered = answered, .context = context};
    bt_buf_init(&request->text, 2 << 20);
    if (bt_buf_append(&request->text, text->data, text->len) < 0) {
        abort();
    }
    STAILQ_INSERT_TAIL(&pool->waiting, request, link);
    pool->waiting_count++;
}

void pool_look(struct pool *pool, int64_t now_ns)
{
    struct place *place;
    while (pool->waiting_count > 0 && (place = find_free(pool)) != NULL) {
        struct request *request = STAILQ_FIRST(&pool->waiting);
        STAILQ_REMOVE_HEAD(&pool->waiting, link);
        pool->waiting_count--;
        if (!start(place, request)) {
            finish(request, &(struct line_answer){.head = "", .body = ""});
        }
    }
    for (int i = 0; i < POOL_MAX_LINES; i++) {
        line_look(&pool->places[i].line, pool->epoll, now_ns);
    }
}

int pool_waiting(const struct pool *pool)
{
    return pool->waiting_count;
}
