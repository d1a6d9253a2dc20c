#include "base/pin.h"

#include <string.h>

#include "base/str.h"

bool bt_is_pin(const char *text)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!bt_str_starts(text, BT_PIN_PREFIX) || strlen(text) != BT_PIN_BYTES - 1) {
        return false;
    }
    const char *value = text + sizeof(BT_PIN_PREFIX) - 1;
    return strspn(value, base64) == 43 && value[43] == '=';
}
