#include "server/accounts/access.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/secret.h"
#include "server/accounts/session.h"
#include "server/fleet/session.h"

#define UNIT_BYTES 32
#define MAX_UNITS 1000

#define MAY(action_) (1U << BT_ACTION_##action_)

/*
 * The table. Arranging is open to uploaders, since a proposal shows nothing until it is signed;
 * taking down is open to whoever carries responsibility for content, since removing is easy.
 */
static const struct {
    const char *word;
    unsigned may;
} roles[BT_ROLE_COUNT] = {
    [BT_ROLE_VIEWER] = {"viewer", MAY(VIEW)},
    [BT_ROLE_UPLOADER] = {"uploader", MAY(VIEW) | MAY(UPLOAD) | MAY(ARRANGE)},
    [BT_ROLE_REVIEWER] = {"reviewer", MAY(VIEW) | MAY(REVIEW) | MAY(TAKE_DOWN)},
    [BT_ROLE_PUBLISHER] = {"publisher",
                           MAY(VIEW) | MAY(UPLOAD) | MAY(ARRANGE) | MAY(PUBLISH) | MAY(TAKE_DOWN)},
    [BT_ROLE_SCREEN_OPERATOR] = {"screen-operator", MAY(VIEW) | MAY(OPERATE)},
    [BT_ROLE_TECHNICIAN] = {"technician", MAY(VIEW) | MAY(OPERATE) | MAY(INSTALL)},
    [BT_ROLE_DUTY_OFFICER] = {"duty-officer",
                              MAY(VIEW) | MAY(OPERATE) | MAY(TAKE_DOWN) | MAY(EMERGENCY)},
    [BT_ROLE_REPORTER] = {"reporter", MAY(VIEW) | MAY(REPORT)},
    [BT_ROLE_ADMINISTRATOR] = {"administrator", ~0U},
};

// clang-format off
static const char *const actions[BT_ACTION_COUNT] = {
    [BT_ACTION_NONE] = "none",
    [BT_ACTION_VIEW] = "view",
    [BT_ACTION_UPLOAD] = "upload",
    [BT_ACTION_ARRANGE] = "arrange",
    [BT_ACTION_REVIEW] = "review",
    [BT_ACTION_PUBLISH] = "publish",
    [BT_ACTION_OPERATE] = "operate",
    [BT_ACTION_INSTALL] = "install",
    [BT_ACTION_TAKE_DOWN] = "take-down",
    [BT_ACTION_EMERGENCY] = "emergency",
    [BT_ACTION_REPORT] = "report",
    [BT_ACTION_ADMINISTER] = "administer",
};
// clang-format on

const char *bt_role_word(enum bt_role role)
{
    return roles[role].word;
}

bool bt_role_may(enum bt_role role, enum bt_action action)
{
    return action != BT_ACTION_NONE && (roles[role].may & 1U << action) != 0;
}

int bt_role_parse(const char *word, enum bt_role *out)
{
    for (int i = 0; i < BT_ROLE_COUNT; i++) {
        if (strcmp(roles[i].word, word) == 0) {
            *out = (enum bt_role)i;
            return 0;
        }
    }
    return -ENOENT;
}

void bt_roles_who_may(enum bt_action action, char out[BT_ROLES_BYTES])
{
    size_t len = 1;
    bt_copy_cut(out, BT_ROLES_BYTES, " ");
    for (int i = 0; i < BT_ROLE_COUNT; i++) {
        if (bt_role_may((enum bt_role)i, action)) {
            int r = bt_format(out + len, BT_ROLES_BYTES - len, "%s ", roles[i].word);
            assert(r == 0);
            len += strlen(out + len);
        }
    }
}

const char *bt_action_word(enum bt_action action)
{
    return actions[action];
}

static uint64_t scope_of(const char *word, size_t len)
{
    for (int i = BT_ACTION_NONE + 1; i < BT_ACTION_COUNT; i++) {
        if (strlen(actions[i]) == len && memcmp(actions[i], word, len) == 0) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

uint64_t bt_scopes_parse(const char *words)
{
    uint64_t scopes = 0;
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        scopes |= scope_of(words, len);
        words += len + (words[len] == ' ');
    }
    return scopes;
}

static int ask_anywhere(struct bt_db *db, const char *user, enum bt_action action,
                        struct bt_db_rows **out, struct bt_error *err)
{
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(action, who);
    return bt_db_ask(db, out, err,
                     "SELECT 1 FROM role_grant WHERE user_id = $1"
                     " AND $2 LIKE '% ' || role || ' %' LIMIT 1",
                     BT_TEXT(user), BT_TEXT(who));
}

static int ask_in_unit(struct bt_db *db, const char *user, enum bt_action action, const char *unit,
                       struct bt_db_rows **out, struct bt_error *err)
{
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(action, who);
    return bt_db_ask(db, out, err,
                     "SELECT 1 FROM role_grant g JOIN unit above ON above.code = g.unit"
                     " JOIN unit u ON substr(u.path, 1, length(above.path)) = above.path"
                     " WHERE u.code = $1 AND g.user_id = $2 AND $3 LIKE '% ' || g.role || ' %'"
                     " LIMIT 1",
                     BT_TEXT(unit), BT_TEXT(user), BT_TEXT(who));
}

int bt_access_ask(struct bt_db *db, const char *user, uint64_t scopes, enum bt_action action,
                  const char *unit, struct bt_error *err)
{
    if (user[0] == '\0' || (scopes & UINT64_C(1) << action) == 0) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = unit == NULL ? ask_anywhere(db, user, action, &rows, err)
                         : ask_in_unit(db, user, action, unit, &rows, err);
    return r < 0 ? r : bt_db_count(rows) > 0;
}

bool bt_access_may(struct bt_call *call, enum bt_action action, const char *unit)
{
    const struct bt_caller *caller = bt_call_caller(call);
    return bt_access_ask(bt_call_db(call), caller->user, caller->scopes, action, unit, NULL) == 1;
}

bool bt_access_may_somewhere(struct bt_call *call, enum bt_action action)
{
    return bt_access_may(call, action, NULL);
}

bool bt_unit_any(struct bt_call *call, char *out, size_t size)
{
    (void)call;
    return bt_format(out, size, "*") == 0;
}

static bool refuse(struct bt_call *call, int status, const char *name, const char *vi,
                   const char *en)
{
    if (status == 401) {
        bt_call_set_header(call, "WWW-Authenticate", "Bearer");
    }
    bt_call_problem(call, status, name, vi, en);
    return false;
}

static bool refuse_busy(struct bt_call *call)
{
    bt_call_set_header(call, "Retry-After", "1");
    return refuse(call, 503, "busy", "Máy chủ đang bận; hãy thử lại sau giây lát",
                  "The server is busy; try again in a moment");
}

bool bt_unit_of_path(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT code FROM unit WHERE code = $1",
                      BT_TEXT(bt_call_path(call, "unit")));
    if (r < 0 && r != -EINVAL) {
        return refuse_busy(call);
    }
    if (r < 0 || !bt_db_next(rows) || bt_format(out, size, "%s", bt_db_get_text(rows, 0)) < 0) {
        return refuse(call, 404, "no-such-unit", "Không có đơn vị này", "There is no such unit");
    }
    return true;
}

// A browser that says another site's page sent the request, or a session's request without what
// only our own pages know.
static bool passes_as_own(struct bt_call *call)
{
    bool browser =
        bt_call_header(call, "Origin") != NULL || bt_call_header(call, "Sec-Fetch-Site") != NULL;
    if (browser && !bt_call_same_origin(call)) {
        return refuse(call, 403, "other-origin", "Yêu cầu đến từ trang web khác",
                      "The request comes from another site's page");
    }
    char wanted[BT_SHA256_HEX_BYTES];
    const char *sent = bt_call_header(call, "X-Bangtin-Token");
    if (sent == NULL || !bt_session_token(call, wanted) || !bt_secret_equal(sent, wanted)) {
        return refuse(call, 403, "token-missing",
                      "Thiếu X-Bangtin-Token của phiên làm việc, hoặc không đúng",
                      "The session's X-Bangtin-Token is missing or wrong");
    }
    return true;
}

static bool passes_action(struct bt_call *call, const struct bt_route *route)
{
    const struct bt_caller *caller = bt_call_caller(call);
    if (route->action == BT_ACTION_NONE) {
        return caller->scopes == BT_SCOPES_ALL || !bt_call_writes(call) ||
               refuse(call, 403, "session-needed", "Việc này chỉ làm được khi tự mình đăng nhập",
                      "This is done in a session, not with an API token");
    }
    char unit[UNIT_BYTES] = BT_ROOT_UNIT;
    bool anywhere = route->unit == bt_unit_any;
    if (route->unit != NULL && !route->unit(call, unit, sizeof(unit))) {
        if (!bt_call_missed_body(call)) {
            return false;
        }
        anywhere = true;  // the body will name the unit; who may do it nowhere need not send it
    }
    struct bt_error err;
    int r = bt_access_ask(bt_call_db(call), caller->user, caller->scopes, route->action,
                          anywhere ? NULL : unit, &err);
    if (r < 0) {
        return refuse_busy(call);
    }
    return r == 1 ||
           refuse(call, 403, "not-allowed", "Tài khoản không có quyền làm việc này ở đơn vị này",
                  "The account may not do this in this unit");
}

static bool passes_user(struct bt_call *call, const struct bt_route *route, int identified)
{
    if (identified < 0) {
        return refuse_busy(call);
    }
    if (identified == 0) {
        return refuse(call, 401, "login-needed", "Cần đăng nhập; phiên làm việc có thể đã hết hạn",
                      "Log in first; the session may have ended");
    }
    bool by_cookie = bt_session_by_cookie(call);
    return (!by_cookie || !bt_call_writes(call) || passes_as_own(call)) &&
           passes_action(call, route);
}

bool bt_access_gate(struct bt_call *call, const struct bt_route *route)
{
    if (route->who == BT_WHO_PLAYER) {
        return bt_fleet_authenticate(call, route->former_players);
    }
    struct bt_error err;
    int identified = bt_session_identify(call, &err);
    return route->who == BT_WHO_ANYONE || passes_user(call, route, identified);
}

char **bt_access_units(struct bt_call *call, enum bt_action action)
{
    const struct bt_caller *caller = bt_call_caller(call);
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(action, who);
    BT_AUTO(bt_db_rows) rows = NULL;
    char **units = BT_NEW_ARRAY(char *, MAX_UNITS + 1);
    bool asks = (caller->scopes & UINT64_C(1) << action) != 0;
    if (!asks || bt_db_ask(bt_call_db(call), &rows, NULL,
                           "SELECT DISTINCT u.path FROM role_grant g JOIN unit u ON u.code = g.unit"
                           " WHERE g.user_id = $1 AND $2 LIKE '% ' || g.role || ' %'"
                           " ORDER BY u.path LIMIT $3",
                           BT_TEXT(caller->user), BT_TEXT(who), BT_INT(MAX_UNITS)) < 0) {
        return units;
    }
    for (size_t i = 0; bt_db_next(rows); i++) {
        units[i] = bt_strdup(bt_db_get_text(rows, 0));
    }
    return units;
}

void bt_access_units_free(char **units)
{
    for (size_t i = 0; units != NULL && units[i] != NULL; i++) {
        free(units[i]);
    }
    free(units);
}
