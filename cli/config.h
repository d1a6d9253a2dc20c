// Where bangtin keeps what it must remember: $XDG_CONFIG_HOME/bangtin, for the owner alone.
#ifndef BT_CLI_CONFIG_H
#define BT_CLI_CONFIG_H

#include <cjson/cJSON.h>

#include "base/error.h"

// The directory for people to see, made (0700) when it is not there; for free().
int bt_config_dir(char **out, struct bt_error *err) BT_NODISCARD;

// A small JSON object kept there under `name`. -ENOENT when there is none. *out is for
// cJSON_Delete.
int bt_config_read(const char *name, cJSON **out, struct bt_error *err) BT_NODISCARD;

// Replaces it, mode 0600.
int bt_config_write(const char *name, const cJSON *object, struct bt_error *err) BT_NODISCARD;

// It is not there afterwards.
void bt_config_remove(const char *name);

#endif
