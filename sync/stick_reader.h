/**
 * Reads a stick (stick_files.h) for as long as it answers: each question on a gentle thread
 * (gentle.h), each with an end. A stick that gives no answer in time, or over a while less than a
 * usable stick gives, is given up: -ETIMEDOUT, then and ever after. One asker; -ECANCELED when it
 * is to stop.
 */
#ifndef BT_SYNC_STICK_READER_H
#define BT_SYNC_STICK_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "sync/gentle.h"

#define BT_STICK_CHUNK_BYTES (256 * 1024)

// Names of one folder; a stick of ours has some hundreds at most.
#define BT_STICK_NAMES_MAX_BYTES (512 * 1024)

// A USB 1.1 stick reads 1 MB/s. What gives less than this would hold the player for a night.
struct bt_stick_patience {
    int64_t step_ns;      // for one answer
    int64_t window_ns;    // of waiting, after which it is judged
    int64_t bytes_per_s;  // the least of such a while
};
extern const struct bt_stick_patience bt_stick_patience;

struct bt_stick_reader;

// Opens the folder of the stick mounted at `path`. Errors: as bt_stick_files_open, and -ETIMEDOUT.
int bt_stick_reader_open(const char *path, const struct bt_stick_patience *patience,
                         const atomic_bool *stop, struct bt_stick_reader **out,
                         struct bt_error *err) BT_NODISCARD;
void bt_stick_reader_destroy(struct bt_stick_reader *reader);
BT_DEFINE_AUTO(bt_stick_reader)

// The names in a folder below, each with a NUL behind it, as far as there is room; appended.
int bt_stick_reader_list(struct bt_stick_reader *reader, const char *folder, struct bt_buf *out,
                         struct bt_error *err) BT_NODISCARD;

// Opens a file, in the place of the one before. Errors: as bt_stick_files_find.
int bt_stick_reader_find(struct bt_stick_reader *reader, const char *path, int64_t max_bytes,
                         int64_t *out_size, struct bt_error *err) BT_NODISCARD;

// At most a chunk of it, borrowed until the next question; less than `len` at its end.
int bt_stick_reader_read(struct bt_stick_reader *reader, int64_t at, size_t len,
                         const char **out_bytes, size_t *out_got,
                         struct bt_error *err) BT_NODISCARD;

// The whole of a file, appended; the buffer's limit is the most that is taken.
int bt_stick_reader_read_all(struct bt_stick_reader *reader, const char *path, struct bt_buf *out,
                             struct bt_error *err) BT_NODISCARD;

// Fast enough, of late, to be worth waiting for.
bool bt_stick_reader_is_brisk(const struct bt_stick_reader *reader);

#endif
