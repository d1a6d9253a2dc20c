// bangtin upload, media: files to the server (tus 1.0, resumable), and what is there.
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/rest.h"

// One request carries at most this much: what an interruption can cost.
#define PIECE_BYTES (8 * 1024 * 1024)
#define MAX_TRIES 8

// A server that is busy says when to come again; it is asked no more often, and not for ever.
#define MAX_PAUSE_S 60
#define MAX_BUSY_S 900

static const char uploads_file[] = "uploads.json";  // what was begun: hash and unit → location
static const char *const tus_headers[] = {"Tus-Resumable: 1.0.0", NULL};

// A file on its way.
struct upload {
    const char *path, *name, *unit;
    const char *bytes;  // mapped
    int64_t size;
    char *key;       // in uploads_file
    char *location;  // on the server
    int64_t offset;
    int64_t pause_s;  // the server is busy for so long
};

static void upload_finish(struct upload *upload)
{
    if (upload->bytes != NULL) {
        munmap((void *)(uintptr_t)upload->bytes, (size_t)upload->size);
    }
    free(upload->key);
    free(upload->location);
}

static int map_file(struct upload *upload, struct bt_error *err)
{
    struct stat info;
    BT_AUTOCLOSE int fd = open(upload->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", upload->path);
    }
    if (!S_ISREG(info.st_mode) || info.st_size == 0) {
        return bt_fail(err, -EINVAL, "'%s' trống hoặc không phải tệp / is empty or no file",
                       upload->path);
    }
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return bt_fail_errno(err, "Cannot read '%s'", upload->path);
    }
    upload->bytes = bytes;
    upload->size = info.st_size;
    return 0;
}

static int make_key(struct upload *upload, const char *server, struct bt_error *err)
{
    struct bt_sha256 hash;
    char hex[BT_SHA256_HEX_BYTES];
    int r = bt_sha256_of_file(upload->path, &hash, NULL, err);
    if (r == 0) {
        bt_hex(hash.bytes, sizeof(hash.bytes), hex);
        upload->key = bt_strf("%s %s %s", server, upload->unit, hex);
    }
    return r;
}

static void remember(const struct upload *upload, bool keep)
{
    BT_AUTOJSON *begun = NULL;
    if (bt_config_read(uploads_file, &begun, NULL) < 0) {
        begun = cJSON_CreateObject();
    }
    cJSON_DeleteItemFromObjectCaseSensitive(begun, upload->key);
    if (keep) {
        cJSON_AddStringToObject(begun, upload->key, upload->location);
    }
    if (bt_config_write(uploads_file, begun, NULL) < 0) {
        return;  // the next try begins anew
    }
}

// Where an earlier try of the same file stopped; false when it has to begin anew.
static bool find_begun(struct bt_client *client, struct upload *upload)
{
    BT_AUTOJSON *begun = NULL;
    BT_AUTOANSWER answer = {0};
    if (bt_config_read(uploads_file, &begun, NULL) < 0) {
        return false;
    }
    const char *location =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(begun, upload->key));
    if (location == NULL) {
        return false;
    }
    const struct bt_request request = {.method = "HEAD", .path = location, .headers = tus_headers};
    if (bt_client_ask(client, &request, &answer, NULL) < 0 || answer.upload_offset < 0 ||
        answer.upload_offset > upload->size) {
        return false;
    }
    upload->location = bt_strdup(location);
    upload->offset = answer.upload_offset;
    return true;
}

static char *base64(const char *text)
{
    size_t len = strlen(text);
    unsigned char *out = bt_alloc(4 * (len / 3 + 1) + 1);
    EVP_EncodeBlock(out, (const unsigned char *)text, (int)len);
    return (char *)out;
}

static int begin(struct bt_client *client, struct upload *upload, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *unit = base64(upload->unit);
    BT_AUTOFREE char *title = base64(upload->name);
    BT_AUTOFREE char *length = bt_strf("Upload-Length: %lld", (long long)upload->size);
    BT_AUTOFREE char *metadata = bt_strf("Upload-Metadata: unit %s,title %s", unit, title);
    const char *const headers[] = {tus_headers[0], length, metadata, NULL};
    const struct bt_request request = {.method = "POST", .path = "/v1/uploads", .headers = headers};
    int r = bt_client_ask(client, &request, &answer, err);
    if (r < 0) {
        return r;
    }
    if (!bt_str_starts(answer.location, "/v1/uploads/")) {
        return bt_fail(err, -EREMOTEIO, "The server does not say where the file goes");
    }
    upload->location = bt_strdup(answer.location);
    remember(upload, true);
    return 0;
}

struct meter {
    const struct upload *upload;
};

static void handle_progress(void *context, int64_t done, int64_t total)
{
    const struct meter *meter = context;
    bt_progress_bar((void *)(uintptr_t)meter->upload->name, meter->upload->offset + done,
                    meter->upload->size);
}

static int send_piece(struct bt_client *client, struct upload *upload, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *offset = bt_strf("Upload-Offset: %lld", (long long)upload->offset);
    const char *const headers[] = {tus_headers[0], offset, NULL};
    struct meter meter = {upload};
    const struct bt_request request = {
        .method = "PATCH",
        .path = upload->location,
        .headers = headers,
        .bytes = upload->bytes + upload->offset,
        .bytes_len = (size_t)BT_MIN(upload->size - upload->offset, PIECE_BYTES),
        .bytes_type = "application/offset+octet-stream",
        .progress = handle_progress,
        .progress_context = &meter,
    };
    int r = bt_client_ask(client, &request, &answer, err);
    if (r == 0 && answer.upload_offset <= upload->offset) {
        r = bt_fail(err, -EREMOTEIO, "The server took nothing");
    }
    if (r == 0) {
        upload->offset = answer.upload_offset;
    }
    upload->pause_s = r == -EAGAIN ? BT_CLAMP(answer.retry_after_s, 1, MAX_PAUSE_S) : 0;
    return r;
}

// Where the server stands after a connection was lost.
static int ask_offset(struct bt_client *client, struct upload *upload, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    const struct bt_request request = {
        .method = "HEAD", .path = upload->location, .headers = tus_headers};
    int r = bt_client_ask(client, &request, &answer, err);
    if (r == 0 && answer.upload_offset >= 0 && answer.upload_offset <= upload->size) {
        upload->offset = answer.upload_offset;
    }
    return r;
}

static int send_all(struct bt_client *client, struct upload *upload, struct bt_error *err)
{
    int64_t tries = 0, busy_s = 0;
    while (upload->offset < upload->size) {
        int r = send_piece(client, upload, err);
        if (r == 0) {
            tries = busy_s = 0;
            continue;
        }
        bool later = r == -EAGAIN, again = r == -ECONNREFUSED || r == -EEXIST;
        tries += again;
        busy_s += upload->pause_s;
        if (!(later || again) || tries > MAX_TRIES || busy_s > MAX_BUSY_S) {
            return r;  // what was sent stays; the same command goes on from there
        }
        int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
        int64_t pause_s = later ? upload->pause_s : tries;
        bt_clock_sleep_until(bt_clock_real(), now_ns + pause_s * BT_NS_PER_S);
        if (ask_offset(client, upload, err) == -EACCES) {
            return -EACCES;
        }
    }
    return 0;
}

// The workshop looks at it; how long depends on the file.
static int wait_inspected(struct bt_client *client, const struct upload *upload, cJSON **out,
                          struct bt_error *err)
{
    for (;;) {
        BT_AUTOANSWER answer = {0};
        int r = bt_client_get(client, upload->location, &answer, err);
        if (r < 0) {
            return r;
        }
        const char *state =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer.json, "state"));
        if (bt_str_equal(state, "ready") || bt_str_equal(state, "refused")) {
            *out = BT_TAKE(answer.json);
            return 0;
        }
        int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
        bt_clock_sleep_until(bt_clock_real(), now_ns + BT_NS_PER_S / 4);
    }
}

static const struct bt_column report_columns[] = {
    {"tệp / file", "title", BT_COLUMN_TEXT},
    {"kết quả / result", "state", BT_COLUMN_STATE},
    {"mã / media", "media", BT_COLUMN_TEXT},
    {"nhận xét", "report.advice_vi", BT_COLUMN_TEXT},
    {"advice", "report.advice_en", BT_COLUMN_TEXT},
};
static const struct bt_rest report = {"GET", "", BT_COLUMNS(report_columns)};

static int upload_file(struct bt_client *client, struct upload *upload, struct bt_error *err)
{
    BT_AUTOJSON *result = NULL;
    int r = map_file(upload, err);
    if (r < 0 || (r = make_key(upload, bt_client_server(client), err)) < 0) {
        return r;
    }
    if (!find_begun(client, upload) && (r = begin(client, upload, err)) < 0) {
        return r;
    }
    r = send_all(client, upload, err);
    bt_progress_end();
    if (r < 0) {
        return bt_fail_in(err, r, "'%s' (chạy lại lệnh này để gửi tiếp / run this again to go on)",
                          upload->path);
    }
    if ((r = wait_inspected(client, upload, &result, err)) < 0) {
        return r;
    }
    remember(upload, false);
    bt_rest_show(client, &report, result);
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "state"));
    return bt_str_equal(state, "ready")
               ? 0
               : bt_fail(err, -EINVAL, "'%s' không dùng được / cannot be used", upload->path);
}

static int run_upload(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    size_t refused = 0;
    int r = bt_client_open(arguments, &client, err);
    for (size_t i = 0; r == 0 && i < bt_operand_count(arguments); i++) {
        const char *path = bt_operand(arguments, i), *slash = strrchr(path, '/');
        const char *title = bt_argument(arguments, "title");
        BT_AUTOFINISH(upload_finish)
        struct upload upload = {
            .path = path,
            .name = title != NULL   ? title
                    : slash != NULL ? slash + 1
                                    : path,
            .unit = bt_argument(arguments, "unit"),
        };
        r = upload_file(client, &upload, err);
        if (r == -EINVAL) {
            fprintf(stderr, "%s\n", err->msg);
            refused++;
            r = 0;  // the others may be fine
        }
    }
    return r == 0 && refused > 0
               ? bt_fail(err, -EINVAL, "%zu tệp không dùng được / files cannot be used", refused)
               : r;
}

static const struct bt_option upload_options[] = {
    {"unit", "UNIT", "cho đơn vị / for the unit", .required = true},
    {"title", "TEXT", "tên trong kho (mặc định: tên tệp) / its title (the file's name)"},
};

static const struct bt_subcommand upload_commands[] = {
    {NULL, "FILE…", 1, 256,
     "Tải ảnh, clip lên; đứt mạng thì chạy lại để gửi tiếp. In ra mã dùng cho playlist.\n"
     "Uploads pictures and clips; run it again to go on after a cut. Prints the id for playlists.",
     BT_OPTIONS(upload_options), .online = true, .run = run_upload},
};

const struct bt_command_group bt_upload_commands = {
    .name = "upload",
    .summary = "Tải ảnh, clip lên máy chủ / send pictures and clips to the server",
    .example = "  bangtin upload ~/Pictures/nq57/*.png --unit 31333\n",
    .commands = upload_commands,
    .count = BT_ARRAY_LEN(upload_commands),
};

static const struct bt_column media_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / title", "title", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"loại / kind", "kind", BT_COLUMN_TEXT},
    {"cỡ / size", "size", BT_COLUMN_BYTES},
    {"băm / hash", "sha256", BT_COLUMN_HASH},
    {"lúc / when", "created_ms", BT_COLUMN_TIME},
};
static const struct bt_option media_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"}};
static const struct bt_member media_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};
static const struct bt_rest media_list = {"GET", "/v1/media", BT_MEMBERS(media_members),
                                          BT_COLUMNS(media_columns)};
static const struct bt_rest media_show = {"GET", "/v1/media/{0}", BT_COLUMNS(media_columns)};
static const struct bt_rest media_hide = {"DELETE", "/v1/media/{0}", .edits = true,
                                          .done = "Đã cất / hidden"};

static const struct bt_subcommand media_commands[] = {
    {"list", NULL, 0, 0, "Kho ảnh và clip. / The library.", BT_OPTIONS(media_options),
     .online = true, .run = bt_rest_run, .request = &media_list},
    {"show", "MEDIA", 1, 1, "Một tệp. / One of them.", .online = true, .run = bt_rest_run,
     .request = &media_show},
    {"hide", "MEDIA", 1, 1, "Không dùng nữa. / No longer offered.", .online = true,
     .run = bt_rest_run, .request = &media_hide},
};

const struct bt_command_group bt_media_commands = {
    .name = "media",
    .summary = "Kho ảnh và clip / the library of pictures and clips",
    .commands = media_commands,
    .count = BT_ARRAY_LEN(media_commands),
};
