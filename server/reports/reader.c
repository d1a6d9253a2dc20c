// Reading a report document, a row at a time.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "server/reports/document.h"

int bt_report_reader_init(struct bt_report_reader *reader, const char *text, size_t len,
                          struct bt_error *err)
{
    BT_AUTOBUF head;
    bt_buf_init(&head, BT_REPORT_MAX_BYTES);
    *reader = (struct bt_report_reader){.head = NULL};
    const char *first = memchr(text, '\n', len);
    const char *last = len == 0 ? NULL : memrchr(text, '\n', len);
    if (first == NULL || bt_buf_append(&head, text, (size_t)(first - text)) < 0 ||
        bt_buf_append(&head, last + 1, (size_t)(text + len - last - 1)) < 0) {
        return bt_fail(err, -EINVAL, "This is no report document");
    }
    reader->next = first + 1;
    reader->end = last + 1;
    return bt_json_parse(bt_buf_text(&head), head.len, &reader->head, err);
}

void bt_report_reader_finish(struct bt_report_reader *reader)
{
    cJSON_Delete(reader->head);
}

void bt_report_reader_rewind(struct bt_report_reader *reader, const char *text)
{
    reader->next = strchr(text, '\n') + 1;
}

int bt_report_reader_next(struct bt_report_reader *reader, cJSON **out, struct bt_error *err)
{
    if (reader->next >= reader->end) {
        return 0;
    }
    const char *line = reader->next, *end = memchr(line, '\n', (size_t)(reader->end - line));
    size_t len = (size_t)(end - line);
    reader->next = end + 1;
    if (len > 0 && line[len - 1] == ',') {
        len--;
    }
    int r = bt_json_parse(line, len, out, err);
    return r < 0 ? r : 1;
}
