#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

static const struct bt_log log_player = {.name = "player"};

// Standard error goes into a pipe while this is open.
struct capture {
    int read_end, saved;
    char text[4096];
};

static void capture_start(struct capture *capture)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    capture->read_end = ends[0];
    fflush(stderr);
    capture->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
}

static const char *capture_end(struct capture *capture)
{
    fflush(stderr);
    assert_int_equal(dup2(capture->saved, STDERR_FILENO), STDERR_FILENO);
    close(capture->saved);
    ssize_t got = read(capture->read_end, capture->text, sizeof(capture->text) - 1);
    close(capture->read_end);
    capture->text[got < 0 ? 0 : got] = '\0';
    return capture->text;
}

static void a_line_has_name_level_and_text(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    struct capture capture;
    capture_start(&capture);
    bt_log_warn(&log_player, "Cannot fetch '%s'; keeping the last one", "a");
    bt_log_info(NULL, "ready");
    bt_log_debug(&log_player, "not shown");
    assert_string_equal(capture_end(&capture),
                        "player: warning: Cannot fetch 'a'; keeping the last one\n"
                        "bangtin: ready\n");
}

static void the_journal_gets_its_level(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    struct capture capture;
    capture_start(&capture);
    bt_log_error(&log_player, "given up");
    assert_string_equal(capture_end(&capture), "<3>player: error: given up\n");
    unsetenv("JOURNAL_STREAM");
}

static void a_name_cannot_forge_a_second_line(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture);
    bt_log_info(&log_player, "'%s'", "a\nplayer: error: b\x1b[2J\x7F");
    assert_string_equal(capture_end(&capture), "player: 'a?player: error: b?[2J?'\n");
}

static void a_long_line_is_cut_and_stays_utf8(void **state)
{
    (void)state;
    char text[4000];
    for (size_t i = 0; i + 4 < sizeof(text); i += 3) {
        memcpy(text + i, "ế\0", 4);
    }
    struct capture capture;
    capture_start(&capture);
    bt_log_info(&log_player, "%s", text);
    const char *line = capture_end(&capture);
    assert_true(strlen(line) < 1100 && strlen(line) > 1000);
    assert_true(bt_utf8_valid(line, strlen(line)));
    assert_true(bt_str_ends(line, "ế\n"));
}

static void the_threshold_decides(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture);
    bt_log_set_level(BT_LOG_DEBUG);
    bt_log_debug(&log_player, "one");
    bt_log_set_level(BT_LOG_ERROR);
    bt_log_warn(&log_player, "two");
    bt_log_set_level(BT_LOG_INFO);
    assert_string_equal(capture_end(&capture), "player: debug: one\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_name_level_and_text),
        cmocka_unit_test(the_journal_gets_its_level),
        cmocka_unit_test(a_name_cannot_forge_a_second_line),
        cmocka_unit_test(a_long_line_is_cut_and_stays_utf8),
        cmocka_unit_test(the_threshold_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
