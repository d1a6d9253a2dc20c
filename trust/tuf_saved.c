#include "trust/tuf_saved.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "trust/metadata.h"
#include "trust/percent.h"

static int path_of(const char *directory, const char *role, struct bt_buf *out,
                   struct bt_error *err)
{
    bt_buf_init(out, strlen(directory) + 3 * BT_ROLE_BYTES + sizeof("/.json"));
    int r = bt_buf_appendf(out, "%s/", directory);
    if (r < 0 || (r = bt_percent_encode(role, false, out)) < 0 ||
        (r = bt_buf_append(out, ".json", 5)) < 0) {
        return bt_fail(err, r, "The name of role '%.64s' is too long", role);
    }
    return 0;
}

int bt_tuf_saved_write(const char *directory, const char *role, const void *text, size_t len,
                       struct bt_error *err)
{
    BT_AUTOBUF path = {0};
    int r = path_of(directory, role, &path, err);
    return r < 0 ? r : bt_file_replace(path.data, text, len, err);
}

int bt_tuf_saved_read(const char *directory, const char *role, struct bt_buf *out,
                      struct bt_error *err)
{
    BT_AUTOBUF path = {0};
    int r = path_of(directory, role, &path, err);
    return r < 0 ? r : bt_file_read(path.data, out, err);
}

void bt_tuf_saved_remove(const char *directory, const char *role)
{
    BT_AUTOBUF path = {0};
    if (path_of(directory, role, &path, NULL) == 0) {
        unlink(path.data);
    }
}
