#include "cli/slug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void names_of_files_become_ids(void **state)
{
    (void)state;
    static const struct {
        const char *path, *slug;
    } cases[] = {
        {"/x/Phóng sự – Đông Anh.mp4", "phong-su-dong-anh"},
        {"Ảnh (2).JPG", "anh-2"},
        {"Pho\xCC\x81ng su\xCC\xA3.mp4", "phong-su"},  // as macOS writes names
        {"quảng trường/", "quang-truong"},
        {".an.png", "an"},
        {".hidden", "hidden"},
        {"a.tar.gz", "a-tar"},
        {"漢字.png", "tep"},
        {"\xFF\xFE.png", "tep"},
        {"x\xFFy.png", "xy"},
        {"", "tep"},
        {"/", "tep"},
        {"-video-with-dash-.mp4", "video-with-dash"},
        {"0123456789012345678901234567890123456789thừa.png",
         "0123456789012345678901234567890123456789"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char slug[BT_ID_BYTES];
        bt_slug_of_path(cases[i].path, slug);
        assert_string_equal(slug, cases[i].slug);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files_become_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
