// bangtin tuf: the player's own TUF client at the command line. Its options are those of the public
// conformance suite for TUF clients, which drives it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/tuf_fetcher.h"
#include "trust/percent.h"

#define MAX_TARGET_BYTES (64LL * 1024 * 1024)

struct options {
    const char *metadata_dir, *metadata_url, *target_name, *target_dir, *target_url;
    const char *root;
};

static int run_init(const struct options *options, struct bt_error *err)
{
    BT_AUTOBUF root;
    bt_buf_init(&root, BT_METADATA_MAX_BYTES);
    int r = bt_file_read(options->root, &root, err);
    return r < 0 ? r : bt_tuf_client_pin(options->metadata_dir, bt_buf_text(&root), root.len, err);
}

static int open_and_refresh(const struct options *options, struct bt_tuf_http **http,
                            struct bt_tuf_client **client, struct bt_error *err)
{
    int r = bt_tuf_http_create(options->metadata_url, options->target_url, http, err);
    if (r == 0) {
        r = bt_tuf_client_open(options->metadata_dir, bt_tuf_http_fetcher(*http), client, err);
    }
    return r < 0 ? r : bt_tuf_client_refresh(*client, bt_clock_wall_ms(bt_clock_real()), err);
}

static int run_refresh(const struct options *options, struct bt_error *err)
{
    BT_AUTO(bt_tuf_http) http = NULL;
    BT_AUTO(bt_tuf_client) client = NULL;
    return open_and_refresh(options, &http, &client, err);
}

static bool is_there(const char *path, const struct bt_tuf_target *target)
{
    BT_AUTOBUF kept;
    bt_buf_init(&kept, MAX_TARGET_BYTES);
    return bt_file_read(path, &kept, NULL) == 0 &&
           bt_tuf_target_check(target, bt_buf_text(&kept), kept.len, NULL) == 0;
}

// One file for each target name, whatever slashes it has.
static char *path_for(const struct options *options)
{
    BT_AUTOBUF name;
    bt_buf_init(&name, 3 * strlen(options->target_name));
    if (bt_percent_encode(options->target_name, false, &name) < 0) {
        return NULL;
    }
    return bt_strf("%s/%s", options->target_dir, bt_buf_text(&name));
}

static int run_download(const struct options *options, struct bt_error *err)
{
    struct bt_tuf_target target;
    BT_AUTO(bt_tuf_http) http = NULL;
    BT_AUTO(bt_tuf_client) client = NULL;
    int r = open_and_refresh(options, &http, &client, err);
    if (r == 0) {
        int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
        r = bt_tuf_client_find(client, options->target_name, now_ms, &target, err);
    }
    BT_AUTOFREE char *path = path_for(options);
    if (r < 0 || path == NULL || is_there(path, &target)) {
        return r;
    }
    BT_AUTOBUF content;
    bt_buf_init(&content, MAX_TARGET_BYTES);
    r = bt_tuf_client_download(client, options->target_name, &target, &content, err);
    return r < 0 ? r : bt_file_replace(path, bt_buf_text(&content), content.len, err);
}

static bool has_init(const struct options *options)
{
    return options->metadata_dir != NULL && options->root != NULL;
}

static bool has_refresh(const struct options *options)
{
    return options->metadata_dir != NULL && options->metadata_url != NULL && options->root == NULL;
}

static bool has_download(const struct options *options)
{
    return has_refresh(options) && options->target_name != NULL && options->target_dir != NULL &&
           options->target_url != NULL;
}

static const struct {
    const char *name, *needs;
    bool (*complete)(const struct options *options);
    int (*run)(const struct options *options, struct bt_error *err);
} verbs[] = {
    {"init", "ROOT.json", has_init, run_init},
    {"refresh", "--metadata-url", has_refresh, run_refresh},
    {"download", "--metadata-url, --target-name, --target-dir, --target-base-url", has_download,
     run_download},
};

static struct options read_options(const struct bt_arguments *arguments)
{
    return (struct options){.metadata_dir = bt_argument(arguments, "metadata-dir"),
                            .metadata_url = bt_argument(arguments, "metadata-url"),
                            .target_name = bt_argument(arguments, "target-name"),
                            .target_dir = bt_argument(arguments, "target-dir"),
                            .target_url = bt_argument(arguments, "target-base-url"),
                            .root = bt_operand(arguments, 1)};
}

// Index into verbs, or BT_ARRAY_LEN(verbs).
static size_t find_verb(const struct bt_arguments *arguments)
{
    size_t i = 0;
    while (i < BT_ARRAY_LEN(verbs) && !bt_str_equal(verbs[i].name, bt_operand(arguments, 0))) {
        i++;
    }
    return i;
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    const struct options options = read_options(arguments);
    size_t verb = find_verb(arguments);
    if (verb == BT_ARRAY_LEN(verbs)) {
        return bt_fail(err, -EINVAL, "'%s': chọn / choose init, refresh, download",
                       bt_operand(arguments, 0));
    }
    return verbs[verb].complete(&options)
               ? 0
               : bt_fail(err, -EINVAL, "%s cần / needs %s", verbs[verb].name, verbs[verb].needs);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    const struct options options = read_options(arguments);
    const char *verb = bt_operand(arguments, 0);
    int r = verbs[find_verb(arguments)].run(&options, err);
    return r < 0 ? bt_fail_in(err, r, "%s", verb) : 0;
}

static const struct bt_option options_table[] = {
    {"metadata-dir", "DIR", "nơi giữ siêu dữ liệu đã kiểm tra / where verified metadata is kept",
     .required = true},
    {"metadata-url", "URL", "kho siêu dữ liệu / the repository's metadata"},
    {"target-name", "PATH", "tệp nào của kho / which file of the repository"},
    {"target-dir", "DIR", "lưu tệp vào đâu / where the file goes"},
    {"target-base-url", "URL", "nơi có các tệp / where the files are"},
};

static const struct bt_subcommand commands[] = {
    // Options may stand before the verb: the conformance suite puts them there.
    {NULL, "init ROOT.json | refresh | download", 1, 2,
     "Lấy và kiểm tra siêu dữ liệu TUF đúng như máy phát làm: init ghim gốc tin cậy, refresh cập\n"
     "nhật, download tải một tệp đã được ký. Mã thoát 0: mọi thứ đúng; 1: có gì đó không đúng.\n"
     "Fetches and verifies TUF metadata just as players do: init pins the trusted root, refresh\n"
     "updates, download fetches a signed file. Exit status 0: all is well; 1: something is not.",
     BT_OPTIONS(options_table), .check = check, .run = run},
};

const struct bt_command_group bt_tuf_commands = {
    .name = "tuf",
    .summary = "Kiểm tra kho đã ký như máy phát / verify a signed repository as players do",
    .example = "  bangtin tuf --metadata-dir DIR init ROOT.json\n"
               "  bangtin tuf --metadata-dir DIR --metadata-url URL refresh\n"
               "  bangtin tuf --metadata-dir DIR --metadata-url URL --target-name PATH "
               "--target-dir DIR \\\n"
               "    --target-base-url URL download\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
