#include "server/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hatch.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/str.h"
#include "server/http/listen.h"
#include "server/media/store_options.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

#define DEFAULT_LISTEN "127.0.0.1:8080"
#define DEFAULT_CACHE_MIB 10240

static void finish(struct bt_options *options)
{
    free(options->made_listen);
    free(options->made_database);
    free(options->made_certificate);
    free(options->made_key);
    free(options->made_cache);
}

static const char *const roles[] = {
    [BT_SERVER_ALL] = "all", [BT_SERVER_WEB] = "web", [BT_SERVER_WORKER] = "worker"};

// -EINVAL: there is no such role.
static int role_of(const struct bt_arguments *arguments)
{
    const char *said = bt_argument(arguments, "role");
    for (size_t i = 0; i < BT_ARRAY_LEN(roles); i++) {
        if (said == NULL || strcmp(said, roles[i]) == 0) {
            return (int)i;
        }
    }
    return -EINVAL;
}

static void take(const struct bt_arguments *arguments, struct bt_options *out)
{
    const char *path = bt_argument(arguments, "unix");
    *out = (struct bt_options){.data = bt_argument(arguments, "data"),
                               .shared = bt_argument(arguments, "shared"),
                               .role = (enum bt_server_role)role_of(arguments),
                               .database = bt_argument(arguments, "database"),
                               .url = bt_argument(arguments, "url"),
                               .workshop = bt_argument(arguments, "workshop"),
                               .tls = bt_argument_flag(arguments, "tls")};
    out->care =
        (struct bt_care_options){.mail_password_file = bt_argument(arguments, "mail-password-file"),
                                 .mail_ca = bt_argument(arguments, "mail-ca"),
                                 .webhooks_inside = bt_argument_flag(arguments, "webhooks-inside")};
    out->nightly =
        (struct bt_nightly_options){.to = bt_argument(arguments, "backup-to"),
                                    .keep = bt_argument_int(arguments, "backup-keep", 7)};
    bt_store_take(arguments, &out->store.s3);
    out->store.cache_bytes =
        bt_argument_int(arguments, "blob-cache-size", DEFAULT_CACHE_MIB) * 1024 * 1024;
    struct bt_http_options *http = &out->http;
    out->made_listen = path != NULL ? bt_strf("unix:%s", path) : NULL;
    http->listen = path != NULL ? out->made_listen : bt_argument(arguments, "listen");
    http->certificate = bt_argument(arguments, "tls-cert");
    http->private_key = bt_argument(arguments, "tls-key");
    http->trusted_proxy = bt_argument(arguments, "trusted-proxy");
    http->workers = (int)bt_argument_int(arguments, "workers", 0);
    http->connections_per_address = (int)bt_argument_int(arguments, "connections-per-address", 0);
    if (http->connections_per_address == 0 &&
        bt_argument_flag(arguments, "connections-per-address")) {
        http->connections_per_address = -1;  // no limit
    }
}

// What was not said follows from what was.
static void fill_in(struct bt_options *options)
{
    struct bt_http_options *http = &options->http;
    if (http->listen == NULL && options->role == BT_SERVER_WORKER) {
        http->listen = options->made_listen = bt_strf("unix:%s/http.sock", options->data);
    }
    if (http->listen == NULL) {
        http->listen = DEFAULT_LISTEN;
    }
    if (options->database == NULL) {
        options->database = options->made_database = bt_strf("sqlite:%s/bangtin.db", options->data);
    }
    options->store.cache = options->made_cache = bt_strf("%s/blobs-cache", options->data);
    options->nightly.database = options->database;
    options->nightly.store = options->store.s3;
    bool made = http->certificate == NULL && (options->tls || !bt_listen_is_loopback(http->listen));
    if (made) {
        http->certificate = options->made_certificate =
            bt_strf("%s/tls/certificate.pem", options->data);
        http->private_key = options->made_key = bt_strf("%s/tls/key.pem", options->data);
    }
}

static int check_role(const struct bt_arguments *arguments, struct bt_error *err)
{
    int role = role_of(arguments);
    const char *listen = bt_argument(arguments, "listen");
    const char *database = bt_argument(arguments, "database");
    if (role < 0) {
        return bt_fail(err, -EINVAL, "--role: all, web hoặc / or worker");
    }
    if (role != BT_SERVER_ALL && (database == NULL || bt_str_starts(database, "sqlite:"))) {
        return bt_fail(err, -EINVAL, "--role: chỉ với / with PostgreSQL alone");
    }
    return role == BT_SERVER_WORKER && listen != NULL && !bt_listen_is_loopback(listen)
               ? bt_fail(err, -EINVAL,
                         "--role worker --listen: chỉ máy này / this machine or unix: alone")
               : 0;
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_hatch workshop;
    int r = bt_hatch_read(bt_argument(arguments, "workshop"), &workshop, err);
    if (r < 0) {
        return r;
    }
    if (bt_argument_flag(arguments, "tls-cert") != bt_argument_flag(arguments, "tls-key")) {
        return bt_fail(err, -EINVAL, "--tls-cert, --tls-key: đi đôi / go together");
    }
    r = bt_store_check(arguments, err);
    if (r < 0) {
        return r;
    }
    if (bt_argument_flag(arguments, "unix") && bt_argument_flag(arguments, "listen")) {
        return bt_fail(err, -EINVAL, "--unix, --listen: chỉ một / only one of them");
    }
    return check_role(arguments, err);
}

// What the one command runs.
struct house_call {
    int (*serve)(const struct bt_options *options);
};

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)err;
    const struct house_call *call = bt_arguments_command(arguments)->request;
    struct bt_options options;
    if (bt_argument_flag(arguments, "version")) {
        puts("bangtin-server " BT_VERSION);
        return BT_EXIT_OK;
    }
    if (bt_argument_flag(arguments, "verbose")) {
        bt_log_set_level(BT_LOG_DEBUG);
    }
    take(arguments, &options);
    fill_in(&options);
    int status = call->serve(&options);
    finish(&options);
    return status;
}

static const struct bt_option options_table[] = {
    {"data", "DIR", "thư mục dữ liệu / the data directory", .required = true},
    {"listen", "WHERE", "ĐỊA-CHỈ:CỔNG hoặc / ADDRESS:PORT or unix:PATH (" DEFAULT_LISTEN ")"},
    {"unix", "PATH", "khi đứng sau nginx / the same as --listen unix:PATH"},
    {"url", "URL", "địa chỉ mà máy khác dùng / the address others use, for links"},
    {"database", "WHERE", "sqlite:PATH hoặc / or postgresql://… (sqlite:DIR/bangtin.db)"},
    {"role", "ROLE",
     "nhiều máy chủ chung PostgreSQL / several on one PostgreSQL: web, worker (all)"},
    {"shared", "DIR",
     "thư mục chung của các máy chủ đó / what those share: content, uploads, keys"},
    {"tls", NULL, "TLS cả khi chỉ phục vụ máy này / TLS on loopback, too"},
    {"tls-cert", "FILE", "chứng chỉ PEM; không có thì tự tạo / certificate; else made in DIR/tls"},
    {"tls-key", "FILE", "khóa riêng của chứng chỉ / its private key"},
    {"trusted-proxy", "ADDR",
     "tin X-Forwarded-For của địa chỉ này / whose forwarding headers count"},
    {"workers", "N", "số luồng xử lý / worker threads (0: tự chọn / chosen)", .min = 0, .max = 256},
    {"connections-per-address", "N", "mặc định / default 256; 0: không hạn chế / no limit",
     .min = 0, .max = 1000000},
    {"mail-password-file", "FILE",
     "mật khẩu của máy chủ gửi thư / password for the mail server, on its first line"},
    {"mail-ca", "FILE", "chứng chỉ gốc của máy chủ gửi thư / authorities for the mail server, PEM"},
    {"webhooks-inside", NULL,
     "webhook được gọi đến chính máy này, cả http / may go to this machine, by http, too"},
    BT_HATCH_OPTION,
    {"backup-to", "DIR", "mỗi đêm sau 2 giờ sao lưu vào đây / backs up here each night after two"},
    {"backup-keep", "N", "giữ bao nhiêu bản / how many are kept (7)", .min = 1, .max = 1000},
    BT_STORE_OPTIONS,
    {"blob-cache-size", "MiB", "giữ ở máy này bao nhiêu của kho / kept here of the store (10240)",
     .min = 1, .max = INT64_C(1) << 30},
    {"verbose", NULL, "nói nhiều hơn / say more"},
    {"version", NULL, "phiên bản / the version", .alone = true},
};

int bt_options_run(int argc, char **argv, int (*serve)(const struct bt_options *options))
{
    static const struct bt_program program = {.name = "bangtin-server"};
    const struct house_call call = {serve};
    const struct bt_subcommand command = {
        .about = "Lần chạy đầu tạo mọi thứ trong DIR và in một liên kết dùng một lần để tạo người "
                 "quản trị.\nThe first start makes everything in DIR and prints a link, good "
                 "once, for the first\nadministrator. Ctrl-C or SIGTERM stops it; nothing is "
                 "lost when it is killed.",
        BT_OPTIONS(options_table),
        .check = check,
        .run = run,
        .request = &call};
    const struct bt_command_group group = {
        .summary = "bangtin-server " BT_VERSION
                   " — máy chủ bảng tin / central server of public notice boards",
        .example =
            "  bangtin-server --data du-lieu\n"
            "\n"
            "Cho máy khác dùng / for other machines: nginx phía trước / in front, --unix PATH; "
            "hoặc / or\n"
            "  bangtin-server --data du-lieu --listen '[::]:8443' --url "
            "https://bangtin.tinh.gov.vn:8443\n"
            "tự tạo chứng chỉ và in mã khóa (pin) cho máy phát.\n"
            "That makes a certificate of its own and prints its pin for the players.\n"
            "\n"
            "Sao lưu, phục hồi, chuyển cơ sở dữ liệu / backup, restore, moving the database:\n"
            "  bangtin-server backup|restore|migrate|blobs --help\n",
        .commands = &command,
        .count = 1};
    return bt_command_group_run(&program, &group, argc, argv);
}
