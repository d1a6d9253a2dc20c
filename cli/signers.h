// The private keys a command signs with: `--key FILE`, as often as there are keys.
#ifndef BT_CLI_SIGNERS_H
#define BT_CLI_SIGNERS_H

#include "base/options.h"
#include "cli/secret.h"
#include "trust/private_key.h"

#define BT_KEY_OPTIONS                                                                             \
    {"key", "FILE", "tệp khóa để ký; lặp lại nếu nhiều / key file to sign with; may be repeated",  \
     .many = true},                                                                                \
        BT_PASSPHRASE_OPTIONS

struct bt_signers {
    struct bt_private_key **keys;  // owned
    size_t count;
};

/**
 * Loads every --key; asks for the passphrase of each that has one (descriptor: a line for each; a
 * file's first line is for all).
 */
int bt_signers_load(const struct bt_arguments *arguments, struct bt_signers *out,
                    struct bt_error *err) BT_NODISCARD;

// Adds one key file.
int bt_signers_add(const struct bt_arguments *arguments, const char *path, struct bt_signers *out,
                   struct bt_error *err) BT_NODISCARD;
void bt_signers_finish(struct bt_signers *signers);

#endif
