/**
 * What the command line of bangtin-server says.
 */
#ifndef BT_SERVER_OPTIONS_H
#define BT_SERVER_OPTIONS_H

#include <stdbool.h>

#include "server/backup/nightly.h"
#include "server/care/care.h"
#include "server/http/http.h"
#include "server/media/blobs.h"

// Of several servers on one database. WEB: answers, and has the streams. WORKER: looks into uploads
// and does the chores, and answers to this machine alone.
enum bt_server_role { BT_SERVER_ALL, BT_SERVER_WEB, BT_SERVER_WORKER };

struct bt_options {
    const char *data;
    const char *shared;  // what several servers share besides the database, or NULL
    enum bt_server_role role;
    const char *database;
    const char *url;      // what others call us, without a slash at the end
    char *made_listen;    // of --unix
    char *made_database;  // of --data
    char *made_certificate, *made_key;
    const char *workshop;  // who looks at uploads, as bt_hatch_read reads it
    bool tls;
    struct bt_http_options http;
    struct bt_care_options care;
    struct bt_nightly_options nightly;
    struct bt_store_options store;  // of blobs; its url is NULL: they are in the data directory
    char *made_cache;
};

/**
 * Reads the command line and serves by it. What is wrong with it is said on stderr, and what was
 * asked for (--help, --version) is printed; then nothing is served. The exit status.
 */
int bt_options_run(int argc, char **argv, int (*serve)(const struct bt_options *options));

#endif
