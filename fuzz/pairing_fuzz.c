// What a server answers to a player that wants to be paired: drawn on the wall and pinned, if read.
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sync/identity.h"
#include "trust/tuf_root.h"

// A key for the whole run; which one makes no difference to what is read.
static const struct bt_private_key *player_key(void)
{
    static struct bt_private_key *key;
    if (key == NULL) {
        assert(bt_private_key_generate(BT_PRIVATE_ED25519, &key, NULL) == 0);
    }
    return key;
}

static void check_pairing(const struct bt_pairing *pairing)
{
    assert(strlen(pairing->root) == pairing->root_len);
    assert(strlen(pairing->code) == 9 && pairing->code[4] == '-' && pairing->words[0] != '\0');
    assert(bt_id_is_plain(pairing->id) && pairing->expires_s > 0 && pairing->poll_s > 0);
}

static void read_answer(const uint8_t *data, size_t size, bool newer, struct bt_pairing *out)
{
    struct bt_error err = {0};
    const struct bt_pairing_request request = {
        .model = "", .version = "", .token = "", .root_sha256 = "", .newer = newer};
    int r = bt_pairing_read(player_key(), &request, (const char *)data, size, out, &err);
    assert((r < 0) == (err.msg[0] != '\0'));
    assert((r < 0) == (out->root == NULL));
    if (r == 0) {
        check_pairing(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_pairing told = {0}, walked = {0};
    read_answer(data, size, false, &told);
    read_answer(data, size, true, &walked);
    if (walked.root != NULL && strcmp(walked.root, told.root) != 0) {
        BT_AUTO(bt_tuf_document) first = NULL;
        BT_AUTO(bt_tuf_document) last = NULL;
        assert(bt_tuf_root_read(told.root, told.root_len, &first, NULL) == 0);
        assert(bt_tuf_root_read(walked.root, walked.root_len, &last, NULL) == 0);
        assert(last->version > first->version);
    }
    bt_pairing_finish(&told);
    bt_pairing_finish(&walked);
    return 0;
}
