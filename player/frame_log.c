#include "player/frame_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

// Sixteen zones with long names stay below this.
#define LINE_MAX_BYTES 16384

static const struct bt_log logger = {"player/frame-log"};

struct bt_frame_log {
    FILE *file;
    int64_t n;
    bool has_zone;  // in the present line
    bool broken;    // a line did not fit, or could not be written
    struct bt_buf line;
};

int bt_frame_log_open(const char *path, struct bt_frame_log **out, struct bt_error *err)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *file = to_stdout ? stdout : fopen(path, "we");
    if (file == NULL) {
        return bt_fail_errno(err, "Cannot write the frame log '%s'", path);
    }
    struct bt_frame_log *frame_log = BT_NEW(struct bt_frame_log);
    frame_log->file = file;
    // A line is there once its present is: a still would fill a buffer in half a minute.
    setvbuf(file, NULL, _IOLBF, LINE_MAX_BYTES);
    bt_buf_init(&frame_log->line, LINE_MAX_BYTES);
    *out = frame_log;
    return 0;
}

void bt_frame_log_destroy(struct bt_frame_log *frame_log)
{
    if (frame_log == NULL) {
        return;
    }
    bt_buf_finish(&frame_log->line);
    if (frame_log->file != stdout) {
        fclose(frame_log->file);
    } else {
        fflush(stdout);
    }
    free(frame_log);
}

void bt_frame_log_begin(struct bt_frame_log *frame_log, int64_t t_ns, int64_t slot)
{
    if (frame_log == NULL) {
        return;
    }
    bt_buf_clear(&frame_log->line);
    frame_log->has_zone = false;
    frame_log->broken |=
        bt_buf_appendf(&frame_log->line, "{\"n\":%lld,\"t_ns\":%lld,\"slot\":%lld,\"zones\":[",
                       (long long)frame_log->n++, (long long)t_ns, (long long)slot) < 0;
}

static int append_zone(struct bt_buf *line, const struct bt_play_start *play, int64_t pts_ms,
                       bool is_new)
{
    int r = bt_buf_appendf(line, "{\"zone\":");
    r = r < 0 ? r : bt_json_append_string(line, play->zone);
    r = r < 0 ? r : bt_buf_appendf(line, ",\"item\":");
    r = r < 0 ? r : bt_json_append_string(line, play->item);
    return r < 0 ? r
                 : bt_buf_appendf(line, ",\"asset\":\"%s\",\"pts_ms\":%lld,\"state\":\"%s\"}",
                                  play->asset, (long long)pts_ms, is_new ? "new" : "repeat");
}

void bt_frame_log_zone(struct bt_frame_log *frame_log, const struct bt_play_start *play,
                       int64_t pts_ms, bool is_new)
{
    if (frame_log == NULL) {
        return;
    }
    if (frame_log->has_zone) {
        frame_log->broken |= bt_buf_append(&frame_log->line, ",", 1) < 0;
    }
    frame_log->has_zone = true;
    frame_log->broken |= append_zone(&frame_log->line, play, pts_ms, is_new) < 0;
}

void bt_frame_log_end(struct bt_frame_log *frame_log)
{
    if (frame_log == NULL) {
        return;
    }
    frame_log->broken |= bt_buf_append(&frame_log->line, "]}\n", 3) < 0;
    if (!frame_log->broken) {
        frame_log->broken = fwrite(frame_log->line.data, 1, frame_log->line.len, frame_log->file) !=
                            frame_log->line.len;
        if (frame_log->broken) {
            bt_log_warn(&logger, "Cannot write the frame log; it ends here");
        }
    }
}
