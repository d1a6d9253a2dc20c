#include "media/normalise.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    GRAVE = 0x0300,
    ACUTE = 0x0301,
    CIRCUMFLEX = 0x0302,
    TILDE = 0x0303,
    BREVE = 0x0306,
    HOOK_ABOVE = 0x0309,
    HORN = 0x031B,
    DOT_BELOW = 0x0323,
    ETH_UPPER = 0x00D0,   // Ð, which keyboards for other languages offer
    DYET_UPPER = 0x0110,  // Đ
    DYET_LOWER = 0x0111,
    LINE_END = '\n',
    DROPPED = -1,
};

// What a range of code points becomes before anything else looks at the text.
static const struct {
    int32_t from, to, becomes;
} cleanings[] = {
    {'\t', '\t', ' '},           {'\n', '\n', LINE_END},
    {0x0B, 0x0C, LINE_END},                                  // vertical tab, form feed
    {0x00, 0x1F, DROPPED},       {0x85, 0x85, LINE_END},     // next line
    {0x7F, 0x9F, DROPPED},       {0x061C, 0x061C, DROPPED},  // Arabic letter mark
    {0x200B, 0x200B, DROPPED},                               // zero width space
    {0x200E, 0x200F, DROPPED},                               // direction marks
    {0x2028, 0x2029, LINE_END},                              // line and paragraph separator
    {0x202A, 0x202E, DROPPED},    // bidirectional embeddings and overrides
    {0x2060, 0x206F, DROPPED},    // word joiner, isolates, deprecated controls
    {0xFEFF, 0xFEFF, DROPPED},    // byte order mark
    {0xFFF9, 0xFFFB, DROPPED},    // interlinear annotation
    {0xE0000, 0xE007F, DROPPED},  // invisible tags
};

static int32_t clean_code(int32_t code)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(cleanings); i++) {
        if (code >= cleanings[i].from && code <= cleanings[i].to) {
            return cleanings[i].becomes;
        }
    }
    return code;
}

// Copies the text without what must not reach the screen; `out` has room for len + 1 bytes.
static size_t clean(const char *utf8, size_t len, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        int32_t code;
        i +=
            (size_t)utf8proc_iterate((const uint8_t *)utf8 + i, (utf8proc_ssize_t)(len - i), &code);
        bool alone = code == '\r' && (i == len || utf8[i] != '\n');
        code = alone ? LINE_END : clean_code(code);
        if (code != DROPPED) {
            used += (size_t)utf8proc_encode_char(code, (uint8_t *)out + used);
        }
    }
    out[used] = '\0';
    return used;
}

static bool is_one_of(int32_t code, const char *letters)
{
    return code > 0 && code < 0x80 && strchr(letters, code) != NULL;
}

static bool is_vowel(int32_t code)
{
    return is_one_of(code, "aeiouyAEIOUY");
}

static bool is_tone_above(int32_t code)
{
    return code == GRAVE || code == ACUTE || code == TILDE || code == HOOK_ABOVE;
}

static bool is_vietnamese_mark(int32_t code)
{
    return is_tone_above(code) || code == CIRCUMFLEX || code == BREVE || code == HORN ||
           code == DOT_BELOW;
}

// Marks that make another letter of a vowel, and stand above it.
static bool takes_shape(int32_t base, int32_t mark)
{
    return (mark == CIRCUMFLEX && is_one_of(base, "aeoAEO")) ||
           (mark == BREVE && is_one_of(base, "aA"));
}

static bool is_mark(int32_t code)
{
    utf8proc_category_t category = utf8proc_category(code);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

// The letter at codes[0] with its marks, decomposed: how many code points belong together.
static size_t cluster_len(const int32_t *codes, size_t count)
{
    size_t len = 1;
    while (len < count && is_mark(codes[len])) {
        len++;
    }
    return len;
}

/**
 * Swaps tone and shape where a cluster has them in this order and carries nothing but Vietnamese
 * marks. Whatever else people stack is none of our business and stays as typed.
 */
static void repair_cluster(int32_t *codes, size_t len)
{
    size_t above = 0, tone = 0, shape = 0;
    for (size_t i = 1; i < len; i++) {
        if (!is_vietnamese_mark(codes[i])) {
            return;
        }
        above += codes[i] != HORN && codes[i] != DOT_BELOW;
        tone = is_tone_above(codes[i]) ? i : tone;
        shape = takes_shape(codes[0], codes[i]) ? i : shape;
    }
    if (above == 2 && tone > 0 && shape == tone + 1) {
        int32_t moved = codes[tone];
        codes[tone] = codes[shape];
        codes[shape] = moved;
    }
}

// ð Þ þ Æ æ: an Icelandic or Faroese name stands in the text, and its Ð is right.
static bool is_nordic(int32_t code)
{
    return code == 0xF0 || code == 0xDE || code == 0xFE || code == 0xC6 || code == 0xE6;
}

static bool speaks_nordic(const int32_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_nordic(codes[i])) {
            return true;
        }
    }
    return false;
}

// Letters that no other language on our screens has, seen in decomposed text.
static bool speaks_vietnamese(const int32_t *codes, size_t count)
{
    int32_t base = 0;
    for (size_t i = 0; i < count; base = codes[i++]) {
        int32_t code = codes[i];
        bool on_vowel = code == HORN || code == HOOK_ABOVE || code == DOT_BELOW;
        if (code == DYET_UPPER || code == DYET_LOWER || (on_vowel && is_vowel(base)) ||
            (is_tone_above(code) && (base == CIRCUMFLEX || base == BREVE))) {
            return true;
        }
    }
    return false;
}

static bool is_letter(int32_t code)
{
    utf8proc_category_t category = utf8proc_category(code);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) || is_mark(code);
}

static bool starts_syllable(const int32_t *codes, size_t count, size_t at)
{
    return (at == 0 || !is_letter(codes[at - 1])) && at + 1 < count && is_vowel(codes[at + 1]);
}

// Ð is meant as Đ where it starts a syllable ("Ðà Nẵng"), and everywhere in a text that is
// Vietnamese by then ("QÐ-TTg", "HÐND").
static void repair_dyet(int32_t *codes, size_t count)
{
    if (speaks_nordic(codes, count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == ETH_UPPER && starts_syllable(codes, count, i)) {
            codes[i] = DYET_UPPER;
        }
    }
    bool vietnamese = speaks_vietnamese(codes, count);
    for (size_t i = 0; i < count && vietnamese; i++) {
        codes[i] = codes[i] == ETH_UPPER ? DYET_UPPER : codes[i];
    }
}

static void repair(int32_t *codes, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t len = cluster_len(codes + i, count - i);
        repair_cluster(codes + i, len);
        i += len;
    }
    repair_dyet(codes, count);
}

int bt_text_normalise(const char *utf8, char **out)
{
    size_t len = strnlen(utf8, BT_TEXT_MAX_BYTES + 1);
    if (len > BT_TEXT_MAX_BYTES) {
        return -EMSGSIZE;
    }
    if (!bt_utf8_valid(utf8, len)) {
        return -EILSEQ;
    }
    BT_AUTOFREE char *cleaned = bt_alloc(len + 1);
    len = clean(utf8, len, cleaned);

    utf8proc_ssize_t needed = utf8proc_decompose((const uint8_t *)cleaned, (utf8proc_ssize_t)len,
                                                 NULL, 0, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    if (needed < 0) {
        return -EILSEQ;
    }
    BT_AUTOFREE int32_t *codes = bt_alloc_array((size_t)needed + 1, sizeof(*codes));
    utf8proc_ssize_t count =
        utf8proc_decompose((const uint8_t *)cleaned, (utf8proc_ssize_t)len, codes, needed,
                           UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    repair(codes, (size_t)count);
    utf8proc_ssize_t bytes = utf8proc_reencode(codes, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (bytes < 0) {
        return -EILSEQ;
    }
    *out = bt_strndup((const char *)codes, (size_t)bytes);
    return 0;
}
