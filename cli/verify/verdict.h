/**
 * What was found when evidence was looked at: what holds, what must be known beside it, what does
 * not hold. Each in Vietnamese and English. Thread-safe; bounded, what is more is counted.
 */
#ifndef BT_CLI_VERIFY_VERDICT_H
#define BT_CLI_VERIFY_VERDICT_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"

enum bt_finding_kind {
    BT_FINDING_HOLDS,
    BT_FINDING_NOTE,   // nothing is wrong, and whoever relies on the numbers should know it
    BT_FINDING_FAULT,  // something was changed, left out or put in
    BT_FINDING_KINDS
};

// Kept of each kind.
#define BT_VERDICT_MAX_FINDINGS 200

struct bt_verdict;
struct bt_verdict *bt_verdict_create(void) BT_NODISCARD;
void bt_verdict_destroy(struct bt_verdict *verdict);
BT_DEFINE_AUTO(bt_verdict)

/**
 * `code` is stable, for programs: "batch-signature"; a literal. The sentences are taken (bt_strf).
 */
void bt_verdict_add(struct bt_verdict *verdict, enum bt_finding_kind kind, const char *code,
                    char *vi, char *en);

int64_t bt_verdict_count(struct bt_verdict *verdict, enum bt_finding_kind kind);
int64_t bt_verdict_count_code(struct bt_verdict *verdict, const char *code);  // of those kept

void bt_verdict_print(struct bt_verdict *verdict, FILE *to);
cJSON *bt_verdict_json(struct bt_verdict *verdict) BT_NODISCARD;  // a list, for cJSON_Delete

#endif
