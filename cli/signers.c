#include "cli/signers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

static int load(const struct bt_arguments *arguments, const char *path, struct bt_private_key **out,
                struct bt_error *err)
{
    BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0};
    BT_AUTOSECRET char *passphrase = NULL;
    int r = bt_key_facts_load(path, &facts, err);
    if (r < 0) {
        return r;
    }
    if (!facts.has_secret) {
        return bt_fail(err, -EINVAL,
                       "'%s' chỉ có nửa công khai, không ký được / has the public half alone and "
                       "cannot sign",
                       path);
    }
    if (facts.is_protected) {
        BT_AUTOFREE char *prompt = bt_strf("Mật khẩu của khóa '%s' / passphrase of this key", path);
        r = bt_secret_read(arguments, "passphrase", prompt, false, &passphrase, err);
    }
    return r < 0 ? r : bt_private_key_load(path, passphrase, out, err);
}

int bt_signers_add(const struct bt_arguments *arguments, const char *path, struct bt_signers *out,
                   struct bt_error *err)
{
    BT_AUTO(bt_private_key) key = NULL;
    int r = load(arguments, path, &key, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < out->count; i++) {
        if (bt_str_equal(bt_private_key_id(out->keys[i]), bt_private_key_id(key))) {
            return 0;
        }
    }
    size_t room = out->count;
    BT_GROW(out->keys, room, out->count + 1);
    out->keys[out->count++] = BT_TAKE(key);
    return 0;
}

int bt_signers_load(const struct bt_arguments *arguments, struct bt_signers *out,
                    struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; i < bt_argument_count(arguments, "key") && r == 0; i++) {
        r = bt_signers_add(arguments, bt_argument_at(arguments, "key", i), out, err);
    }
    return r;
}

void bt_signers_finish(struct bt_signers *signers)
{
    for (size_t i = 0; i < signers->count; i++) {
        bt_private_key_destroy(signers->keys[i]);
    }
    free(signers->keys);
    *signers = (struct bt_signers){0};
}
