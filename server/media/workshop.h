/**
 * The workshop: looks at one hostile file in a process of its own, which is either a service that
 * takes the file in through a hatch (base/hatch.h) or ours, inside a sandbox (bubblewrap: no
 * network, no files but this one, no capability; limits on processor, memory, processes, time, and
 * on what it leaves: four files of at most 65 MiB each). The server itself never reads what was
 * uploaded. The limit of processes does not bind a server that runs as root.
 */
#ifndef BT_SERVER_MEDIA_WORKSHOP_H
#define BT_SERVER_MEDIA_WORKSHOP_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/hatch.h"

struct bt_workshop {
    struct bt_hatch hatch;  // asked first
    const char *program;    // bangtin-media
    bool sandbox;           // false: whoever started us is the sandbox
};

/**
 * Inspects the file and leaves report.json, thumbnail.jpg, filmstrip.jpg and converted.png in
 * `dir`, an empty directory. *out is the report, for cJSON_Delete. Takes as long as it takes, a
 * minute and a half at most, and as much again while a hatch is busy.
 *
 * Errors: -ETIMEDOUT, -EFAULT the process died of the file or of a limit, -EAGAIN the service broke
 * off (server/media/parcels.h), -ENOSYS there is no sandbox on this machine, or the errno of
 * starting it or of handing the file in.
 */
int bt_workshop_inspect(const struct bt_workshop *workshop, const char *file, const char *dir,
                        cJSON **out, struct bt_error *err) BT_NODISCARD;

#endif
