/**
 * The refresh grid: at which instants a new picture can appear. Pure arithmetic on monotonic
 * nanoseconds.
 *
 * - free: no grid; every instant will do (a window system that takes pictures at any time).
 * - timed: a grid we keep ourselves (--refresh), where the display has none or pretends.
 * - vsync: the display's own; present returns when the picture was flipped, and each return
 *   corrects the phase.
 */
#ifndef BT_PLAYER_GRID_H
#define BT_PLAYER_GRID_H

#include <stdint.h>

enum bt_grid_kind { BT_GRID_FREE, BT_GRID_TIMED, BT_GRID_VSYNC };

// Crawls and fades move at this rate where nothing says another.
#define BT_GRID_DEFAULT_HZ 60

struct bt_grid {
    enum bt_grid_kind kind;
    int64_t period_ns;  // of one refresh; for FREE the step of crawls and fades
    int64_t phase_ns;   // an instant on the grid
};

void bt_grid_init(struct bt_grid *grid, enum bt_grid_kind kind, double hz, int64_t phase_ns);

// The instant a picture due at `due_ns` appears: due_ns itself without a grid.
int64_t bt_grid_slot(const struct bt_grid *grid, int64_t due_ns);

// Due times within this after an instant are shown at it: rounding, not lateness.
int64_t bt_grid_tolerance_ns(const struct bt_grid *grid);

// When to hand over a picture so that it appears at the slot.
int64_t bt_grid_submit_ns(const struct bt_grid *grid, int64_t slot_ns);

// A present for a slot returned at `returned_ns`; vsync grids follow the display.
void bt_grid_presented(struct bt_grid *grid, int64_t returned_ns);

#endif
