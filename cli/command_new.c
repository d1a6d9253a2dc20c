// bangtin new: a publication and its assets from somebody's own pictures and clips.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assets/store.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/draft.h"
#include "cli/facts.h"
#include "cli/file_list.h"
#include "cli/slug.h"
#include "media/normalise.h"

enum { CANVAS_MIN_PX = 16, SECONDS_MAX = 86400 };

struct options {
    const struct bt_arguments *arguments;  // DIR, then the files
    const char *dir, *title;
    int64_t seconds, width, height;
    bool replace;
};

static int parse_canvas(const char *text, struct options *options, struct bt_error *err)
{
    size_t width_len = strcspn(text, "x");
    BT_AUTOFREE char *width = bt_strndup(text, width_len);
    if (text[width_len] != 'x' ||
        bt_parse_int(width, CANVAS_MIN_PX, BT_CANVAS_MAX_PX, &options->width) < 0 ||
        bt_parse_int(text + width_len + 1, CANVAS_MIN_PX, BT_CANVAS_MAX_PX, &options->height) < 0) {
        return bt_fail(err, -EINVAL, "--canvas '%s': cần dạng / must look like 1920x1080, %d..%d",
                       text, CANVAS_MIN_PX, BT_CANVAS_MAX_PX);
    }
    return 0;
}

static int read_options(const struct bt_arguments *arguments, struct options *out,
                        struct bt_error *err)
{
    const char *canvas = bt_argument(arguments, "canvas");
    *out = (struct options){.arguments = arguments,
                            .dir = bt_operand(arguments, 0),
                            .title = bt_argument(arguments, "title"),
                            .seconds = bt_argument_int(arguments, "seconds", 10),
                            .width = 1920,
                            .height = 1080,
                            .replace = bt_argument_flag(arguments, "replace")};
    return canvas != NULL ? parse_canvas(canvas, out, err) : 0;
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options;
    return read_options(arguments, &options, err);
}

// The work in progress.
struct job {
    const struct options *options;
    char *publication_path, *assets_path;
    struct bt_file_list files;
    struct bt_store *store;
    struct bt_draft *draft;
    int64_t loop_ms;
    size_t stills, clips;
};

static void job_finish(struct job *job)
{
    free(job->publication_path);
    free(job->assets_path);
    bt_file_list_finish(&job->files);
    bt_store_destroy(job->store);
    bt_draft_destroy(job->draft);
}

// A name from outside, safe for a terminal.
static const char *shown_name(const char *path, char out[BT_TITLE_BYTES])
{
    bt_copy_cut(out, BT_TITLE_BYTES, path);
    for (char *c = out; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7F ? '?' : *c;
    }
    return out;
}

// A text as a title: one line in normal form, cut where it is too long; "" when it is no text.
static void make_title(const char *text, char out[BT_TITLE_BYTES])
{
    BT_AUTOFREE char *title = NULL;
    out[0] = '\0';
    if (bt_text_normalise(text, &title) < 0) {
        return;
    }
    bt_copy_cut(out, BT_TITLE_BYTES, title);
    for (char *c = strchr(out, '\n'); c != NULL; c = strchr(c, '\n')) {
        *c = ' ';
    }
}

static void title_of_path(const char *path, char out[BT_TITLE_BYTES])
{
    const char *slash = strrchr(path, '/');
    make_title(slash != NULL && slash[1] != '\0' ? slash + 1 : path, out);
}

static int list_files(struct job *job, struct bt_error *err)
{
    int r = 0;
    const struct bt_arguments *arguments = job->options->arguments;
    for (size_t i = 1; i < bt_operand_count(arguments) && r == 0; i++) {
        r = bt_file_list_add(&job->files, bt_operand(arguments, i), err);
    }
    return r;
}

// The version the new publication gets: 1, or the next when one is to be replaced.
static int choose_version(const struct job *job, int64_t *out, struct bt_error *err)
{
    *out = 1;
    if (access(job->publication_path, F_OK) != 0) {
        return 0;
    }
    if (!job->options->replace) {
        return bt_fail(err, -EEXIST,
                       "'%s' đã có; thêm --replace để thay, hoặc chọn thư mục khác / is there "
                       "already; say --replace, or choose another folder",
                       job->publication_path);
    }
    BT_AUTO(bt_publication) old = NULL;
    int r = bt_publication_load(job->publication_path, BT_UNKNOWN_IGNORE, &old, err);
    if (r < 0) {
        return r;
    }
    *out = old->version + 1;
    return 0;
}

static int start_draft(struct job *job, struct bt_error *err)
{
    struct bt_draft_options draft = {
        .width = (int)job->options->width,
        .height = (int)job->options->height,
        .seconds = job->options->seconds,
    };
    bt_slug_of_path(job->options->dir, draft.id);
    if (job->options->title != NULL) {
        make_title(job->options->title, draft.title);
    } else {
        title_of_path(job->options->dir, draft.title);
    }
    if (draft.title[0] == '\0') {
        memcpy(draft.title, draft.id, sizeof(draft.id));
    }
    int r = choose_version(job, &draft.version, err);
    if (r == 0) {
        job->draft = bt_draft_create(&draft);
    }
    return r;
}

static int prepare(struct job *job, struct bt_error *err)
{
    job->publication_path = bt_strf("%s/publication.json", job->options->dir);
    job->assets_path = bt_strf("%s/assets", job->options->dir);
    int r = list_files(job, err);
    if (r < 0 || (r = start_draft(job, err)) < 0 ||
        (r = bt_file_make_dirs(job->assets_path, err)) < 0) {
        return r;
    }
    return bt_store_open(job->assets_path, &job->store, err);
}

static void print_progress(const struct job *job, size_t index, const char *name)
{
    if (isatty(STDOUT_FILENO)) {
        printf("\r\033[K[%zu/%zu] %s …", index + 1, job->files.count, name);
        fflush(stdout);
    }
}

static void print_result(const struct job *job, size_t index, const char *name, const char *what)
{
    printf("%s[%zu/%zu] '%s' %s\n", isatty(STDOUT_FILENO) ? "\r\033[K" : "", index + 1,
           job->files.count, name, what);
}

// What its maker should know or do, in both languages, for each thing that was found.
static void print_advice(const struct bt_media_report *report)
{
    for (int i = 0; i < report->code_count; i++) {
        printf("      %s: %s\n        %s\n", bt_media_code_word(report->codes[i]),
               bt_media_advice_vi(report->codes[i]), bt_media_advice_en(report->codes[i]));
    }
}

static char *describe(const struct bt_draft_file *file)
{
    int64_t seconds = (file->duration_ms + 500) / 1000;
    if (!file->is_clip) {
        return bt_strf("ảnh / picture %lld×%lld", (long long)file->width, (long long)file->height);
    }
    return bt_strf("clip %lld×%lld, %lld:%02lld", (long long)file->width, (long long)file->height,
                   (long long)(seconds / 60), (long long)(seconds % 60));
}

static int take_file(struct job *job, const char *path, const struct bt_media_report *report,
                     struct bt_draft_file *file, struct bt_error *err)
{
    bt_slug_of_path(path, file->id);
    title_of_path(path, file->title);
    int r = bt_facts_from_report(report, file, err);
    if (r < 0 || (r = bt_store_add(job->store, path, &file->sha256, &file->size, err)) < 0) {
        return r;
    }
    if ((r = bt_draft_add(job->draft, file)) < 0) {
        r = bt_fail(err, r, "no room for more than %d", BT_MAX_ITEMS);
    }
    return r;
}

// Our rooms put the path in front of what is wrong; the line has it already.
static const char *without_path(const char *reason, const char *path)
{
    BT_AUTOFREE char *prefix = bt_strf("'%s': ", path);
    return bt_str_starts(reason, prefix) ? reason + strlen(prefix) : reason;
}

static void handle_file(struct job *job, size_t index)
{
    const char *path = job->files.paths[index];
    char name[BT_TITLE_BYTES];
    struct bt_media_report report;
    struct bt_draft_file file = {0};
    struct bt_error err = {""};
    shown_name(path, name);
    print_progress(job, index, name);
    bt_media_check(path, &report);
    int r = take_file(job, path, &report, &file, &err);
    BT_AUTOFREE char *what =
        r < 0 ? bt_strf("bỏ qua / left out: %s", without_path(err.msg, path)) : describe(&file);
    print_result(job, index, name, what);
    print_advice(&report);
    if (r == 0) {
        job->clips += file.is_clip;
        job->stills += !file.is_clip;
        job->loop_ms += file.is_clip ? file.duration_ms : job->options->seconds * 1000;
    }
}

static int write_publication(const struct job *job, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = bt_draft_write(job->draft, &text, err);
    return r < 0 ? r : bt_file_replace(job->publication_path, text.data, text.len, err);
}

static int make(struct job *job, struct bt_error *err)
{
    int r = prepare(job, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < job->files.count; i++) {
        handle_file(job, i);
    }
    if (bt_draft_count(job->draft) == 0) {
        return bt_fail(err, -ENOENT,
                       "Không có tệp nào phát được / none of the %zu files can be shown",
                       job->files.count);
    }
    return write_publication(job, err);
}

// A word for a shell that people copy from: quoted when it needs to be.
static char *shell_word(const char *text)
{
    static const char harmless[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-=@%,";
    if (text[0] != '\0' && text[0] != '-' && strspn(text, harmless) == strlen(text)) {
        return bt_strdup(text);
    }
    BT_AUTOBUF word;
    bt_buf_init(&word, 4 * strlen(text) + 8);
    int r = bt_buf_append(&word, "'", 1);
    for (const char *c = text; *c != '\0' && r == 0; c++) {
        r = *c == '\'' ? bt_buf_append(&word, "'\\''", 4) : bt_buf_append(&word, c, 1);
    }
    return r == 0 && bt_buf_append(&word, "'", 1) == 0 ? bt_strdup(word.data) : bt_strdup(text);
}

// One of our programs as people can call it from here: where it was built, else by its name.
static char *program(const char *built)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[BT_MAX(len, 0)] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    BT_AUTOFREE char *path = bt_strf("%s/../%s", exe, built);
    BT_AUTOFREE char *real = realpath(path, NULL);
    return real != NULL ? shell_word(real) : bt_strdup(strrchr(built, '/') + 1);
}

static void print_goodbye(const struct job *job)
{
    int64_t seconds = (job->loop_ms + 500) / 1000;
    BT_AUTOFREE char *player = program("player/bangtin-player");
    BT_AUTOFREE char *bangtin = program("cli/bangtin");
    BT_AUTOFREE char *publication = shell_word(job->publication_path);
    BT_AUTOFREE char *assets = shell_word(job->assets_path);
    BT_AUTOFREE char *plays_path = bt_strf("%s/plays.db", job->options->dir);
    BT_AUTOFREE char *plays = shell_word(plays_path);
    printf("\nXong / ready: %zu ảnh / pictures, %zu clip; một vòng / one round %lld:%02lld\n"
           "\nXem trong cửa sổ / watch it in a window:\n"
           "  %s play %s --assets %s --plays %s --window 1280x720\n"
           "Toàn màn hình: bỏ --window / the whole screen: without --window\n"
           "\nĐếm lượt phát / the counts:\n"
           "  %s plays summary --journal %s\n",
           job->stills, job->clips, (long long)(seconds / 60), (long long)(seconds % 60), player,
           publication, assets, plays, bangtin, plays);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct options options;
    int r = read_options(arguments, &options, err);
    BT_AUTOFINISH(job_finish) struct job job = {.options = &options};
    r = r < 0 ? r : make(&job, err);
    if (r == 0) {
        print_goodbye(&job);
    }
    return r;
}

static const struct bt_option options_table[] = {
    {"seconds", "N", "mỗi ảnh hiện bao lâu / how long each picture stays (10)", .min = 1,
     .max = SECONDS_MAX},
    {"canvas", "WxH", "kích thước màn hình, điểm ảnh / the screen's size in pixels (1920x1080)"},
    {"title", "TEXT", "tên chương trình / name of the publication (DIR)"},
    {"replace", NULL,
     "thay publication.json đang có bằng phiên bản mới / replaces the one that is there"},
};

static const struct bt_subcommand commands[] = {
    {NULL, "DIR FILE…", 2, SIZE_MAX,
     "Tạo trong DIR một chương trình phát sẵn sàng chạy: publication.json và thư mục assets. FILE\n"
     "là ảnh, clip, hoặc cả một thư mục (lấy các tệp trong đó theo thứ tự tên). Tệp nào không "
     "phát\n"
     "được thì bị bỏ qua, kèm lý do và cách sửa.\n"
     "Makes in DIR a publication that is ready to play: publication.json and the folder assets.\n"
     "FILE is a picture, a clip, or a whole folder (its files in the order of their names). What\n"
     "cannot be shown is left out, with the reason and what to do.",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_new_commands = {
    .name = "new",
    .summary = "Tạo chương trình phát từ ảnh và clip / a publication from pictures and clips",
    .example = "  bangtin new quang-truong ~/Pictures/nq57 phong-su.mp4\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
