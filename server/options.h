/**
 * What the command line of bangtin-server says.
 */
#ifndef BT_SERVER_OPTIONS_H
#define BT_SERVER_OPTIONS_H

#include <stdbool.h>

#include "server/http/http.h"

enum bt_outcome { BT_OUTCOME_GO_ON, BT_OUTCOME_DONE, BT_OUTCOME_USAGE };

struct bt_options {
    const char *data;
    const char *database;
    const char *url;      // what others call us, without a slash at the end
    char *made_listen;    // of --unix
    char *made_database;  // of --data
    char *made_certificate, *made_key;
    bool tls;
    struct bt_http_options http;
};

// Says on stderr what is wrong with it (USAGE), or prints what was asked for (DONE).
enum bt_outcome bt_options_parse(int argc, char **argv, struct bt_options *out);
void bt_options_finish(struct bt_options *options);

#endif
