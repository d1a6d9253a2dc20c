#include "player/frame_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"

static void a_present_is_one_json_line(void **state)
{
    (void)state;
    char path[] = "/tmp/bt-frame-log-XXXXXX";
    close(mkstemp(path));
    BT_AUTO(bt_frame_log) frame_log = NULL;
    assert_int_equal(bt_frame_log_open(path, &frame_log, NULL), 0);
    const struct bt_play_start play = {.zone = "chính", .item = "thẻ \"1\"", .asset = "ab"};
    bt_frame_log_begin(frame_log, 123456789, 7);
    bt_frame_log_zone(frame_log, &play, 40, true);
    bt_frame_log_zone(frame_log, &play, -1, false);
    bt_frame_log_end(frame_log);
    bt_frame_log_begin(frame_log, 123456790, 8);
    bt_frame_log_end(frame_log);
    bt_frame_log_destroy(BT_TAKE(frame_log));
    BT_AUTOBUF text;
    bt_buf_init(&text, 4096);
    assert_int_equal(bt_file_read(path, &text, NULL), 0);
    unlink(path);
    assert_string_equal(
        bt_buf_text(&text),
        "{\"n\":0,\"t_ns\":123456789,\"slot\":7,\"zones\":["
        "{\"zone\":\"chính\",\"item\":\"thẻ \\\"1\\\"\",\"asset\":\"ab\",\"pts_ms\":40,"
        "\"state\":\"new\"},"
        "{\"zone\":\"chính\",\"item\":\"thẻ \\\"1\\\"\",\"asset\":\"ab\",\"pts_ms\":-1,"
        "\"state\":\"repeat\"}]}\n"
        "{\"n\":1,\"t_ns\":123456790,\"slot\":8,\"zones\":[]}\n");
}

static void without_a_log_nothing_happens(void **state)
{
    (void)state;
    bt_frame_log_begin(NULL, 0, 0);
    bt_frame_log_zone(NULL, NULL, 0, true);
    bt_frame_log_end(NULL);
    struct bt_frame_log *frame_log = NULL;
    assert_int_equal(bt_frame_log_open("/nonexistent/log", &frame_log, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_present_is_one_json_line),
        cmocka_unit_test(without_a_log_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
