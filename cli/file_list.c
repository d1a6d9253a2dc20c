#include "cli/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"

static int add_path(struct bt_file_list *list, char *path, struct bt_error *err)
{
    if (list->count == BT_MAX_ITEMS) {
        free(path);
        return bt_fail(err, -E2BIG, "More than %d files", BT_MAX_ITEMS);
    }
    BT_GROW(list->paths, list->capacity, list->count + 1);
    list->paths[list->count++] = path;
    return 0;
}

static bool is_regular(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int compare_paths(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int add_entries(struct bt_file_list *list, DIR *dir, const char *path, struct bt_error *err)
{
    size_t first = list->count;
    const char *slash = bt_str_ends(path, "/") ? "" : "/";
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        BT_AUTOFREE char *inside = bt_strf("%s%s%s", path, slash, entry->d_name);
        if (entry->d_name[0] == '.' || !is_regular(inside)) {
            continue;
        }
        int r = add_path(list, BT_TAKE(inside), err);
        if (r < 0) {
            return r;
        }
    }
    qsort(list->paths + first, list->count - first, sizeof(*list->paths), compare_paths);
    return 0;
}

int bt_file_list_add(struct bt_file_list *list, const char *path, struct bt_error *err)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        return bt_fail_errno(err, "Cannot find '%s'", path);
    }
    if (!S_ISDIR(info.st_mode)) {
        return add_path(list, bt_strdup(path), err);
    }
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return bt_fail_errno(err, "Cannot read the folder '%s'", path);
    }
    int r = add_entries(list, dir, path, err);
    closedir(dir);
    return r;
}

void bt_file_list_finish(struct bt_file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    *list = (struct bt_file_list){0};
}
