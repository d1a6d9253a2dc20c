/**
 * What the handlers of this folder share: units, refusals, pages of lists, screens of a unit.
 */
#ifndef BT_SERVER_PUBLICATIONS_DESK_H
#define BT_SERVER_PUBLICATIONS_DESK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "server/accounts/access.h"
#include "server/http/call.h"
#include "server/ids.h"
#include "server/publications/target.h"

struct bt_unit_facts {
    char code[BT_UNIT_CODE_BYTES];
    char name[256];
    char path[512];  // "/vn/92/31333/"
    bool root;       // the province itself: whose documents stand in p/
};

// -ENOENT when there is none.
int bt_unit_facts(struct bt_db *db, const char *code, struct bt_unit_facts *out,
                  struct bt_error *err) BT_NODISCARD;
int bt_unit_root(struct bt_db *db, char out[BT_UNIT_CODE_BYTES], struct bt_error *err) BT_NODISCARD;

/**
 * Answers what went wrong where the caller is at fault (409, 422) and returns 0; errors of the
 * database and of memory are returned as they are. `name` is the problem's, `vi` its Vietnamese
 * sentence, before the detail.
 */
int bt_desk_refuse(struct bt_call *call, int code, const char *name, const char *vi,
                   struct bt_error *err);

int bt_desk_not_found(struct bt_call *call);

// For a route's `unit`, when the database cannot be asked: answers 503. Always false.
bool bt_desk_busy(struct bt_call *call);

/**
 * True when the body is an object that has no other keys than these (the list ends with NULL); else
 * answers and returns false. A misspelt key would be something else that is asked for.
 */
bool bt_desk_keys(struct bt_call *call, const char *const *keys);

// A text of the body: "" when absent. False after a refusal when it is no text or too long.
bool bt_desk_text(struct bt_call *call, const char *key, size_t max, bool required,
                  const char **out);

// For a route's `unit`: what the body's "unit" says.
bool bt_desk_unit_of_body(struct bt_call *call, char *out, size_t size);

// For a route's `unit`: the unit of the row whose id is in the path. `sql` asks for it by $1.
bool bt_desk_unit_of_row(struct bt_call *call, const char *sql, char *out, size_t size);

/**
 * A page of a list: what the caller may see, in the order of the ids. `select` has the id as its
 * column 0 and the row's unit as `u`; `conditions` begins with " AND " and uses its filters from $5
 * on.
 */
#define BT_DESK_LIST(select, id, conditions)                                                       \
    select " WHERE " id " > $1 AND EXISTS (SELECT 1 FROM role_grant g JOIN unit above"             \
           " ON above.code = g.unit WHERE g.user_id = $3 AND $4 LIKE '% ' || g.role || ' %'"       \
           " AND substr(u.path, 1, length(above.path)) = above.path)" conditions " ORDER BY " id   \
           " LIMIT $2"

// What the query says: "" when it says nothing, and any will do. For $5 ….
struct bt_db_value bt_desk_filter(struct bt_call *call, const char *name);
#define BT_DESK_FILTER(column, number) " AND (" number " = '' OR " column " = " number ")"

// Answers with a page of a BT_DESK_LIST; `row` makes an entry.
int bt_desk_list(struct bt_call *call, const char *sql, const struct bt_db_value *filters,
                 size_t count, cJSON *(*row)(struct bt_call *call, struct bt_db_rows *rows),
                 struct bt_error *err);

// The screens of a unit and of all below it.
struct bt_screen_list {
    char (*ids)[BT_SERVER_ID_BYTES];
    const char **pointers;  // to ids, for bt_orders_give
    size_t count;
};
int bt_screens_below(struct bt_db *db, const char *unit, struct bt_screen_list *out,
                     struct bt_error *err) BT_NODISCARD;  // adds to what is there
void bt_screen_list_finish(struct bt_screen_list *list);

#endif
