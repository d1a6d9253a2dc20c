#include "server/fleet/pairing_code.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/str.h"

// No 0, 1, I, L, O.
static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

#define CHARACTERS 8
#define HYPHEN_AT 4

// Typed codes are short; whatever is longer is none.
#define MAX_TYPED_BYTES 32

static void write_code(const char characters[CHARACTERS], char out[BT_PAIRING_CODE_BYTES])
{
    memcpy(out, characters, HYPHEN_AT);
    out[HYPHEN_AT] = '-';
    memcpy(out + HYPHEN_AT + 1, characters + HYPHEN_AT, CHARACTERS - HYPHEN_AT);
    out[CHARACTERS + 1] = '\0';
}

void bt_pairing_code_make(char out[BT_PAIRING_CODE_BYTES])
{
    char characters[CHARACTERS];
    for (size_t i = 0; i < CHARACTERS; i++) {
        characters[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
    }
    write_code(characters, out);
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

int bt_pairing_code_read(const char *typed, char out[BT_PAIRING_CODE_BYTES])
{
    char characters[CHARACTERS];
    size_t count = 0;
    if (strlen(typed) > MAX_TYPED_BYTES) {
        return -EINVAL;
    }
    for (const char *at = typed; *at != '\0'; at++) {
        if (*at == ' ' || *at == '-') {
            continue;
        }
        char c = upper(*at);
        if (count == CHARACTERS || strchr(alphabet, c) == NULL) {
            return -EINVAL;
        }
        characters[count++] = c;
    }
    if (count != CHARACTERS) {
        return -EINVAL;
    }
    write_code(characters, out);
    return 0;
}

void bt_pairing_code_hash(const char *code, const uint8_t secret[BT_FLEET_SECRET_BYTES],
                          char out[BT_SHA256_HEX_BYTES])
{
    uint8_t hash[BT_SHA256_BYTES];
    crypto_generichash(hash, sizeof(hash), (const uint8_t *)code, strlen(code), secret,
                       BT_FLEET_SECRET_BYTES);
    bt_hex(hash, sizeof(hash), out);
}
