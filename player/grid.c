#include "player/grid.h"

#include "base/clock.h"
#include "base/compiler.h"

#define GRID_TOLERANCE_NS (1 * BT_NS_PER_MS)
#define FREE_TOLERANCE_NS (BT_NS_PER_MS / 2)

void bt_grid_init(struct bt_grid *grid, enum bt_grid_kind kind, double hz, int64_t phase_ns)
{
    double rate = hz > 0 ? hz : BT_GRID_DEFAULT_HZ;
    *grid = (struct bt_grid){
        .kind = kind,
        .period_ns = (int64_t)((double)BT_NS_PER_S / rate + 0.5),
        .phase_ns = phase_ns,
    };
}

int64_t bt_grid_tolerance_ns(const struct bt_grid *grid)
{
    return grid->kind == BT_GRID_FREE ? FREE_TOLERANCE_NS : GRID_TOLERANCE_NS;
}

int64_t bt_grid_slot(const struct bt_grid *grid, int64_t due_ns)
{
    if (grid->kind == BT_GRID_FREE || due_ns == INT64_MAX) {
        return due_ns;
    }
    int64_t since = due_ns - GRID_TOLERANCE_NS - grid->phase_ns;
    int64_t index = since / grid->period_ns + (since % grid->period_ns > 0);
    return grid->phase_ns + index * grid->period_ns;
}

int64_t bt_grid_submit_ns(const struct bt_grid *grid, int64_t slot_ns)
{
    // Half a refresh early: after the flip before, with room to be late.
    return grid->kind == BT_GRID_VSYNC ? slot_ns - grid->period_ns / 2 : slot_ns;
}

void bt_grid_presented(struct bt_grid *grid, int64_t returned_ns)
{
    if (grid->kind == BT_GRID_VSYNC) {
        // Follow slowly: one late return must not move the grid, a drifting display must.
        int64_t slot = bt_grid_slot(grid, returned_ns - grid->period_ns / 2);
        grid->phase_ns = slot + (returned_ns - slot) / 8;
    }
}
