// One screen in detail: whose it is, what is wrong, what its player says, its last picture.
#ifndef BT_CLI_ONE_SCREEN_H
#define BT_CLI_ONE_SCREEN_H

#include "cli/client.h"

// `picture`: the file for its last picture; NULL: none is wanted. With --json what its player says.
int bt_one_screen_show(struct bt_client *client, const char *screen, const char *picture,
                       struct bt_error *err) BT_NODISCARD;

#endif
