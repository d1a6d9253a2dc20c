#include "update/versions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"

#define RECORD_MAX_BYTES 16384
#define PLAYER "usr/bin/bangtin-player"
#define UNPACKING ".unpacking"

/*
 * The record.
 */

static const char *const phase_words[] = {"idle", "trying", "going-back", NULL};

static int read_version(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    return cJSON_IsString(value) && bt_version_parse(value->valuestring, target) == 0
               ? 0
               : bt_fail(err, -EINVAL, "'%s' is no version", value->string);
}

static int read_bad(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct bt_record *record = target;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > BT_MAX_BAD) {
        return bt_fail(err, -EINVAL, "'bad' must be a list of at most %d", BT_MAX_BAD);
    }
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (!cJSON_IsString(entry) ||
            bt_version_parse(entry->valuestring, &record->bad[record->bad_count]) < 0) {
            return bt_fail(err, -EINVAL, "bad[%zu] is no version", record->bad_count);
        }
        record->bad_count++;
    }
    return 0;
}

struct reading {
    struct bt_record record;
    int phase;
};

static const struct bt_json_field record_fields[] = {
    BT_JSON_FIELD(struct reading, phase, "phase", BT_JSON_ENUM, .words = phase_words),
    BT_JSON_FIELD(struct reading, record.version, "version", BT_JSON_CUSTOM, .read = read_version),
    BT_JSON_FIELD(struct reading, record.before, "before", BT_JSON_CUSTOM, .read = read_version),
    BT_JSON_FIELD(struct reading, record.tries, "tries", BT_JSON_INT, .min = 0, .max = 1000),
    BT_JSON_FIELD(struct reading, record.dark, "dark", BT_JSON_INT, .optional = true, .max = 1000),
    BT_JSON_FIELD(struct reading, record.outcome, "outcome", BT_JSON_STRING, .min = 0, .max = 15),
    BT_JSON_FIELD(struct reading, record, "bad", BT_JSON_CUSTOM, .read = read_bad),
};

static int path_in(char out[PATH_MAX], const char *state, const char *name, struct bt_error *err)
{
    int r = bt_format(out, PATH_MAX, "%s/%s", state, name);
    return r < 0 ? bt_fail(err, r, "'%.128s' is too long", state) : 0;
}

int bt_record_load(const char *state, struct bt_record *out, struct bt_error *err)
{
    char path[PATH_MAX];
    BT_AUTOBUF text;
    BT_AUTOJSON *json = NULL;
    struct reading reading = {0};
    bt_buf_init(&text, RECORD_MAX_BYTES);
    int r = path_in(path, state, "record.json", err);
    r = r < 0 ? r : bt_file_read(path, &text, err);
    if (r == -ENOENT) {
        *out = (struct bt_record){0};
        return 0;
    }
    r = r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, &json, err);
    r = r < 0 ? r
              : bt_json_read(json, record_fields, BT_ARRAY_LEN(record_fields), &reading, NULL, err);
    if (r < 0) {
        return bt_fail_in(err, r, "%s", path);
    }
    reading.record.phase = (enum bt_phase)reading.phase;
    *out = reading.record;
    return 0;
}

int bt_record_save(const char *state, const struct bt_record *record, struct bt_error *err)
{
    char path[PATH_MAX], version[BT_VERSION_BYTES], before[BT_VERSION_BYTES];
    BT_AUTOBUF text;
    bt_buf_init(&text, RECORD_MAX_BYTES);
    bt_version_text(&record->version, version);
    bt_version_text(&record->before, before);
    int r = path_in(path, state, "record.json", err);
    if (r < 0) {
        return r;
    }
    r = bt_buf_appendf(&text,
                       "{\"phase\":\"%s\",\"version\":\"%s\",\"before\":\"%s\",\"tries\":%lld,"
                       "\"dark\":%lld,\"outcome\":\"%s\",\"bad\":[",
                       phase_words[record->phase], version, before, (long long)record->tries,
                       (long long)record->dark, record->outcome);
    for (size_t i = 0; i < record->bad_count && r == 0; i++) {
        bt_version_text(&record->bad[i], version);
        r = bt_buf_appendf(&text, "%s\"%s\"", i == 0 ? "" : ",", version);
    }
    r = r < 0 ? r : bt_buf_appendf(&text, "]}\n");
    return r < 0 ? bt_fail(err, r, "The record is too long")
                 : bt_file_replace(path, text.data, text.len, err);
}

void bt_record_mark_bad(struct bt_record *record, const struct bt_version *version)
{
    for (size_t i = 0; i < record->bad_count; i++) {
        if (bt_version_compare(&record->bad[i], version) == 0) {
            return;
        }
    }
    if (record->bad_count == BT_MAX_BAD) {
        memmove(record->bad, record->bad + 1, (BT_MAX_BAD - 1) * sizeof(*record->bad));
        record->bad_count--;
    }
    record->bad[record->bad_count++] = *version;
}

bool bt_version_is_zero(const struct bt_version *version)
{
    return bt_version_compare(version, &(struct bt_version){{0, 0, 0}}) == 0;
}

/*
 * Programs.
 */

int bt_run_program(const char *const *words, struct bt_error *err)
{
    pid_t child;
    int status = -1;
    // posix_spawn does not write to them.
    int r = posix_spawnp(&child, words[0], NULL, NULL, (char *const *)(uintptr_t)words, environ);
    if (r != 0) {
        return bt_fail(err, -r, "Cannot run '%s'", words[0]);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? 0
               : bt_fail(err, -EIO, "'%s %s' failed", words[0], words[1] != NULL ? words[1] : "");
}

/*
 * Directories.
 */

static int remove_tree(const char *path, struct bt_error *err)
{
    const char *const words[] = {"rm", "-rf", "--one-file-system", "--", path, NULL};
    return bt_run_program(words, err);
}

static int sync_directory(const char *path, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? bt_fail_errno(err, "Cannot sync '%s'", path) : 0;
}

static int sync_all_of(const char *path, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || syncfs(fd) < 0 ? bt_fail_errno(err, "Cannot sync '%s'", path) : 0;
}

static int check_player(const char *unpacked, struct bt_error *err)
{
    struct stat info;
    char path[PATH_MAX];
    int r = path_in(path, unpacked, PLAYER, err);
    if (r == 0 && (lstat(path, &info) < 0 || !S_ISREG(info.st_mode) || !(info.st_mode & 0111))) {
        r = bt_fail(err, -EINVAL, "The package has no %s", PLAYER);
    }
    return r;
}

static int name_version(const char *state, const struct bt_version *version, char out[PATH_MAX],
                        struct bt_error *err)
{
    char text[BT_VERSION_BYTES];
    bt_version_text(version, text);
    int r = bt_format(out, PATH_MAX, "%s/versions/%s", state, text);
    return r < 0 ? bt_fail(err, r, "'%.128s' is too long", state) : 0;
}

int bt_versions_unpack(const char *state, const struct bt_version *version, struct bt_error *err)
{
    char versions[PATH_MAX], unpacking[PATH_MAX], package[PATH_MAX], to[PATH_MAX];
    int r = path_in(versions, state, "versions", err);
    r = r < 0 ? r : path_in(unpacking, state, "versions/" UNPACKING, err);
    r = r < 0 ? r : path_in(package, state, "package.deb", err);
    r = r < 0 ? r : name_version(state, version, to, err);
    r = r < 0 ? r : bt_file_make_dirs(versions, err);
    // What a trial that was cut off left.
    r = r < 0 ? r : remove_tree(unpacking, err);
    r = r < 0 ? r : remove_tree(to, err);
    if (r < 0) {
        return r;
    }
    const char *const words[] = {"dpkg-deb", "--extract", package, unpacking, NULL};
    r = bt_run_program(words, err);
    r = r < 0 ? r : check_player(unpacking, err);
    r = r < 0 ? r : sync_all_of(unpacking, err);
    if (r == 0 && rename(unpacking, to) < 0) {
        r = bt_fail_errno(err, "Cannot rename '%s'", unpacking);
    }
    return r < 0 ? r : sync_directory(versions, err);
}

int bt_versions_switch(const char *state, const struct bt_version *version, struct bt_error *err)
{
    char link[PATH_MAX], next[PATH_MAX], text[BT_VERSION_BYTES], to[64];
    bt_version_text(version, text);
    int r = path_in(link, state, "current", err);
    r = r < 0 ? r : path_in(next, state, "current.next", err);
    r = r < 0 ? r : bt_format(to, sizeof(to), "versions/%s", text);
    if (r < 0) {
        return r;
    }
    if (bt_version_is_zero(version)) {
        if (unlink(link) < 0 && errno != ENOENT) {
            return bt_fail_errno(err, "Cannot remove '%s'", link);
        }
        return sync_directory(state, err);
    }
    unlink(next);
    if (symlink(to, next) < 0 || rename(next, link) < 0) {
        return bt_fail_errno(err, "Cannot switch '%s'", link);
    }
    return sync_directory(state, err);
}

static bool is_kept(const char *name, const struct bt_version *keep)
{
    char text[BT_VERSION_BYTES];
    bt_version_text(keep, text);
    return strcmp(name, text) == 0;
}

int bt_versions_tidy(const char *state, const struct bt_version *keep,
                     const struct bt_version *keep_too, struct bt_error *err)
{
    char versions[PATH_MAX], path[PATH_MAX];
    const struct dirent *entry;
    int r = path_in(versions, state, "versions", err);
    DIR *directory = r < 0 ? NULL : opendir(versions);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream
    while (r == 0 && directory != NULL && (entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_kept(name, keep) ||
            is_kept(name, keep_too)) {
            continue;
        }
        r = path_in(path, versions, name, err);
        r = r < 0 ? r : remove_tree(path, err);
    }
    if (directory != NULL) {
        closedir(directory);
    }
    r = r < 0 ? r : path_in(path, state, "package.deb", err);
    return r < 0 ? r : (unlink(path), 0);
}
