// Strings: bounded formatting, whole-text number parsing, UTF-8 checks.
#ifndef BT_BASE_STR_H
#define BT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

// snprintf where a cut-off result would be wrong: -EMSGSIZE when it does not fit ("" is left).
int bt_format(char *out, size_t size, const char *format, ...) BT_PRINTF(3, 4) BT_NODISCARD;

// Copies what fits, ends it with NUL and never cuts a UTF-8 character. For display only.
void bt_copy_cut(char *out, size_t size, const char *text);

// A freshly allocated formatted text; the caller frees it.
char *bt_strf(const char *format, ...) BT_PRINTF(1, 2) BT_NODISCARD;

// The whole text is a decimal number within [min, max], or -EINVAL.
int bt_parse_int(const char *text, int64_t min, int64_t max, int64_t *out) BT_NODISCARD;

bool bt_str_equal(const char *a, const char *b);  // NULL equals only NULL
bool bt_str_starts(const char *text, const char *prefix);
bool bt_str_ends(const char *text, const char *suffix);

// Valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF, no NUL inside.
bool bt_utf8_valid(const char *text, size_t len);

// Removes an incomplete character from the end of a text that was cut.
void bt_utf8_trim_partial(char *text);

// Removes every byte that is not part of a valid character, such as what "%.64s" cut in two.
void bt_utf8_drop_invalid(char *text);

// Lower-case hex of `len` bytes into out, which has room for 2 * len + 1.
void bt_hex(const uint8_t *bytes, size_t len, char *out);
int bt_unhex(const char *text, uint8_t *out, size_t len) BT_NODISCARD;

#endif
