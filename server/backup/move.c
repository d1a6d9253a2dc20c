#include "server/backup/move.h"

#include <errno.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/backup/store_shelf.h"
#include "server/media/s3_place.h"

struct moving {
    const struct bt_move_request *request;
    struct bt_s3 *s3;
    bool into_store;
};

// What lies there from before may be damaged, and will be all there is.
static int fetch(const struct moving *moving, const struct bt_blob_entry *entry,
                 struct bt_error *err)
{
    const char *to = moving->request->to;
    int r = bt_store_shelf_fetch(moving->s3, to, entry, err);
    if (r < 0 || !moving->request->remove) {
        return r;
    }
    r = bt_store_shelf_hold(to, entry, err);
    if (r == -EBADMSG) {
        r = bt_store_shelf_fetch(moving->s3, to, entry, err);
        r = r < 0 ? r : bt_store_shelf_hold(to, entry, err);
    }
    return r;
}

static int carry(const struct moving *moving, const struct bt_blob_entry *entry,
                 struct bt_error *err)
{
    const struct bt_move_request *request = moving->request;
    int r = moving->into_store ? bt_store_shelf_send(request->from, moving->s3, entry, err)
                               : fetch(moving, entry, err);
    if (r < 0 || !request->remove) {
        return r;
    }
    return moving->into_store ? bt_shelf_remove(request->from, &entry->sha256, err)
                              : bt_store_shelf_remove(moving->s3, &entry->sha256, err);
}

static int carry_all(const struct moving *moving, struct bt_move_result *out, struct bt_error *err)
{
    BT_AUTOBLOBS there = {0};
    int64_t done = 0;
    int r = moving->into_store ? bt_shelf_list(moving->request->from, &there, err)
                               : bt_store_shelf_list(moving->s3, &there, err);
    for (size_t i = 0; r == 0 && i < there.count; i++) {
        r = carry(moving, &there.list[i], err);
        if (r == -EBADMSG && out->damaged++ == 0) {
            bt_hex(there.list[i].sha256.bytes, BT_SHA256_BYTES, out->first_damaged);
        }
        done += there.list[i].size;
        out->blobs += r == 0;
        out->bytes += r == 0 ? there.list[i].size : 0;
        r = r == -EBADMSG || r == -ENOENT ? 0 : r;
        moving->request->progress("Nội dung / content", done, there.bytes);
    }
    return r;
}

int bt_move_run(const struct bt_move_request *request, struct bt_move_result *out,
                struct bt_error *err)
{
    *out = (struct bt_move_result){0};
    BT_AUTO(bt_s3) s3 = NULL;
    struct moving moving = {.request = request, .into_store = bt_s3_is_address(request->to)};
    if (moving.into_store == bt_s3_is_address(request->from)) {
        return bt_fail(err, -EINVAL,
                       "--from, --to: một thư mục và một kho / a folder and a store are wanted");
    }
    struct bt_s3_options options = request->store;
    options.url = moving.into_store ? request->to : request->from;
    int r = bt_s3_open(&options, &s3, err);
    if (r < 0) {
        return r;
    }
    moving.s3 = s3;
    if (!moving.into_store) {
        r = bt_file_make_dirs(request->to, err);
        bt_shelf_tidy(request->to);
    }
    return r < 0 ? r : carry_all(&moving, out, err);
}
