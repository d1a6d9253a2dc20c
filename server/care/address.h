/**
 * Where a webhook must not go: this machine, its neighbours on the link, and the addresses where
 * clouds answer questions about a machine. Asked with the address that is being connected to, so
 * that no name leads around it. Pure.
 */
#ifndef BT_SERVER_CARE_ADDRESS_H
#define BT_SERVER_CARE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool bt_address_is_inside(const struct sockaddr *address);

#endif
