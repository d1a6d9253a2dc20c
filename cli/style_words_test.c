#include "cli/style_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *json, *said;
} styles[] = {
    {"{\"font\":\"Noto Serif\",\"bold\":true,\"italic\":true,\"size\":64}",
     "Kiểu chữ: có chân, đậm, nghiêng, cỡ 64 px / style: serif, bold, italic, size 64 px"},
    {"{\"outline\":{\"px\":3,\"colour\":\"#000000\"},"
     "\"shadow\":{\"x\":-2,\"y\":4,\"blur_px\":6,\"colour\":\"#00000080\"}}",
     "Kiểu chữ: viền 3 px #000000, bóng (-2, 4) mờ 6 px #00000080 / "
     "style: outline 3 px #000000, shadow (-2, 4) blurred 6 px #00000080"},
    {"{\"shadow\":{\"x\":1,\"y\":1,\"colour\":\"#101010\"},\"colour\":\"#ffee00\","
     "\"background\":\"#102030\",\"align\":\"left\",\"valign\":\"bottom\"}",
     "Kiểu chữ: màu #ffee00, nền #102030, bóng (1, 1) mờ 0 px #101010, sát trái, dưới / style: "
     "colour #ffee00, background #102030, shadow (1, 1) blurred 0 px #101010, left, bottom"},
    {"{\"bold\":false,\"outline\":{\"px\":\"3\",\"colour\":7},\"shadow\":[]}", NULL},
    {"{}", NULL},
    {"[]", NULL},
    {"7", NULL},
};

static void styles_are_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        BT_AUTOJSON *json = cJSON_Parse(styles[i].json);
        BT_AUTOFREE char *said = bt_style_words_of(json);
        if (styles[i].said == NULL) {
            assert_null(said);
        } else {
            assert_string_equal(said, styles[i].said);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(styles_are_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
