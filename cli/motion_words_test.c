#include "cli/motion_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *json, *said;
} transitions[] = {
    {"{\"type\":\"cut\"}", "Chuyển cảnh: cắt ngay / cut"},
    {"{\"type\":\"crossfade\",\"ms\":800}", "Chuyển cảnh: hòa dần, 0,8 giây / crossfade, 0.8 s"},
    {"{\"type\":\"fade\",\"ms\":1000}",
     "Chuyển cảnh: mờ qua màu #000000, 1 giây / fade through #000000, 1 s"},
    {"{\"type\":\"fade\",\"ms\":1500,\"colour\":\"#ffffff\"}",
     "Chuyển cảnh: mờ qua màu #ffffff, 1,5 giây / fade through #ffffff, 1.5 s"},
    {"{\"type\":\"push\",\"ms\":800,\"towards\":\"left\"}",
     "Chuyển cảnh: đẩy sang trái, 0,8 giây / push to the left, 0.8 s"},
    {"{\"type\":\"slide\",\"ms\":600}",
     "Chuyển cảnh: trượt vào sang trái, 0,6 giây / slide to the left, 0.6 s"},
    {"{\"type\":\"wipe\",\"ms\":5000,\"towards\":\"down\"}",
     "Chuyển cảnh: quét xuống dưới, 5 giây / wipe downwards, 5 s"},
    {"{\"type\":\"wipe\",\"ms\":5000,\"towards\":\"inwards\"}", NULL},
    {"{\"type\":\"wipe\",\"ms\":\"long\"}", NULL},
    {"{\"type\":\"explode\",\"ms\":10}", NULL},
    {"[]", NULL},
};

static void transitions_are_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(transitions); i++) {
        BT_AUTOJSON *json = cJSON_Parse(transitions[i].json);
        BT_AUTOFREE char *said = bt_transition_words_of(json);
        if (transitions[i].said == NULL) {
            assert_null(said);
        } else {
            assert_string_equal(said, transitions[i].said);
        }
    }
}

static void motion_is_said(void **state)
{
    (void)state;
    BT_AUTOJSON *json = cJSON_Parse("{\"from\":{\"x\":0.5,\"y\":0.5,\"zoom\":1},"
                                    "\"to\":{\"x\":0.625,\"y\":0.35,\"zoom\":1.25}}");
    BT_AUTOFREE char *said = bt_motion_words_of(json);
    assert_string_equal(said, "Ảnh chuyển động: phóng 1 → 1,25, tâm (50 %, 50 %) → (62,5 %, 35 %)"
                              " / zoom 1 → 1.25, centre (50 %, 50 %) → (62.5 %, 35 %)");
    BT_AUTOJSON *half = cJSON_Parse("{\"from\":{\"x\":0.5,\"y\":0.5,\"zoom\":1}}");
    assert_null(bt_motion_words_of(half));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transitions_are_said),
        cmocka_unit_test(motion_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
