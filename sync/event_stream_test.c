#include "sync/event_stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

// Writes "name=data;" for each event.
static int note(const struct bt_event *event, void *context, struct bt_error *err)
{
    (void)err;
    assert_int_equal(strlen(event->data), event->len);
    return bt_buf_appendf(context, "%s=%s;", event->name, event->data);
}

static void check(const char *stream_text, const char *expected)
{
    size_t len = strlen(stream_text);
    // In pieces of every size the same comes out.
    for (size_t piece = 1; piece <= len; piece++) {
        BT_AUTOBUF seen;
        bt_buf_init(&seen, 4096);
        BT_AUTO(bt_event_stream) stream = bt_event_stream_create(note, &seen);
        for (size_t at = 0; at < len; at += piece) {
            size_t size = BT_MIN(piece, len - at);
            assert_int_equal(bt_event_stream_feed(stream, stream_text + at, size, NULL), 0);
        }
        assert_string_equal(bt_buf_text(&seen), expected);
    }
}

static void events_come_out_whatever_the_pieces(void **state)
{
    (void)state;
    check("event: hint\ndata: {\"timestamp\": 1}\n\n", "hint={\"timestamp\": 1};");
    check("data: a\n\ndata:b\n\n", "message=a;message=b;");
    check("data: a\ndata\ndata:  c\n\n", "message=a\n\n c;");
    check("event: ping\r\ndata: 1\r\n\r\nevent: x\rdata: 2\r\r", "ping=1;x=2;");
}

static void what_is_no_event_is_left_out(void **state)
{
    (void)state;
    check(": a comment\n\nevent: hint\n\ndata: 1\n\n", "message=1;");
    check("retry: 5000\nfoo: bar\nid: 12\n\n", "");
    check("data: cut off\n", "");
    check("\xEF\xBB\xBF"
          "data: 1\n\n",
          "message=1;");
}

static void retry_is_remembered_when_it_is_a_number(void **state)
{
    (void)state;
    BT_AUTOBUF seen;
    bt_buf_init(&seen, 16);
    BT_AUTO(bt_event_stream) stream = bt_event_stream_create(note, &seen);
    assert_int_equal(bt_event_stream_retry_ms(stream), -1);
    assert_int_equal(bt_event_stream_feed(stream, "retry: 5000\n", 12, NULL), 0);
    assert_int_equal(bt_event_stream_feed(stream, "retry: soon\n", 12, NULL), 0);
    assert_int_equal(bt_event_stream_retry_ms(stream), 5000);
}

static void an_endless_line_ends_the_stream(void **state)
{
    (void)state;
    BT_AUTOBUF seen;
    bt_buf_init(&seen, 16);
    BT_AUTO(bt_event_stream) stream = bt_event_stream_create(note, &seen);
    int r = 0;
    size_t fed = 0;
    for (; r == 0 && fed < 2 * BT_EVENT_MAX_BYTES; fed += 16) {
        r = bt_event_stream_feed(stream, "aaaaaaaaaaaaaaaa", 16, NULL);
    }
    assert_int_equal(r, -EMSGSIZE);
}

static void many_short_lines_of_one_event_end_the_stream(void **state)
{
    (void)state;
    BT_AUTOBUF seen;
    bt_buf_init(&seen, 16);
    BT_AUTO(bt_event_stream) stream = bt_event_stream_create(note, &seen);
    int r = 0;
    for (size_t fed = 0; r == 0 && fed < 8 * BT_EVENT_MAX_BYTES; fed += 8) {
        r = bt_event_stream_feed(stream, "data: a\n", 8, NULL);
    }
    assert_int_equal(r, -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_whatever_the_pieces),
        cmocka_unit_test(what_is_no_event_is_left_out),
        cmocka_unit_test(retry_is_remembered_when_it_is_a_number),
        cmocka_unit_test(an_endless_line_ends_the_stream),
        cmocka_unit_test(many_short_lines_of_one_event_end_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
