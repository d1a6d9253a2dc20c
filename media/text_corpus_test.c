/**
 * Real texts: every file of shared/media/text has its reader here, and what comes of each of its
 * lines is its verdict. Vietnamese is shown whole, in NFC and NFD by the same pixels; strings that
 * broke other programs are drawn or refused.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/text.h"

#define CARD_WIDTH 640
#define CARD_HEIGHT 200
#define MAX_FILE_BYTES (8 * 1024 * 1024)

static const struct bt_text_style style = {
    .size_px = 24,
    .line_percent = 120,
    .colour = {255, 255, 255, 255},
    .background = {0, 0, 0, 255},
    .outline = {1, {0, 0, 255, 255}},
};

static struct bt_image *card(struct bt_text *text, const char *line)
{
    struct bt_image *image = NULL;
    struct bt_error err = {""};
    if (bt_text_card(text, line, &style, CARD_WIDTH, CARD_HEIGHT, &image, &err) < 0) {
        fail_msg("'%s': %s", line, err.msg);
    }
    return image;
}

static void assert_shown_whole(struct bt_text *text, const char *line)
{
    struct bt_text_fit fit;
    assert_int_equal(bt_text_measure(text, line, &style, CARD_WIDTH, CARD_HEIGHT, &fit, NULL), 0);
    if (fit.lines_left_out > 0 || fit.size_px < 12) {
        fail_msg("'%s' is set in %d px", line, fit.size_px);
    }
    char *apart = (char *)utf8proc_NFD((const uint8_t *)line);
    BT_AUTO(bt_image) composed = card(text, line);
    BT_AUTO(bt_image) decomposed = card(text, apart);
    free(apart);
    assert_memory_equal(composed->pixels, decomposed->pixels, CARD_HEIGHT * composed->stride);
}

// All lines take half a minute's work with sanitizers: every eighth, unless there is time.
static bool is_chosen(void)
{
    static int lines = 0;
    return lines++ % 8 == 0 || getenv("BT_LONG") != NULL;
}

// A sentence of the news, as a card and as a crawl.
static bool read_sentence(struct bt_text *text, char *line)
{
    static const char start[] = "# text = ";
    if (!bt_str_starts(line, start) || !is_chosen()) {
        return false;
    }
    BT_AUTO(bt_strip) strip = NULL;
    assert_shown_whole(text, line + sizeof(start) - 1);
    assert_int_equal(bt_text_strip(text, line + sizeof(start) - 1, &style, 40, &strip, NULL), 0);
    return true;
}

// A line of a page or of JSON as it stands, signs and all.
static bool read_line(struct bt_text *text, char *line)
{
    if (line[strspn(line, " ")] == '\0' || !is_chosen()) {
        return false;
    }
    assert_shown_whole(text, line);
    return true;
}

static bool read_naughty(struct bt_text *text, char *line)
{
    BT_AUTO(bt_image) image = NULL;
    BT_AUTO(bt_strip) strip = NULL;
    int r = bt_text_card(text, line, &style, 150, 60, &image, NULL);
    assert_true(r == 0 || r == -EILSEQ);
    r = bt_text_strip(text, line, &style, 40, &strip, NULL);
    assert_true(r == 0 || r == -EILSEQ || r == -EINVAL);
    return image != NULL;
}

static const struct {
    const char *name;
    bool (*read)(struct bt_text *text, char *line);  // NULL: another test's (normalise_test)
    int least;                                       // lines that are shown
} files[] = {
    {"NormalizationTest-15.0.0.txt", NULL, 0},
    {"blns.txt", read_naughty, 500},
    {"cldr_vi_gregorian.json", read_line, 40},
    {"cldr_vi_numbers.json", read_line, 12},
    {"udhr_vie.html", read_line, 12},
    {"vi_vtb-ud-dev.conllu", read_sentence, 100},
    {"vn_administrative_regions.json", read_line, 1},
    {"vn_administrative_units.json", read_line, 1},
};

static char *directory(void)
{
    const char *media = getenv("BT_MEDIA");
    return bt_strf("%s/text", media == NULL ? "" : media);
}

static void every_line_is_shown(void **state)
{
    (void)state;
    BT_AUTOFREE char *dir = directory();
    BT_AUTO(bt_text) text = NULL;
    assert_int_equal(bt_text_open(&text, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(files); i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%s", dir, files[i].name);
        BT_AUTOBUF content;
        bt_buf_init(&content, MAX_FILE_BYTES);
        if (files[i].read == NULL || bt_file_read(path, &content, NULL) < 0) {
            continue;
        }
        int shown = 0;
        for (char *line = content.data, *end; line != NULL; line = end) {
            end = strchr(line, '\n');
            if (end != NULL) {
                *end++ = '\0';
            }
            shown += files[i].read(text, line);
        }
        if (shown < files[i].least) {
            fail_msg("%s: %d lines are shown", files[i].name, shown);
        }
    }
}

static void every_file_has_its_reader(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = directory();
    DIR *dir = opendir(path);
    if (dir == NULL) {
        skip();
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        bool known = entry->d_name[0] == '.';
        for (size_t i = 0; i < BT_ARRAY_LEN(files); i++) {
            known |= bt_str_equal(entry->d_name, files[i].name);
        }
        if (!known) {
            fail_msg("'%s' has no reader here", entry->d_name);
        }
    }
    closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_has_its_reader),
        cmocka_unit_test(every_line_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
