/**
 * Until when a publication (docs/publication.md) has something to show. What it falls back on when
 * nothing else is left counts for nothing. Pure.
 */
#ifndef BT_SERVER_CARE_CONTENT_H
#define BT_SERVER_CARE_CONTENT_H

#include <cjson/cJSON.h>
#include <stdint.h>

// INT64_MAX: never; 0: it shows nothing of its own. The document was read strictly before.
int64_t bt_content_end(const cJSON *document);

#endif
