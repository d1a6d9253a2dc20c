// bangtin verify: counts again from evidence, on a machine that never met the server.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/verify/verify.h"
#include "plays/number.h"

static void handle_progress(void *context, int64_t done, int64_t total)
{
    (void)context;
    bt_progress_bar((void *)(uintptr_t) "đếm lại / counting", done, total);
}

static void print_number(const char *vi, int64_t number)
{
    char text[BT_NUMBER_BYTES];
    bt_number_vi(text, number, 0);
    printf("  %s: %s\n", vi, text);
}

static void print_sum(const struct bt_verify_sum *sum)
{
    char created[BT_RFC3339_BYTES];
    bt_rfc3339_format(sum->created_ms, 7 * 3600, created);
    printf("Vân tay gốc tin cậy, hãy so với bản in trên báo cáo:\n"
           "The root's fingerprint; compare it with the one on the report:\n  %s\n",
           sum->root_sha256);
    if (strcmp(sum->root_sha256, sum->newest_root_sha256) != 0) {
        printf("  mới nhất / newest: %s\n", sum->newest_root_sha256);
    }
    if (sum->from_day[0] == '\0') {
        return;
    }
    printf("Từ %s đến hết %s, đơn vị %s; xuất lúc %s\n", sum->from_day, sum->until_day, sum->unit,
           created);
    print_number("sổ / journals", sum->journals);
    print_number("mốc hằng ngày / daily heads", sum->heads);
    print_number("bản ghi / records", sum->records);
    print_number("trọn vẹn / complete", sum->counts.complete);
    print_number("dở dang / partial", sum->counts.partial);
    print_number("xác minh hiển thị / verified", sum->counts.verified);
    print_number("lượt thẻ / cards", sum->counts.cards);
}

static void print_json(const struct bt_verify_sum *sum, struct bt_verdict *verdict, bool holds)
{
    BT_AUTOJSON *json = cJSON_CreateObject();
    const struct {
        const char *key;
        int64_t number;
    } numbers[] = {
        {"created_ms", sum->created_ms},
        {"journals", sum->journals},
        {"batches", sum->batches},
        {"records", sum->records},
        {"heads", sum->heads},
        {"complete", sum->counts.complete},
        {"partial", sum->counts.partial},
        {"verified", sum->counts.verified},
        {"cards", sum->counts.cards},
        {"shown_ms", sum->counts.shown_ms},
        {"repaired", sum->counts.repaired},
        {"undated", sum->counts.undated},
    };
    cJSON_AddBoolToObject(json, "holds", holds);
    cJSON_AddStringToObject(json, "root_sha256", sum->root_sha256);
    cJSON_AddStringToObject(json, "from_day", sum->from_day);
    cJSON_AddStringToObject(json, "until_day", sum->until_day);
    cJSON_AddStringToObject(json, "unit", sum->unit);
    for (size_t i = 0; i < BT_ARRAY_LEN(numbers); i++) {
        cJSON_AddNumberToObject(json, numbers[i].key, (double)numbers[i].number);
    }
    cJSON_AddItemToObject(json, "findings", bt_verdict_json(verdict));
    char *text = cJSON_PrintUnformatted(json);
    puts(text);
    cJSON_free(text);
}

static void print_all(const struct bt_verify_sum *sum, struct bt_verdict *verdict, bool holds)
{
    print_sum(sum);
    bt_verdict_print(verdict, stdout);
    puts(holds ? "KẾT LUẬN: ĐÚNG. Mọi điều kiểm tra được đều khớp.\n"
                 "VERDICT: IT HOLDS. Everything that can be checked agrees."
               : "KẾT LUẬN: KHÔNG ĐÚNG. Xem các dòng [SAI] ở trên.\n"
                 "VERDICT: IT DOES NOT HOLD. See the lines marked [SAI].");
}

static int run_verify(const struct bt_arguments *arguments, struct bt_error *err)
{
    bool json = bt_argument_flag(arguments, "json");
    const struct bt_verify_options options = {
        .evidence = bt_operand(arguments, 0),
        .root = bt_argument(arguments, "root"),
        .report = bt_argument(arguments, "report"),
        .threads = (int)bt_argument_int(arguments, "threads", 0),
        .progress = json ? NULL : handle_progress,
    };
    BT_AUTO(bt_verdict) verdict = bt_verdict_create();
    struct bt_verify_sum sum;
    int r = bt_verify(&options, verdict, &sum, err);
    if (options.progress != NULL) {
        bt_progress_end();
    }
    if (r < 0) {
        return r;
    }
    bool holds = bt_verdict_count(verdict, BT_FINDING_FAULT) == 0;
    if (json) {
        print_json(&sum, verdict, holds);
    } else {
        print_all(&sum, verdict, holds);
    }
    return holds ? 0 : BT_EXIT_FAILED;
}

static const struct bt_option options[] = {
    {"root", "FILE", "gốc tin cậy của tỉnh (root.json) / the province's root", .required = true},
    {"report", "FILE", "báo cáo nhận được: .csv, .json, .xlsx / the report you were given"},
    {"threads", "N", "số luồng; mặc định: số bộ xử lý / threads; as many as processors", .min = 1,
     .max = 16},
    {"json", NULL, "kết quả cho máy đọc / for programs"}};

static const struct bt_subcommand commands[] = {
    {NULL, "EVIDENCE.btx", 1, 1,
     "Đếm lại mọi lượt phát từ tệp bằng chứng và so với báo cáo, không cần máy chủ. Mã thoát 0: "
     "đúng, 1: không đúng.\n"
     "Counts all plays again from evidence and holds the report against it, without the server. "
     "Exit status 0: it holds, 1: it does not.",
     BT_OPTIONS(options), .run = run_verify},
};

const struct bt_command_group bt_verify_commands = {
    .name = "verify",
    .summary = "Kiểm tra báo cáo từ tệp bằng chứng / check a report against its evidence",
    .about = "Tệp gốc tin cậy lấy từ văn phòng tỉnh, không lấy từ người đưa báo cáo.\n"
             "Have the root from the province's office, not from whoever hands you the report.",
    .example = "  bangtin verify thang-10.btx --root root.json --report thang-10.csv\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
