#include "cli/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define CONFIG_MAX_BYTES (256 * 1024)

static char *config_path(void)
{
    // NOLINTBEGIN(concurrency-mt-unsafe): nobody changes the environment
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    // NOLINTEND(concurrency-mt-unsafe)
    if (config != NULL && config[0] == '/') {
        return bt_strf("%s/bangtin", config);
    }
    return home != NULL && home[0] == '/' ? bt_strf("%s/.config/bangtin", home) : NULL;
}

int bt_config_dir(char **out, struct bt_error *err)
{
    BT_AUTOFREE char *dir = config_path();
    if (dir == NULL) {
        return bt_fail(err, -ENOENT,
                       "Không biết thư mục cấu hình / neither HOME nor "
                       "XDG_CONFIG_HOME says where to keep things");
    }
    BT_AUTOFREE char *parent = bt_strndup(dir, (size_t)(strrchr(dir, '/') - dir));
    int r = bt_file_make_dirs(parent, err);
    if (r < 0) {
        return r;
    }
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        return bt_fail_errno(err, "Cannot make '%s'", dir);
    }
    *out = BT_TAKE(dir);
    return 0;
}

int bt_config_read(const char *name, cJSON **out, struct bt_error *err)
{
    BT_AUTOFREE char *dir = config_path();
    BT_AUTOBUF text;
    bt_buf_init(&text, CONFIG_MAX_BYTES);
    if (dir == NULL) {
        return bt_fail(err, -ENOENT, "There is no '%s'", name);
    }
    BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
    int r = bt_file_read(path, &text, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *object = NULL;
    r = bt_json_parse(bt_buf_text(&text), text.len, &object, err);
    if (r == 0 && !cJSON_IsObject(object)) {
        r = bt_fail(err, -EINVAL, "not an object");
    }
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    *out = BT_TAKE(object);
    return 0;
}

int bt_config_write(const char *name, const cJSON *object, struct bt_error *err)
{
    BT_AUTOFREE char *dir = NULL;
    int r = bt_config_dir(&dir, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
    char *text = cJSON_Print(object);
    r = text != NULL ? bt_file_replace_secret(path, text, strlen(text), err)
                     : bt_fail(err, -ENOMEM, "No memory for '%s'", path);
    cJSON_free(text);
    return r;
}

void bt_config_remove(const char *name)
{
    BT_AUTOFREE char *dir = config_path();
    if (dir != NULL) {
        BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
        unlink(path);
    }
}
