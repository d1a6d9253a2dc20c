#include "update/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "trust/tuf_client.h"
#include "update/hostile.h"

#define PROGRAM "bangtin-player"
#define OFFER_MAX_BYTES 4096
#define PATH_BYTES 256

/*
 * The player's files as a repository.
 */

// The saved root, when it is the version that is asked for.
static int read_saved_root(const char *player, int64_t version, struct bt_buf *out,
                           struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    int64_t saved = 0;
    int r = bt_hostile_read(player, "metadata/root.json", out, err);
    r = r < 0 ? r : bt_json_parse(bt_buf_text(out), out->len, &json, err);
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(json, "signed");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(part, "version");
    if (r == 0 &&
        (value == NULL || bt_json_whole(value, 1, INT32_MAX, &saved) < 0 || saved != version)) {
        bt_buf_clear(out);
        r = bt_fail(err, -ENOENT, "There is no root %lld", (long long)version);
    }
    return r;
}

static int read_root(const char *player, const char *number, struct bt_buf *out,
                     struct bt_error *err)
{
    char digits[16], path[PATH_BYTES];
    int64_t version;
    size_t len = strcspn(number, ".");
    if (bt_format(digits, sizeof(digits), "%.*s", (int)len, number) < 0 ||
        bt_parse_int(digits, 1, INT32_MAX, &version) < 0 ||
        bt_format(path, sizeof(path), "metadata/%lld.root.json", (long long)version) < 0) {
        return bt_fail(err, -ENOENT, "'%.64s' is no root", number);
    }
    int r = bt_hostile_read(player, path, out, err);
    return r == -ENOENT ? read_saved_root(player, version, out, err) : r;
}

static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    static const struct {
        const char *end, *file;
    } files[] = {
        {"metadata/timestamp.json", "metadata/timestamp.json"},
        {".snapshot.json", "metadata/snapshot.json"},
        {".targets.json", "metadata/targets.json"},
        {"." BT_SOFTWARE_TARGET, "update/" BT_SOFTWARE_TARGET},
    };
    const char *player = context;
    if (bt_str_starts(path, "metadata/") && bt_str_ends(path, ".root.json")) {
        return read_root(player, path + strlen("metadata/"), out, err);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(files); i++) {
        if (bt_str_ends(path, files[i].end)) {
            return bt_hostile_read(player, files[i].file, out, err);
        }
    }
    return bt_fail(err, -ENOENT, "There is no '%.128s'", path);
}

int bt_verify_pin(const char *player, const char *trusted, const char *sha256, struct bt_error *err)
{
    BT_AUTOBUF root;
    char hex[BT_SHA256_HEX_BYTES];
    bt_buf_init(&root, BT_METADATA_MAX_BYTES);
    int r = bt_hostile_read(player, "metadata/root.json", &root, err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 hash = bt_sha256_of(root.data, root.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    if (sha256 != NULL && strcmp(hex, sha256) != 0) {
        return bt_fail(err, -EACCES, "The player's root is %s, not the one that was given", hex);
    }
    return bt_tuf_client_pin(trusted, bt_buf_text(&root), root.len, err);
}

/*
 * What is offered.
 */

struct offer {
    char version[BT_VERSION_BYTES];
    char file[80];
};

static const struct bt_json_field offer_fields[] = {
    BT_JSON_FIELD(struct offer, version, "version", BT_JSON_STRING, .min = 5,
                  .max = BT_VERSION_BYTES - 1),
    BT_JSON_FIELD(struct offer, file, "file", BT_JSON_STRING, .min = 1, .max = 79),
};

static int read_offer(const char *player, struct offer *out, struct bt_version *out_version,
                      struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOJSON *json = NULL;
    bt_buf_init(&text, OFFER_MAX_BYTES);
    int r = bt_hostile_read(player, "update/offer.json", &text, err);
    r = r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, &json, err);
    r = r < 0 ? r : bt_json_read(json, offer_fields, BT_ARRAY_LEN(offer_fields), out, NULL, err);
    if (r == 0 && (strchr(out->file, '/') != NULL || out->file[0] == '.' ||
                   bt_version_parse(out->version, out_version) < 0)) {
        r = bt_fail(err, -EINVAL, "it is no version or no name of a file");
    }
    return r < 0 && r != -ENOENT ? bt_fail_in(err, r, "offer.json") : r;
}

int bt_verify_still_offered(const char *player, const struct bt_version *version,
                            struct bt_error *err)
{
    struct offer offer;
    struct bt_version offered;
    int r = read_offer(player, &offer, &offered, err);
    return r == 0 && bt_version_compare(&offered, version) != 0
               ? bt_fail(err, -ENOENT, "Another version is offered now")
               : r;
}

static int load_software(const struct bt_verify_options *options, struct bt_software **out,
                         struct bt_error *err)
{
    BT_AUTO(bt_tuf_client) client = NULL;
    BT_AUTOBUF text;
    struct bt_tuf_target target;
    // The fetcher only reads it.
    const struct bt_tuf_fetcher fetcher = {fetch, (void *)(uintptr_t)options->player};
    bt_buf_init(&text, BT_SOFTWARE_MAX_BYTES);
    int r = bt_tuf_client_open(options->trusted, &fetcher, &client, err);
    r = r < 0 ? r : bt_tuf_client_refresh(client, options->now_ms, err);
    if (r < 0) {
        return bt_fail_in(err, r, "metadata");
    }
    r = bt_tuf_client_find(client, BT_SOFTWARE_TARGET, options->now_ms, &target, err);
    if (r == -ENOENT) {
        return bt_fail(err, -EPERM, "The province has signed for no versions");
    }
    r = r < 0 ? r : bt_tuf_client_download(client, BT_SOFTWARE_TARGET, &target, &text, err);
    r = r < 0 ? r : bt_software_parse(bt_buf_text(&text), text.len, false, out, err);
    return r < 0 ? bt_fail_in(err, r, BT_SOFTWARE_TARGET) : 0;
}

static bool fits(const struct bt_release *release, const struct bt_verify_options *options,
                 const struct bt_version *version)
{
    return strcmp(release->program, PROGRAM) == 0 &&
           strcmp(release->platform, options->platform) == 0 &&
           release->from_ms <= options->now_ms &&
           bt_version_compare(&release->version, version) == 0;
}

static int find_release(const struct bt_verify_options *options, const struct bt_software *software,
                        const struct bt_version *version, const struct bt_release **out,
                        struct bt_error *err)
{
    char text[BT_VERSION_BYTES];
    bt_version_text(version, text);
    if (bt_version_compare(version, &options->running) == 0) {
        return bt_fail(err, -EALREADY, "Version %s runs already", text);
    }
    if (bt_version_compare(version, &options->running) < 0) {
        return bt_fail(err, -EPERM, "Version %s is not above the one that runs", text);
    }
    for (size_t i = 0; i < options->bad_count; i++) {
        if (bt_version_compare(version, &options->bad[i]) == 0) {
            return bt_fail(err, -EPERM, "Version %s played worse before", text);
        }
    }
    for (size_t i = 0; i < software->count; i++) {
        if (fits(&software->list[i], options, version)) {
            *out = &software->list[i];
            return 0;
        }
    }
    return bt_fail(err, -EPERM, "Nobody signed version %s for %s", text, options->platform);
}

static int copy_bounded(int from, int to, int64_t size, struct bt_sha256 *out, struct bt_error *err)
{
    char piece[65536];
    int64_t copied = 0;
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    for (;;) {
        ssize_t count = read(from, piece, sizeof(piece));
        if (count < 0) {
            return bt_fail_errno(err, "Cannot read the package");
        }
        if (count == 0) {
            break;
        }
        copied += count;
        if (copied > size) {
            return bt_fail(err, -EBADMSG, "The package is longer than was signed");
        }
        bt_hasher_add(hasher, piece, (size_t)count);
        if (write(to, piece, (size_t)count) != count) {
            return bt_fail_errno(err, "Cannot write the package");
        }
    }
    *out = bt_hasher_result(hasher);
    return copied == size ? 0 : bt_fail(err, -EBADMSG, "The package is shorter than was signed");
}

// Ours before its hash is looked at: nobody changes it any more.
static int take_package(const struct bt_verify_options *options, const struct offer *offer,
                        const struct bt_release *release, const char *to, struct bt_error *err)
{
    char path[PATH_BYTES];
    struct bt_sha256 sha256;
    if (bt_format(path, sizeof(path), "update/%s", offer->file) < 0) {
        return bt_fail(err, -EINVAL, "The name of the file is too long");
    }
    BT_AUTOCLOSE int from = bt_hostile_open(options->player, path, err);
    if (from < 0) {
        return from;
    }
    unlink(to);
    BT_AUTOCLOSE int copy = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (copy < 0) {
        return bt_fail_errno(err, "Cannot write '%s'", to);
    }
    int r = copy_bounded(from, copy, release->size, &sha256, err);
    if (r == 0 && memcmp(&sha256, &release->sha256, sizeof(sha256)) != 0) {
        r = bt_fail(err, -EBADMSG, "The package is not the one that was signed");
    }
    if (r == 0 && fsync(copy) < 0) {
        r = bt_fail_errno(err, "Cannot write '%s'", to);
    }
    if (r < 0) {
        unlink(to);
    }
    return r;
}

int bt_verify_offer(const struct bt_verify_options *options, const char *to, struct bt_version *out,
                    struct bt_error *err)
{
    BT_AUTO(bt_software) software = NULL;
    const struct bt_release *release;
    struct bt_version version;
    struct offer offer;
    int r = read_offer(options->player, &offer, &version, err);
    r = r < 0 ? r : load_software(options, &software, err);
    r = r < 0 ? r : find_release(options, software, &version, &release, err);
    r = r < 0 ? r : take_package(options, &offer, release, to, err);
    if (r == 0) {
        *out = version;
    }
    return r;
}
