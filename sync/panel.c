#include "sync/panel.h"

#include <glob.h>
#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"
#include "base/file.h"
#include "base/str.h"

#define MAX_BYTES 64
#define MAX_CONNECTORS 64

const char *bt_panel_word(enum bt_panel panel)
{
    static const char *const words[] = {"on", "", "standby", "off", "none"};
    return words[panel - BT_PANEL_ON];
}

// A file's first line, or "".
static void read_line(const char *connector, const char *name, char out[MAX_BYTES + 1])
{
    BT_AUTOFREE char *path = bt_strf("%s/%s", connector, name);
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    out[0] = '\0';
    if (bt_file_read(path, &text, NULL) == 0) {
        bt_copy_cut(out, MAX_BYTES + 1, bt_buf_text(&text));
        out[strcspn(out, "\n")] = '\0';
    }
}

/*
 * What a connector says. "enabled" is whether it gets a picture at all; drivers that do not say so
 * leave it out, or the power state.
 */
static const struct saying {
    const char *status, *enabled, *dpms;  // NULL: whatever it says
    enum bt_panel means;
} sayings[] = {
    {"disconnected", NULL, NULL, BT_PANEL_NONE},
    {"connected", NULL, "Standby", BT_PANEL_STANDBY},
    {"connected", NULL, "Suspend", BT_PANEL_STANDBY},
    {"connected", NULL, "Off", BT_PANEL_OFF},
    {"connected", "disabled", NULL, BT_PANEL_OFF},
    {"connected", "enabled", "On", BT_PANEL_ON},
};

static bool says(const char *wanted, const char *said)
{
    return wanted == NULL || strcmp(wanted, said) == 0;
}

static enum bt_panel look_at(const char *connector)
{
    char status[MAX_BYTES + 1], enabled[MAX_BYTES + 1], dpms[MAX_BYTES + 1];
    read_line(connector, "status", status);
    read_line(connector, "enabled", enabled);
    read_line(connector, "dpms", dpms);
    for (size_t i = 0; i < BT_ARRAY_LEN(sayings); i++) {
        const struct saying *saying = &sayings[i];
        if (says(saying->status, status) && says(saying->enabled, enabled) &&
            says(saying->dpms, dpms)) {
            return saying->means;
        }
    }
    return BT_PANEL_UNKNOWN;
}

// Pictures go into memory there.
static bool is_writeback(const char *connector)
{
    return strstr(connector, "-Writeback-") != NULL;
}

enum bt_panel bt_panel_look(const char *root)
{
    glob_t found;
    BT_AUTOFREE char *where = bt_strf("%s/sys/class/drm/card*-*/status", root);
    enum bt_panel brightest = BT_PANEL_NONE;
    bool any = false;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only names of users would be looked up unsafely
    if (glob(where, 0, NULL, &found) != 0) {
        return BT_PANEL_UNKNOWN;
    }
    for (size_t i = 0; i < found.gl_pathc && i < MAX_CONNECTORS; i++) {
        char *connector = found.gl_pathv[i];
        *strrchr(connector, '/') = '\0';
        if (!is_writeback(connector)) {
            enum bt_panel panel = look_at(connector);
            brightest = BT_MIN(brightest, panel);
            any = true;
        }
    }
    globfree(&found);
    return any ? brightest : BT_PANEL_UNKNOWN;
}
