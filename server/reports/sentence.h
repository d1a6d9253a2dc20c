// The sentence that is pasted into a report, as offices write it.
#ifndef BT_SERVER_REPORTS_SENTENCE_H
#define BT_SERVER_REPORTS_SENTENCE_H

#include "base/buf.h"
#include "server/reports/params.h"
#include "server/reports/scope.h"

// "Trong tháng 10/2026 đã phát 1.234 lượt (205,7 giờ) trên 45 màn hình tại 38 xã, phường."
int bt_report_sentence(const struct bt_report_params *params, const struct bt_scope *scope,
                       int64_t screens, int64_t units, struct bt_buf *out) BT_NODISCARD;

#endif
