// What a publication must know of a file, from what the media room finds in it.
#ifndef BT_CLI_FACTS_H
#define BT_CLI_FACTS_H

#include "cli/draft.h"
#include "media/check.h"

/**
 * Fills in type, size in pixels and length.
 * Errors: -EINVAL the report refuses the file, or a clip does not say how long it is; err has the
 * reason.
 */
int bt_facts_from_report(const struct bt_media_report *report, struct bt_draft_file *out,
                         struct bt_error *err) BT_NODISCARD;

#endif
