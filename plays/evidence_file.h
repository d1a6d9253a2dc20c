/**
 * The file that the server hands to whoever wants to count again (docs/evidence.md): lines of JSON,
 * compressed with zstd, and behind them a seal.
 *
 *     one zstd frame                        lines
 *     one skippable frame (0x184D2A50)      the seal: a countersigned text about SHA-256 of the
 * frame
 *
 * `zstd -dc` shows the lines; the seal is passed over by it. What the lines mean and who may have
 * signed the seal is the business of whoever writes and reads them: here is the frame alone. Memory
 * is bounded by one line whatever the file's length. One thread at a time.
 */
#ifndef BT_PLAYS_EVIDENCE_FILE_H
#define BT_PLAYS_EVIDENCE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/sha256.h"

#define BT_EVIDENCE_FORMAT 1

// The longest line: a report's document, or the heads of a large province, as a JSON string.
#define BT_EVIDENCE_MAX_LINE (40 << 20)
#define BT_EVIDENCE_MAX_SEAL 4096

/*
 * Writing one.
 */

struct bt_evidence_writer;

// Creates the file, which must not be there (mode 0600).
int bt_evidence_writer_create(const char *path, struct bt_evidence_writer **out,
                              struct bt_error *err) BT_NODISCARD;
void bt_evidence_writer_destroy(struct bt_evidence_writer *writer);
BT_DEFINE_AUTO(bt_evidence_writer)

// `line` without its line end. -EMSGSIZE: too long.
int bt_evidence_writer_add(struct bt_evidence_writer *writer, const char *line, size_t len,
                           struct bt_error *err) BT_NODISCARD;
int64_t bt_evidence_writer_bytes(const struct bt_evidence_writer *writer);  // of the file so far

// No more lines. Then the seal over what *out_sha256 says.
int bt_evidence_writer_end(struct bt_evidence_writer *writer, struct bt_sha256 *out_sha256,
                           struct bt_error *err) BT_NODISCARD;
int bt_evidence_writer_seal(struct bt_evidence_writer *writer, const char *seal, size_t len,
                            struct bt_error *err) BT_NODISCARD;

/*
 * Reading one, from anybody.
 */

struct bt_evidence_reader;

int bt_evidence_reader_open(const char *path, struct bt_evidence_reader **out,
                            struct bt_error *err) BT_NODISCARD;
void bt_evidence_reader_destroy(struct bt_evidence_reader *reader);
BT_DEFINE_AUTO(bt_evidence_reader)

// Bytes of the file that were read, and all of them; for showing how far it is.
int64_t bt_evidence_reader_at(const struct bt_evidence_reader *reader);
int64_t bt_evidence_reader_size(const struct bt_evidence_reader *reader);

/**
 * 1 and the next line without its line end, borrowed until the next call and with a NUL behind it;
 * 0 after the last one. Errors: -EINVAL not such a file, or cut off; -EMSGSIZE a line is too long.
 */
int bt_evidence_reader_next(struct bt_evidence_reader *reader, const char **out_line,
                            size_t *out_len, struct bt_error *err) BT_NODISCARD;

// After the last line: the seal, appended, and the hash it must be about.
int bt_evidence_reader_seal(struct bt_evidence_reader *reader, struct bt_buf *out,
                            struct bt_sha256 *out_sha256, struct bt_error *err) BT_NODISCARD;

/*
 * Bytes in a line: base64.
 */

int bt_base64_append(const void *bytes, size_t len, struct bt_buf *out) BT_NODISCARD;

// -EINVAL: it is none. -EMSGSIZE: beyond the buffer's limit.
int bt_base64_read(const char *text, struct bt_buf *out) BT_NODISCARD;

#endif
