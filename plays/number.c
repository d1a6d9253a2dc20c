#include "plays/number.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

// Written from the last digit to the first, then turned to the front.
void bt_number_vi(char out[BT_NUMBER_BYTES], int64_t value, int decimals)
{
    assert(decimals >= 0 && decimals <= 9);
    char *at = out + BT_NUMBER_BYTES;
    bool negative = value < 0;
    uint64_t rest = negative ? 0 - (uint64_t)value : (uint64_t)value;
    *--at = '\0';
    for (int digits = 0; rest > 0 || digits <= decimals; digits++) {
        if (digits > 0 && digits == decimals) {
            *--at = ',';
        } else if (digits > decimals && (digits - decimals) % 3 == 0) {
            *--at = '.';
        }
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (negative) {
        *--at = '-';
    }
    memmove(out, at, (size_t)(out + BT_NUMBER_BYTES - at));
}
