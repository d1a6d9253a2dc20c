// KET-QUA.txt: what became of a stick, for whoever carries it.
#include "base/civil.h"
#include "base/compiler.h"
#include "base/json.h"
#include "base/str.h"
#include "sync/usb_inside.h"

#define LOCAL_OFFSET_S (7 * 3600)

// What happened and why, and what to do; Vietnamese, then English.
static const struct {
    const char *what, *action, *what_en, *action_en;
} words[BT_IMPORT_VERDICTS] = {
    [BT_IMPORT_TAKEN] = {"Màn hình đã nhận nội dung trên USB.", "Có thể rút USB.",
                         "The screen has taken what is on the stick.", "The stick may be pulled."},
    [BT_IMPORT_UNPAIRED] = {"Màn hình này chưa được ghép với máy chủ nên không nhận USB nào.",
                            "Hãy ghép máy phát (cần mạng một lần), rồi cắm lại USB.",
                            "This player was never paired, so it takes no stick.",
                            "Pair it (that needs a network once), then insert the stick again."},
    [BT_IMPORT_STRANGER] =
        {"USB này không do máy chủ của màn hình ký, hoặc đã bị sửa. Không có gì "
         "được nhận.",
         "Hãy lập lại USB trên máy chủ của tỉnh bằng lệnh bangtin bundle. Nếu USB "
         "vừa được lập mà vẫn bị từ chối, hãy báo quản trị viên.",
         "This stick was not signed by the screen's own server, or was changed. "
         "Nothing was taken.",
         "Make it again with bangtin bundle on the province's server. If it was "
         "made just now, tell the administrator."},
    [BT_IMPORT_ELSEWHERE] = {"USB này dành cho đơn vị hoặc màn hình khác.",
                             "Hãy mang đến đúng màn hình, hoặc lập USB có màn hình này.",
                             "This stick is for another unit or screen.",
                             "Bring it to the right screen, or make one that includes this one."},
    [BT_IMPORT_EXPIRED] =
        {"USB đã quá hạn, hoặc chữ ký trên đó đã hết hạn. Nội dung đang chiếu giữ "
         "nguyên.",
         "Hãy lập USB mới. Nếu USB còn hạn, hãy xem ngày giờ của máy phát.",
         "The stick has expired, or what was signed on it has. What is on stays.",
         "Make a new one. If it has not expired, look at the player's clock."},
    [BT_IMPORT_OLD] = {"USB cũ hơn nội dung màn hình đang có, nên không thay gì.",
                       "Không cần làm gì; hãy lập USB mới nếu có nội dung mới.",
                       "The stick is older than what the screen has, so nothing was replaced.",
                       "Nothing to do; make a new one when there is something new."},
    [BT_IMPORT_INCOMPLETE] =
        {"USB thiếu tệp đã ký, hoặc có tệp không đủ chữ ký; có thể chép chưa xong. "
         "Phần ấy giữ nguyên như đang chiếu.",
         "Hãy lập lại USB và rút đúng cách.",
         "Signed files are missing on the stick, or too few people signed them; "
         "perhaps it was not finished. That part stays as it is.",
         "Make it again, and eject it properly."},
    [BT_IMPORT_UNBOUND] =
        {"Chưa có kỹ thuật viên nào ký cho máy phát này chiếu màn hình này.",
         "Hãy ký tài liệu màn hình (bangtin pair --key, bangtin screen sign), rồi "
         "lập USB mới.",
         "No technician has signed yet that this player may show this screen.",
         "Sign the screen's document (bangtin pair --key, bangtin screen sign), "
         "then make a new stick."},
    [BT_IMPORT_BROKEN] =
        {"Không đọc được USB: USB hỏng hoặc bị rút giữa chừng. Nội dung đang chiếu "
         "giữ nguyên.",
         "Hãy cắm lại; nếu vẫn lỗi, hãy dùng USB khác.",
         "The stick cannot be read: it is broken, or was pulled. What is on stays.",
         "Insert it again; if that fails, use another one."},
    [BT_IMPORT_SLOW] =
        {"USB không trả lời hoặc đọc quá chậm (có thể sắp hỏng), nên máy phát thôi "
         "đọc. Phần đã chép được giữ lại.",
         "Hãy lập lại trên một USB khác.",
         "The stick does not answer, or is far too slow (perhaps it is dying), so the "
         "player gave it up. What was copied is kept.",
         "Make it again on another one."},
    [BT_IMPORT_FAILED] = {"Máy phát không ghi được lên đĩa của nó.",
                          "Hãy báo kỹ thuật viên xem thẻ nhớ, ổ đĩa của máy phát.",
                          "The player cannot write to its own disk.",
                          "Have a technician look at the player's card or disk."},
};

static int line(struct bt_buf *out, int r, const char *text)
{
    return r < 0 ? r : bt_buf_appendf(out, "%s\r\n", text);
}

// What was found while copying, in both languages.
static int append_copied(const struct bt_usb_outcome *outcome, bool english, struct bt_buf *out)
{
    int r = 0;
    if (outcome->copied > 0) {
        r = bt_buf_appendf(out,
                           english ? "%lld files were copied (%lld MB).\r\n"
                                   : "Đã chép %lld tệp (%lld MB).\r\n",
                           (long long)outcome->copied, (long long)(outcome->copied_bytes >> 20));
    }
    if (r == 0 && outcome->damaged > 0) {
        r = bt_buf_appendf(out,
                           english ? "%lld files on the stick are damaged and were not taken: make "
                                     "the stick again.\r\n"
                                   : "%lld tệp trên USB bị hỏng, không nhận: hãy lập lại USB.\r\n",
                           (long long)outcome->damaged);
    }
    if (r == 0 && outcome->absent > 0) {
        r = bt_buf_appendf(out,
                           english ? "%lld files are not on the stick: make it again.\r\n"
                                   : "%lld tệp không có trên USB: hãy lập lại USB.\r\n",
                           (long long)outcome->absent);
    }
    if (r == 0 && outcome->full) {
        r = line(out, r,
                 english ? "The player's disk is full."
                         : "Đĩa của máy phát đã đầy; hãy báo kỹ thuật viên.");
    }
    if (r == 0 && outcome->gone) {
        r = line(out, r,
                 english ? "The stick cannot be read any further; insert it again, it goes on."
                         : "USB không đọc tiếp được; hãy cắm lại, máy phát sẽ chép tiếp.");
    }
    return r;
}

// "u/31333/quang-truong, bản 42: đang chiếu"
static int append_documents(const struct bt_import *import, bool english, struct bt_buf *out)
{
    const cJSON *document, *waiting;
    int r = 0;
    cJSON_ArrayForEach(document, import->documents)
    {
        const char *target =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, "target"));
        const cJSON *version = cJSON_GetObjectItemCaseSensitive(document, "version");
        const char *state = english ? "on" : "đang chiếu";
        cJSON_ArrayForEach(waiting, import->waiting)
        {
            if (cJSON_Compare(cJSON_GetObjectItemCaseSensitive(waiting, "target"),
                              cJSON_GetObjectItemCaseSensitive(document, "target"), true)) {
                const cJSON *missing = cJSON_GetObjectItemCaseSensitive(waiting, "missing_bytes");
                bool lacks = cJSON_IsNumber(missing) && missing->valuedouble > 0;
                state = lacks ? (english ? "files are missing" : "còn thiếu tệp")
                              : (english ? "waits for its time" : "chờ đến giờ");
            }
        }
        r = r < 0
                ? r
                : bt_buf_appendf(out,
                                 english ? "  %s, version %.0f: %s\r\n" : "  %s, bản %.0f: %s\r\n",
                                 target != NULL ? target : "",
                                 cJSON_IsNumber(version) ? version->valuedouble : 0, state);
    }
    return r;
}

static int append_takedowns(const struct bt_import *import, bool english, struct bt_buf *out)
{
    int r = 0;
    if (import->takedowns > 0) {
        r = bt_buf_appendf(out,
                           english ? "%zu takedowns of the stick hold here.\r\n"
                                   : "%zu lệnh gỡ trên USB đã có hiệu lực tại đây.\r\n",
                           import->takedowns);
    }
    if (r == 0 && import->unkept > 0) {
        r = bt_buf_appendf(
            out,
            english ? "%zu of them could not be written to the player's disk: they end when it "
                      "starts again, and are not reported as carried out. When the disk is "
                      "mended, insert this stick again.\r\n"
                    : "Trong đó %zu lệnh gỡ không ghi được lên đĩa của máy phát: chúng mất hiệu "
                      "lực khi máy khởi động lại và chưa được báo là đã thực hiện. Sửa đĩa xong, "
                      "hãy cắm lại USB này.\r\n",
            import->unkept);
    }
    if (r == 0 && import->refused > 0) {
        r = bt_buf_appendf(out,
                           english
                               ? "%zu takedowns of the stick were refused and do not hold: tell "
                                 "the administrator.\r\n"
                               : "%zu lệnh gỡ trên USB bị từ chối, không có hiệu lực: hãy báo "
                                 "quản trị viên.\r\n",
                           import->refused);
    }
    return r;
}

static int append_back(const struct bt_usb_outcome *outcome, bool english, struct bt_buf *out)
{
    int r = append_takedowns(&outcome->import, english, out);
    if (r == 0 && outcome->batches > 0) {
        r = bt_buf_appendf(out,
                           english
                               ? "%lld batches of plays lie in TRA-VE: hand them in with bangtin "
                                 "bundle return.\r\n"
                               : "%lld gói lượt phát nằm trong TRA-VE: hãy nộp về bằng lệnh "
                                 "bangtin bundle return.\r\n",
                           (long long)outcome->batches);
    }
    if (r == 0 && outcome->more) {
        r = line(out, r,
                 english ? "There are more plays; they come with the next stick."
                         : "Còn lượt phát chưa chép hết; lần USB sau sẽ chép tiếp.");
    }
    return r;
}

// What was verified and then could not be copied is not done.
static enum bt_import_verdict verdict_of(const struct bt_usb_outcome *outcome)
{
    if (outcome->import.unkept > 0) {
        return BT_IMPORT_FAILED;
    }
    if (outcome->import.verdict != BT_IMPORT_TAKEN) {
        return outcome->import.verdict;
    }
    if (outcome->full) {
        return BT_IMPORT_FAILED;
    }
    if (outcome->slow) {
        return BT_IMPORT_SLOW;
    }
    if (outcome->gone) {
        return BT_IMPORT_BROKEN;
    }
    return outcome->damaged + outcome->absent > 0 ? BT_IMPORT_INCOMPLETE : BT_IMPORT_TAKEN;
}

static int append_language(const struct bt_usb_outcome *outcome, bool english, struct bt_buf *out)
{
    enum bt_import_verdict verdict = verdict_of(outcome);
    int r = line(out, 0, english ? words[verdict].what_en : words[verdict].what);
    r = r < 0 ? r : append_copied(outcome, english, out);
    r = r < 0 ? r : append_documents(&outcome->import, english, out);
    r = r < 0 ? r : append_back(outcome, english, out);
    return line(out, r, english ? words[verdict].action_en : words[verdict].action);
}

int bt_usb_words(struct bt_sync *sync, const struct bt_usb_outcome *outcome, struct bt_buf *out)
{
    char at[BT_RFC3339_BYTES];
    struct bt_identity identity = bt_standing_identity(sync->standing);
    bt_rfc3339_format(bt_time_floor_now(sync->time).wall_ms, LOCAL_OFFSET_S, at);
    int r = bt_buf_appendf(out,
                           "\xef\xbb\xbf"
                           "BẢNG TIN - KẾT QUẢ CẮM USB\r\n\r\nMàn hình: %s (%s), máy phát %s\r\n"
                           "Lúc: %.16s (giờ của máy phát)\r\nUSB: %s\r\n\r\n",
                           identity.screen, identity.unit, identity.player, at,
                           outcome->import.vouched ? outcome->import.id : "-");
    r = r < 0 ? r : append_language(outcome, false, out);
    r = line(out, r, "\r\n----------------------------------------\r\n");
    r = r < 0 ? r : append_language(outcome, true, out);
    return outcome->import.err.msg[0] == '\0' || r < 0
               ? r
               : bt_buf_appendf(out, "\r\n(%s)\r\n", outcome->import.err.msg);
}
