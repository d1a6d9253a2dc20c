#include "server/reports/columns.h"

#include <string.h>

#include "base/compiler.h"

const struct bt_report_column bt_dimension_columns[BT_DIMENSIONS] = {
    [BT_BY_CAMPAIGN] = {"campaign", "text", "Chiến dịch", "Campaign"},
    [BT_BY_ITEM] = {"item", "text", "Nội dung", "Item"},
    [BT_BY_UNIT] = {"unit", "text", "Đơn vị", "Unit"},
    [BT_BY_SCREEN] = {"screen", "text", "Màn hình", "Screen"},
    [BT_BY_DAY] = {"day", "day", "Ngày", "Day"},
    [BT_BY_MONTH] = {"month", "text", "Tháng", "Month"},
    [BT_BY_HOUR] = {"hour", "text", "Giờ", "Hour"},
    [BT_BY_PRIORITY] = {"priority", "text", "Mức ưu tiên", "Priority"},
    [BT_BY_REASON] = {"reason", "text", "Lý do kết thúc", "Why it ended"},
    [BT_BY_EVIDENCE] = {"evidence", "text", "Bằng chứng", "Evidence"},
};

const struct bt_report_column bt_key_columns[BT_DIMENSIONS] = {
    [BT_BY_CAMPAIGN] = {"campaign_id", "text", "Mã chiến dịch", "Campaign's id"},
    [BT_BY_ITEM] = {"item_id", "text", "Mã nội dung", "Item's key"},
    [BT_BY_UNIT] = {"unit_code", "text", "Mã đơn vị", "Unit's code"},
    [BT_BY_SCREEN] = {"screen_id", "text", "Mã màn hình", "Screen's id"},
};

const struct bt_report_column bt_measure_columns[BT_MEASURE_COUNT] = {
    [BT_MEASURE_SCHEDULED] = {"scheduled", "count", "Theo lịch", "Scheduled"},
    [BT_MEASURE_COMPLETE] = {"complete", "count", "Trọn vẹn", "Complete"},
    [BT_MEASURE_PARTIAL] = {"partial", "count", "Dở dang", "Partial"},
    [BT_MEASURE_VERIFIED] = {"verified", "count", "Xác minh hiển thị", "Verified"},
    [BT_MEASURE_CARDS] = {"cards", "count", "Lượt thẻ", "Cards"},
    [BT_MEASURE_SHOWN_MS] = {"shown_ms", "duration_ms", "Thời lượng phát", "Time shown"},
    [BT_MEASURE_SCREENS] = {"screens", "count", "Số màn hình", "Screens"},
    [BT_MEASURE_GOAL] = {"goal", "count", "Chỉ tiêu", "Goal"},
    [BT_MEASURE_SHORTFALL] = {"shortfall", "count", "Còn thiếu", "Shortfall"},
};

static const struct {
    const char *word, *vi;
} words[] = {
    {"fallback", "Dự phòng"},
    {"normal", "Thường"},
    {"priority", "Ưu tiên"},
    {"emergency", "Khẩn cấp"},
    {"schedule", "Hết lượt theo lịch"},
    {"window", "Hết khung giờ"},
    {"preempted", "Bị chen ngang"},
    {"removed", "Bị gỡ"},
    {"error", "Lỗi"},
    {"display", "Mất màn hình"},
    {"stopped", "Máy phát dừng"},
    {"power lost", "Mất điện"},
    {"present", "Giao cho hệ thống cửa sổ"},
    {"page-flip", "Lật khung của màn hình"},
    {"cut short", "Phát dở dang"},
    {"taken down", "Đang có lệnh gỡ"},
    {"emergency in force", "Đang phát khẩn cấp"},
    {"not reported", "Chưa báo về"},
    {"lost", "Mất lượt (đã khai báo)"},
    {"not shown", "Không phát"},
    {"journal unwritable", "Không ghi được sổ"},
    {"journal damaged or gone", "Sổ hỏng hoặc mất"},
    {"open play damaged", "Lượt đang phát bị hỏng"},
    {"records pruned", "Bản ghi đã bị dọn trước khi gửi"},
    {"journal replaced", "Sổ được thay bằng sổ mới"},
    {"journal forked", "Sổ bị sao chép (rẽ nhánh)"},
};

const char *bt_report_word_vi(const char *word)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            return words[i].vi;
        }
    }
    return word;
}
