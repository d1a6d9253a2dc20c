/**
 * The offline half of a repository: its root and targets metadata on the machine of those who hold
 * their keys: a folder that may travel on a USB stick from one holder to the next.
 *
 *   repository.json       {"server": URL, "pushed": {"root": 1, "targets": 3}}
 *   root.json targets.json      what is signed to its threshold
 *   1.root.json 2.root.json …   every complete version
 *   pending/ROLE.json     the next version, which still lacks signatures
 *   files/servers.json …  content of targets
 *
 * Changes are made to the pending version; it becomes current when its threshold is reached (for a
 * root: that of the old and of the new one). A document that somebody else put there and whose
 * signatures are not good is refused at open.
 */
#ifndef BT_CLI_OFFLINE_H
#define BT_CLI_OFFLINE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/signers.h"
#include "trust/signing.h"

#define BT_ROOT_LIFE_DAYS 365
#define BT_TARGETS_LIFE_DAYS 180

enum bt_top_role { BT_TOP_ROOT, BT_TOP_TARGETS, BT_TOP_COUNT };
extern const char *const bt_top_role_names[];

struct bt_offline;

int bt_offline_create(const char *dir, const char *server, struct bt_offline **out,
                      struct bt_error *err) BT_NODISCARD;
int bt_offline_open(const char *dir, struct bt_offline **out, struct bt_error *err) BT_NODISCARD;
void bt_offline_destroy(struct bt_offline *offline);
BT_DEFINE_AUTO(bt_offline)

const char *bt_offline_server(const struct bt_offline *offline);

// The current document or the pending one, borrowed; NULL when there is none.
const cJSON *bt_offline_current(const struct bt_offline *offline, enum bt_top_role role);
const cJSON *bt_offline_pending(const struct bt_offline *offline, enum bt_top_role role);
int64_t bt_offline_version(const cJSON *document);  // 0 for NULL
int64_t bt_offline_expires_ms(const cJSON *document);

/**
 * The document to change: the pending one, made of the current one (next version, `now_ms` plus its
 * life) when there is none. Borrowed.
 */
int bt_offline_edit(struct bt_offline *offline, enum bt_top_role role, int64_t now_ms, cJSON **out,
                    struct bt_error *err) BT_NODISCARD;

// Puts a first or a rewritten document in the place of the pending one; taken.
void bt_offline_put(struct bt_offline *offline, enum bt_top_role role, cJSON *document);

// A newer current document from the server; -EACCES when its signatures are not good.
int bt_offline_accept(struct bt_offline *offline, enum bt_top_role role, cJSON *document,
                      struct bt_error *err) BT_NODISCARD;

// Content of a target of role targets: written to files/ and named in the pending document.
int bt_offline_set_file(struct bt_offline *offline, const char *path, const char *text, size_t len,
                        int64_t now_ms, struct bt_error *err) BT_NODISCARD;
int bt_offline_file(const struct bt_offline *offline, const char *path, struct bt_buf *out,
                    struct bt_error *err) BT_NODISCARD;

// Signs what is pending with those keys whose signature counts there; *out_count says how many did.
int bt_offline_sign(struct bt_offline *offline, const struct bt_signers *signers, size_t *out_count,
                    struct bt_error *err) BT_NODISCARD;

// Writes the folder; pending documents that are complete become current.
int bt_offline_save(struct bt_offline *offline, struct bt_error *err) BT_NODISCARD;

// "2 of 2 signatures needed, 1 valid" for a pending document, or "".
void bt_offline_missing(const struct bt_offline *offline, enum bt_top_role role,
                        struct bt_error *out);

// Up to which version the server has it.
int64_t bt_offline_pushed(const struct bt_offline *offline, enum bt_top_role role);
void bt_offline_set_pushed(struct bt_offline *offline, enum bt_top_role role, int64_t version);
int bt_offline_load_version(const struct bt_offline *offline, enum bt_top_role role,
                            int64_t version, cJSON **out, struct bt_error *err) BT_NODISCARD;

#endif
