#include "server/db/testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/session.h"

#define MAX_EXPECTED 400

enum where { WHERE_NONE, WHERE_HERE, WHERE_ANY, WHERE_TOP };

// A line of tests/data/access.txt.
struct expected {
    char method[16], path[128];
    enum where where;
    enum bt_route_who who;
    unsigned roles;  // bits
    bool seen;
};

static struct expected expected[MAX_EXPECTED];
static size_t expected_count;

static const char letters[] = "vurpotdea";  // in the order of enum bt_role

static const char *take_word(const char *line, char *out, size_t size)
{
    size_t len = strcspn(line, " ");
    assert_int_equal(bt_format(out, size, "%.*s", (int)len, line), 0);
    return line + len + strspn(line + len, " ");
}

static void read_who(struct expected *entry, const char *words)
{
    char word[16];
    while (*words != '\0') {
        words = take_word(words, word, sizeof(word));
        const char *letter = strlen(word) == 1 ? strchr(letters, word[0]) : NULL;
        if (letter != NULL) {
            entry->roles |= 1U << (letter - letters);
            entry->who = BT_WHO_USER;
        } else if (strcmp(word, "anyone") == 0) {
            entry->who = BT_WHO_ANYONE;
        } else if (strcmp(word, "player") == 0) {
            entry->who = BT_WHO_PLAYER;
        } else {
            assert_string_equal(word, "user");
            entry->who = BT_WHO_USER;
        }
    }
}

static void read_line(const char *line)
{
    static const char *const wheres[] = {"-", "here", "any", "top"};
    assert_true(expected_count < MAX_EXPECTED);
    struct expected *entry = &expected[expected_count++];
    char where[16];
    line = take_word(line, entry->method, sizeof(entry->method));
    line = take_word(line, entry->path, sizeof(entry->path));
    line = take_word(line, where, sizeof(where));
    while (strcmp(wheres[entry->where], where) != 0) {
        entry->where++;
        assert_true(entry->where < BT_ARRAY_LEN(wheres));
    }
    read_who(entry, line);
}

static int read_expected(void **state)
{
    (void)state;
    const char *root = getenv("BT_SOURCE_ROOT");
    BT_AUTOFREE char *path = bt_strf("%s/tests/data/access.txt", root != NULL ? root : ".");
    BT_AUTOBUF text;
    bt_buf_init(&text, 256 * 1024);
    struct bt_error err = {0};
    if (bt_file_read(path, &text, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    char *line = text.data;
    while (*line != '\0') {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\n' ? end + 1 : end;
        *end = '\0';
        if (*line != '\0' && *line != '#') {
            read_line(line);
        }
        line = next;
    }
    return 0;
}

static struct expected *find_expected(const struct bt_route *route)
{
    for (size_t i = 0; i < expected_count; i++) {
        if (strcmp(expected[i].method, route->method) == 0 &&
            strcmp(expected[i].path, route->path) == 0) {
            return &expected[i];
        }
    }
    fail_msg("%s %s is not in tests/data/access.txt", route->method, route->path);
    return &expected[0];  // never: compilers do not know that fail_msg() ends the test
}

static void for_each_route(void (*judge)(const struct bt_route *route, struct expected *entry,
                                         void *context),
                           void *context)
{
    for (size_t i = 0; i < bt_all_routes_count; i++) {
        for (size_t k = 0; k < bt_all_routes[i]->count; k++) {
            const struct bt_route *route = &bt_all_routes[i]->routes[k];
            judge(route, find_expected(route), context);
        }
    }
}

static void judge_who(const struct bt_route *route, struct expected *entry, void *context)
{
    (void)context;
    entry->seen = true;
    enum where where = route->who != BT_WHO_USER || route->action == BT_ACTION_NONE ? WHERE_NONE
                       : route->unit == bt_unit_any                                 ? WHERE_ANY
                       : route->unit == NULL                                        ? WHERE_TOP
                                                                                    : WHERE_HERE;
    if (route->who != entry->who || where != entry->where) {
        fail_msg("%s %s is for somebody else than tests/data/access.txt says", route->method,
                 route->path);
    }
}

static void every_route_is_for_whom_it_should_be(void **state)
{
    (void)state;
    for_each_route(judge_who, NULL);
    for (size_t i = 0; i < expected_count; i++) {
        if (!expected[i].seen) {
            fail_msg("There is no route %s %s", expected[i].method, expected[i].path);
        }
    }
}

/*
 * vn ─ 92 ─ 31333 ─ 31333-a
 *    │    └ 31334
 *    └ 3133 (its code and path begin like another's)
 * Each role is given to one user in 31333.
 */
static const struct {
    const char *code, *parent, *path;
    bool below;  // 31333 or under it
} units[] = {
    {"vn", NULL, "/vn/", false},
    {"92", "vn", "/vn/92/", false},
    {"31333", "92", "/vn/92/31333/", true},
    {"31333-a", "31333", "/vn/92/31333/31333-a/", true},
    {"3133", "vn", "/vn/3133/", false},
    {"31334", "92", "/vn/92/31334/", false},
    {"31333x", "92", "/vn/92/31333x/", false},
};

static void must(int64_t r, const struct bt_error *err)
{
    if (r < 0) {
        fail_msg("%s", err->msg);
    }
}

static void add_user(struct bt_db *db, const char *id)
{
    struct bt_error err = {0};
    must(bt_db_run(db, &err,
                   "INSERT INTO user_account(id, login, name, phone, unit, password,"
                   " password_given, state, created_ms, revision)"
                   " VALUES($1, $1, $1, '', 'vn', '', 0, 'active', 0, 1)",
                   BT_TEXT(id)),
         &err);
}

static void grant(struct bt_db *db, const char *user, const char *unit, const char *role)
{
    struct bt_error err = {0};
    must(bt_db_run(db, &err,
                   "INSERT INTO role_grant(user_id, unit, role, granted_by, granted_ms)"
                   " VALUES($1, $2, $3, '', 0)",
                   BT_TEXT(user), BT_TEXT(unit), BT_TEXT(role)),
         &err);
}

static struct bt_db *acquire_with_people(struct bt_test_db *test)
{
    struct bt_db *db = bt_testing_acquire(test);
    struct bt_error err = {0};
    for (size_t i = 1; i < BT_ARRAY_LEN(units); i++) {
        must(bt_db_run(db, &err,
                       "INSERT INTO unit(code, parent, kind, name, path, revision)"
                       " VALUES($1, $2, 'office', $1, $3, 1)",
                       BT_TEXT(units[i].code), BT_TEXT(units[i].parent), BT_TEXT(units[i].path)),
             &err);
    }
    for (int i = 0; i < BT_ROLE_COUNT; i++) {
        const char *word = bt_role_word((enum bt_role)i);
        add_user(db, word);
        grant(db, word, "31333", word);
    }
    add_user(db, "nobody");
    return db;
}

static bool may(struct bt_db *db, const char *user, uint64_t scopes, enum bt_action action,
                const char *unit)
{
    struct bt_error err = {0};
    int r = bt_access_ask(db, user, scopes, action, unit, &err);
    must(r, &err);
    return r == 1;
}

// The unit the gate would ask about, for a request that concerns `unit`.
static const char *unit_asked(const struct bt_route *route, const char *unit)
{
    return route->unit == bt_unit_any ? NULL : route->unit == NULL ? BT_ROOT_UNIT : unit;
}

static void judge_role(struct bt_db *db, const struct bt_route *route, const struct expected *entry,
                       int role)
{
    const char *word = bt_role_word((enum bt_role)role);
    for (size_t i = 0; i < BT_ARRAY_LEN(units); i++) {
        bool place = entry->where == WHERE_ANY || (entry->where == WHERE_HERE && units[i].below);
        bool should = place && (entry->roles & 1U << role) != 0;
        const char *asked = unit_asked(route, units[i].code);
        if (may(db, word, BT_SCOPES_ALL, route->action, asked) != should) {
            fail_msg("A %s of 31333 %s do %s %s in %s", word, should ? "cannot" : "may",
                     route->method, route->path, units[i].code);
        }
    }
}

static void judge_roles(const struct bt_route *route, struct expected *entry, void *context)
{
    if (route->who != BT_WHO_USER || route->action == BT_ACTION_NONE) {
        return;
    }
    for (int role = 0; role < BT_ROLE_COUNT; role++) {
        judge_role(context, route, entry, role);
    }
    assert_false(may(context, "nobody", BT_SCOPES_ALL, route->action, unit_asked(route, "31333")));
    assert_false(may(context, "", BT_SCOPES_ALL, route->action, unit_asked(route, "31333")));
}

static void every_role_may_do_in_every_unit_what_it_should(void **state)
{
    struct bt_db *db = acquire_with_people(*state);
    struct bt_error err = {0};
    must(bt_db_begin(db, false, &err), &err);
    for_each_route(judge_roles, db);
    bt_db_release(db);
}

static void an_administrator_of_the_top_may_do_everything_everywhere(void **state)
{
    struct bt_db *db = acquire_with_people(*state);
    add_user(db, "top");
    grant(db, "top", BT_ROOT_UNIT, "administrator");
    for (size_t i = 0; i < BT_ARRAY_LEN(units); i++) {
        for (int action = BT_ACTION_VIEW; action < BT_ACTION_COUNT; action++) {
            assert_true(may(db, "top", BT_SCOPES_ALL, (enum bt_action)action, units[i].code));
        }
    }
    assert_false(may(db, "top", BT_SCOPES_ALL, BT_ACTION_VIEW, "no-such-unit"));
    bt_db_release(db);
}

static void a_token_may_do_no_more_than_its_scopes(void **state)
{
    struct bt_db *db = acquire_with_people(*state);
    uint64_t scopes = bt_scopes_parse("view upload nothing");
    for (int action = BT_ACTION_VIEW; action < BT_ACTION_COUNT; action++) {
        bool should = action == BT_ACTION_VIEW || action == BT_ACTION_UPLOAD;
        assert_int_equal(may(db, "administrator", scopes, (enum bt_action)action, "31333"), should);
    }
    assert_false(may(db, "viewer", scopes, BT_ACTION_UPLOAD, "31333"));
    bt_db_release(db);
}

static void roles_end_with_their_grant(void **state)
{
    struct bt_db *db = acquire_with_people(*state);
    struct bt_error err = {0};
    assert_true(may(db, "publisher", BT_SCOPES_ALL, BT_ACTION_PUBLISH, "31333"));
    must(bt_db_run(db, &err, "DELETE FROM role_grant WHERE user_id = 'publisher'"), &err);
    assert_false(may(db, "publisher", BT_SCOPES_ALL, BT_ACTION_PUBLISH, "31333"));
    assert_false(may(db, "publisher", BT_SCOPES_ALL, BT_ACTION_PUBLISH, NULL));
    bt_db_release(db);
}

static void words_of_roles_and_actions_are_read_as_they_are_written(void **state)
{
    (void)state;
    for (int i = 0; i < BT_ROLE_COUNT; i++) {
        enum bt_role role;
        assert_int_equal(bt_role_parse(bt_role_word((enum bt_role)i), &role), 0);
        assert_int_equal(role, i);
    }
    enum bt_role role;
    assert_int_equal(bt_role_parse("owner", &role), -ENOENT);
    uint64_t all = 0;
    for (int i = BT_ACTION_VIEW; i < BT_ACTION_COUNT; i++) {
        assert_true(bt_scopes_parse(bt_action_word((enum bt_action)i)) == UINT64_C(1) << i);
        all |= UINT64_C(1) << i;
    }
    assert_true(bt_scopes_parse("none") == 0);
    assert_true(all != BT_SCOPES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_for_whom_it_should_be),
        cmocka_unit_test(words_of_roles_and_actions_are_read_as_they_are_written),
        bt_db_test(every_role_may_do_in_every_unit_what_it_should),
        bt_db_test(an_administrator_of_the_top_may_do_everything_everywhere),
        bt_db_test(a_token_may_do_no_more_than_its_scopes),
        bt_db_test(roles_end_with_their_grant),
    };
    read_expected(NULL);
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
