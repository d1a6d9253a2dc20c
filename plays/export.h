/**
 * Takes the records out of a journal, for machines (JSON lines) or for people (CSV). Formats:
 * docs/plays.md.
 */
#ifndef BT_PLAYS_EXPORT_H
#define BT_PLAYS_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/civil.h"
#include "base/compiler.h"
#include "base/error.h"
#include "plays/reader.h"

// The longest exported line: a record that is damaged and as long as a record may be, in hex.
#define BT_EXPORT_LINE_MAX_BYTES 65536

enum bt_export_format {
    BT_EXPORT_JSONL,  // every record, its exact bytes
    BT_EXPORT_CSV,    // plays and losses; UTF-8 with a byte order mark, for spreadsheets
};

struct bt_export_options {
    enum bt_export_format format;
    char separator;          // CSV: ',' or ';'; 0: ';', which Vietnamese spreadsheets expect
    const struct bt_tz *tz;  // CSV: of the local times; NULL: UTC
    int64_t from_ms, to_ms;  // only what started in [from, to); 0 and 0: everything
};

// Takes a piece of the export; a negative errno ends it.
typedef int (*bt_export_write_fn)(const char *bytes, size_t len, void *context);

// Errors: those of bt_reader_open and of `write`; -EINVAL an unknown separator.
int bt_plays_export(const char *path, const struct bt_export_options *options,
                    bt_export_write_fn write, void *context, struct bt_error *err) BT_NODISCARD;

// One line of each format, with its line end; for tests and for whoever has records at hand.
// A record that cannot be read becomes a line that says so.
int bt_export_jsonl(const struct bt_row *row, const struct bt_sha256 *previous,
                    struct bt_buf *out) BT_NODISCARD;
int bt_export_csv(const struct bt_row *row, char separator, const struct bt_tz *tz,
                  struct bt_buf *out) BT_NODISCARD;

/**
 * Reads a JSON line back. The row's body is borrowed from the line, its exact bytes.
 * -EINVAL: not such a line.
 */
int bt_export_parse_line(const char *line, size_t len, struct bt_row *out,
                         struct bt_sha256 *out_previous, struct bt_error *err) BT_NODISCARD;

#endif
