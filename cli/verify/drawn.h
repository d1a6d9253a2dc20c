/**
 * A file that was drawn from a report document: is it what the server drew, and if not, which cell
 * differs?
 */
#ifndef BT_CLI_VERIFY_DRAWN_H
#define BT_CLI_VERIFY_DRAWN_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/verify/verdict.h"

#define BT_DRAWN_MAX_BYTES (64 << 20)

struct bt_drawn {
    const char *document;  // its exact text
    size_t len;
    const cJSON *head;            // without the rows
    const char *rows, *rows_end;  // a row on each line
    const cJSON *files;           // name → SHA-256 of what was drawn
};

// The next of a document's rows, for cJSON_Delete; NULL at the end, and where *at stays before it,
// at what is no row. *at begins as `rows`.
cJSON *bt_drawn_row(const struct bt_drawn *drawn, const char **at) BT_NODISCARD;

/**
 * The path's ending says what it is: .csv and .json are read, others known by their hash. What
 * differs is a finding. Errors: those of reading the file.
 */
int bt_drawn_check(const struct bt_drawn *drawn, const char *path, struct bt_verdict *verdict,
                   struct bt_error *err) BT_NODISCARD;

#endif
