/**
 * How an item comes in and how its picture moves, in sentences for those who approve. The document
 * may be anything: what cannot be said in a sentence is said by its JSON alone, which is shown
 * beside it.
 */
#ifndef BT_CLI_MOTION_WORDS_H
#define BT_CLI_MOTION_WORDS_H

#include <cjson/cJSON.h>

// "Chuyển cảnh: đẩy sang trái, 0,8 giây / push to the left, 0.8 s"; for free(). NULL: not said.
char *bt_transition_words_of(const cJSON *transition);

// "Ảnh chuyển động: phóng 1 → 1,25, tâm (50 %, 50 %) → (60 %, 35 %) / …"; likewise.
char *bt_motion_words_of(const cJSON *motion);

#endif
