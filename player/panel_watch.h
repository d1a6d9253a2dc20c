/**
 * The panel watch: a thread that looks four times a second, and whenever the kernel says that
 * something was plugged (render/uevents.h), at the cards' plugs and whether the display is lit
 * (sync/panel.h, render/connectors.h), so that the main loop need not read files. It also writes
 * the one that takes long: the backdrop.
 */
#ifndef BT_PLAYER_PANEL_WATCH_H
#define BT_PLAYER_PANEL_WATCH_H

#include "base/compiler.h"
#include "player/backdrop.h"
#include "render/connectors.h"
#include "sync/panel.h"

struct bt_panel_watch;

// `root`: as bt_panel_look has it. The first look is over when it returns. NULL: no thread to be
// had.
struct bt_panel_watch *bt_panel_watch_start(const char *root) BT_NODISCARD;
void bt_panel_watch_destroy(struct bt_panel_watch *watch);

// Any thread; these two never wait. Of NULL nothing is known.
enum bt_panel bt_panel_watch_now(const struct bt_panel_watch *watch);
// How often what is plugged in has changed: a display that went and came back counts twice. 0 of
// NULL.
uint64_t bt_panel_watch_plugs(const struct bt_panel_watch *watch);

// Looks now, on the caller's thread; what the two above say is no older afterwards.
struct bt_connectors bt_panel_watch_look(struct bt_panel_watch *watch);

/**
 * Paints the backdrop, which is taken, on the watch's thread; again when a display was plugged, for
 * which the kernel may make a new console. It replaces the one before.
 */
void bt_panel_watch_paint(struct bt_panel_watch *watch, struct bt_backdrop *backdrop);

#endif
