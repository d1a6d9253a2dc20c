// What the handlers of this folder share, and their names for the table in routes.c.
#ifndef BT_SERVER_ACCOUNTS_HANDLERS_H
#define BT_SERVER_ACCOUNTS_HANDLERS_H

#include "server/http/call.h"

#define BT_UNIT_CODE_BYTES 25
#define BT_UNIT_KIND_BYTES 33
#define BT_UNIT_PATH_MAX_BYTES 255
#define BT_NAME_BYTES 201
#define BT_LOGIN_BYTES 65
#define BT_PHONE_BYTES 33

// An instant that an object does not have; null in JSON, NULL in the database.
#define BT_NO_TIME INT64_MIN

// From the year 1 on, as far as JSON's numbers carry.
#define BT_TIME_MIN_MS (-62135596800000LL)
#define BT_TIME_MAX_MS 253402300799000LL

struct bt_db_value bt_time_value(int64_t ms);
void bt_add_time(cJSON *object, const char *key, const struct bt_db_rows *rows, int column);

/**
 * Lists: one row more than `limit` is asked for; the answer has those up to `limit`, and `next` is
 * the cursor of the last one when there are more. `add` makes an item of the row.
 */
struct bt_page {
    int64_t limit;
    const char *after;  // "" at the beginning
};
bool bt_page_read(struct bt_call *call, struct bt_page *out);
int bt_page_reply(struct bt_call *call, const struct bt_page *page, struct bt_db_rows *rows,
                  cJSON *(*add)(const struct bt_db_rows *rows), const char *cursor_key);

// 404 with a sentence of its own; returns 0.
int bt_not_found(struct bt_call *call);

// 503 for -EBUSY of passwords, else the error itself.
int bt_busy_or(struct bt_call *call, int r);

// For the table: the unit of {user}, "unit" and "parent" in the body.
bool bt_unit_of_user(struct bt_call *call, char *out, size_t size);
bool bt_unit_in_body(struct bt_call *call, char *out, size_t size);
bool bt_parent_in_body(struct bt_call *call, char *out, size_t size);

// 1 when somebody else than this user administers the whole tree and can log in.
int bt_other_administrator(struct bt_db *db, const char *user, struct bt_error *err);
int bt_refuse_last_administrator(struct bt_call *call);

int bt_handle_first_administrator(struct bt_call *call, struct bt_error *err);
int bt_handle_login(struct bt_call *call, struct bt_error *err);
int bt_handle_logout(struct bt_call *call, struct bt_error *err);
int bt_handle_me(struct bt_call *call, struct bt_error *err);
int bt_handle_my_password(struct bt_call *call, struct bt_error *err);

int bt_handle_users_list(struct bt_call *call, struct bt_error *err);
int bt_handle_users_add(struct bt_call *call, struct bt_error *err);
int bt_handle_user_show(struct bt_call *call, struct bt_error *err);
int bt_handle_user_edit(struct bt_call *call, struct bt_error *err);
int bt_handle_user_password(struct bt_call *call, struct bt_error *err);

int bt_handle_grants_list(struct bt_call *call, struct bt_error *err);
int bt_handle_grants_add(struct bt_call *call, struct bt_error *err);
int bt_handle_grant_remove(struct bt_call *call, struct bt_error *err);

int bt_handle_tokens_list(struct bt_call *call, struct bt_error *err);
int bt_handle_tokens_add(struct bt_call *call, struct bt_error *err);
int bt_handle_token_remove(struct bt_call *call, struct bt_error *err);

int bt_handle_units_list(struct bt_call *call, struct bt_error *err);
int bt_handle_units_add(struct bt_call *call, struct bt_error *err);
int bt_handle_unit_show(struct bt_call *call, struct bt_error *err);
int bt_handle_unit_edit(struct bt_call *call, struct bt_error *err);
int bt_handle_unit_remove(struct bt_call *call, struct bt_error *err);
int bt_handle_aliases_list(struct bt_call *call, struct bt_error *err);
int bt_handle_aliases_add(struct bt_call *call, struct bt_error *err);
int bt_handle_alias_remove(struct bt_call *call, struct bt_error *err);

int bt_handle_audit_list(struct bt_call *call, struct bt_error *err);
int bt_handle_audit_check(struct bt_call *call, struct bt_error *err);

#endif
