/**
 * What is signed on a stick, read into memory before anybody looks at it: the word, told.json, the
 * metadata and documents of one unit. So whoever verifies it waits for no stick. Bounded; who
 * signed it is not asked here.
 */
#ifndef BT_SYNC_STICK_PAPERS_H
#define BT_SYNC_STICK_PAPERS_H

#include "sync/stick_reader.h"

// Some metadata files and documents of one unit; they are kept as long as one stick is looked at.
#define BT_STICK_PAPERS_MAX_BYTES (32 * 1024 * 1024)
#define BT_STICK_PAPERS_MAX 4096

struct bt_stick_papers;

/**
 * Reads them. A file that cannot be read is remembered with its error; what has no room is left
 * out. Errors: -ETIMEDOUT, -ECANCELED, as the reader's.
 */
int bt_stick_papers_load(struct bt_stick_reader *reader, const char *unit,
                         struct bt_stick_papers **out, struct bt_error *err) BT_NODISCARD;
void bt_stick_papers_destroy(struct bt_stick_papers *papers);
BT_DEFINE_AUTO(bt_stick_papers)

// Appends the whole file. -ENOENT: there is none; otherwise the error of reading it.
int bt_stick_papers_read(const struct bt_stick_papers *papers, const char *path, struct bt_buf *out,
                         struct bt_error *err) BT_NODISCARD;

#endif
