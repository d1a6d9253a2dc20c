/**
 * Commands that are one request: a table says how options become a path, a query or a body, and
 * how the answer is shown. `bt_rest_run` is the `run` of such a command, its `request` a
 * struct bt_rest.
 */
#ifndef BT_CLI_REST_H
#define BT_CLI_REST_H

#include "base/options.h"
#include "cli/client.h"
#include "cli/table.h"

enum bt_member_kind {
    BT_MEMBER_TEXT,
    BT_MEMBER_INT,
    BT_MEMBER_LIST,  // every value of a repeated option, or all operands from this one on
    BT_MEMBER_TIME,  // RFC 3339 → milliseconds UTC
    BT_MEMBER_FILE,  // a JSON file's content
    BT_MEMBER_WORD,  // always `word`
    BT_MEMBER_FLAG,  // true when the option is given
};

// A member of the body, or of the query when the method is GET.
struct bt_member {
    const char *key;     // "name", or "duty.name" for a member of a member
    const char *option;  // where it comes from; NULL: operand number `operand`
    int operand;
    enum bt_member_kind kind;
    const char *word;
};

struct bt_rest {
    const char *method;
    const char *path;  // "/v1/screens/{0}/orders": {N} is operand N
    const struct bt_member *members;
    size_t member_count;
    bool edits;  // PUT, PATCH, DELETE of what has an ETag: asked for first, sent as If-Match
    const char *const *keeps;  // PUT: members of what was asked for that stay; ends with NULL
    const struct bt_column *columns;
    size_t column_count;
    const char *rank_by;       // lists: a member whose words come in this order; NULL: as they come
    const char *const *ranks;  // ends with NULL
    const char *done;          // "vi / en" after success; "%s" in neither
};

#define BT_MEMBERS(table) .members = (table), .member_count = BT_ARRAY_LEN(table)
#define BT_COLUMNS(table) .columns = (table), .column_count = BT_ARRAY_LEN(table)

int bt_rest_run(const struct bt_arguments *arguments, struct bt_error *err);

// Parts of it, for commands that do more. `present`: the object that is written anew, or NULL.
int bt_rest_body(const struct bt_rest *rest, const struct bt_arguments *arguments,
                 const cJSON *present, cJSON **out, struct bt_error *err) BT_NODISCARD;
char *bt_rest_path(const struct bt_rest *rest, const struct bt_arguments *arguments) BT_NODISCARD;

// All pages of a list as one array; *out is for cJSON_Delete.
int bt_rest_list(struct bt_client *client, const char *path, cJSON **out,
                 struct bt_error *err) BT_NODISCARD;

// A copy of the list: items whose member `key` is the first of the words first, and so on, those of
// the same word as they came; what has another word comes last.
cJSON *bt_rest_ranked(const cJSON *items, const char *key, const char *const *words) BT_NODISCARD;

extern const char *const bt_severities[];  // of alerts, the worst first

// Prints an answer as the command wants it: JSON with --json, else columns and `done`.
void bt_rest_show(const struct bt_client *client, const struct bt_rest *rest, const cJSON *json);

#endif
