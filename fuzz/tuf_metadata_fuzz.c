// TUF metadata from a repository: read as each type, then everything a client asks of a document.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "trust/delegation.h"
#include "trust/tuf_document.h"

static void check_ring(const struct bt_tuf_document *document, struct bt_keyring *ring)
{
    struct bt_error err = {0};
    int64_t valid = -1;
    assert(ring->threshold >= 1);
    int r = bt_signatures_count(document->json, ring, &valid, &err);
    assert((r < 0) == (err.msg[0] != '\0'));
    assert(r < 0 || (valid >= 0 && valid <= (int64_t)ring->count));
    int reached = bt_signatures_check(document->json, ring, &err);
    assert((reached == 0) == (r == 0 && valid >= ring->threshold));
}

static void check_root(const struct bt_tuf_document *document)
{
    static const char *const roles[] = {"root", "timestamp", "snapshot", "targets"};
    for (size_t i = 0; i < BT_ARRAY_LEN(roles); i++) {
        BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
        assert(bt_tuf_document_role(document, roles[i], &ring, NULL) == 0);
        check_ring(document, &ring);
    }
    bt_tuf_document_is_consistent(document);
}

static void check_meta(const struct bt_tuf_document *document)
{
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(document->body, "meta");
    for (const cJSON *each = meta->child; each != NULL; each = each->next) {
        struct bt_tuf_file file;
        char name[BT_ROLE_BYTES];
        size_t len = strlen(each->string);
        if (len < 5 || len - 5 >= sizeof(name) || strcmp(each->string + len - 5, ".json") != 0) {
            continue;
        }
        memcpy(name, each->string, len - 5);
        name[len - 5] = '\0';
        assert(bt_tuf_document_meta(document, name, &file, NULL) == 0);
        assert(file.version >= 1 && file.length >= -1);
        if (bt_tuf_file_check(&file, "abc", 3, NULL) == 0) {
            assert(file.length == 3 || file.length == -1);
        }
    }
}

static void check_delegations(const struct bt_tuf_document *document, const char *path)
{
    for (const cJSON *each = bt_tuf_document_delegations(document); each != NULL;
         each = each->next) {
        BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
        assert(bt_delegation_role(each)[0] != '\0');
        bt_delegation_covers(each, path);
        bt_delegation_ends_search(each);
        if (bt_tuf_document_delegated(document, each, &ring, NULL) == 0) {
            check_ring(document, &ring);
        }
    }
}

static void check_targets(const struct bt_tuf_document *document)
{
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(document->body, "targets");
    for (const cJSON *each = targets->child; each != NULL; each = each->next) {
        struct bt_tuf_file file;
        assert(bt_tuf_document_target(document, each->string, &file, NULL) == 0);
        assert(file.length >= 0 && file.hashes != NULL);
    }
    check_delegations(document, targets->child != NULL ? targets->child->string : "u/1/a");
}

static const struct {
    const char *type;
    void (*check)(const struct bt_tuf_document *document);
} types[] = {
    {"root", check_root},
    {"timestamp", check_meta},
    {"snapshot", check_meta},
    {"targets", check_targets},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(types); i++) {
        struct bt_error err = {0};
        BT_AUTO(bt_tuf_document) document = NULL;
        int r = bt_tuf_document_read((const char *)data, size, types[i].type, &document, &err);
        assert((r < 0) == (document == NULL) && (r < 0) == (err.msg[0] != '\0'));
        if (document != NULL) {
            assert(document->version >= 1 && document->text.len == size);
            types[i].check(document);
        }
    }
    return 0;
}
