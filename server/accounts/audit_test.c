#include "server/db/testing.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/audit.h"

static struct bt_db *acquire(void **state)
{
    return bt_testing_acquire(*state);
}

static void write_entry(struct bt_db *db, int64_t at_ms, const char *object)
{
    const struct bt_audit_entry entry = {.at_ms = at_ms,
                                         .actor = "server",
                                         .from = "",
                                         .verb = "thing.create",
                                         .object = object,
                                         .unit = "vn"};
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "tên", "Bảng \"tin\"");
    struct bt_error err = {0};
    assert_int_equal(bt_db_begin(db, true, &err), 0);
    if (bt_audit_write(db, &entry, details, &err) < 0 || bt_db_commit(db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static int64_t first_bad(struct bt_db *db, int64_t count)
{
    int64_t entries, bad;
    struct bt_error err = {0};
    if (bt_audit_verify(db, &entries, &bad, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    if (bad == 0) {
        assert_int_equal(entries, count);
    }
    return bad;
}

static void an_empty_log_has_a_head_of_zeros(void **state)
{
    struct bt_db *db = acquire(state);
    char head[65];
    assert_int_equal(bt_audit_head(db, head, NULL), 0);
    assert_string_equal(head, "0000000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(first_bad(db, 0), 0);
    bt_db_release(db);
}

// The rule itself, done by hand.
static void the_head_follows_from_the_exact_text(void **state)
{
    struct bt_db *db = acquire(state);
    write_entry(db, 1795240000000, "thing/1");
    static const char body[] =
        "{\"actor\":\"server\",\"at_ms\":1795240000000,\"details\":{\"tên\":\"Bảng \\\"tin\\\"\"},"
        "\"from\":\"\",\"object\":\"thing/1\",\"seq\":1,\"unit\":\"vn\",\"verb\":\"thing.create\"}";
    uint8_t bytes[32 + sizeof(body) - 1] = {0};
    memcpy(bytes + 32, body, sizeof(body) - 1);
    struct bt_sha256 hash = bt_sha256_of(bytes, sizeof(bytes));
    char wanted[65], head[65];
    bt_hex(hash.bytes, 32, wanted);
    assert_int_equal(bt_audit_head(db, head, NULL), 0);
    assert_string_equal(head, wanted);
    bt_db_release(db);
}

static void whatever_is_changed_afterwards_is_found(void **state)
{
    static const struct {
        const char *sql;
        int64_t bad;
    } cases[] = {
        {"UPDATE audit SET body = 'x' WHERE seq = 3", 3},
        {"UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 2", 2},
        {"UPDATE audit SET hash = 'not hex' WHERE seq = 4", 4},
        {"DELETE FROM audit WHERE seq = 2", 2},
        {"DELETE FROM audit WHERE seq = 1", 1},
        {"DELETE FROM audit WHERE seq = 5", 5},
        {"UPDATE audit_head SET seq = 4", 6},
    };
    struct bt_db *db = acquire(state);
    for (int i = 1; i <= 5; i++) {
        write_entry(db, i, "thing/1");
    }
    assert_int_equal(first_bad(db, 5), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_error err = {0};
        assert_int_equal(bt_db_begin(db, true, &err), 0);
        assert_true(bt_db_run(db, &err, cases[i].sql) > 0);
        assert_int_equal(first_bad(db, 5), cases[i].bad);
        bt_db_rollback(db);
    }
    assert_int_equal(first_bad(db, 5), 0);
    bt_db_release(db);
}

static void what_is_rolled_back_leaves_no_gap(void **state)
{
    struct bt_db *db = acquire(state);
    write_entry(db, 1, "thing/1");
    const struct bt_audit_entry entry = {2, "server", "", "thing.create", "thing/2", "vn"};
    assert_int_equal(bt_db_begin(db, true, NULL), 0);
    assert_int_equal(bt_audit_write(db, &entry, NULL, NULL), 0);
    bt_db_rollback(db);
    write_entry(db, 3, "thing/3");
    assert_int_equal(first_bad(db, 2), 0);
    bt_db_release(db);
}

static void details_that_have_no_one_form_are_refused(void **state)
{
    struct bt_db *db = acquire(state);
    const struct bt_audit_entry entry = {2, "server", "", "thing.create", "thing/2", "vn"};
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "x", 0.5);
    assert_int_equal(bt_db_begin(db, true, NULL), 0);
    assert_int_equal(bt_audit_write(db, &entry, details, NULL), -EINVAL);
    bt_db_release(db);
}

static void more_than_one_page_is_followed(void **state)
{
    struct bt_db *db = acquire(state);
    for (int i = 1; i <= 510; i++) {
        write_entry(db, i, "thing/1");
    }
    assert_int_equal(first_bad(db, 510), 0);
    assert_int_equal(bt_db_run(db, NULL, "UPDATE audit SET body = body || ' ' WHERE seq = 507"), 1);
    assert_int_equal(first_bad(db, 510), 507);
    bt_db_release(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(an_empty_log_has_a_head_of_zeros),
        bt_db_test(the_head_follows_from_the_exact_text),
        bt_db_test(whatever_is_changed_afterwards_is_found),
        bt_db_test(what_is_rolled_back_leaves_no_gap),
        bt_db_test(details_that_have_no_one_form_are_refused),
        bt_db_test(more_than_one_page_is_followed),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
