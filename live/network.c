#include "live/network.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

struct block {
    uint8_t bytes[4];
    int bits;
};

// The IANA registry of special addresses, as far as none of them leads to a public server.
static const struct block special4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},  {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

static uint32_t word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_public4(const uint8_t *bytes)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(special4); i++) {
        uint32_t mask = UINT32_MAX << (32 - special4[i].bits);
        if ((word(bytes) & mask) == word(special4[i].bytes)) {
            return false;
        }
    }
    return true;
}

// Only 2000::/3 is given out; of that, documentation and tunnels are left.
static bool is_public6(const uint8_t *bytes)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0 || memcmp(bytes, nat64, sizeof(nat64)) == 0) {
        return is_public4(bytes + 12);
    }
    if (bytes[0] == 0x20 && bytes[1] == 0x02) {  // 6to4
        return is_public4(bytes + 2);
    }
    bool teredo = word(bytes) == 0x20010000, documentation = word(bytes) == 0x20010DB8;
    return (bytes[0] & 0xE0) == 0x20 && !teredo && !documentation;
}

bool bt_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        uint8_t bytes[4];
        memcpy(bytes, &in.sin_addr, sizeof(bytes));
        return is_public4(bytes);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        return is_public6(in.sin6_addr.s6_addr);
    }
    return false;
}
