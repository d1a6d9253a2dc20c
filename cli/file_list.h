// The files a command line names: files as they are, directories as the files in them.
#ifndef BT_CLI_FILE_LIST_H
#define BT_CLI_FILE_LIST_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_file_list {
    char **paths;
    size_t count, capacity;
};

/**
 * Adds a file, or of a directory all regular files that are not hidden, in the order of their
 * names with numbers counted ("2.png" before "10.png"). Directories inside are left alone.
 * Errors: the errno of reading, -E2BIG more files than a playlist has items.
 */
int bt_file_list_add(struct bt_file_list *list, const char *path,
                     struct bt_error *err) BT_NODISCARD;
void bt_file_list_finish(struct bt_file_list *list);

#endif
