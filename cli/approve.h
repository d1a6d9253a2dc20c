// Signing a proposal: shared by `approve` and `publish`.
#ifndef BT_CLI_APPROVE_H
#define BT_CLI_APPROVE_H

#include "cli/client.h"
#include "cli/signers.h"

#define BT_APPROVE_OPTIONS                                                                         \
    {"yes", NULL, "ký không hỏi lại / signs without asking"},                                      \
        {"root-sha256", "HEX", "vân tay gốc tin cậy của tỉnh / the province's root must have it"}, \
        {"assets", "DIR", "nơi giữ các tệp đã kiểm tra / where checked files are kept"},           \
        BT_KEY_OPTIONS

/**
 * Fetches what is to be signed, checks it (cli/approving.h), fetches and hashes every new file,
 * shows, asks, signs with every key, sends. *out is the proposal afterwards, for cJSON_Delete.
 */
int bt_approve(struct bt_client *client, const struct bt_arguments *arguments, const char *proposal,
               const struct bt_signers *signers, cJSON **out, struct bt_error *err) BT_NODISCARD;

#endif
