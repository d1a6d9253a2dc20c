// bangtin evidence: fetches what is needed to count plays again without the server.
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/client.h"
#include "cli/commands.h"

// As large as a server makes them (docs/evidence.md).
#define MAX_BYTES (5LL << 30)

static void handle_progress(void *context, int64_t done, int64_t total)
{
    bt_progress_bar(context, done, total);
}

static char *path_of(const struct bt_arguments *arguments)
{
    const char *report = bt_argument(arguments, "for-report");
    const char *unit = bt_argument(arguments, "unit");
    if (report != NULL) {
        BT_AUTOFREE char *part = bt_path_part(report);
        return bt_strf("/v1/plays/evidence?report=%s", part);
    }
    BT_AUTOFREE char *from = bt_path_part(bt_argument(arguments, "from"));
    BT_AUTOFREE char *to = bt_path_part(bt_argument(arguments, "to"));
    BT_AUTOFREE char *part = bt_path_part(unit != NULL ? unit : "");
    return bt_strf("/v1/plays/evidence?from=%s&to=%s%s%s", from, to, unit != NULL ? "&unit=" : "",
                   part);
}

static int check(const struct bt_arguments *arguments, struct bt_error *err)
{
    bool days = bt_argument(arguments, "from") != NULL && bt_argument(arguments, "to") != NULL;
    return days == (bt_argument(arguments, "for-report") != NULL)
               ? bt_fail(err, -EINVAL,
                         "cần một trong hai / one of these is needed: --from và --to, --for-report")
               : 0;
}

static int run_evidence(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFREE char *path = path_of(arguments);
    const char *file = bt_operand(arguments, 0);
    int r = bt_client_open(arguments, &client, err);
    r = r < 0 ? r
              : bt_client_fetch_file(client, path, file, MAX_BYTES, handle_progress,
                                     (void *)(uintptr_t)file, err);
    bt_progress_end();
    if (r == 0 && bt_client_json(client)) {
        BT_AUTOJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "file", file);
        char *text = cJSON_PrintUnformatted(json);
        puts(text);
        cJSON_free(text);
    } else if (r == 0) {
        printf("Đã lưu bằng chứng / evidence kept: %s\n", file);
    }
    return r;
}

static const struct bt_option options[] = {
    {"from", "DAY", "từ ngày / from: 2026-10-01"},
    {"to", "DAY", "đến hết ngày / up to and with: 2026-10-31"},
    {"unit", "CODE", "đơn vị, cả cấp dưới / unit with all below it"},
    {"for-report", "REPORT", "các ngày và đơn vị của báo cáo / days and unit of a kept report"}};

static const struct bt_subcommand commands[] = {
    {NULL, "FILE.btx", 1, 1,
     "Lấy về mọi thứ cần để đếm lại mà không cần máy chủ: gói lượt phát có chữ ký của máy phát, "
     "mốc "
     "hằng ngày, báo cáo.\n"
     "Fetches all that is needed to count again without the server: the players' signed batches, "
     "daily heads, the report.",
     BT_OPTIONS(options), .online = true, .check = check, .run = run_evidence},
};

const struct bt_command_group bt_evidence_commands = {
    .name = "evidence",
    .summary = "Lấy bằng chứng của lượt phát / fetch the evidence of plays",
    .example = "  bangtin evidence thang-10.btx --from 2026-10-01 --to 2026-10-31 --unit 92\n"
               "  bangtin evidence bao-cao.btx --for-report b-7K3QZ5MX2A\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
