/**
 * A small province whose evidence is made by hand, for tests and measurements: keys of everybody, a
 * signed repository, journals, heads, a report. A test may alter any line before it is packed, as a
 * server in wrong hands would.
 */
#ifndef BT_CLI_VERIFY_TESTING_H
#define BT_CLI_VERIFY_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plays/batch.h"
#include "trust/private_key.h"

// Its plays begin on 20 November 2026, at midnight of Viet Nam.
#define BT_TEST_DAY 20777
#define BT_TEST_MIDNIGHT_MS (BT_TEST_DAY * 86400000LL - 7 * 3600 * 1000LL)

#define BT_TEST_MAX_JOURNALS 64

struct bt_test_province {
    struct bt_private_key *root, *targets, *technician, *timestamp, *stranger;
    struct bt_private_key *players[BT_TEST_MAX_JOURNALS];  // of screen s-1, s-2, …
    int journals;
    int64_t records;  // of each journal
    int64_t per_batch;
    bool named;  // technicians name the players' keys
    char *root_text;
};

void bt_test_province_init(struct bt_test_province *province, int journals, int64_t records,
                           int64_t per_batch);
void bt_test_province_finish(struct bt_test_province *province);

// Lines as an evidence has them, each for free().
struct bt_test_lines {
    char **lines;
    size_t count, capacity;
};
void bt_test_lines_finish(struct bt_test_lines *lines);
void bt_test_lines_add(struct bt_test_lines *lines, char *line);  // taken
void bt_test_lines_remove(struct bt_test_lines *lines, size_t index);
// The index of the nth line (from 0) of a kind.
size_t bt_test_lines_find(const struct bt_test_lines *lines, const char *kind, size_t n);

// All of it: the last line is added by packing. `report`: with a report by screen.
void bt_test_evidence(const struct bt_test_province *province, bool report,
                      struct bt_test_lines *out);

// One batch of a journal (from 0), sealed; with the key of `by` instead of its own when not NULL.
void bt_test_batch(const struct bt_test_province *province, int journal, int64_t first,
                   const struct bt_private_key *by, struct bt_buf *out);
// The same, sent under another player's id.
void bt_test_batch_of(const struct bt_test_province *province, int journal, int64_t first,
                      const char *player, struct bt_buf *out);
void bt_test_public_key(const struct bt_private_key *key, char out[65]);
char *bt_test_batch_line(const struct bt_buf *batch);

// The heads of one day as a line. `last_seq` 0: no journals yet. *previous becomes this one's hash.
char *bt_test_heads(const struct bt_test_province *province, int64_t day, int64_t last_seq,
                    const struct bt_private_key *by, char previous[65]);

// Adds the last line, writes the file, seals it with the key (the server's, or whose a test wants).
void bt_test_pack(const struct bt_test_lines *lines, const struct bt_private_key *by,
                  const char *path);

// How many complete plays a journal has, as it is made.
int64_t bt_test_complete(const struct bt_test_province *province);

#endif
