/**
 * How a text is set, in a sentence for those who approve. The document may be anything: what cannot
 * be said in a sentence is said by its JSON alone, which is shown beside it.
 */
#ifndef BT_CLI_STYLE_WORDS_H
#define BT_CLI_STYLE_WORDS_H

#include <cjson/cJSON.h>

// "Kiểu chữ: có chân, đậm, viền 3 px #000000 / style: serif, bold, outline 3 px #000000"; for
// free(). NULL: nothing to say.
char *bt_style_words_of(const cJSON *style);

#endif
