// GET /v1/plays/heads and /v1/plays/evidence: for whoever keeps them, and counts again.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/http/route.h"
#include "server/plays/evidence.h"
#include "server/plays/evidence_report.h"

#define BTX_TYPE "application/vnd.bangtin.evidence"

// Documents of a large province have megabytes each.
#define MAX_HEADS 31
#define SECONDS_OF_DAY 86400

// ?NAME=2026-11-21, answering 400 itself.
static bool read_day(struct bt_call *call, const char *name, int64_t *out_day)
{
    int64_t seconds;
    const char *text = bt_call_query(call, name);
    if (text == NULL || bt_date_parse(text, &seconds) < 0) {
        bt_call_problem(call, 400, "bad-day", "'from' và 'to' phải là ngày, như 2026-11-21",
                        "'from' and 'to' must be days such as 2026-11-21");
        return false;
    }
    *out_day = seconds / SECONDS_OF_DAY;
    return true;
}

static bool read_days(struct bt_call *call, int64_t most, int64_t *out_from, int64_t *out_until)
{
    if (!read_day(call, "from", out_from) || !read_day(call, "to", out_until)) {
        return false;
    }
    if (*out_from > *out_until || *out_until - *out_from >= most) {
        BT_AUTOFREE char *vi = bt_strf("Từ 1 đến %lld ngày mỗi lần", (long long)most);
        BT_AUTOFREE char *en = bt_strf("From 1 to %lld days at a time", (long long)most);
        bt_call_problem(call, 400, "bad-span", vi, en);
        return false;
    }
    return true;
}

static int handle_heads(struct bt_call *call, struct bt_error *err)
{
    int64_t from, until;
    if (!read_days(call, MAX_HEADS, &from, &until)) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT day, sha256, body FROM play_heads WHERE day >= $1 AND day <= $2"
                      " ORDER BY day LIMIT $3",
                      BT_INT(from), BT_INT(until), BT_INT(MAX_HEADS));
    if (r < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    while (bt_db_next(rows)) {
        char day[BT_RFC3339_BYTES];
        cJSON *item = cJSON_CreateObject();
        bt_rfc3339_format(bt_db_get_int(rows, 0) * BT_MS_PER_DAY, 0, day);
        day[strlen("2026-11-21")] = '\0';
        cJSON_AddStringToObject(item, "day", day);
        cJSON_AddStringToObject(item, "sha256", bt_db_get_text(rows, 1));
        cJSON_AddStringToObject(item, "document", bt_db_get_text(rows, 2));
        cJSON_AddItemToArray(items, item);
    }
    return bt_call_json_reply(call, 200, reply);
}

static bool refuse_report(struct bt_call *call)
{
    bt_call_problem(call, 404, "not-found", "Không có báo cáo này.", "There is no such report.");
    return false;
}

// The unit whose plays are asked for: the report's, or the one that is named.
static bool unit_of_evidence(struct bt_call *call, char *out, size_t size)
{
    const char *report = bt_call_query(call, "report"), *unit = bt_call_query(call, "unit");
    struct bt_evidence_report_facts facts;
    if (report != NULL) {
        return bt_evidence_report_facts(bt_call_db(call), report, &facts, NULL) == 0 &&
                       bt_format(out, size, "%s", facts.unit) == 0
                   ? true
                   : refuse_report(call);
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    if (bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT code FROM unit WHERE code = $1",
                  BT_TEXT(unit != NULL ? unit : BT_ROOT_UNIT)) < 0 ||
        !bt_db_next(rows) || bt_format(out, size, "%s", bt_db_get_text(rows, 0)) < 0) {
        bt_call_problem(call, 404, "no-such-unit", "Không có đơn vị này", "There is no such unit");
        return false;
    }
    return true;
}

static bool read_wish(struct bt_call *call, struct bt_evidence_report_facts *facts,
                      struct bt_evidence_wish *out)
{
    const char *unit = bt_call_query(call, "unit");
    *out = (struct bt_evidence_wish){.unit = unit != NULL ? unit : BT_ROOT_UNIT,
                                     .report = bt_call_query(call, "report")};
    if (out->report == NULL) {
        return read_days(call, BT_EVIDENCE_MAX_DAYS, &out->from_day, &out->until_day);
    }
    if (bt_evidence_report_facts(bt_call_db(call), out->report, facts, NULL) < 0) {
        return refuse_report(call);
    }
    out->from_day = facts->from_day;
    out->until_day = facts->until_day;
    out->unit = facts->unit;
    return true;
}

// One at a time, and what an earlier one left behind is removed. -EBUSY: another is being made.
static int take_place(const char *path, struct bt_error *err)
{
    BT_AUTOFREE char *lock = bt_strf("%s.lock", path);
    int fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", lock);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return bt_fail(err, -EBUSY, "Another evidence is being made");
    }
    (void)unlink(path);
    return fd;
}

static int write_file(struct bt_call *call, const struct bt_evidence_wish *wish, const char *path,
                      struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int r = bt_db_begin(db, false, err);
    r = r < 0 ? r : bt_evidence_write(bt_call_server(call), db, wish, path, err);
    bt_db_rollback(db);
    return r;
}

static int answer_file(struct bt_call *call, const char *path, struct bt_error *err)
{
    struct bt_sha256 hash;
    char hex[BT_SHA256_HEX_BYTES];
    int r = bt_sha256_of_file(path, &hash, NULL, err);
    if (r < 0) {
        return r;
    }
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    return bt_call_file_reply(call, path, BTX_TYPE, hex, false);
}

static int refuse_evidence(struct bt_call *call, int code)
{
    if (code == -EBUSY) {
        bt_call_set_header(call, "Retry-After", "10");
        return bt_call_problem(call, 503, "busy", "Đang xuất một tệp bằng chứng khác",
                               "Another evidence file is being made");
    }
    if (code == -EFBIG) {
        return bt_call_problem(call, 413, "too-large",
                               "Quá nhiều lượt phát; hãy chia nhỏ thời gian",
                               "Too many plays; ask for shorter spans");
    }
    return code;
}

static int handle_evidence(struct bt_call *call, struct bt_error *err)
{
    struct bt_evidence_report_facts facts;
    struct bt_evidence_wish wish;
    if (!read_wish(call, &facts, &wish)) {
        return 0;
    }
    BT_AUTOFREE char *path = bt_strf("%s/evidence.part", bt_call_server(call)->data_dir);
    int lock = take_place(path, err);
    if (lock < 0) {
        return refuse_evidence(call, lock);
    }
    int r = write_file(call, &wish, path, err);
    r = r < 0 ? refuse_evidence(call, r) : answer_file(call, path, err);
    (void)unlink(path);  // the answer has it open
    close(lock);
    return r;
}

static const struct bt_route routes[] = {
    {"GET", "/v1/plays/heads", BT_WHO_USER, BT_ACTION_REPORT, .unit = bt_unit_any,
     .handle = handle_heads},
    {"GET", "/v1/plays/evidence", BT_WHO_USER, BT_ACTION_REPORT, .unit = unit_of_evidence,
     .no_transaction = true, .handle = handle_evidence},
};

const struct bt_route_table bt_evidence_routes = {routes, BT_ARRAY_LEN(routes)};
