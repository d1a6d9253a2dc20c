#include "server/care/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

struct block {
    uint8_t bytes[16];
    unsigned bits;
};

static const struct block blocks4[] = {
    {{0}, 8},                    // "this network"
    {{127}, 8},                  // loopback
    {{169, 254}, 16},            // link-local; 169.254.169.254 answers in most clouds
    {{100, 100, 100, 200}, 32},  // answers in another one
    {{192, 0, 0}, 24},           // protocol assignments
    {{224}, 4},                  // multicast
    {{240}, 4},                  // reserved, broadcast
};

static const struct block blocks6[] = {
    {{0}, 127},                                          // :: and ::1
    {{0xFE, 0x80}, 10},                                  // link-local
    {{0xFF}, 8},                                         // multicast
    {{0xFD, 0x00, 0x0E, 0xC2, [14] = 0x02, 0x54}, 128},  // fd00:ec2::254, as 169.254.169.254
};

// IPv4 inside IPv6: mapped, compatible, NAT64, 6to4; and where it stands.
static const struct {
    struct block block;
    size_t at;
} embedded[] = {
    {{{[10] = 0xFF, 0xFF}, 96}, 12},
    {{{0}, 96}, 12},
    {{{0x00, 0x64, 0xFF, 0x9B}, 96}, 12},
    {{{0x20, 0x02}, 16}, 2},
};

static bool lies_in(const struct block *block, const uint8_t *bytes)
{
    size_t whole = block->bits / 8;
    unsigned rest = block->bits % 8;
    if (memcmp(block->bytes, bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || (block->bytes[whole] >> (8 - rest)) == (bytes[whole] >> (8 - rest));
}

static bool is_inside4(const uint8_t bytes[4])
{
    for (size_t i = 0; i < BT_ARRAY_LEN(blocks4); i++) {
        if (lies_in(&blocks4[i], bytes)) {
            return true;
        }
    }
    return false;
}

static bool is_inside6(const uint8_t bytes[16])
{
    for (size_t i = 0; i < BT_ARRAY_LEN(blocks6); i++) {
        if (lies_in(&blocks6[i], bytes)) {
            return true;
        }
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(embedded); i++) {
        if (lies_in(&embedded[i].block, bytes)) {
            return is_inside4(bytes + embedded[i].at);
        }
    }
    return false;
}

bool bt_address_is_inside(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_inside4((const uint8_t *)&in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return is_inside6(in6.sin6_addr.s6_addr);
    }
    return true;  // neither: nothing we speak
}
