#include "server/ids.h"

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

// No 0, 1, I, L, O: people read these out over the telephone.
static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

#define RANDOM_CHARACTERS 10

void bt_server_id(char kind, char out[BT_SERVER_ID_BYTES])
{
    out[0] = kind;
    out[1] = '-';
    for (size_t i = 0; i < RANDOM_CHARACTERS; i++) {
        out[2 + i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
    }
    out[2 + RANDOM_CHARACTERS] = '\0';
}
