#include "render/connectors.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#include "base/compiler.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"

#define MAX_CONNECTORS 64
#define MAX_TEXT_BYTES 4096  // of one file: a page of the kernel's
#define MAX_CARD 63
#define MAX_SIDE 65535  // what an EDID can say

// Each file of a connector that tells one display from another.
enum file { FILE_STATUS, FILE_MODES, FILE_EDID, FILE_COUNT };
static const char *const file_names[FILE_COUNT] = {"status", "modes", "edid"};

// What is not there is empty.
static void read_into(const char *connector, const char *name, struct bt_buf *out)
{
    BT_AUTOFREE char *path = bt_strf("%s/%s", connector, name);
    bt_buf_init(out, MAX_TEXT_BYTES);
    (void)!bt_file_read(path, out, NULL);
}

// ".../card1-HDMI-A-1" → 1; -1: not a card's. What goes into memory is no display.
static int card_of(const char *connector)
{
    const char *name = strrchr(connector, '/') + 1 + strlen("card");
    char number[8];
    int64_t card;
    size_t len = strcspn(name, "-");
    if (len >= sizeof(number) || strstr(name, "-Writeback-") != NULL) {
        return -1;
    }
    memcpy(number, name, len);
    number[len] = '\0';
    return bt_parse_int(number, 0, MAX_CARD, &card) == 0 ? (int)card : -1;
}

static void add_card(struct bt_connectors *connectors, int card)
{
    size_t at = 0;
    while (at < connectors->card_count && connectors->cards[at] < card) {
        at++;
    }
    bool known = at < connectors->card_count && connectors->cards[at] == card;
    if (known || connectors->card_count == BT_MAX_GRAPHICS_CARDS) {
        return;
    }
    memmove(&connectors->cards[at + 1], &connectors->cards[at],
            (connectors->card_count - at) * sizeof(*connectors->cards));
    connectors->cards[at] = card;
    connectors->card_count++;
}

// "1920x1080": the kernel puts the mode a display prefers first. Interlaced ones are left out.
static void add_display(struct bt_connectors *connectors, const struct bt_buf *modes)
{
    char line[24];
    const char *text = bt_buf_text(modes);
    size_t len = strcspn(text, "\n");
    int64_t width, height;
    connectors->display_count++;
    connectors->preferred_width = connectors->preferred_height = 0;
    if (connectors->display_count > 1 || len >= sizeof(line)) {
        return;
    }
    memcpy(line, text, len);
    line[len] = '\0';
    char *x = strchr(line, 'x');
    if (x == NULL) {
        return;
    }
    *x = '\0';
    if (bt_parse_int(line, 1, MAX_SIDE, &width) == 0 &&
        bt_parse_int(x + 1, 1, MAX_SIDE, &height) == 0) {
        connectors->preferred_width = (int)width;
        connectors->preferred_height = (int)height;
    }
}

static void look_at(const char *connector, struct bt_connectors *out, struct bt_hasher *hasher)
{
    int card = card_of(connector);
    if (card < 0) {
        return;
    }
    struct bt_buf files[FILE_COUNT];
    bt_hasher_add(hasher, connector, strlen(connector) + 1);
    for (int i = 0; i < FILE_COUNT; i++) {
        read_into(connector, file_names[i], &files[i]);
        bt_hasher_add(hasher, bt_buf_text(&files[i]), files[i].len);
        bt_hasher_add(hasher, "", 1);
    }
    if (bt_str_equal(bt_buf_text(&files[FILE_STATUS]), "connected\n") &&
        files[FILE_MODES].len > 0) {
        add_card(out, card);
        add_display(out, &files[FILE_MODES]);
    }
    for (int i = 0; i < FILE_COUNT; i++) {
        bt_buf_finish(&files[i]);
    }
}

void bt_connectors_look(const char *root, struct bt_connectors *out)
{
    glob_t found;
    BT_AUTOFREE char *where = bt_strf("%s/sys/class/drm/card*-*", root);
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    *out = (struct bt_connectors){.card_count = 0};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only names of users would be looked up unsafely
    if (glob(where, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && i < MAX_CONNECTORS; i++) {
            look_at(found.gl_pathv[i], out, hasher);
        }
        globfree(&found);
    }
    struct bt_sha256 hash = bt_hasher_result(hasher);
    memcpy(&out->fingerprint, hash.bytes, sizeof(out->fingerprint));
}

bool bt_connectors_mode_is_forced(const char *root)
{
    BT_AUTOBUF line;
    BT_AUTOFREE char *proc = bt_strf("%s/proc", root);
    read_into(proc, "cmdline", &line);
    return strstr(bt_buf_text(&line), "video=") != NULL;
}

// A list of words, each ended by NUL, as device trees have it.
static bool has_word(const struct bt_buf *list, const char *word)
{
    const char *text = bt_buf_text(list);
    for (size_t at = 0; at < list->len; at += strlen(text + at) + 1) {
        if (strcmp(text + at, word) == 0) {
            return true;
        }
    }
    return false;
}

int bt_kms_check_board(const char *root, struct bt_sdl_version sdl, struct bt_error *err)
{
    BT_AUTOBUF compatible;
    BT_AUTOFREE char *tree = bt_strf("%s/proc/device-tree", root);
    read_into(tree, "compatible", &compatible);
    bool new_enough = sdl.major > 2 || (sdl.major == 2 && sdl.minor >= 30);
    if (new_enough || !has_word(&compatible, "brcm,bcm2712")) {
        return 0;
    }
    return bt_fail(err, -ENOTSUP,
                   "SDL %d.%d.%d cho hình hỏng trên Raspberry Pi 5; hãy dùng Raspberry Pi OS 13 "
                   "(SDL 2.30 trở lên) / shows garbage on a Raspberry Pi 5; install Raspberry Pi "
                   "OS 13 (SDL 2.30 or later)",
                   sdl.major, sdl.minor, sdl.patch);
}
