/**
 * Where the server listens: "127.0.0.1:8080", "[::]:8443" or "unix:/run/bangtin/http.sock". Names
 * are not looked up: a server says on which of its addresses it listens.
 */
#ifndef BT_SERVER_HTTP_LISTEN_H
#define BT_SERVER_HTTP_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

struct bt_listener {
    int fd;
    bool is_unix;
    bool loopback;  // nobody else's machine can reach it
    int port;       // the one it got, when 0 was asked for
};

// Errors: -EINVAL not such an address, or the errno of the system (-EADDRINUSE).
int bt_listen_open(const char *where, struct bt_listener *out, struct bt_error *err) BT_NODISCARD;

// Is it nobody else's machine's address? For deciding whether plain HTTP is allowed.
bool bt_listen_is_loopback(const char *where);

// The address of a peer as text, without the port: "192.0.2.7", "2001:db8::1", "unix". IPv4 in IPv6
// is written as IPv4.
void bt_address_text(const struct sockaddr *address, char *out, size_t size);

// Whom limits count: the address, or of IPv6 its first 64 bits, since whoever has one of those
// addresses has all of them.
#define BT_NETWORK_BYTES 64
void bt_address_network(const char *text, char out[BT_NETWORK_BYTES]);

#endif
