#include "sync/panel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/file.h"
#include "base/str.h"

static void put(const char *root, const char *connector, const char *name, const char *text)
{
    if (text == NULL) {
        return;
    }
    BT_AUTOFREE char *dir = bt_strf("%s/sys/class/drm/%s", root, connector);
    BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
    BT_AUTOFREE char *line = bt_strf("%s\n", text);
    assert_int_equal(bt_file_make_dirs(dir, NULL), 0);
    assert_int_equal(bt_file_replace(path, line, strlen(line), NULL), 0);
}

static void remove_tree(const char *root)
{
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", root);
    assert_int_equal(system(command), 0);  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

struct connector {
    const char *name, *status, *enabled, *dpms;  // name NULL: no more; texts NULL: no such file
};

static const struct {
    struct connector connectors[4];
    enum bt_panel means;
} cases[] = {
    {{{NULL}}, BT_PANEL_UNKNOWN},
    {{{"card1-HDMI-A-1", "connected", "enabled", "On"}}, BT_PANEL_ON},
    {{{"card1-HDMI-A-1", "connected", "enabled", "Off"}}, BT_PANEL_OFF},
    {{{"card1-HDMI-A-1", "connected", "enabled", "Standby"}}, BT_PANEL_STANDBY},
    {{{"card1-HDMI-A-1", "connected", "enabled", "Suspend"}}, BT_PANEL_STANDBY},
    {{{"card1-HDMI-A-1", "connected", "disabled", "On"}}, BT_PANEL_OFF},
    {{{"card1-HDMI-A-1", "disconnected", "disabled", "Off"}}, BT_PANEL_NONE},
    // One that is lit is enough, wherever it stands.
    {{{"card1-HDMI-A-1", "disconnected", "disabled", "Off"},
      {"card1-HDMI-A-2", "connected", "enabled", "On"}},
     BT_PANEL_ON},
    {{{"card0-DP-1", "connected", "enabled", "Off"},
      {"card1-HDMI-A-1", "disconnected", "disabled", "Off"}},
     BT_PANEL_OFF},
    // Whoever does not know is no proof of darkness.
    {{{"card0-VGA-1", "unknown", "enabled", "On"},
      {"card1-HDMI-A-1", "disconnected", "disabled", "Off"}},
     BT_PANEL_UNKNOWN},
    {{{"card1-HDMI-A-1", "connected", "enabled", NULL}}, BT_PANEL_UNKNOWN},
    {{{"card1-HDMI-A-1", "", "", ""}}, BT_PANEL_UNKNOWN},
    {{{"card1-HDMI-A-1", "gone fishing", "perhaps", "On"}}, BT_PANEL_UNKNOWN},
    // Memory is no display.
    {{{"card1-Writeback-1", "unknown", "disabled", "On"}}, BT_PANEL_UNKNOWN},
    {{{"card1-Writeback-1", "unknown", "disabled", "On"},
      {"card1-HDMI-A-1", "disconnected", "disabled", "Off"}},
     BT_PANEL_NONE},
};

static void what_connectors_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char root[] = "/tmp/bt-panel-XXXXXX";
        assert_non_null(mkdtemp(root));
        for (const struct connector *c = cases[i].connectors; c->name != NULL; c++) {
            put(root, c->name, "status", c->status);
            put(root, c->name, "enabled", c->enabled);
            put(root, c->name, "dpms", c->dpms);
        }
        if (bt_panel_look(root) != cases[i].means) {
            fail_msg("case %zu: '%s' where '%s' was expected", i,
                     bt_panel_word(bt_panel_look(root)), bt_panel_word(cases[i].means));
        }
        remove_tree(root);
    }
}

// What is no file of the kernel's is no display either, and nothing is read without end.
static void odd_trees(void **state)
{
    (void)state;
    char root[] = "/tmp/bt-panel-XXXXXX";
    assert_non_null(mkdtemp(root));
    BT_AUTOFREE char *directory = bt_strf("%s/sys/class/drm/card0-DP-1/status", root);
    assert_int_equal(bt_file_make_dirs(directory, NULL), 0);
    assert_int_equal(bt_panel_look(root), BT_PANEL_UNKNOWN);
    char endless[4096];
    memset(endless, 'c', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    put(root, "card0-DP-2", "status", endless);
    assert_int_equal(bt_panel_look(root), BT_PANEL_UNKNOWN);
    remove_tree(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_connectors_say),
                                       cmocka_unit_test(odd_trees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
