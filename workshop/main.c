// bangtin-media: looks at one uploaded file, in a sandbox that the server or a person puts around
// it.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/options.h"
#include "base/str.h"
#include "media/stream.h"
#include "workshop/drawing.h"
#include "workshop/preview.h"

#define PATH_BYTES 4096
#define REPORT_MAX_BYTES 65536

#if BT_SANITIZED
// The sandbox has no /proc: nobody could look for leaks there, or read options.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

// In place: in the sandbox there are these files and no room for others.
static int write_text(const char *path, const struct bt_buf *text, struct bt_error *err)
{
    FILE *file = fopen(path, "we");
    bool written = file != NULL && fwrite(text->data, 1, text->len, file) == text->len;
    bool closed = file != NULL && fclose(file) == 0;
    return written && closed ? 0 : bt_fail_errno(err, "Cannot write '%s'", path);
}

static int write_report(const char *file, const char *dir, const struct bt_media_report *report,
                        struct bt_error *err)
{
    char path[PATH_BYTES];
    int r = bt_format(path, sizeof(path), "%s/report.json", dir);
    BT_AUTOBUF text;
    bt_buf_init(&text, REPORT_MAX_BYTES);
    if (r == 0) {
        r = bt_media_check_write_json(file, report, &text);
    }
    return r < 0 ? bt_fail(err, r, "The report does not fit") : write_text(path, &text, err);
}

typedef int (*preview_fn)(const char *path, const struct bt_media_report *report,
                          struct bt_image **out, struct bt_error *err);

static int write_preview(preview_fn draw, const char *file, const char *dir, const char *name,
                         const struct bt_media_report *report, struct bt_error *err)
{
    char path[PATH_BYTES];
    BT_AUTO(bt_image) image = NULL;
    int r = draw(file, report, &image, err);
    if (r < 0 || bt_format(path, sizeof(path), "%s/%s", dir, name) < 0) {
        return r < 0 ? r : bt_fail(err, -1, "'%s' is too long", dir);
    }
    return bt_preview_write(image, path, err);
}

static int inspect(const char *file, const char *dir, struct bt_error *err)
{
    struct bt_media_report report;
    bt_media_check(file, &report);
    bt_media_check_reviewable(&report);
    int r = write_report(file, dir, &report, err);
    if (r < 0 || report.verdict == BT_VERDICT_REFUSED) {
        return r;
    }
    r = write_preview(bt_preview_thumbnail, file, dir, "thumbnail.jpg", &report, err);
    if (r < 0 || strcmp(report.kind, "picture") == 0) {
        return r;
    }
    return write_preview(bt_preview_filmstrip, file, dir, "filmstrip.jpg", &report, err);
}

static int run_inspect(const struct bt_arguments *arguments, struct bt_error *err)
{
    return inspect(bt_operand(arguments, 0), bt_operand(arguments, 1), err);
}

static int read_side(const struct bt_arguments *arguments, size_t operand, int64_t *out,
                     struct bt_error *err)
{
    const char *text = bt_operand(arguments, operand);
    return bt_parse_int(text, 0, BT_MEDIA_MAX_SIDE_PX, out) == 0
               ? 0
               : bt_fail(err, -EINVAL, "'%s': cần / must be 0..%d", text, BT_MEDIA_MAX_SIDE_PX);
}

static int check_draw(const struct bt_arguments *arguments, struct bt_error *err)
{
    int64_t side;
    int r = read_side(arguments, 0, &side, err);
    return r < 0 ? r : read_side(arguments, 1, &side, err);
}

static int run_draw(const struct bt_arguments *arguments, struct bt_error *err)
{
    int64_t width, height;
    int r = read_side(arguments, 0, &width, err);
    r = r < 0 ? r : read_side(arguments, 1, &height, err);
    return r < 0 ? r : bt_drawing_answer(bt_operand(arguments, 2), (int)width, (int)height);
}

static const struct bt_subcommand commands[] = {
    {"inspect", "FILE DIR", 2, 2,
     "Xem một tệp: viết vào DIR bản kết luận (report.json) và ảnh nhỏ để duyệt; tệp bị từ chối "
     "thì\n"
     "không có ảnh.\n"
     "Looks at one file: writes report.json, thumbnail.jpg and, of clips, filmstrip.jpg into DIR. "
     "A\n"
     "refused file has a report and no pictures. The codes are in docs/media.md.",
     .run = run_inspect},
    {"draw", "WIDTH HEIGHT FILE", 3, 3,
     "Máy phát gọi để vẽ SVG, AVIF, HEIC; điểm ảnh ra đầu ra chuẩn.\n"
     "For players, who have SVG, AVIF and HEIC drawn here; pixels go to standard output.",
     .check = check_draw, .run = run_draw},
};

int main(int argc, char **argv)
{
    static const struct bt_program program = {.name = "bangtin-media"};
    static const struct bt_command_group group = {
        .summary = "bangtin-media: xem một tệp đã tải lên / looks at one uploaded file",
        .about = "Tệp từ bên ngoài không đáng tin: máy chủ chạy lệnh này trong hộp cát "
                 "(bubblewrap).\n"
                 "Files from outside are hostile: the server runs this in a sandbox (bubblewrap) "
                 "without a\nnetwork, with limits on memory, time and what it may write.",
        .commands = commands,
        .count = BT_ARRAY_LEN(commands)};
    return bt_command_group_run(&program, &group, argc, argv);
}
