#include "server/reports/sentence.h"

#include "base/str.h"
#include "plays/number.h"

// Offices write 07 for 7.
static void count_vi(char out[BT_NUMBER_BYTES], int64_t count)
{
    bt_number_vi(out, count, 0);
    if (count >= 0 && count < 10) {
        out[0] = '0', out[1] = (char)('0' + count), out[2] = '\0';
    }
}

int bt_report_sentence(const struct bt_report_params *params, const struct bt_scope *scope,
                       int64_t screens, int64_t units, struct bt_buf *out)
{
    char plays[BT_NUMBER_BYTES], hours[BT_NUMBER_BYTES], where[BT_NUMBER_BYTES];
    char offices[BT_NUMBER_BYTES];
    count_vi(plays, scope->complete);
    bt_number_vi(hours, (scope->shown_ms + 180000) / 360000, 1);
    count_vi(where, screens);
    count_vi(offices, units);
    // "từ ngày …" begins with a letter of one byte.
    const char *phrase = params->phrase;
    int r = params->preset[0] != '\0'
                ? bt_buf_appendf(out, "Trong %s", phrase)
                : bt_buf_appendf(out, "%c%s", phrase[0] == 't' ? 'T' : 'N', phrase + 1);
    return r < 0 ? r
                 : bt_buf_appendf(out,
                                  " đã phát %s lượt (%s giờ) trên %s màn hình tại %s xã, phường.",
                                  plays, hours, where, offices);
}
