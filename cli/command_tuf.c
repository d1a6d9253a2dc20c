// bangtin tuf: the player's own TUF client at the command line. Its options are those of the public
// conformance suite for TUF clients, which drives it.
#include <errno.h>
#include <getopt.h>
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

static const char help[] =
    "Cách dùng / usage:\n"
    "  bangtin tuf --metadata-dir DIR init ROOT.json\n"
    "  bangtin tuf --metadata-dir DIR --metadata-url URL refresh\n"
    "  bangtin tuf --metadata-dir DIR --metadata-url URL --target-name PATH --target-dir DIR\n"
    "              --target-base-url URL download\n"
    "\n"
    "Lấy và kiểm tra siêu dữ liệu TUF đúng như máy phát làm: init ghim gốc tin cậy, refresh cập\n"
    "nhật, download tải một tệp đã được ký. Mã thoát 0: mọi thứ đúng; 1: có gì đó không đúng.\n"
    "Fetches and verifies TUF metadata just as players do: init pins the trusted root, refresh\n"
    "updates, download fetches a signed file. Exit status 0: all is well; 1: something is not.\n";

static const struct option long_options[] = {
    {"metadata-dir", required_argument, NULL, 'd'},
    {"metadata-url", required_argument, NULL, 'u'},
    {"target-name", required_argument, NULL, 'n'},
    {"target-dir", required_argument, NULL, 't'},
    {"target-base-url", required_argument, NULL, 'b'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *metadata_dir, *metadata_url, *target_name, *target_dir, *target_url;
    const char *verb, *root;
    bool help;
};

static int parse_option(int key, struct options *options)
{
    switch (key) {
    case 'd':
        options->metadata_dir = optarg;
        return 0;
    case 'u':
        options->metadata_url = optarg;
        return 0;
    case 'n':
        options->target_name = optarg;
        return 0;
    case 't':
        options->target_dir = optarg;
        return 0;
    case 'b':
        options->target_url = optarg;
        return 0;
    case 'h':
        options->help = true;
        return 0;
    default:
        return -EINVAL;
    }
}

static int parse_options(int argc, char **argv, struct options *options)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread is there yet
    for (int key; (key = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (parse_option(key, options) < 0) {
            return -EINVAL;
        }
    }
    options->verb = optind < argc ? argv[optind++] : "";
    options->root = optind < argc ? argv[optind++] : NULL;
    if (optind < argc) {
        fprintf(stderr, "bangtin tuf: không hiểu / what is '%s'?\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

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
    const char *name;
    bool (*complete)(const struct options *options);
    int (*run)(const struct options *options, struct bt_error *err);
} verbs[] = {
    {"init", has_init, run_init},
    {"refresh", has_refresh, run_refresh},
    {"download", has_download, run_download},
};

static int run_verb(size_t verb, const struct options *options)
{
    struct bt_error err = {""};
    if (!verbs[verb].complete(options)) {
        fprintf(stderr, "bangtin tuf %s: thiếu tham số / an argument is missing\n%s",
                verbs[verb].name, help);
        return BT_EXIT_USAGE;
    }
    if (verbs[verb].run(options, &err) < 0) {
        fprintf(stderr, "bangtin tuf %s: %s\n", verbs[verb].name, err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

int bt_command_tuf(int argc, char **argv)
{
    struct options options = {NULL};
    if (parse_options(argc, argv, &options) < 0) {
        fputs("bangtin tuf --help\n", stderr);
        return BT_EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, options.verb) == 0) {
            return run_verb(i, &options);
        }
    }
    fprintf(stderr, "bangtin tuf: '%s'? init, refresh, download\nbangtin tuf --help\n",
            options.verb);
    return BT_EXIT_USAGE;
}
