/**
 * Whether there is a lit display at the end of the cable, as far as the kernel knows: the
 * connectors of the graphics cards (/sys/class/drm), whose hot-plug line says that something is
 * there, and whose power state (DPMS) says that it gets a picture. One connector that is lit is
 * enough. What lies behind it (a wall's controller that holds the line while the wall is off) it
 * cannot know.
 *
 * Pure but for the files it reads; a few small ones of the kernel, which never wait for hardware.
 */
#ifndef BT_SYNC_PANEL_H
#define BT_SYNC_PANEL_H

// The darker, the higher. Unknown is darker than on: nobody has said that it is lit.
enum bt_panel {
    BT_PANEL_ON = -1,
    BT_PANEL_UNKNOWN = 0,
    BT_PANEL_STANDBY,
    BT_PANEL_OFF,
    BT_PANEL_NONE,  // nothing is at any cable
};

// Who says so, in a play's record: the hot-plug line.
#define BT_PANEL_EVIDENCE "hpd"

// "on", "standby", "off", "none"; "" when it is not known.
const char *bt_panel_word(enum bt_panel panel);

// `root` is "" but for tests.
enum bt_panel bt_panel_look(const char *root);

#endif
