#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "media/text.h"
#include "player/commands.h"
#include "player/safe_card.h"
#include "player/screen_options.h"
#include "player/tga.h"

static const struct bt_log logger = {"player/card"};

#define SIZE "1920x1080"  // a display whose size is not known

static int read_size(const struct bt_arguments *arguments, struct bt_size *out,
                     struct bt_error *err)
{
    const char *text = bt_argument(arguments, "size");
    text = text != NULL ? text : SIZE;
    if (bt_size_parse(text, 16, BT_TGA_MAX_PX, out) < 0) {
        return bt_fail(err, -EINVAL, "--size '%s': cần dạng / must look like 1920x1080", text);
    }
    return 0;
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_size size;
    return read_size(arguments, &size, err);
}

static int write_file(const char *path, const struct bt_buf *file, struct bt_error *err)
{
    if (strcmp(path, "-") != 0) {
        return bt_file_replace(path, file->data, file->len, err);
    }
    for (size_t at = 0; at < file->len;) {
        ssize_t written = write(STDOUT_FILENO, file->data + at, file->len - at);
        if (written < 0) {
            return bt_fail_errno(err, "Cannot write the picture");
        }
        at += (size_t)written;
    }
    return 0;
}

static int draw(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_size size;
    BT_AUTO(bt_text) text = NULL;
    BT_AUTO(bt_image) image = NULL;
    BT_AUTOBUF file;
    bt_buf_init(&file, BT_TGA_MAX_BYTES);
    int r = read_size(arguments, &size, err);
    if (r < 0 || (r = bt_text_open(&text, err)) < 0) {
        return r;
    }
    const struct bt_text_style style = bt_safe_card_style(size.width, size.height);
    r = bt_text_card(text, BT_SAFE_CARD_NAME, &style, size.width, size.height, &image, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster raster = bt_raster_of(image);
    r = bt_tga_encode(&raster, &file, err);
    return r < 0 ? r : write_file(bt_argument(arguments, "out"), &file, err);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    if (draw(arguments, err) < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const struct bt_option options_table[] = {
    {"size", "WxH", "cỡ của màn hình, điểm ảnh; mặc định / of the display; default: " SIZE},
    {"out", "TGA", "tệp ảnh; «-»: ra stdout / the picture; -: to stdout", .required = true},
};

static const struct bt_subcommand commands[] = {
    {NULL, NULL, 0, 0,
     "Ghi tấm chờ an toàn ra tệp, đúng như khi không còn gì để chiếu: làm hình khởi động.\n"
     "Writes the safe card to a file, as it is shown when nothing is left: the boot picture "
     "(TGA, 24 bits, run-length encoded).",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_card_commands = {
    .name = "card",
    .summary = "Ghi tấm chờ an toàn ra tệp / write the safe card to a file",
    .example = "  bangtin-player card --size 1920x1080 --out tam-cho.tga\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
