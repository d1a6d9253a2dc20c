#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include "server/http/metrics.h"
#include <cmocka.h>

static void families_stand_together_and_the_text_ends(void **state)
{
    (void)state;
    BT_AUTO(bt_metrics) metrics = bt_metrics_create();
    struct bt_metric *a = bt_metrics_counter(metrics, "orders", "kind=\"blank\"", "Orders.");
    struct bt_metric *gauge = bt_metrics_gauge(metrics, "streams", "", "Streams.");
    struct bt_metric *b = bt_metrics_counter(metrics, "orders", "kind=\"restart\"", "Orders.");
    bt_metric_add(a, 2);
    bt_metric_add(b, 1);
    bt_metric_set(gauge, 7);
    bt_metric_add(gauge, -3);
    BT_AUTOBUF text;
    bt_buf_init(&text, 4096);
    assert_int_equal(bt_metrics_write(metrics, &text), 0);
    assert_string_equal(bt_buf_text(&text), "# TYPE orders counter\n# HELP orders Orders.\n"
                                            "orders_total{kind=\"blank\"} 2\n"
                                            "orders_total{kind=\"restart\"} 1\n"
                                            "# TYPE streams gauge\n# HELP streams Streams.\n"
                                            "streams 4\n# EOF\n");
}

static void the_same_name_is_the_same_metric(void **state)
{
    (void)state;
    BT_AUTO(bt_metrics) metrics = bt_metrics_create();
    assert_ptr_equal(bt_metrics_counter(metrics, "a", "", "A."),
                     bt_metrics_counter(metrics, "a", "", "A."));
}

static void no_metrics_count_nothing(void **state)
{
    (void)state;
    struct bt_metric *metric = bt_metrics_counter(NULL, "a", "", "A.");
    assert_null(metric);
    bt_metric_add(metric, 1);
    bt_metric_set(metric, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_stand_together_and_the_text_ends),
        cmocka_unit_test(the_same_name_is_the_same_metric),
        cmocka_unit_test(no_metrics_count_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
