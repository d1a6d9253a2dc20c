#include "server/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "server/http/listen.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

#define DEFAULT_LISTEN "127.0.0.1:8080"

static const char help[] =
    "bangtin-server " BT_VERSION " — máy chủ bảng tin / central server of public notice boards\n"
    "\n"
    "Cách dùng / usage: bangtin-server --data DIR [lựa chọn / options]\n"
    "\n"
    "Lần chạy đầu tạo mọi thứ trong DIR và in một liên kết dùng một lần để tạo người quản trị.\n"
    "The first start makes everything in DIR and prints a link, good once, for the first\n"
    "administrator. Ctrl-C or SIGTERM stops it; nothing is lost when it is killed.\n"
    "\n"
    "  --data DIR           thư mục dữ liệu / the data directory\n"
    "  --listen WHERE       ĐỊA-CHỈ:CỔNG hoặc / ADDRESS:PORT or unix:PATH (" DEFAULT_LISTEN ")\n"
    "  --unix PATH          khi đứng sau nginx / the same as --listen unix:PATH\n"
    "  --url URL            địa chỉ mà máy khác dùng / the address others use, for links\n"
    "  --database WHERE     sqlite:PATH hoặc / or postgresql://… (sqlite:DIR/bangtin.db)\n"
    "  --tls                TLS cả khi chỉ phục vụ máy này / TLS on loopback, too\n"
    "  --tls-cert FILE      chứng chỉ PEM; không có thì tự tạo / certificate; else made in "
    "DIR/tls\n"
    "  --tls-key FILE       khóa riêng của chứng chỉ / its private key\n"
    "  --trusted-proxy ADDR tin X-Forwarded-For của địa chỉ này / whose forwarding headers count\n"
    "  --workers N          số luồng xử lý / worker threads (0: tự chọn / chosen)\n"
    "  --connections-per-address N   mặc định / default 256; 0: không hạn chế / no limit\n"
    "  --verbose            nói nhiều hơn / say more\n"
    "\n"
    "Thử ngay / try it:\n"
    "  bangtin-server --data du-lieu\n"
    "\n"
    "Cho máy khác dùng / for other machines: nginx phía trước / in front, --unix PATH; hoặc / or\n"
    "  bangtin-server --data du-lieu --listen '[::]:8443' --url https://bangtin.tinh.gov.vn:8443\n"
    "tự tạo chứng chỉ và in mã khóa (pin) cho máy phát.\n"
    "That makes a certificate of its own and prints its pin for the players.\n";

enum option_key {
    OPT_DATA = 256,
    OPT_LISTEN,
    OPT_UNIX,
    OPT_URL,
    OPT_DATABASE,
    OPT_TLS,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_TRUSTED_PROXY,
    OPT_WORKERS,
    OPT_PER_ADDRESS,
    OPT_VERBOSE,
    OPT_VERSION,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPT_DATA},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"unix", required_argument, NULL, OPT_UNIX},
    {"url", required_argument, NULL, OPT_URL},
    {"database", required_argument, NULL, OPT_DATABASE},
    {"tls", no_argument, NULL, OPT_TLS},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"trusted-proxy", required_argument, NULL, OPT_TRUSTED_PROXY},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"connections-per-address", required_argument, NULL, OPT_PER_ADDRESS},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

void bt_options_finish(struct bt_options *options)
{
    free(options->made_listen);
    free(options->made_database);
    free(options->made_certificate);
    free(options->made_key);
}

static bool take_number(const char *text, int64_t max, int *out)
{
    int64_t number;
    if (bt_parse_int(text, 0, max, &number) < 0) {
        return false;
    }
    *out = (int)number;
    return true;
}

static enum bt_outcome take_option(struct bt_options *options, int key, const char *value)
{
    switch (key) {
    case OPT_DATA:
        options->data = value;
        return BT_OUTCOME_GO_ON;
    case OPT_LISTEN:
        options->http.listen = value;
        return BT_OUTCOME_GO_ON;
    case OPT_UNIX:
        free(options->made_listen);
        options->http.listen = options->made_listen = bt_strf("unix:%s", value);
        return BT_OUTCOME_GO_ON;
    case OPT_URL:
        options->url = value;
        return BT_OUTCOME_GO_ON;
    case OPT_DATABASE:
        options->database = value;
        return BT_OUTCOME_GO_ON;
    case OPT_TLS:
        options->tls = true;
        return BT_OUTCOME_GO_ON;
    case OPT_TLS_CERT:
        options->http.certificate = value;
        return BT_OUTCOME_GO_ON;
    case OPT_TLS_KEY:
        options->http.private_key = value;
        return BT_OUTCOME_GO_ON;
    case OPT_TRUSTED_PROXY:
        options->http.trusted_proxy = value;
        return BT_OUTCOME_GO_ON;
    case OPT_WORKERS:
        return take_number(value, 256, &options->http.workers) ? BT_OUTCOME_GO_ON
                                                               : BT_OUTCOME_USAGE;
    case OPT_PER_ADDRESS:
        if (!take_number(value, 1000000, &options->http.connections_per_address)) {
            return BT_OUTCOME_USAGE;
        }
        if (options->http.connections_per_address == 0) {
            options->http.connections_per_address = -1;
        }
        return BT_OUTCOME_GO_ON;
    case OPT_VERBOSE:
        bt_log_set_level(BT_LOG_DEBUG);
        return BT_OUTCOME_GO_ON;
    case OPT_VERSION:
        puts("bangtin-server " BT_VERSION);
        return BT_OUTCOME_DONE;
    case OPT_HELP:
        fputs(help, stdout);
        return BT_OUTCOME_DONE;
    default:
        return BT_OUTCOME_USAGE;
    }
}

static enum bt_outcome complain(const char *vi, const char *en)
{
    fprintf(stderr, "bangtin-server: %s / %s\n\n%s", vi, en, help);
    return BT_OUTCOME_USAGE;
}

// What was not said follows from what was.
static enum bt_outcome fill_in(struct bt_options *options)
{
    struct bt_http_options *http = &options->http;
    if (options->data == NULL) {
        return complain("cần --data DIR", "--data DIR is needed");
    }
    if ((http->certificate == NULL) != (http->private_key == NULL)) {
        return complain("--tls-cert và --tls-key đi đôi", "--tls-cert and --tls-key go together");
    }
    if (http->listen == NULL) {
        http->listen = DEFAULT_LISTEN;
    }
    if (options->database == NULL) {
        options->database = options->made_database = bt_strf("sqlite:%s/bangtin.db", options->data);
    }
    bool made = http->certificate == NULL && (options->tls || !bt_listen_is_loopback(http->listen));
    if (made) {
        http->certificate = options->made_certificate =
            bt_strf("%s/tls/certificate.pem", options->data);
        http->private_key = options->made_key = bt_strf("%s/tls/key.pem", options->data);
    }
    return BT_OUTCOME_GO_ON;
}

enum bt_outcome bt_options_parse(int argc, char **argv, struct bt_options *out)
{
    *out = (struct bt_options){0};
    enum bt_outcome outcome = BT_OUTCOME_GO_ON;
    int key;
    while (outcome == BT_OUTCOME_GO_ON &&
           // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread is there yet
           (key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        outcome = take_option(out, key, optarg);
    }
    if (outcome == BT_OUTCOME_USAGE || (outcome == BT_OUTCOME_GO_ON && optind < argc)) {
        return complain("lựa chọn không hợp lệ", "an option is not valid");
    }
    return outcome == BT_OUTCOME_GO_ON ? fill_in(out) : outcome;
}
