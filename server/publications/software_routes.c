// PUT /v1/software/{hash}: a package of the programs, by its hash. Nobody sees it before signed
// metadata name it (software.json, docs/software.md), and nobody runs it before.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/media/blobs.h"
#include "server/publications/desk.h"
#include "server/publications/handlers.h"
#include "trust/software.h"

static int refuse(struct bt_call *call, const char *why)
{
    return bt_call_problem(call, 422, "package-refused", "Gói phần mềm không được nhận.", why);
}

// What every .deb begins with: an archive, whose first member says so.
static bool is_package(const char *bytes, size_t len)
{
    static const char head[] = "!<arch>\ndebian-binary";
    return len > sizeof(head) && memcmp(bytes, head, sizeof(head) - 1) == 0;
}

static int keep(struct bt_call *call, const char *hex, const char *bytes, size_t len,
                struct bt_error *err)
{
    struct bt_sha256 sha256;
    int r = bt_blobs_put(bt_call_server(call)->blobs, bytes, len, &sha256, err);
    if (r < 0) {
        return r;
    }
    int64_t changed = bt_db_run(bt_call_db(call), err,
                                "INSERT INTO asset (sha256, size, type, kind, width, height,"
                                " duration_ms, state, report, created_ms)"
                                " VALUES ($1, $2, $3, 'package', 0, 0, 0, 'ready', '{}', $4)"
                                " ON CONFLICT (sha256) DO NOTHING",
                                BT_TEXT(hex), BT_INT((int64_t)len), BT_TEXT(BT_PACKAGE_TYPE),
                                BT_INT(bt_call_now_ms(call)));
    if (changed < 0) {
        return (int)changed;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "size", (double)len);
    return bt_audit(call, "software.upload", hex, "", details, err);
}

int bt_handle_software_put(struct bt_call *call, struct bt_error *err)
{
    size_t len;
    char hex[BT_SHA256_HEX_BYTES];
    const char *bytes = bt_call_body(call, &len);
    if (!is_package(bytes, len)) {
        return refuse(call, "The body is not a Debian package");
    }
    struct bt_sha256 sha256 = bt_sha256_of(bytes, len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    if (strcmp(hex, bt_call_path(call, "hash")) != 0) {
        return refuse(call, "The body does not have the hash that its address says");
    }
    int r = keep(call, hex, bytes, len, err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}
