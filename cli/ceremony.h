/**
 * What every command does that changes the offline half of a repository (cli/offline.h): takes
 * what is newest from the server, lets the command change it, signs, keeps, and sends what is
 * complete.
 */
#ifndef BT_CLI_CEREMONY_H
#define BT_CLI_CEREMONY_H

#include "base/options.h"
#include "cli/client.h"
#include "cli/offline.h"
#include "cli/signers.h"

#define BT_CEREMONY_OPTIONS                                                                        \
    {"repository", "DIR",                                                                          \
     "thư mục kho ký (mặc định: thư mục này) / the repository's folder (here)"},                   \
        {"offline", NULL, "không hỏi và không gửi máy chủ / neither asks nor tells the server"},   \
        BT_KEY_OPTIONS

struct bt_ceremony {
    struct bt_offline *offline;
    struct bt_client *client;  // NULL: offline, or the server cannot be reached
    struct bt_signers signers;
    int64_t now_ms;
};

int bt_ceremony_begin(const struct bt_arguments *arguments, struct bt_ceremony *out,
                      struct bt_error *err) BT_NODISCARD;

// For a folder that was just created; `offline` is taken.
int bt_ceremony_begin_new(const struct bt_arguments *arguments, struct bt_offline *offline,
                          struct bt_ceremony *out, struct bt_error *err) BT_NODISCARD;

// Signs, keeps and sends; says on standard output how it stands.
int bt_ceremony_finish(struct bt_ceremony *ceremony, struct bt_error *err) BT_NODISCARD;
void bt_ceremony_end(struct bt_ceremony *ceremony);  // frees
#define BT_AUTOCEREMONY BT_AUTOFINISH(bt_ceremony_end) struct bt_ceremony

// Sends every complete version the server has not got.
int bt_ceremony_push(struct bt_ceremony *ceremony, struct bt_error *err) BT_NODISCARD;

/**
 * The version of a role that the server's snapshot names; 0: none. Of a server that was restored it
 * may be one that players hold and the server does not.
 */
int bt_fetch_role_version(struct bt_client *client, const char *role, int64_t *out,
                          struct bt_error *err) BT_NODISCARD;

/**
 * A role's newest metadata from the server, unverified. -ENOENT when there is none newer than the
 * version. *out is for cJSON_Delete.
 */
int bt_fetch_role(struct bt_client *client, const char *role, int64_t newer_than, cJSON **out,
                  struct bt_error *err) BT_NODISCARD;

#endif
