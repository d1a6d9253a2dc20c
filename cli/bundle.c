#include "cli/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/trusted.h"
#include "playlists/publication.h"
#include "trust/stick.h"
#include "trust/tuf_client.h"

#define FOLDER "BANGTIN"
#define MAX_ROLE_BYTES 128

// While a bundle is written.
struct work {
    struct bt_bundle *bundle;  // borrowed
    char *trust;               // folder of a TUF client of our own; removed at the end
    struct bt_tuf_client *tuf;
    int64_t now_ms;
    char **paths;  // of targets; owned
    size_t count, capacity;
    struct bt_asset *assets;
    size_t asset_count, asset_capacity;
};

static char *on_stick(const struct work *work, const char *path)
{
    return bt_strf("%s/" FOLDER "/%s", work->bundle->directory, path);
}

static int put(const struct work *work, const char *path, const void *bytes, size_t len,
               struct bt_error *err)
{
    BT_AUTOFREE char *file = on_stick(work, path);
    BT_AUTOFREE char *folder = bt_strndup(file, (size_t)(strrchr(file, '/') - file));
    int r = bt_file_make_dirs(folder, err);
    return r < 0 ? r : bt_file_replace(file, bytes, len, err);
}

// What the TUF client asks for is what the stick gets, and nothing more. It is put there before the
// client has looked at it; the word comes last, and players verify all of it themselves.
static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    struct work *work = context;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *whole = bt_strf("/tuf/%s", path);
    int r = bt_client_get(work->bundle->client, whole, &answer, err);
    r = r < 0 ? r : bt_buf_append(out, bt_buf_text(&answer.body), answer.body.len);
    return r < 0 ? r : put(work, path, answer.body.data, answer.body.len, err);
}

static void note_path(const char *path, void *context)
{
    struct work *work = context;
    BT_GROW(work->paths, work->capacity, work->count + 1);
    work->paths[work->count++] = bt_strdup(path);
}

// A role that nobody has signed in yet has nothing to carry.
static int list_role(struct work *work, const char *role, const char *prefix, struct bt_error *err)
{
    int r = bt_tuf_client_list(work->tuf, role, prefix, work->now_ms, note_path, work, err);
    return r == -ENOENT || r == -ENODATA ? 0 : r;
}

static int list_unit(struct work *work, const char *unit, struct bt_error *err)
{
    char role[MAX_ROLE_BYTES], prefix[MAX_ROLE_BYTES];
    int r = 0;
    for (const char *kind = "us"; *kind != '\0' && r == 0; kind++) {
        r = bt_format(role, sizeof(role), "%c-%s", *kind, unit);
        r = r < 0 ? r : bt_format(prefix, sizeof(prefix), "%c/%s/", *kind, unit);
        r = r < 0 ? bt_fail(err, r, "'%.40s' is no unit", unit)
                  : list_role(work, role, prefix, err);
    }
    return r;
}

static int list_all(struct work *work, struct bt_error *err)
{
    const cJSON *units = cJSON_GetObjectItemCaseSensitive(work->bundle->issued, "units");
    int r = list_role(work, "targets", "", err);
    for (const cJSON *each = cJSON_IsArray(units) ? units->child : NULL; each != NULL && r == 0;
         each = each->next) {
        r = cJSON_IsString(each) ? list_unit(work, each->valuestring, err) : r;
    }
    return r;
}

static void note_assets(struct work *work, const struct bt_publication *publication)
{
    BT_GROW(work->assets, work->asset_capacity, work->asset_count + publication->asset_count + 1);
    for (size_t i = 0; i < publication->asset_count; i++) {
        work->assets[work->asset_count++] = publication->assets[i];
    }
}

static int carry_target(struct work *work, const char *path, struct bt_error *err)
{
    struct bt_tuf_target target;
    struct bt_publication *publication = NULL;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = bt_tuf_client_find(work->tuf, path, work->now_ms, &target, err);
    if (r == -ENOENT) {
        return 0;  // another role speaks for it, and does not name it
    }
    r = r < 0 ? r : bt_tuf_client_download(work->tuf, path, &target, &text, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    work->bundle->documents++;
    if (strcmp(path, "servers.json") != 0 &&
        bt_publication_parse(bt_buf_text(&text), text.len, BT_UNKNOWN_IGNORE, &publication, NULL) ==
            0) {
        note_assets(work, publication);
        bt_publication_destroy(publication);
    }
    return 0;
}

// For players whose root is older than ours.
static int carry_roots(struct work *work, struct bt_error *err)
{
    struct bt_tuf_versions versions;
    bt_tuf_client_versions(work->tuf, &versions);
    int r = 0;
    for (int64_t version = 1; version <= versions.root && r == 0; version++) {
        BT_AUTOBUF text;
        BT_AUTOFREE char *path = bt_strf("metadata/%lld.root.json", (long long)version);
        bt_buf_init(&text, BT_METADATA_MAX_BYTES);
        r = fetch(work, path, &text, err);
    }
    return r;
}

/*
 * Assets.
 */

static int by_hash(const void *a, const void *b)
{
    return memcmp(&((const struct bt_asset *)a)->sha256, &((const struct bt_asset *)b)->sha256,
                  sizeof(struct bt_sha256));
}

static void drop_doubles(struct work *work)
{
    size_t kept = 0;
    if (work->asset_count > 0) {
        qsort(work->assets, work->asset_count, sizeof(*work->assets), by_hash);
    }
    for (size_t i = 0; i < work->asset_count; i++) {
        if (kept == 0 || by_hash(&work->assets[kept - 1], &work->assets[i]) != 0) {
            work->assets[kept++] = work->assets[i];
        }
    }
    work->asset_count = kept;
}

static char *blob_path(const struct work *work, const struct bt_asset *asset,
                       char hex[BT_SHA256_HEX_BYTES])
{
    bt_hex(asset->sha256.bytes, BT_SHA256_BYTES, hex);
    BT_AUTOFREE char *path = bt_strf("blobs/%.2s/%s", hex, hex);
    return on_stick(work, path);
}

static bool is_there(const char *file, const struct bt_asset *asset)
{
    struct stat info;
    struct bt_sha256 hash;
    return stat(file, &info) == 0 && info.st_size == asset->size &&
           bt_sha256_of_file(file, &hash, NULL, NULL) == 0 &&
           memcmp(&hash, &asset->sha256, sizeof(hash)) == 0;
}

static int check_room(const struct work *work, struct bt_error *err)
{
    struct statvfs info;
    int64_t needed = 0;
    char hex[BT_SHA256_HEX_BYTES];
    for (size_t i = 0; i < work->asset_count; i++) {
        struct stat there;
        BT_AUTOFREE char *file = blob_path(work, &work->assets[i], hex);
        needed += stat(file, &there) == 0 ? 0 : work->assets[i].size;
    }
    if (statvfs(work->bundle->directory, &info) < 0) {
        return bt_fail_errno(err, "Cannot look at '%s'", work->bundle->directory);
    }
    int64_t room = (int64_t)info.f_bavail * (int64_t)info.f_frsize;
    return needed <= room ? 0
                          : bt_fail(err, -ENOSPC,
                                    "USB còn trống %lld MB, cần %lld MB / the stick has %lld MB "
                                    "free, %lld MB are needed",
                                    (long long)(room >> 20), (long long)(needed >> 20),
                                    (long long)(room >> 20), (long long)(needed >> 20));
}

static int carry_asset(struct work *work, const struct bt_asset *asset, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTOFREE char *file = blob_path(work, asset, hex);
    BT_AUTOFREE char *folder = bt_strndup(file, (size_t)(strrchr(file, '/') - file));
    work->bundle->assets++;
    work->bundle->bytes += asset->size;
    if (is_there(file, asset)) {
        return 0;
    }
    BT_AUTOFREE char *path = bt_strf("/blobs/%s", hex);
    int r = bt_file_make_dirs(folder, err);
    r = r < 0
            ? r
            : bt_client_fetch_file(work->bundle->client, path, file, asset->size, NULL, NULL, err);
    if (r == 0 && !is_there(file, asset)) {
        r = bt_fail(err, -EBADMSG, "the stick does not keep what is written to it");
    }
    return r < 0 ? bt_fail_in(err, r, "'%.12s…'", hex) : 0;
}

static int carry_assets(struct work *work, struct bt_error *err)
{
    drop_doubles(work);
    int r = check_room(work, err);
    for (size_t i = 0; i < work->asset_count && r == 0; i++) {
        r = carry_asset(work, &work->assets[i], err);
    }
    return r;
}

/*
 * All of it.
 */

static const char *text_of(const struct work *work, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(work->bundle->issued, key));
    return text != NULL ? text : "";
}

static int open_trust(struct work *work, struct bt_error *err)
{
    BT_AUTOBUF root = {0};
    const struct bt_tuf_fetcher fetcher = {fetch, work};
    char folder[] = "/tmp/bangtin-XXXXXX";
    const char *word = text_of(work, "word");
    if (mkdtemp(folder) == NULL) {
        return bt_fail_errno(err, "Cannot make a folder in /tmp");
    }
    work->trust = bt_strdup(folder);
    int r = bt_trusted_root_text(work->bundle->client, work->bundle->root_sha256, &root, err);
    r = r < 0 ? r : bt_tuf_client_pin(folder, root.data, root.len, err);
    r = r < 0 ? r : bt_tuf_client_open(folder, &fetcher, &work->tuf, err);
    return r < 0 ? r
                 : bt_tuf_client_refresh_stick(work->tuf, word, strlen(word), work->now_ms, err);
}

// The word last: without it the rest is nothing.
static int seal_stick(struct work *work, struct bt_error *err)
{
    const char *told = text_of(work, "told"), *word = text_of(work, "word");
    int r = put(work, "told.json", told, strlen(told), err);
    return r < 0 ? r : put(work, "stick.json", word, strlen(word), err);
}

static void remove_trust(struct work *work)
{
    DIR *dir = work->trust != NULL ? opendir(work->trust) : NULL;
    const struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
        rmdir(work->trust);
    }
}

static void work_finish(struct work *work)
{
    remove_trust(work);
    bt_tuf_client_destroy(work->tuf);
    for (size_t i = 0; i < work->count; i++) {
        free(work->paths[i]);
    }
    free(work->paths);
    free(work->assets);
    free(work->trust);
}

int bt_bundle_write(struct bt_bundle *bundle, struct bt_error *err)
{
    BT_AUTOFINISH(work_finish)
    struct work work = {.bundle = bundle, .now_ms = bt_clock_wall_ms(bt_clock_real())};
    int r = open_trust(&work, err);
    r = r < 0 ? r : list_all(&work, err);
    for (size_t i = 0; i < work.count && r == 0; i++) {
        r = carry_target(&work, work.paths[i], err);
    }
    r = r < 0 ? r : carry_roots(&work, err);
    r = r < 0 ? r : carry_assets(&work, err);
    return r < 0 ? r : seal_stick(&work, err);
}
