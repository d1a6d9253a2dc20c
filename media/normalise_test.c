#include "media/normalise.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

static void assert_becomes(const char *input, const char *expected)
{
    BT_AUTOFREE char *out = NULL;
    assert_int_equal(bt_text_normalise(input, &out), 0);
    assert_string_equal(out, expected);
}

static void tones_typed_too_early_are_repaired(void **state)
{
    (void)state;
    static const struct {
        const char *input, *expected;
    } cases[] = {
        {"e\u0301\u0302", "ế"}, {"é\u0302", "ế"},
        {"a\u0300\u0306", "ằ"}, {"Ã\u0302", "Ẫ"},
        {"o\u0309\u0302", "ổ"}, {"O\u0303\u031B", "Ỡ"},
        {"õ\u031B", "ỡ"},       {"E\u0302\u0323", "Ệ"},
        {"E\u0323\u0302", "Ệ"}, {"u\u0323\u031B", "ự"},
        {"ê\u0301", "ế"},       {"Nghi\u0323 quyê\u0301t", "Nghị quyết"},
        {"o\u0302\u0309", "ổ"}, {"\u1EBFt", "ết"},
        {"a\u0341\u0302", "ấ"}, {"Tiê\u0301ng Viê\u0323t", "Tiếng Việt"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_becomes(cases[i].input, cases[i].expected);
    }
}

static void other_stacks_of_marks_stay_as_typed(void **state)
{
    (void)state;
    assert_becomes("i\u0301\u0302", "í\u0302");              // no Vietnamese letter
    assert_becomes("e\u0301\u0306", "é\u0306");              // breve is for a alone
    assert_becomes("e\u0301\u0308\u0302", "é\u0308\u0302");  // a mark from elsewhere
    assert_becomes("e\u0301\u0300\u0302", "é\u0300\u0302");  // two tones
    assert_becomes("\u0301\u0302", "\u0301\u0302");
}

static void eth_becomes_dyet_in_vietnamese_alone(void **state)
{
    (void)state;
    assert_becomes("Ðà Nẵng", "Đà Nẵng");
    assert_becomes("ÐI", "ĐI");
    assert_becomes("Quyết định số 06/QÐ-TTg về chuyển đổi số",
                   "Quyết định số 06/QĐ-TTg về chuyển đổi số");
    assert_becomes("HÐND và UBND xã, phường", "HĐND và UBND xã, phường");
    assert_becomes("MÐ", "MÐ");
    assert_becomes("Ða QÐ", "Đa QĐ");
    assert_becomes("GARÐUR og Þór, Ðað", "GARÐUR og Þór, Ðað");
}

static void what_is_no_text_is_dropped(void **state)
{
    (void)state;
    assert_becomes("a\x01\x1B[31mb\x7F", "a[31mb");
    assert_becomes("a\u202Eb\u2066c\u200Fd", "abcd");
    assert_becomes("\uFEFFx\U000E0041", "x");
    assert_becomes("một\r\nhai\rba\u2028bốn\tnăm", "một\nhai\nba\nbốn năm");
    assert_becomes("", "");
}

static void bad_bytes_and_long_texts_are_refused(void **state)
{
    (void)state;
    BT_AUTOFREE char *out = NULL;
    assert_int_equal(bt_text_normalise("\xC3", &out), -EILSEQ);
    assert_int_equal(bt_text_normalise("\xED\xA0\x80", &out), -EILSEQ);
    BT_AUTOFREE char *longest = bt_alloc(BT_TEXT_MAX_BYTES + 2);
    memset(longest, 'a', BT_TEXT_MAX_BYTES + 1);
    assert_int_equal(bt_text_normalise(longest, &out), -EMSGSIZE);
    assert_null(out);
    longest[BT_TEXT_MAX_BYTES] = '\0';
    assert_int_equal(bt_text_normalise(longest, &out), 0);
}

// One column of NormalizationTest.txt, code points in hex, to UTF-8; returns the next column.
static const char *read_column(const char *at, char *out)
{
    utf8proc_ssize_t used = 0;
    while (*at != ';') {
        int32_t code = 0;
        for (; isxdigit((unsigned char)*at); at++) {
            code = code * 16 + (*at <= '9' ? *at - '0' : *at - 'A' + 10);
        }
        used += utf8proc_encode_char(code, (uint8_t *)out + used);
        at += *at == ' ';
    }
    out[used] = '\0';
    return at + 1;
}

static FILE *open_media(const char *name)
{
    const char *dir = getenv("BT_MEDIA");
    BT_AUTOFREE char *path = bt_strf("%s/text/%s", dir != NULL ? dir : ".", name);
    return fopen(path, "re");
}

// What the Unicode consortium's test calls NFC is our answer for the first three columns.
static void untouched_text_is_plain_nfc(void **state)
{
    (void)state;
    FILE *file = open_media("NormalizationTest-15.0.0.txt");
    if (file == NULL) {
        skip();
    }
    static char line[4096];
    int checked = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (!isxdigit((unsigned char)line[0])) {
            continue;
        }
        char columns[3][512];
        const char *at = line;
        for (int i = 0; i < 3; i++) {
            at = read_column(at, columns[i]);
        }
        for (int i = 0; i < 3; i++) {
            assert_becomes(columns[i], columns[1]);
        }
        checked++;
    }
    fclose(file);
    assert_true(checked > 18000);
}

static void replace_eth(char *text)
{
    for (char *at = strstr(text, "Ð"); at != NULL; at = strstr(at, "Ð")) {
        memcpy(at, "Đ", strlen("Đ"));
    }
}

// Real Vietnamese sentences survive every spelling; the corpus has Ð for Đ in a few places itself.
static void a_corpus_is_the_same_in_every_spelling(void **state)
{
    (void)state;
    FILE *file = open_media("vi_vtb-ud-dev.conllu");
    if (file == NULL) {
        skip();
    }
    static char line[8192];
    int checked = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (!bt_str_starts(line, "# text = ")) {
            continue;
        }
        BT_AUTOFREE uint8_t *nfc = utf8proc_NFC((const uint8_t *)line);
        BT_AUTOFREE uint8_t *nfd = utf8proc_NFD((const uint8_t *)line);
        replace_eth((char *)nfc);
        assert_becomes(line, (const char *)nfc);
        assert_becomes((const char *)nfd, (const char *)nfc);
        checked++;
    }
    fclose(file);
    assert_true(checked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tones_typed_too_early_are_repaired),
        cmocka_unit_test(other_stacks_of_marks_stay_as_typed),
        cmocka_unit_test(eth_becomes_dyet_in_vietnamese_alone),
        cmocka_unit_test(what_is_no_text_is_dropped),
        cmocka_unit_test(bad_bytes_and_long_texts_are_refused),
        cmocka_unit_test(untouched_text_is_plain_nfc),
        cmocka_unit_test(a_corpus_is_the_same_in_every_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
