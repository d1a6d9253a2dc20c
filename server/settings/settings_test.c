#include "server/settings/settings.h"

#include "base/compiler.h"
#include "server/db/testing.h"

static void run(struct bt_db *db, const char *sql)
{
    struct bt_error err = {0};
    if (bt_db_run_values(db, sql, NULL, 0, &err) < 0) {
        fail_msg("%s: %s", sql, err.msg);
    }
}

static int64_t number_in(struct bt_db *db, const char *unit)
{
    int64_t number = 0;
    struct bt_error err = {0};
    assert_int_equal(bt_setting_number(db, "report_month_day", unit, &number, &err), 0);
    return number;
}

static void what_a_unit_says_holds_below_it(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    run(db, "INSERT INTO unit VALUES('92', 'vn', 'province', 'Bắc Ninh', '/vn/92/', NULL, NULL, 1),"
            " ('31333', '92', 'commune', 'Kinh Bắc', '/vn/92/31333/', NULL, NULL, 1),"
            " ('91', 'vn', 'province', 'Phú Thọ', '/vn/91/', NULL, NULL, 1)");
    assert_int_equal(number_in(db, "31333"), 20);
    run(db, "INSERT INTO setting VALUES('vn', 'report_month_day', '25', 1, '', 0),"
            " ('92', 'report_month_day', '15', 1, '', 0)");
    assert_int_equal(number_in(db, NULL), 25);
    assert_int_equal(number_in(db, "91"), 25);
    assert_int_equal(number_in(db, "92"), 15);
    assert_int_equal(number_in(db, "31333"), 15);
    assert_int_equal(number_in(db, "unknown"), 20);
    run(db, "UPDATE setting SET value = NULL WHERE unit = '92'");
    assert_int_equal(number_in(db, "31333"), 25);
    run(db, "UPDATE setting SET value = '77' WHERE unit = '92'");  // fits no longer
    assert_int_equal(number_in(db, "31333"), 25);
    bt_db_release(db);
}

static void standards_are_values_and_sentences_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < bt_settings_count; i++) {
        const struct bt_setting *setting = &bt_settings[i];
        struct bt_error err = {0};
        if (bt_setting_check(setting, setting->standard, &err) < 0) {
            fail_msg("%s: %s", setting->name, err.msg);
        }
        assert_ptr_equal(bt_setting_find(setting->name), setting);
        assert_non_null(setting->vi);
        assert_non_null(setting->en);
    }
    assert_null(bt_setting_find("no_such_thing"));
}

static void days_of_the_year(void **state)
{
    (void)state;
    int day = 0, month = 0;
    assert_true(bt_setting_date("15/6", &day, &month));
    assert_int_equal(day, 15);
    assert_int_equal(month, 6);
    static const char *const wrong[] = {"",          "15",  "31/6", "29/2", "0/1",   "1/13",
                                        "15/6/2026", "a/6", "15/",  "/6",   "0015/6"};
    for (size_t i = 0; i < BT_ARRAY_LEN(wrong); i++) {
        assert_false(bt_setting_date(wrong[i], &day, &month));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(what_a_unit_says_holds_below_it),
        cmocka_unit_test(standards_are_values_and_sentences_are_there),
        cmocka_unit_test(days_of_the_year),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
