/**
 * What /metrics says, in OpenMetrics: counters and gauges by name. Each part asks for its own once,
 * when it is opened, keeps the pointer and counts; there is no list to edit elsewhere.
 */
#ifndef BT_SERVER_HTTP_METRICS_H
#define BT_SERVER_HTTP_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

// Names are ours; more of them than this is a mistake.
#define BT_METRICS_MAX 256

struct bt_metrics;
struct bt_metrics *bt_metrics_create(void) BT_NODISCARD;
void bt_metrics_destroy(struct bt_metrics *metrics);
BT_DEFINE_AUTO(bt_metrics)

/**
 * `name` is "bangtin_orders_given" (counters get "_total" in the output), `labels` is "" or
 * "kind=\"takedown\"", `help` one sentence; all three live as long as the process. Asking for the
 * same name and labels again gives the same one. NULL metrics give NULL, which counts nothing.
 */
struct bt_metric;
struct bt_metric *bt_metrics_counter(struct bt_metrics *metrics, const char *name,
                                     const char *labels, const char *help);
struct bt_metric *bt_metrics_gauge(struct bt_metrics *metrics, const char *name, const char *labels,
                                   const char *help);

void bt_metric_add(struct bt_metric *metric, int64_t amount);  // thread-safe
void bt_metric_set(struct bt_metric *metric, int64_t value);   // thread-safe; gauges alone

// Writes everything, ending with "# EOF". Errors: -EMSGSIZE.
int bt_metrics_write(struct bt_metrics *metrics, struct bt_buf *out) BT_NODISCARD;

#endif
