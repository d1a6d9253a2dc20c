// Which addresses a stream of a publication may come from.
#ifndef BT_LIVE_NETWORK_H
#define BT_LIVE_NETWORK_H

#include <stdbool.h>
#include <sys/socket.h>

/**
 * An address of the public internet: not this machine, its neighbours, a private or a documentation
 * network, many at once, nor one of those inside an IPv6 address.
 */
bool bt_address_is_public(const struct sockaddr *address);

#endif
