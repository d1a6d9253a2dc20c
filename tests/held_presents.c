// A player that plays worse, for tests of updates: each present comes a second late. Linked over
// bt_output_present with --wrap; what is released knows nothing of it.
#include "base/clock.h"
#include "render/output.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
int __real_bt_output_present(struct bt_output *output, int64_t *out_presented_ns,
                             struct bt_error *err);
int __wrap_bt_output_present(struct bt_output *output, int64_t *out_presented_ns,
                             struct bt_error *err);

int __wrap_bt_output_present(struct bt_output *output, int64_t *out_presented_ns,
                             struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + BT_NS_PER_S);
    return __real_bt_output_present(output, out_presented_ns, err);
}
// NOLINTEND(bugprone-reserved-identifier)
