// bangtin-media: looks at one uploaded file, in a sandbox that the server or a person puts around
// it.
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "media/stream.h"
#include "workshop/drawing.h"
#include "workshop/preview.h"

#define PATH_BYTES 4096
#define REPORT_MAX_BYTES 65536

enum { EXIT_INSPECTED = 0, EXIT_FAILED = 1, EXIT_USAGE = 64 };

#if BT_SANITIZED
// The sandbox has no /proc: nobody could look for leaks there, or read options.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static const char help[] =
    "Cách dùng / usage: bangtin-media inspect FILE DIR\n"
    "                   bangtin-media draw WIDTH HEIGHT -- FILE\n"
    "\n"
    "Xem một tệp đã tải lên: viết vào DIR bản kết luận (report.json) và ảnh nhỏ để duyệt.\n"
    "Looks at one file: writes report.json, thumbnail.jpg and, of clips, filmstrip.jpg into DIR.\n"
    "A refused file has a report and no pictures. The codes are in docs/media.md.\n"
    "\n"
    "Tệp từ bên ngoài không đáng tin: máy chủ chạy lệnh này trong hộp cát (bubblewrap).\n"
    "Files from outside are hostile: the server runs this in a sandbox (bubblewrap) without a\n"
    "network, with limits on memory, time and what it may write.\n"
    "\n"
    "draw: máy phát gọi để vẽ SVG, AVIF, HEIC; điểm ảnh ra đầu ra chuẩn.\n"
    "draw: for players, who have SVG, AVIF and HEIC drawn here; pixels go to standard output.\n";

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

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EXIT_INSPECTED;
    }
    int64_t width, height;
    if (argc == 6 && strcmp(argv[1], "draw") == 0 && strcmp(argv[4], "--") == 0 &&
        bt_parse_int(argv[2], 0, BT_MEDIA_MAX_SIDE_PX, &width) == 0 &&
        bt_parse_int(argv[3], 0, BT_MEDIA_MAX_SIDE_PX, &height) == 0) {
        return bt_drawing_answer(argv[5], (int)width, (int)height);
    }
    if (argc != 4 || strcmp(argv[1], "inspect") != 0) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    struct bt_error err = {0};
    if (inspect(argv[2], argv[3], &err) < 0) {
        fprintf(stderr, "bangtin-media: %s\n", err.msg);
        return EXIT_FAILED;
    }
    return EXIT_INSPECTED;
}
