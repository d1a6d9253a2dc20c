/**
 * What people read of alerts: one message for one unit and round, Vietnamese first, English below;
 * and the same for programs. Pure.
 */
#ifndef BT_SERVER_CARE_MESSAGE_H
#define BT_SERVER_CARE_MESSAGE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/civil.h"
#include "server/care/rules.h"

// A message says no more of; the rest are counted.
#define BT_MESSAGE_MAX_ALERTS 200
#define BT_MESSAGE_MAX_BYTES (256 * 1024)

enum bt_news { BT_NEWS_ON, BT_NEWS_STILL, BT_NEWS_ENDED };

// One alert in a message; all texts are borrowed.
struct bt_alert_news {
    enum bt_news news;
    const char *id, *kind, *severity, *object, *unit, *unit_name, *vi, *en;
    const char *screen_name, *duty_name, *duty_phone;  // "" of no screen
    int64_t since_ms, until_ms;                        // until: of ENDED
};

// "Bảng tin: 2 cảnh báo mới, 1 đã hết (Xã Kinh Bắc)". Appends.
int bt_message_subject(const struct bt_alert_news *news, size_t count, struct bt_buf *out);

// Appends.
int bt_message_text(const struct bt_alert_news *news, size_t count, const struct bt_tz *tz,
                    struct bt_buf *out);

// For webhooks: {"format": 1, "made_ms": …, "alerts": […], "more": N}; for cJSON_Delete.
cJSON *bt_message_json(const struct bt_alert_news *news, size_t count, int64_t now_ms);

/**
 * The whole letter as SMTP wants it: headers with what is not ASCII encoded (RFC 2047), then the
 * text in base64. `id` names it for good, so that a second copy is known as one. -EINVAL: an
 * address that could not stand in a header.
 */
int bt_message_letter(const char *id, const char *from, const char *to, const char *subject,
                      const char *text, int64_t made_ms, struct bt_buf *out);

// The addresses of a list with commas between, one after the other: copies the next one and moves
// *at. False at the end. Ones that cannot be addresses are passed over.
#define BT_ADDRESS_BYTES 256
bool bt_message_address(const char **at, char out[BT_ADDRESS_BYTES]);

#endif
