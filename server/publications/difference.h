/**
 * What differs between two versions of a document, for those who sign: every item that comes,
 * changes or goes, every file, and which of the other parts are not the same. Pure.
 */
#ifndef BT_SERVER_PUBLICATIONS_DIFFERENCE_H
#define BT_SERVER_PUBLICATIONS_DIFFERENCE_H

#include <cjson/cJSON.h>

/**
 * `present` NULL: there was none; `proposed` NULL: it goes. Documents are publications that were
 * read strictly. For cJSON_Delete:
 *
 *   {"items": [{"playlist", "id", "type", "title"?, "change": "added" | "changed" | "removed",
 *               "assets": [sha256…]}],
 *    "assets": [{"sha256", "size", "type", "change": "added" | "removed"}],
 *    "parts": ["schedule", "zones", …]}
 *
 * An item is changed when one of its keys is, when one of its files is (whatever the file is
 * called), or when it moved to another playlist. Another order of items is the part "playlists".
 */
cJSON *bt_difference(const cJSON *present, const cJSON *proposed);

#endif
