// PUT /v1/software/{hash}: a package of the programs, by its hash. Nobody sees it before signed
// metadata name it (software.json, docs/software.md), and nobody runs it before.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/http/transaction.h"
#include "server/media/arrivals.h"
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

struct package {
    char hex[BT_SHA256_HEX_BYTES];
    size_t len;
    char arrival[BT_SERVER_ID_BYTES];
};

static int tell_to_come_again(struct bt_call *call, const char *name, const char *vi,
                              const char *en)
{
    bt_call_set_header(call, "Retry-After", "10");
    return bt_call_problem(call, 503, name, vi, en);
}

static int note_arrival(struct bt_call *call, void *context, struct bt_error *err)
{
    struct package *package = context;
    int r = bt_arrival_begin(bt_call_db(call), package->hex, bt_call_now_ms(call), package->arrival,
                             err);
    if (r != -EBUSY) {
        return r;
    }
    tell_to_come_again(call, "busy", "Gói này đang được dọn khỏi kho; hãy tải lại sau",
                       "The same package, left over, is being removed; send it again later");
    return 1;
}

// Whoever sends the same again, not knowing that it was kept, has done nothing new.
static int name_it(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct package *package = context;
    int r = bt_arrival_end(bt_call_db(call), package->arrival, err);
    if (r < 0) {
        return r;
    }
    int64_t added = bt_db_run(bt_call_db(call), err,
                              "INSERT INTO asset (sha256, size, type, kind, width, height,"
                              " duration_ms, state, report, created_ms)"
                              " VALUES ($1, $2, $3, 'package', 0, 0, 0, 'ready', '{}', $4)"
                              " ON CONFLICT (sha256) DO NOTHING",
                              BT_TEXT(package->hex), BT_INT((int64_t)package->len),
                              BT_TEXT(BT_PACKAGE_TYPE), BT_INT(bt_call_now_ms(call)));
    if (added <= 0) {
        return (int)added;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "size", (double)package->len);
    return bt_audit(call, "software.upload", package->hex, "", details, err);
}

// The bytes are in the store before a transaction names them: nobody waits for a slow one but us.
static int keep(struct bt_call *call, struct package *package, const char *bytes,
                struct bt_error *err)
{
    struct bt_sha256 sha256;
    int r = bt_call_write(call, note_arrival, package, err);
    if (r != 0) {
        return r;
    }
    bt_call_let_go(call);
    r = bt_blobs_put(bt_call_server(call)->blobs, bytes, package->len, &sha256, err);
    return r < 0 ? r : bt_call_write(call, name_it, package, err);
}

static int keep_in_turn(struct bt_call *call, struct package *package, const char *bytes,
                        struct bt_error *err)
{
    if (!bt_call_begin_waiting(call)) {
        return 0;
    }
    int r = keep(call, package, bytes, err);
    bt_call_end_waiting(call);
    if (r == -EHOSTUNREACH || r == -ECANCELED || r == -ESTALE) {
        return tell_to_come_again(call, "store",
                                  "Kho nội dung không trả lời; hãy tải lại sau giây lát",
                                  "The store does not answer; send the package again in a moment");
    }
    return r != 0 ? BT_MIN(r, 0) : bt_call_empty_reply(call, 204);
}

int bt_handle_software_put(struct bt_call *call, struct bt_error *err)
{
    struct package package = {.len = 0};
    const char *bytes = bt_call_body(call, &package.len);
    if (!is_package(bytes, package.len)) {
        return refuse(call, "The body is not a Debian package");
    }
    struct bt_sha256 sha256 = bt_sha256_of(bytes, package.len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), package.hex);
    if (strcmp(package.hex, bt_call_path(call, "hash")) != 0) {
        return refuse(call, "The body does not have the hash that its address says");
    }
    return keep_in_turn(call, &package, bytes, err);
}
