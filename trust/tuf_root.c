#include "trust/tuf_root.h"

#include <errno.h>

int bt_tuf_root_vouches(const struct bt_tuf_document *root, const struct bt_tuf_document *of,
                        const char *role, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = bt_tuf_document_role(root, role, &ring, err);
    return r < 0 ? r : bt_signatures_check(of->json, &ring, err);
}

int bt_tuf_root_read(const char *text, size_t len, struct bt_tuf_document **out,
                     struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) root = NULL;
    if (len > BT_TUF_ROOT_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "A root has at most %d bytes", BT_TUF_ROOT_MAX_BYTES);
    }
    int r = bt_tuf_document_read(text, len, "root", &root, err);
    if (r == 0) {
        r = bt_tuf_root_vouches(root, root, "root", err);
    }
    if (r < 0) {
        return bt_fail_in(err, r, "'root'");
    }
    *out = BT_TAKE(root);
    return 0;
}

int bt_tuf_root_next(const struct bt_tuf_document *now, const char *text, size_t len,
                     struct bt_tuf_document **out, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) next = NULL;
    int r = bt_tuf_root_read(text, len, &next, err);
    if (r == 0 && (r = bt_tuf_root_vouches(now, next, "root", err)) < 0) {
        r = bt_fail_in(err, r, "The keys of root version %lld", (long long)now->version);
    }
    if (r == 0 && next->version != now->version + 1) {
        r = bt_fail(err, -ESTALE, "'root' is of version %lld instead of %lld",
                    (long long)next->version, (long long)now->version + 1);
    }
    if (r == 0) {
        *out = BT_TAKE(next);
    }
    return r;
}
