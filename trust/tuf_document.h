/**
 * One TUF metadata document: its text read and every field checked that the client later relies on.
 * Who signed it is not asked here (trust/metadata.h). Fields that we do not know stay in the JSON,
 * and so under the signatures.
 *
 * Immutable once read, so thread-safe.
 */
#ifndef BT_TRUST_TUF_DOCUMENT_H
#define BT_TRUST_TUF_DOCUMENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "trust/metadata.h"

struct bt_tuf_document {
    cJSON *json;         // {signed, signatures}
    const cJSON *body;   // `signed`, borrowed from json
    int64_t version;     // >= 1
    int64_t expires_ms;  // UTC
    struct bt_buf text;  // as it came; what is kept on disk
};

/**
 * Reads the document of a role type: "root", "timestamp", "snapshot", "targets", or "stick", which
 * is no role but what a USB stick has in the timestamp's place (trust/stick.h).
 * Errors: -EINVAL with what is wrong.
 */
int bt_tuf_document_read(const char *text, size_t len, const char *type,
                         struct bt_tuf_document **out, struct bt_error *err) BT_NODISCARD;
void bt_tuf_document_destroy(struct bt_tuf_document *document);
BT_DEFINE_AUTO(bt_tuf_document)

// The keys of one of the four top roles, out of a root document.
int bt_tuf_document_role(const struct bt_tuf_document *root, const char *role,
                         struct bt_keyring *out, struct bt_error *err) BT_NODISCARD;

// Root documents: versions and hashes stand in the names of files.
bool bt_tuf_document_is_consistent(const struct bt_tuf_document *root);

// What a file must be, said by a document that names it.
struct bt_tuf_file {
    int64_t version;      // of metadata; 0 for targets
    int64_t length;       // bytes; -1 when it is not said
    const cJSON *hashes;  // NULL when it is not said; borrowed
};

// The entry of a timestamp or snapshot for a role; -ENOENT when there is none.
int bt_tuf_document_meta(const struct bt_tuf_document *document, const char *role,
                         struct bt_tuf_file *out, struct bt_error *err) BT_NODISCARD;

// The entry of a targets document for a path; -ENOENT when there is none.
int bt_tuf_document_target(const struct bt_tuf_document *targets, const char *path,
                           struct bt_tuf_file *out, struct bt_error *err) BT_NODISCARD;

// -EBADMSG unless length and every hash we know are as said; other hashes are passed over.
int bt_tuf_file_check(const struct bt_tuf_file *file, const void *bytes, size_t len,
                      struct bt_error *err) BT_NODISCARD;

// The roles of a targets document's delegations, in order, for walking with ->next; NULL: none.
const cJSON *bt_tuf_document_delegations(const struct bt_tuf_document *targets);

// A delegation's keys, out of the document that delegates.
int bt_tuf_document_delegated(const struct bt_tuf_document *targets, const cJSON *delegation,
                              struct bt_keyring *out, struct bt_error *err) BT_NODISCARD;

#endif
