// Numbers as Vietnamese readers write them: 1.234,5.
#ifndef BT_PLAYS_NUMBER_H
#define BT_PLAYS_NUMBER_H

#include <stdint.h>

#define BT_NUMBER_BYTES 40

/**
 * Dots between the thousands, and when `decimals` is not 0 a comma before that many last digits:
 * bt_number_vi(out, 12345, 1) is 1.234,5.
 */
void bt_number_vi(char out[BT_NUMBER_BYTES], int64_t value, int decimals);

#endif
