// Files that are built into the program (tools/embed.py).
#ifndef BT_SERVER_HTTP_EMBEDDED_H
#define BT_SERVER_HTTP_EMBEDDED_H

#include <stddef.h>

struct bt_embedded {
    const char *bytes;
    size_t len;
};

extern const struct bt_embedded bt_openapi_json;  // server/api/*.json, merged
extern const struct bt_embedded bt_start_html, bt_start_js, bt_start_css;  // server/http/pages/

#endif
