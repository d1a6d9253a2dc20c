// Names for machines from names for people.
#ifndef BT_CLI_SLUG_H
#define BT_CLI_SLUG_H

#include "playlists/publication.h"

/**
 * "/x/Phóng sự – Đông Anh.mp4" → "phong-su-dong-anh": the last part of a path without its extension
 * and accents, made of a-z 0-9 and -, at most 40 bytes; "tep" when nothing of it is left. `out` has
 * BT_ID_BYTES.
 */
void bt_slug_of_path(const char *path, char *out);

#endif
