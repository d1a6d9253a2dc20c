#include "server/publications/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"

static const struct naming {
    enum bt_document_layer layer;
    const char *unit;
    bool everywhere;
    const char *name, *path, *role, *id;  // path NULL: refused
} namings[] = {
    {BT_DOCUMENT_UNIT, "31333", false, "quang-truong", "u/31333/quang-truong.json", "u-31333",
     "u.31333.quang-truong"},
    {BT_DOCUMENT_PROVINCE, "92", true, "chung", "p/chung.json", "targets", "p.chung"},
    {BT_DOCUMENT_TEMPLATE, "31333", false, "bao", "u/31333/template-bao.json", "u-31333",
     "u.31333.template-bao"},
    {BT_DOCUMENT_TEMPLATE, "92", true, "bao", "p/template-bao.json", "targets", "p.template-bao"},
    {BT_DOCUMENT_SCREEN, "31333", false, "s-7K3QZ5MX2A", "s/31333/s-7K3QZ5MX2A.json", "s-31333",
     "s.31333.s-7K3QZ5MX2A"},
    {BT_DOCUMENT_SCREEN, "92", true, "s-7K3QZ5MX2A", "s/92/s-7K3QZ5MX2A.json", "s-92",
     "s.92.s-7K3QZ5MX2A"},
    {BT_DOCUMENT_PROVINCE, "31333", false, "chung", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "92", true, "chung", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31333", false, "template-bao", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31333", false, "../chung", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31/333", false, "chung", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31333", false, "", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31333", false, "-chung", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31333", false, "Chung", NULL, NULL, NULL},
    {BT_DOCUMENT_UNIT, "31333", false, "a23456789012345678901234567890123", NULL, NULL, NULL},
};

static void documents_have_a_path_a_role_and_an_id(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(namings); i++) {
        const struct naming *n = &namings[i];
        struct bt_target target;
        struct bt_error err;
        int r = bt_target_make(n->layer, n->unit, n->everywhere, n->name, &target, &err);
        assert_int_equal(r, n->path == NULL ? -EINVAL : 0);
        if (n->path != NULL) {
            assert_string_equal(target.path, n->path);
            assert_string_equal(target.role, n->role);
            assert_string_equal(target.id, n->id);
        }
    }
}

static void a_path_gives_its_document_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(namings); i++) {
        const struct naming *n = &namings[i];
        if (n->path == NULL) {
            continue;
        }
        struct bt_target target;
        assert_int_equal(bt_target_read(n->path, &target, NULL), 0);
        assert_int_equal(target.layer, n->layer);
        assert_string_equal(target.name, n->name);
        assert_string_equal(target.path, n->path);
        assert_string_equal(target.role, n->role);
    }
}

static void other_paths_are_none_of_ours(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "p/chung",
        "x/31333/a.json",
        "u/31333.json",
        "u//a.json",
        "u/31333/.json",
        "u/31333/a/b.json",
        "p/../x.json",
        "p/a.json.json",
        "/u/31333/a.json",
        "u/31333/template-.json",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(paths); i++) {
        struct bt_target target;
        assert_int_equal(bt_target_read(paths[i], &target, NULL), -EINVAL);
    }
}

static void a_role_signs_its_own_paths_alone(void **state)
{
    (void)state;
    static const struct {
        const char *role, *path;
        bool signs;
    } cases[] = {
        {"u-31333", "u/31333/a.json", true},  {"u-31333", "u/31334/a.json", false},
        {"u-31333", "s/31333/a.json", false}, {"u-31333", "p/a.json", false},
        {"s-31333", "s/31333/a.json", true},  {"targets", "p/a.json", true},
        {"targets", "servers.json", true},    {"targets", "u/31333/a.json", false},
        {"u-31333", "servers.json", false},   {"targets", "software.json", true},
        {"u-31333", "software.json", false},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_int_equal(bt_role_signs(cases[i].role, cases[i].path), cases[i].signs);
    }
}

static void roles_that_sign_documents_have_a_unit(void **state)
{
    (void)state;
    char unit[BT_UNIT_CODE_BYTES] = "x";
    assert_true(bt_role_unit("targets", unit));
    assert_string_equal(unit, "");
    assert_true(bt_role_unit("u-31333", unit));
    assert_string_equal(unit, "31333");
    assert_true(bt_role_unit("s-92", unit));
    assert_string_equal(unit, "92");
    static const char *const others[] = {"root", "snapshot", "timestamp", "em-31333", "em-p",
                                         "u-",   "u-31_3",   "",          "U-31333"};
    for (size_t i = 0; i < BT_ARRAY_LEN(others); i++) {
        assert_false(bt_role_unit(others[i], unit));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_have_a_path_a_role_and_an_id),
        cmocka_unit_test(a_path_gives_its_document_back),
        cmocka_unit_test(other_paths_are_none_of_ours),
        cmocka_unit_test(a_role_signs_its_own_paths_alone),
        cmocka_unit_test(roles_that_sign_documents_have_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
