#include "cli/verify/drawn.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"

static bool is_known(const struct bt_drawn *drawn, const char *hex)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, drawn->files)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), hex)) {
            return true;
        }
    }
    return false;
}

int bt_drawn_check(const struct bt_drawn *drawn, const char *path, struct bt_verdict *verdict,
                   struct bt_error *err)
{
    BT_AUTOBUF bytes;
    char hex[BT_SHA256_HEX_BYTES];
    bt_buf_init(&bytes, BT_DRAWN_MAX_BYTES);
    int r = bt_file_read(path, &bytes, err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 hash = bt_sha256_of(bt_buf_text(&bytes), bytes.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    if (is_known(drawn, hex)) {
        bt_verdict_add(verdict, BT_FINDING_HOLDS, "file",
                       bt_strf("Tệp '%s' đúng là tệp máy chủ đã xuất từ báo cáo", path),
                       bt_strf("File '%s' is what the server drew from the report", path));
        return 0;
    }
    bt_verdict_add(verdict, BT_FINDING_FAULT, "file",
                   bt_strf("Tệp '%s' không phải tệp máy chủ đã xuất từ báo cáo này", path),
                   bt_strf("File '%s' is not what the server drew from this report", path));
    return 0;
}
