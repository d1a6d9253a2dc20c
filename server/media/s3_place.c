#include "server/media/s3_place.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

#define FILE_MAX_BYTES 4096
#define NOT_OURS_ALONE (S_IRWXO | S_IWGRP)

bool bt_s3_is_address(const char *text)
{
    return bt_str_starts(text, "https://") || bt_str_starts(text, "http://");
}

static bool is_this_machine(const char *host)
{
    return bt_str_equal(host, "127.0.0.1") || bt_str_equal(host, "[::1]") ||
           bt_str_equal(host, "localhost");
}

// What needs no encoding, and no "." or ".." that libcurl would resolve.
static bool is_plain_path(const char *path)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/";
    return path[strspn(path, allowed)] == '\0' && strstr(path, "//") == NULL &&
           strstr(path, "/.") == NULL;
}

// "/BUCKET/PRE/FIX" with or without a slash at its end.
static int read_path(const char *path, struct bt_s3_place *out)
{
    if (path[0] != '/' || path[1] == '\0' || path[1] == '/' || !is_plain_path(path)) {
        return -EINVAL;
    }
    size_t len = strcspn(path + 1, "/");
    const char *prefix = path + 1 + len + (path[1 + len] == '/');
    const char *slash = prefix[0] == '\0' || bt_str_ends(prefix, "/") ? "" : "/";
    int r = bt_format(out->bucket, sizeof(out->bucket), "%.*s", (int)len, path + 1);
    return r < 0 ? r : bt_format(out->prefix, sizeof(out->prefix), "%s%s", prefix, slash);
}

static int read_parts(CURLU *parts, struct bt_s3_place *out)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;
    bool whole = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK;
    bool has_port = curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    int r = whole && (bt_str_equal(scheme, "https") || is_this_machine(host)) ? 0 : -EINVAL;
    r = r < 0 ? r
              : bt_format(out->host, sizeof(out->host), "%s%s%s", host, has_port ? ":" : "",
                          has_port ? port : "");
    r = r < 0 ? r : bt_format(out->origin, sizeof(out->origin), "%s://%s", scheme, out->host);
    r = r < 0 ? r : read_path(path, out);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return r;
}

int bt_s3_read_place(const char *url, struct bt_s3_place *out, struct bt_error *err)
{
    struct bt_s3_place place = {0};
    CURLU *parts = curl_url();
    bool plain =
        strpbrk(url, "?#@%\\ ") == NULL && strstr(url, "/.") == NULL && bt_s3_is_address(url);
    int r = plain && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK
                ? read_parts(parts, &place)
                : -EINVAL;
    curl_url_cleanup(parts);
    if (r < 0) {
        return bt_fail(err, -EINVAL,
                       "'%.200s' is no store: https://HOST[:PORT]/BUCKET[/PREFIX] is wanted, "
                       "http:// to this machine alone",
                       url);
    }
    *out = place;
    return 0;
}

// The value, with no blanks around it, into its place.
static int read_value(const char *value, size_t len, char out[BT_SIGV4_KEY_BYTES])
{
    while (len > 0 && strchr(" \t\r", value[len - 1]) != NULL) {
        len--;
    }
    return bt_format(out, BT_SIGV4_KEY_BYTES, "%.*s", (int)BT_MIN(len, (size_t)4096), value);
}

static int read_line(const char *line, size_t len, struct bt_sigv4_key *out)
{
    static const char access[] = "aws_access_key_id", secret[] = "aws_secret_access_key";
    size_t name = strcspn(line, " \t=\n");
    const char *equals = memchr(line, '=', len);
    if (len == 0 || strchr("#;[\r", line[0]) != NULL || equals == NULL) {
        return 0;
    }
    const char *value = equals + 1;
    value += strspn(value, " \t");
    size_t value_len = value < line + len ? (size_t)(line + len - value) : 0;
    if (name == strlen(access) && memcmp(line, access, name) == 0) {
        return read_value(value, value_len, out->access);
    }
    return name == strlen(secret) && memcmp(line, secret, name) == 0
               ? read_value(value, value_len, out->secret)
               : 0;
}

static int read_lines(const char *text, struct bt_sigv4_key *out)
{
    int r = 0;
    while (r == 0 && *text != '\0') {
        size_t len = strcspn(text, "\n");
        r = read_line(text, len, out);
        text += len + (text[len] == '\n');
    }
    return r < 0 || out->access[0] == '\0' || out->secret[0] == '\0' ? -EINVAL : 0;
}

int bt_s3_read_key(const char *path, struct bt_sigv4_key *out, struct bt_error *err)
{
    BT_AUTOBUF text;
    struct stat status;
    bt_buf_init(&text, FILE_MAX_BYTES);
    if (stat(path, &status) == 0 && (status.st_mode & NOT_OURS_ALONE) != 0) {
        return bt_fail(err, -EACCES, "'%s' can be read by everybody: chmod 600 it", path);
    }
    int r = bt_file_read(path, &text, err);
    if (r < 0) {
        return r;
    }
    r = read_lines(bt_buf_text(&text), out);
    if (text.data != NULL) {
        sodium_memzero(text.data, text.len);
    }
    return r < 0 ? bt_fail(err, r,
                           "'%s' wants the lines aws_access_key_id = … and "
                           "aws_secret_access_key = …",
                           path)
                 : 0;
}
