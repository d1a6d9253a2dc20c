#include "base/compiler.h"
#include "server/settings/settings.h"

#define NUMBER(min_, max_) .kind = BT_SETTING_NUMBER, .min = (min_), .max = (max_)
#define TEXT(max_) .kind = BT_SETTING_TEXT, .max = (max_)
#define TOP .top = true

const struct bt_setting bt_settings[] = {
    {"time_zone", .kind = BT_SETTING_TIME_ZONE, .standard = "Asia/Ho_Chi_Minh",
     .vi = "Múi giờ của ngày và giờ trong báo cáo", .en = "Time zone of days and hours in reports"},

    {"report_organisation", TEXT(200), .standard = "",
     .vi = "Tên cơ quan in ở đầu báo cáo; để trống: tên đơn vị",
     .en = "The office named on top of reports; empty: the unit's name"},
    {"report_month_day", NUMBER(1, 28), .standard = "20",
     .vi = "Ngày chốt báo cáo tháng: kỳ báo cáo kết thúc trước ngày này",
     .en = "Closing day of monthly reports: the period ends the day before"},
    {"report_half_1", .kind = BT_SETTING_DATE, .standard = "15/6",
     .vi = "Ngày chốt báo cáo 6 tháng đầu năm (15/6 hoặc 10/6)",
     .en = "Closing day of the first half-year (15/6 or 10/6)"},
    {"report_half_2", .kind = BT_SETTING_DATE, .standard = "15/12",
     .vi = "Ngày chốt báo cáo 6 tháng cuối năm và báo cáo năm (15/12 hoặc 10/12)",
     .en = "Closing day of the second half-year and of the year (15/12 or 10/12)"},

    {"plays_every_s", NUMBER(10, 3600), .standard = "60",
     .vi = "Máy phát gửi lượt phát về sau mỗi bao nhiêu giây",
     .en = "Players send their plays every so many seconds"},
    {"keep_batches_months", NUMBER(1, 240), .standard = "24", TOP,
     .vi = "Giữ bản ghi gốc của lượt phát bao nhiêu tháng",
     .en = "Months for which batches of plays stay as they came"},
    {"keep_hours_months", NUMBER(1, 240), .standard = "13", TOP,
     .vi = "Giữ số đếm theo giờ bao nhiêu tháng; theo ngày thì giữ mãi",
     .en = "Months for which counts by the hour stay; those by the day stay for ever"},

    {"alert_silent_min", NUMBER(5, 10080), .standard = "30",
     .vi = "Báo khi màn hình im lặng quá bao nhiêu phút trong giờ mở",
     .en = "Alert when a screen is silent for so many minutes of its opening hours"},
    {"alert_celsius", NUMBER(40, 110), .standard = "80",
     .vi = "Báo khi máy phát nóng từ bao nhiêu độ C", .en = "Alert from this temperature on"},
    {"alert_free_mib", NUMBER(50, 100000), .standard = "500",
     .vi = "Báo khi thẻ nhớ còn ít hơn bao nhiêu MiB",
     .en = "Alert below so many MiB of free storage"},
    {"alert_content_days", NUMBER(0, 60), .standard = "3",
     .vi = "Báo trước bao nhiêu ngày khi màn hình sắp hết nội dung",
     .en = "Alert so many days before a screen runs out of content"},
    {"alert_mail_to", TEXT(512), .standard = "",
     .vi = "Địa chỉ nhận cảnh báo, cách nhau bằng dấu phẩy; để trống: không gửi",
     .en = "Who gets alerts by e-mail, commas between; empty: nobody"},
    {"mail_server", TEXT(255), .standard = "", TOP,
     .vi = "Máy chủ gửi thư, ví dụ smtps://mail.tinh.gov.vn:465; mật khẩu nằm trong tệp riêng",
     .en = "The mail server, such as smtps://mail.example.vn:465; the password stands in a file"},
    {"mail_from", TEXT(255), .standard = "", TOP, .vi = "Địa chỉ gửi của thư cảnh báo",
     .en = "The address that alerts come from"},
};
const size_t bt_settings_count = BT_ARRAY_LEN(bt_settings);
