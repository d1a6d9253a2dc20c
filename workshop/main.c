// bangtin-media: looks at one uploaded file, in a sandbox that the server or a person puts around
// it.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/options.h"
#include "base/str.h"
#include "media/outside.h"
#include "media/stream.h"
#include "workshop/conversion.h"
#include "workshop/drawing.h"
#include "workshop/preview.h"
#include "workshop/serving.h"

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
    return r < 0 ? bt_fail(err, r, "The report does not fit") : bt_conversion_put(path, &text, err);
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

// A picture that reviewers' browsers would not show as players do becomes one that they do.
static int convert(const char *file, const char *dir, char *out_path,
                   struct bt_media_report *report, struct bt_error *err)
{
    char made_from[sizeof(report->container)];
    bt_copy_cut(made_from, sizeof(made_from), report->container);
    int r = bt_format(out_path, PATH_BYTES, "%s/converted.png", dir);
    if (r < 0) {
        return bt_fail(err, r, "'%s' is too long", dir);
    }
    if (bt_conversion_write(file, report, out_path, &report->detail) < 0) {
        return 0;  // it stays what reviewers cannot see
    }
    bt_media_check(out_path, report);
    bt_media_check_converted(report, made_from);
    return 0;
}

static int inspect(const char *file, const char *dir, struct bt_error *err)
{
    char converted[PATH_BYTES];
    const char *shown = file;
    struct bt_media_report report;
    int r = 0;
    bt_outside_be_patient();
    bt_media_check(file, &report);
    if (report.verdict != BT_VERDICT_REFUSED && report.unreviewable) {
        r = convert(file, dir, converted, &report, err);
        shown = converted;
    }
    bt_media_check_reviewable(&report);
    r = r == 0 ? write_report(file, dir, &report, err) : r;
    if (r < 0 || report.verdict == BT_VERDICT_REFUSED) {
        return r;
    }
    r = write_preview(bt_preview_thumbnail, shown, dir, "thumbnail.jpg", &report, err);
    if (r < 0 || strcmp(report.kind, "picture") == 0) {
        return r;
    }
    return write_preview(bt_preview_filmstrip, shown, dir, "filmstrip.jpg", &report, err);
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

static int run_serve(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)arguments;
    return bt_serving_answer(STDIN_FILENO, err);
}

static const struct bt_subcommand commands[] = {
    {"inspect", "FILE DIR", 2, 2,
     "Xem một tệp: viết vào DIR bản kết luận (report.json) và ảnh nhỏ để duyệt; tệp bị từ chối "
     "thì\n"
     "không có ảnh. SVG, AVIF, HEIC, BMP, TIFF được chuyển thành converted.png.\n"
     "Looks at one file: writes report.json, thumbnail.jpg and, of clips, filmstrip.jpg into DIR. "
     "A\n"
     "refused file has a report and no pictures. What browsers show otherwise than players is\n"
     "converted to converted.png. The codes are in docs/media.md.",
     .run = run_inspect},
    {"draw", "WIDTH HEIGHT FILE", 3, 3,
     "Máy phát gọi để vẽ SVG, AVIF, HEIC; điểm ảnh ra đầu ra chuẩn; FILE là - : đầu vào chuẩn.\n"
     "For players, who have SVG, AVIF and HEIC drawn here; pixels go to standard output. FILE - "
     "is\n"
     "standard input.",
     .check = check_draw, .run = run_draw},
    {"serve", NULL, 0, 0,
     "Làm một việc nhận qua socket ở đầu vào chuẩn; systemd gọi (bangtin-media@.service).\n"
     "Does one job that comes through the socket on standard input; for bangtin-media@.service.",
     .run = run_serve},
};

int main(int argc, char **argv)
{
    // Jobs of one user may run beside each other: none reads another's memory or files.
    prctl(PR_SET_DUMPABLE, 0);
    static const struct bt_program program = {.name = "bangtin-media"};
    static const struct bt_command_group group = {
        .summary = "bangtin-media: xem một tệp đã tải lên / looks at one uploaded file",
        .about =
            "Tệp từ bên ngoài không đáng tin: máy chủ chạy lệnh này trong hộp cát "
            "(bubblewrap)\nhay như một dịch vụ riêng (bangtin-media.socket).\n"
            "Files from outside are hostile: the server runs this in a sandbox (bubblewrap) "
            "without a\nnetwork, with limits on memory, time and what it may write, or has the "
            "service manager run it so\n(bangtin-media.socket).",
        .commands = commands,
        .count = BT_ARRAY_LEN(commands)};
    return bt_command_group_run(&program, &group, argc, argv);
}
