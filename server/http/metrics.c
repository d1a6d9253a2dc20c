#include "server/http/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bt_metric {
    const char *name, *labels, *help;
    bool counter;
    _Atomic int64_t value;
};

struct bt_metrics {
    pthread_mutex_t lock;  // leaf lock
    // Protected by lock; an entry never moves once it is there.
    size_t count;
    struct bt_metric list[BT_METRICS_MAX];
};

struct bt_metrics *bt_metrics_create(void)
{
    struct bt_metrics *metrics = BT_NEW(struct bt_metrics);
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void bt_metrics_destroy(struct bt_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static struct bt_metric *find_or_add(struct bt_metrics *metrics, const char *name,
                                     const char *labels)
{
    for (size_t i = 0; i < metrics->count; i++) {
        struct bt_metric *metric = &metrics->list[i];
        if (strcmp(metric->name, name) == 0 && strcmp(metric->labels, labels) == 0) {
            return metric;
        }
    }
    assert(metrics->count < BT_METRICS_MAX);
    struct bt_metric *metric = &metrics->list[metrics->count++];
    metric->name = name;
    metric->labels = labels;
    return metric;
}

static struct bt_metric *ask(struct bt_metrics *metrics, const char *name, const char *labels,
                             const char *help, bool counter)
{
    if (metrics == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&metrics->lock);
    struct bt_metric *metric = find_or_add(metrics, name, labels);
    metric->help = help;
    metric->counter = counter;
    pthread_mutex_unlock(&metrics->lock);
    return metric;
}

struct bt_metric *bt_metrics_counter(struct bt_metrics *metrics, const char *name,
                                     const char *labels, const char *help)
{
    return ask(metrics, name, labels, help, true);
}

struct bt_metric *bt_metrics_gauge(struct bt_metrics *metrics, const char *name, const char *labels,
                                   const char *help)
{
    return ask(metrics, name, labels, help, false);
}

void bt_metric_add(struct bt_metric *metric, int64_t amount)
{
    if (metric != NULL) {
        atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
    }
}

void bt_metric_set(struct bt_metric *metric, int64_t value)
{
    if (metric != NULL) {
        atomic_store_explicit(&metric->value, value, memory_order_relaxed);
    }
}

static int write_one(struct bt_metric *metric, struct bt_buf *out)
{
    bool labelled = metric->labels[0] != '\0';
    return bt_buf_appendf(out, "%s%s%s%s%s %lld\n", metric->name, metric->counter ? "_total" : "",
                          labelled ? "{" : "", metric->labels, labelled ? "}" : "",
                          (long long)atomic_load_explicit(&metric->value, memory_order_relaxed));
}

static bool is_first_of_its_name(const struct bt_metrics *metrics, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(metrics->list[i].name, metrics->list[index].name) == 0) {
            return false;
        }
    }
    return true;
}

// All of one name stand together, below their description.
static int write_family(struct bt_metrics *metrics, size_t first, struct bt_buf *out)
{
    const struct bt_metric *head = &metrics->list[first];
    int r = bt_buf_appendf(out, "# TYPE %s %s\n# HELP %s %s\n", head->name,
                           head->counter ? "counter" : "gauge", head->name, head->help);
    for (size_t i = first; r == 0 && i < metrics->count; i++) {
        if (strcmp(metrics->list[i].name, head->name) == 0) {
            r = write_one(&metrics->list[i], out);
        }
    }
    return r;
}

int bt_metrics_write(struct bt_metrics *metrics, struct bt_buf *out)
{
    int r = 0;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; r == 0 && i < metrics->count; i++) {
        if (is_first_of_its_name(metrics, i)) {
            r = write_family(metrics, i, out);
        }
    }
    pthread_mutex_unlock(&metrics->lock);
    return r < 0 ? r : bt_buf_append(out, "# EOF\n", 6);
}
