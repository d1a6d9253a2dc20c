// What players put on a stick, brought to the server.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/bundle.h"
#include "plays/batch.h"
#include "trust/seal.h"

#define FOLDER "TRA-VE"
#define MAX_NAMES 4096

struct names {
    char *list[MAX_NAMES];
    size_t count;
};

static void names_finish(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->list[i]);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// In order, so that the server gets batches one after the other.
static int list(const char *path, const char *ending, struct names *out, struct bt_error *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    if (dir == NULL) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (out->count < MAX_NAMES && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && bt_str_ends(entry->d_name, ending)) {
            out->list[out->count++] = bt_strdup(entry->d_name);
        }
    }
    closedir(dir);
    qsort(out->list, out->count, sizeof(*out->list), by_name);
    return 0;
}

static int send_box(struct bt_client *client, const char *path, const char *file,
                    struct bt_error *err)
{
    BT_AUTOBUF bytes;
    BT_AUTOANSWER answer = {0};
    bt_buf_init(&bytes, BT_BATCH_MAX_PACKED + BT_SEAL_EXTRA_BYTES);
    int r = bt_file_read(file, &bytes, err);
    const struct bt_request request = {.method = "POST",
                                       .path = path,
                                       .bytes = bytes.data,
                                       .bytes_len = bytes.len,
                                       .bytes_type = "application/vnd.bangtin.sealed"};
    return r < 0 ? r : bt_client_ask(client, &request, &answer, err);
}

static int send_file(struct bt_client *client, const char *file, struct bt_bundle_returned *out,
                     struct bt_error *err)
{
    int r = send_box(client, "/v1/sticks/plays", file, err);
    out->batches++;
    out->counted += r == 0;
    out->refused += r < 0;
    if (r < 0 && r != -ECONNREFUSED) {
        fprintf(stderr, "%s: %s\n", file, err->msg);
        return 0;
    }
    return r;
}

// How the player was; one that says nothing of it has its plays all the same.
static int send_status(struct bt_client *client, const char *folder, struct bt_error *err)
{
    BT_AUTOFREE char *file = bt_strf("%s/status.seal", folder);
    int r = access(file, F_OK) == 0 ? send_box(client, "/v1/sticks/status", file, err) : 0;
    if (r < 0 && r != -ECONNREFUSED) {
        fprintf(stderr, "%s: %s\n", file, err->msg);
        return 0;
    }
    return r;
}

static int send_player(struct bt_client *client, const char *folder, struct bt_bundle_returned *out,
                       struct bt_error *err)
{
    BT_AUTOFINISH(names_finish) struct names files = {.count = 0};
    int r = list(folder, ".bin", &files, err);
    out->players++;
    for (size_t i = 0; i < files.count && r == 0; i++) {
        BT_AUTOFREE char *file = bt_strf("%s/%s", folder, files.list[i]);
        r = send_file(client, file, out, err);
    }
    return r < 0 ? r : send_status(client, folder, err);
}

int bt_bundle_return(struct bt_client *client, const char *directory,
                     struct bt_bundle_returned *out, struct bt_error *err)
{
    BT_AUTOFREE char *folder = bt_strf("%s/" FOLDER, directory);
    BT_AUTOFINISH(names_finish) struct names players = {.count = 0};
    *out = (struct bt_bundle_returned){0};
    int r = list(folder, "", &players, err);
    for (size_t i = 0; i < players.count && r == 0; i++) {
        struct stat info;
        BT_AUTOFREE char *player = bt_strf("%s/%s", folder, players.list[i]);
        if (lstat(player, &info) == 0 && S_ISDIR(info.st_mode)) {
            r = send_player(client, player, out, err);
        }
    }
    return r;
}
