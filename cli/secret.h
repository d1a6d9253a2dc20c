/**
 * Passphrases and passwords: from the terminal without echo, the first line of a file, or a file
 * descriptor; never from an argument, where every process could read them.
 */
#ifndef BT_CLI_SECRET_H
#define BT_CLI_SECRET_H

#include <stdbool.h>

#include "base/options.h"

#define BT_SECRET_MAX_BYTES 1024

// For tables of options: where a key's passphrase comes from when it is not typed.
#define BT_PASSPHRASE_OPTIONS                                                                      \
    {"passphrase-file", "FILE",                                                                    \
     "dòng đầu của tệp là mật khẩu khóa / its first line is the key's "              \
     "passphrase"},                                                                                \
    {                                                                                              \
        "passphrase-fd", "N", "đọc mật khẩu khóa từ mô tả tệp N / read it from descriptor N",      \
            .min = 0, .max = 1023                                                                  \
    }

#define BT_PASSWORD_OPTIONS                                                                        \
    {"password-file", "FILE", "dòng đầu của tệp là mật khẩu / its first line is the password"},    \
    {                                                                                              \
        "password-fd", "N", "đọc mật khẩu từ mô tả tệp N / read it from descriptor N", .min = 0,   \
                                                                                       .max = 1023 \
    }

/**
 * Reads what `kind` ("passphrase", "password") names. `prompt` is for the terminal; `twice` asks
 * again there and compares. The text is in normal form C, for bt_secret_destroy.
 * Errors: -ENOTTY nowhere to read from, -EINVAL empty or not the same twice, -EMSGSIZE.
 */
int bt_secret_read(const struct bt_arguments *arguments, const char *kind, const char *prompt,
                   bool twice, char **out, struct bt_error *err) BT_NODISCARD;
void bt_secret_destroy(char *secret);  // wipes it
static inline void bt_secret_auto(char **secret)
{
    bt_secret_destroy(*secret);
}
#define BT_AUTOSECRET __attribute__((cleanup(bt_secret_auto)))

#endif
