#include "server/care/rules.h"

#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/str.h"

#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)
#define MIB (1024LL * 1024)

// What a player says of itself is as old as its status: this long it counts.
#define FRESH_MS (45 * MINUTE_MS)
// An order is answered in a second; a player that was away hears of it when it comes back.
#define ORDER_MS (15 * MINUTE_MS)
#define FAILED_MS (12 * HOUR_MS)
#define LOSS_MS BT_MS_PER_DAY
#define CLOCK_MS MINUTE_MS
// Below what it takes to raise it.
#define COOLER_CELSIUS 5

static const char *const severity_words[] = {"notice", "warning", "urgent"};

const char *bt_severity_word(enum bt_severity severity)
{
    return severity_words[severity];
}

static bool has_trouble(const char *troubles, const char *code)
{
    size_t len = strlen(code);
    for (const char *at = strstr(troubles, code); at != NULL; at = strstr(at + 1, code)) {
        if ((at == troubles || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool is_fresh(const struct bt_judge *judge)
{
    return judge->facts->has_player && judge->facts->status_ms != BT_CARE_UNKNOWN &&
           judge->now_ms - judge->facts->status_ms < FRESH_MS;
}

#define SAY(out, since, vi_format, en_format, ...)                                                 \
    say(out, since, bt_strf(vi_format, ##__VA_ARGS__), bt_strf(en_format, ##__VA_ARGS__))

// The sentences are taken.
static bool say(struct bt_finding *out, int64_t since_ms, char *vi, char *en)
{
    out->since_ms = since_ms;
    bt_copy_cut(out->vi, sizeof(out->vi), vi);
    bt_copy_cut(out->en, sizeof(out->en), en);
    bt_free_auto(&vi);
    bt_free_auto(&en);
    return true;
}

static bool has_fresh_trouble(const struct bt_judge *judge, const char *code)
{
    return is_fresh(judge) && has_trouble(judge->facts->troubles, code);
}

static bool never_seen(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    int64_t since_ms = BT_MAX(facts->paired_ms, facts->watched_ms);
    if (!facts->has_player || facts->seen_ms != BT_CARE_UNKNOWN ||
        judge->now_ms - since_ms < judge->limits->silent_min * MINUTE_MS) {
        return false;
    }
    return SAY(out, facts->paired_ms, "máy phát đã ghép mà chưa báo về lần nào",
               "the player was paired and has never reported");
}

// The last sign of life, or when there should have been the first one.
static int64_t heard_ms(const struct bt_care_facts *facts)
{
    int64_t heard = BT_MAX(facts->seen_ms, facts->watched_ms);
    return BT_MAX(heard, facts->open_since_ms);
}

// A silence that began in opening hours goes on when they are over.
static bool silent(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    int64_t limit_ms = judge->limits->silent_min * MINUTE_MS;
    if (!facts->has_player || facts->seen_ms == BT_CARE_UNKNOWN ||
        strcmp(facts->channel, "obeys") == 0 || judge->now_ms - facts->seen_ms < limit_ms) {
        return false;
    }
    bool open = facts->open_since_ms != BT_CARE_UNKNOWN;
    if (!judge->was_on && (!open || judge->now_ms - heard_ms(facts) < limit_ms)) {
        return false;
    }
    return SAY(out, facts->seen_ms, "không có tin gì của máy phát",
               "nothing is heard of the player");
}

// One that is not heard of at all is silent.
static bool not_obeying(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    bool heard = facts->seen_ms != BT_CARE_UNKNOWN &&
                 judge->now_ms - facts->seen_ms < judge->limits->silent_min * MINUTE_MS;
    if (!facts->has_player || strcmp(facts->channel, "not-obeying") != 0 || !heard ||
        (!judge->was_on && facts->open_since_ms == BT_CARE_UNKNOWN)) {
        return false;
    }
    return SAY(out, facts->channel_ms, "máy phát báo về nhưng không nhận lệnh",
               "the player reports, and does not answer orders");
}

static bool order_unanswered(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    if (facts->order_failed_ms != BT_CARE_UNKNOWN &&
        judge->now_ms - facts->order_failed_ms < FAILED_MS) {
        return SAY(out, facts->order_failed_ms, "máy phát không làm được một lệnh",
                   "the player failed at an order");
    }
    bool asked = facts->order_given_ms != BT_CARE_UNKNOWN &&
                 judge->now_ms - facts->order_given_ms >= ORDER_MS;
    if (!asked || !facts->has_player || strcmp(facts->channel, "obeys") != 0) {
        return false;  // whoever is away is told of otherwise
    }
    return SAY(out, facts->order_given_ms, "có lệnh chưa được trả lời",
               "there is an order without an answer");
}

// What a player says of its display.
static const struct {
    const char *word, *vi, *en;
} darknesses[] = {
    {"none", "máy phát không thấy màn hình nào trong giờ mở",
     "the player finds no display in opening hours"},
    {"off", "màn hình đang tắt trong giờ mở", "the display is off in opening hours"},
    {"standby", "màn hình đang ở chế độ chờ trong giờ mở",
     "the display is in standby in opening hours"},
};

static bool says_dark(const struct bt_judge *judge, const char *display, struct bt_finding *out)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(darknesses); i++) {
        if (strcmp(darknesses[i].word, display) == 0) {
            return say(out, judge->now_ms, bt_strdup(darknesses[i].vi),
                       bt_strdup(darknesses[i].en));
        }
    }
    return false;
}

// Where nothing is known of the display now, today's plays may know.
static bool shows_to_nobody(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    return facts->plays_unlit > 0 && facts->plays_lit == 0 &&
           SAY(out, judge->now_ms, "hôm nay %lld lượt phát, không lượt nào lúc màn hình sáng",
               "%lld plays today, none of them while the display was lit",
               (long long)facts->plays_unlit);
}

static bool dark(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    if (!facts->has_player || facts->open_since_ms == BT_CARE_UNKNOWN) {
        return false;
    }
    const char *display = !is_fresh(judge) ? "" : facts->no_display ? "none" : facts->display;
    return display[0] != '\0' ? says_dark(judge, display, out) : shows_to_nobody(judge, out);
}

static bool hot(const struct bt_judge *judge, struct bt_finding *out)
{
    int64_t celsius = judge->facts->celsius;
    int64_t limit = judge->limits->celsius - (judge->was_on ? COOLER_CELSIUS : 0);
    if (!is_fresh(judge) || celsius == BT_CARE_UNKNOWN || celsius < limit) {
        return false;
    }
    return SAY(out, judge->now_ms, "máy phát nóng %lld °C", "the player is at %lld °C",
               (long long)celsius);
}

static bool throttled(const struct bt_judge *judge, struct bt_finding *out)
{
    return is_fresh(judge) && judge->facts->throttled &&
           SAY(out, judge->now_ms, "máy phát phải chạy chậm lại vì nóng hoặc điện yếu",
               "the player slows itself down: heat, or too little power");
}

static bool full(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    int64_t limit = judge->limits->free_mib * MIB;
    limit += judge->was_on ? limit / 5 : 0;
    bool low = facts->free_bytes != BT_CARE_UNKNOWN && facts->free_bytes < limit;
    if (!is_fresh(judge) || (!low && !has_trouble(facts->troubles, "disk-full"))) {
        return false;
    }
    return SAY(out, judge->now_ms, "thẻ nhớ của máy phát còn %lld MiB",
               "%lld MiB are left of the player's storage",
               facts->free_bytes == BT_CARE_UNKNOWN ? 0LL : (long long)(facts->free_bytes / MIB));
}

static bool wrong_clock(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    bool known = facts->clock_offset_ms != BT_CARE_UNKNOWN;
    bool off = known && (facts->clock_offset_ms > CLOCK_MS || facts->clock_offset_ms < -CLOCK_MS);
    if (!is_fresh(judge) ||
        (!off && !facts->clock_untrusted && !has_trouble(facts->troubles, "clock-wrong"))) {
        return false;
    }
    return off ? SAY(out, judge->now_ms, "đồng hồ máy phát lệch %lld giây",
                     "the player's clock is %lld s off", (long long)(facts->clock_offset_ms / 1000))
               : SAY(out, judge->now_ms, "máy phát chưa tin đồng hồ của mình",
                     "the player does not trust its clock");
}

static bool out_of_content(const struct bt_judge *judge, struct bt_finding *out)
{
    int64_t end_ms = judge->facts->content_end_ms;
    int64_t left_ms = end_ms - judge->now_ms;
    if (!judge->facts->has_player || end_ms == BT_CARE_NEVER || end_ms == 0 ||
        left_ms > judge->limits->content_days * BT_MS_PER_DAY) {
        return false;
    }
    return left_ms <= 0 ? SAY(out, end_ms, "nội dung đã hết hạn, không có gì tiếp theo",
                              "its content has ended, and nothing follows")
                        : SAY(out, judge->now_ms,
                              "còn %lld ngày %lld giờ là hết nội dung, chưa có gì tiếp theo",
                              "its content ends in %lld days and %lld hours, and nothing follows",
                              (long long)(left_ms / BT_MS_PER_DAY),
                              (long long)(left_ms % BT_MS_PER_DAY / HOUR_MS));
}

// Whoever has not reported at all is told of otherwise.
static bool plays_late(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    int64_t known_ms =
        facts->plays_known_ms != BT_CARE_UNKNOWN ? facts->plays_known_ms : facts->paired_ms;
    struct bt_finding other;
    if (!is_fresh(judge) || facts->forked || silent(judge, &other) ||
        judge->now_ms - known_ms < judge->limits->plays_hours * HOUR_MS) {
        return false;
    }
    return SAY(out, known_ms, "lượt phát chưa về máy chủ", "plays do not come home");
}

static bool forked(const struct bt_judge *judge, struct bt_finding *out)
{
    return judge->facts->forked &&
           SAY(out, judge->now_ms,
               "sổ lượt phát bị rẽ nhánh (thẻ nhớ bị sao chép?), số đếm tạm dừng",
               "the journal of plays is forked (a copied card?); nothing of it is counted");
}

static bool lost(const struct bt_judge *judge, struct bt_finding *out)
{
    int64_t loss_ms = judge->facts->loss_ms;
    return loss_ms != BT_CARE_UNKNOWN && judge->now_ms - loss_ms < LOSS_MS &&
           SAY(out, loss_ms, "sổ lượt phát hỏng hoặc thiếu một đoạn",
               "the journal of plays is damaged, or a part of it is missing");
}

static bool refused(const struct bt_judge *judge, struct bt_finding *out)
{
    if (!has_fresh_trouble(judge, "signature-refused") &&
        !has_fresh_trouble(judge, "publication-refused")) {
        return false;
    }
    return SAY(out, judge->now_ms, "máy phát từ chối một chữ ký hoặc văn bản",
               "the player refuses a signature or a document");
}

static bool warning_unshown(const struct bt_judge *judge, struct bt_finding *out)
{
    return has_fresh_trouble(judge, "emergency-not-shown") &&
           SAY(out, judge->now_ms, "tin khẩn cấp không hiện được trên màn hình",
               "an emergency message cannot be shown");
}

static bool unbound(const struct bt_judge *judge, struct bt_finding *out)
{
    return has_fresh_trouble(judge, "not-bound") &&
           SAY(out, judge->now_ms, "kỹ thuật viên chưa ký cho máy phát này",
               "no technician has signed for this player");
}

static bool wrong_mode(const struct bt_judge *judge, struct bt_finding *out)
{
    return has_fresh_trouble(judge, "wrong-mode") &&
           SAY(out, judge->now_ms, "màn hình không nhận chế độ hình đã khai, hình bị cắt hoặc lệch",
               "the display has another mode than its publication says; the picture is cut off");
}

// Until another version was tried: somebody has to look at this one.
static bool went_back(const struct bt_judge *judge, struct bt_finding *out)
{
    const struct bt_care_facts *facts = judge->facts;
    return facts->back_from[0] != '\0' &&
           SAY(out, judge->now_ms, "máy phát đã bỏ bản %s và quay về bản trước (%s)",
               "the player went back from version %s (%s)", facts->back_from, facts->back_why);
}

static bool expired(const struct bt_judge *judge, struct bt_finding *out)
{
    return has_fresh_trouble(judge, "metadata-expired") &&
           SAY(out, judge->now_ms, "chữ ký mà máy phát có đã quá hạn",
               "the signatures that the player has are past their end");
}

#define NOTICE BT_SEVERITY_NOTICE
#define WARNING BT_SEVERITY_WARNING
#define URGENT BT_SEVERITY_URGENT
#define DAILY BT_MS_PER_DAY
#define WEEKLY (7 * BT_MS_PER_DAY)

// clang-format off
const struct bt_rule bt_rules[] = {
    {"emergency-not-shown", URGENT, 0, 5 * MINUTE_MS, DAILY, "Tin khẩn không hiện",
     "Warning not shown", "gọi người trực và quản trị ngay", warning_unshown},
    {"signature-refused", URGENT, 0, 30 * MINUTE_MS, DAILY, "Từ chối chữ ký", "Signature refused",
     "gọi quản trị: có thể có người can thiệp", refused},
    {"journal-forked", URGENT, 0, 0, DAILY, "Sổ lượt phát rẽ nhánh", "Forked journal",
     "tìm máy phát dùng thẻ nhớ sao chép, rồi ghép lại máy phát", forked},
    {"silent", WARNING, 0, 2 * MINUTE_MS, DAILY, "Im lặng", "Silent",
     "gọi người trực: điện, mạng, máy phát", silent},
    {"never-seen", WARNING, 0, 0, DAILY, "Chưa báo về", "Never seen",
     "kiểm tra điện, mạng của máy phát mới ghép", never_seen},
    {"not-obeying", WARNING, 5 * MINUTE_MS, 5 * MINUTE_MS, DAILY, "Không nhận lệnh", "Not obeying",
     "kiểm tra mạng; cần gỡ gấp thì gọi người trực tắt màn hình", not_obeying},
    {"order-unanswered", WARNING, 0, 0, 0, "Lệnh không xong", "Order not done",
     "xem lệnh nào: bangtin status MÃ-MÀN-HÌNH", order_unanswered},
    {"dark", WARNING, 10 * MINUTE_MS, 5 * MINUTE_MS, DAILY, "Màn hình tối", "Dark",
     "kiểm tra nguồn, dây tín hiệu, bộ điều khiển màn hình", dark},
    {"hot", WARNING, 2 * MINUTE_MS, 15 * MINUTE_MS, DAILY, "Nóng", "Hot",
     "kiểm tra quạt, thông gió của tủ", hot},
    {"throttled", WARNING, 5 * MINUTE_MS, 30 * MINUTE_MS, DAILY, "Chạy chậm", "Throttled",
     "kiểm tra nguồn điện và quạt của máy phát", throttled},
    {"storage", WARNING, 5 * MINUTE_MS, 30 * MINUTE_MS, DAILY, "Sắp hết chỗ", "Short of storage",
     "bỏ bớt nội dung cũ hoặc thay thẻ nhớ lớn hơn", full},
    {"clock", WARNING, 30 * MINUTE_MS, 10 * MINUTE_MS, DAILY, "Sai giờ", "Wrong clock",
     "kiểm tra mạng (NTP) và pin đồng hồ", wrong_clock},
    {"content", WARNING, 0, 0, DAILY, "Sắp hết nội dung", "Runs out of content",
     "đề nghị, duyệt nội dung mới", out_of_content},
    {"plays-late", WARNING, 0, 0, DAILY, "Lượt phát chưa về", "Plays not home",
     "kiểm tra mạng; số liệu báo cáo còn thiếu màn hình này", plays_late},
    {"journal-damaged", WARNING, 0, 0, 0, "Sổ lượt phát hỏng", "Damaged journal",
     "kiểm tra thẻ nhớ; báo cáo sẽ ghi đoạn thiếu", lost},
    {"not-bound", WARNING, 10 * MINUTE_MS, 0, DAILY, "Chưa ký cho máy", "Not bound",
     "kỹ thuật viên chạy bangtin screen sign hoặc pair --key", unbound},
    {"wrong-mode", WARNING, 5 * MINUTE_MS, 5 * MINUTE_MS, DAILY, "Sai chế độ hình", "Wrong mode",
     "kiểm tra dây HDMI, EDID, chế độ hình của máy phát và bộ gửi", wrong_mode},
    {"went-back", WARNING, 0, 0, WEEKLY, "Quay về bản cũ", "Went back from a new version",
     "thu hồi bản ấy: bangtin software remove; báo cho người làm phần mềm", went_back},
    {"metadata-expired", WARNING, 10 * MINUTE_MS, 0, DAILY, "Chữ ký quá hạn", "Signatures expired",
     "bangtin repository renew", expired},

    {"expiry-1", URGENT, 0, 0, DAILY, "Chữ ký sắp hết hạn", "Signatures end within a day",
     "bangtin repository renew", NULL},
    {"expiry-7", WARNING, 0, 0, DAILY, "Chữ ký sắp hết hạn", "Signatures end within 7 days",
     "bangtin repository renew", NULL},
    {"expiry-30", NOTICE, 0, 0, WEEKLY, "Chữ ký sắp hết hạn", "Signatures end within 30 days",
     "bangtin repository renew", NULL},
    {"backup", WARNING, 0, 0, DAILY, "Chưa sao lưu", "No backup",
     "sao lưu máy chủ (docs/server.md)", NULL},
};
// clang-format on
const size_t bt_rules_count = BT_ARRAY_LEN(bt_rules);

const struct bt_rule *bt_rule_find(const char *kind)
{
    for (size_t i = 0; i < bt_rules_count; i++) {
        if (strcmp(bt_rules[i].kind, kind) == 0) {
            return &bt_rules[i];
        }
    }
    return NULL;
}

int64_t bt_opening(int64_t open_min, int64_t close_min, const struct bt_tz *tz, int64_t now_ms)
{
    if (open_min == close_min) {
        return 0;
    }
    int64_t local_s = bt_tz_to_local_s(tz, now_ms / 1000);
    int64_t midnight_s = local_s - local_s % (BT_MS_PER_DAY / 1000);
    int64_t minute = (local_s - midnight_s) / 60;
    bool night = close_min < open_min;  // "18:00–02:00"
    bool open =
        night ? minute >= open_min || minute < close_min : minute >= open_min && minute < close_min;
    if (!open) {
        return BT_CARE_UNKNOWN;
    }
    bool yesterday = night && minute < close_min;
    int64_t opened_s = midnight_s + open_min * 60 - (yesterday ? BT_MS_PER_DAY / 1000 : 0);
    return bt_tz_to_utc_s(tz, opened_s) * 1000;
}

bool bt_quiet(const struct bt_care_limits *limits, const struct bt_tz *tz, int64_t now_ms)
{
    int64_t from = limits->quiet_from, until = limits->quiet_until;
    int64_t hour = bt_tz_to_local_s(tz, now_ms / 1000) % (BT_MS_PER_DAY / 1000) / 3600;
    if (from <= until) {
        return hour >= from && hour < until;
    }
    return hour >= from || hour < until;
}

const char *bt_expiry_kind(int64_t expires_ms, int64_t now_ms)
{
    int64_t left_ms = expires_ms - now_ms;
    if (left_ms <= BT_MS_PER_DAY) {
        return "expiry-1";
    }
    if (left_ms <= 7 * BT_MS_PER_DAY) {
        return "expiry-7";
    }
    return left_ms <= 30 * BT_MS_PER_DAY ? "expiry-30" : NULL;
}

static const struct {
    const char *word;
    bool (*holds)(const struct bt_judge *judge, struct bt_finding *out);
} states[] = {
    {"silent", silent},       {"not-obeying", not_obeying}, {"dark", dark},
    {"trouble", refused},     {"trouble", warning_unshown}, {"trouble", forked},
    {"trouble", hot},         {"trouble", throttled},       {"trouble", full},
    {"trouble", wrong_clock}, {"trouble", out_of_content},  {"trouble", unbound},
};

const char *bt_screen_state(const struct bt_care_facts *facts, const struct bt_care_limits *limits,
                            int64_t now_ms, int64_t *out_since_ms)
{
    // What holds now, whatever the hour: nobody is woken by this.
    const struct bt_judge judge = {facts, limits, now_ms, .was_on = true};
    struct bt_finding finding;
    *out_since_ms = BT_CARE_UNKNOWN;
    if (!facts->has_player) {
        return "no-player";
    }
    if (facts->seen_ms == BT_CARE_UNKNOWN) {
        *out_since_ms = facts->paired_ms;
        return "never-seen";
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        if (states[i].holds(&judge, &finding)) {
            *out_since_ms = finding.since_ms == now_ms ? BT_CARE_UNKNOWN : finding.since_ms;
            return states[i].word;
        }
    }
    *out_since_ms = facts->channel_ms;
    return facts->troubles[0] != '\0' ? "trouble" : "ok";
}
