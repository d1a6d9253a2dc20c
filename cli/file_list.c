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

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_folder(struct bt_file_list *list, const char *path, struct bt_error *err)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, versionsort);
    if (count < 0) {
        return bt_fail_errno(err, "Cannot read the folder '%s'", path);
    }
    const char *slash = bt_str_ends(path, "/") ? "" : "/";
    int r = 0;
    for (int i = 0; i < count; i++) {
        BT_AUTOFREE char *inside = bt_strf("%s%s%s", path, slash, entries[i]->d_name);
        if (r == 0 && is_regular(inside)) {
            r = add_path(list, BT_TAKE(inside), err);
        }
        free(entries[i]);
    }
    free(entries);
    return r;
}

int bt_file_list_add(struct bt_file_list *list, const char *path, struct bt_error *err)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        return bt_fail_errno(err, "Cannot find '%s'", path);
    }
    return S_ISDIR(info.st_mode) ? add_folder(list, path, err)
                                 : add_path(list, bt_strdup(path), err);
}

void bt_file_list_finish(struct bt_file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    *list = (struct bt_file_list){0};
}
