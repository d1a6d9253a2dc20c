/**
 * The frame log: one JSON line per present, for whoever wants to check what the screen showed:
 * {"n","t_ns","slot","zones":[{"zone","item","asset","pts_ms","state":"new"|"repeat"}]}
 */
#ifndef BT_PLAYER_FRAME_LOG_H
#define BT_PLAYER_FRAME_LOG_H

#include "base/error.h"
#include "plays/play.h"

struct bt_frame_log;

// "-" writes to stdout.
int bt_frame_log_open(const char *path, struct bt_frame_log **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_frame_log_destroy(struct bt_frame_log *frame_log);
BT_DEFINE_AUTO(bt_frame_log)

// One line: begin, a call per zone that shows something, end. All accept NULL (no log wanted).
void bt_frame_log_begin(struct bt_frame_log *frame_log, int64_t t_ns, int64_t slot);
void bt_frame_log_zone(struct bt_frame_log *frame_log, const struct bt_play_start *play,
                       int64_t pts_ms, bool is_new);
void bt_frame_log_end(struct bt_frame_log *frame_log);

#endif
