#include "media/clockface.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

static const char *const weekdays[] = {
    "Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật",
};
static const char *const weekdays_inside[] = {
    "thứ hai", "thứ ba", "thứ tư", "thứ năm", "thứ sáu", "thứ bảy", "chủ nhật",
};
static const char *const weekdays_short[] = {
    "Th 2", "Th 3", "Th 4", "Th 5", "Th 6", "Th 7", "CN",
};

static const char *const months[] = {
    "",        "tháng 1", "tháng 2", "tháng 3",  "tháng 4",  "tháng 5",  "tháng 6",
    "tháng 7", "tháng 8", "tháng 9", "tháng 10", "tháng 11", "tháng 12",
};
static const char *const half_days[] = {"SA", "CH"};  // sáng, chiều

enum part { HOUR, HOUR_OF_12, HALF_DAY, MINUTE, SECOND, DAY, MONTH, YEAR, YEAR_OF_100, WEEKDAY };

static const struct field {
    char letters[5];
    enum part part;
    int digits;                // at least so many
    const char *const *words;  // instead of digits
} fields[] = {
    {"H", HOUR, 1, NULL},
    {"HH", HOUR, 2, NULL},
    {"h", HOUR_OF_12, 1, NULL},
    {"hh", HOUR_OF_12, 2, NULL},
    {"a", HALF_DAY, 0, half_days},
    {"m", MINUTE, 1, NULL},
    {"mm", MINUTE, 2, NULL},
    {"s", SECOND, 1, NULL},
    {"ss", SECOND, 2, NULL},
    {"d", DAY, 1, NULL},
    {"dd", DAY, 2, NULL},
    {"M", MONTH, 1, NULL},
    {"MM", MONTH, 2, NULL},
    {"MMMM", MONTH, 0, months},
    {"yyyy", YEAR, 4, NULL},
    {"yy", YEAR_OF_100, 2, NULL},
    {"EEE", WEEKDAY, 0, weekdays_short},
    {"EEEE", WEEKDAY, 0, weekdays},
    {"eeee", WEEKDAY, 0, weekdays_inside},
};

enum piece_kind { PIECE_END, PIECE_LITERAL, PIECE_FIELD, PIECE_BAD };

// The next part of a pattern: a run of one letter, or text that stands for itself.
struct piece {
    enum piece_kind kind;
    const char *text;
    size_t len;
    const struct field *field;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const struct field *find_field(const char *text, size_t len)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(fields); i++) {
        if (strlen(fields[i].letters) == len && memcmp(fields[i].letters, text, len) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

// At an opening quote: up to the closing one. Of two in a row one is text.
static struct piece next_quoted(const char **at)
{
    const char *text = *at + 1;
    if (text[0] == '\'') {
        *at += 2;
        return (struct piece){PIECE_LITERAL, text, 1, NULL};
    }
    size_t len = strcspn(text, "'");
    bool closed = text[len] == '\'';
    if (closed && text[len + 1] == '\'') {
        len++;
        *at = text + len;  // goes on as another quoted piece
        return (struct piece){PIECE_LITERAL, text, len, NULL};
    }
    *at = text + len + closed;
    return (struct piece){closed ? PIECE_LITERAL : PIECE_BAD, text, len, NULL};
}

static struct piece next_piece(const char **at)
{
    const char *text = *at;
    size_t len = 1;
    if (text[0] == '\0') {
        return (struct piece){.kind = PIECE_END};
    }
    if (text[0] == '\'') {
        return next_quoted(at);
    }
    if (!is_letter(text[0])) {
        *at += 1;
        return (struct piece){PIECE_LITERAL, text, 1, NULL};
    }
    while (text[len] == text[0]) {
        len++;
    }
    *at += len;
    const struct field *field = find_field(text, len);
    return (struct piece){field != NULL ? PIECE_FIELD : PIECE_BAD, text, len, field};
}

static int part_of(const struct bt_civil *local, enum part part)
{
    switch (part) {
    case HOUR:
        return local->hour;
    case HOUR_OF_12:
        return (local->hour + 11) % 12 + 1;
    case HALF_DAY:
        return local->hour / 12;
    case MINUTE:
        return local->minute;
    case SECOND:
        return local->second;
    case DAY:
        return local->day;
    case MONTH:
        return local->month;
    case YEAR:
        return local->year;
    case YEAR_OF_100:
        return local->year % 100;
    case WEEKDAY:
        return bt_civil_weekday(bt_civil_to_s(local));
    }
    return 0;
}

static int append_field(struct bt_buf *buf, const struct field *field, const struct bt_civil *local)
{
    int number = part_of(local, field->part);
    return field->words != NULL ? bt_buf_appendf(buf, "%s", field->words[number])
                                : bt_buf_appendf(buf, "%0*d", field->digits, number);
}

static int append_pieces(struct bt_buf *buf, const char *pattern, const struct bt_civil *local,
                         struct bt_error *err)
{
    const char *at = pattern;
    for (struct piece piece = next_piece(&at); piece.kind != PIECE_END; piece = next_piece(&at)) {
        if (piece.kind == PIECE_BAD) {
            return bt_fail(err, -EINVAL, "'%.*s' in the pattern '%s' means nothing",
                           (int)BT_MIN(piece.len, 16), piece.text, pattern);
        }
        int r = piece.kind == PIECE_FIELD ? append_field(buf, piece.field, local)
                                          : bt_buf_append(buf, piece.text, piece.len);
        if (r < 0) {
            return bt_fail(err, r, "What the pattern '%s' shows is too long", pattern);
        }
    }
    return 0;
}

int bt_clockface_format(const char *pattern, const struct bt_civil *local, char *out, size_t size,
                        struct bt_error *err)
{
    BT_AUTOBUF buf;
    bt_buf_init(&buf, size - 1);
    int r = append_pieces(&buf, pattern, local, err);
    if (r == 0) {
        memcpy(out, bt_buf_text(&buf), buf.len + 1);
    }
    return r;
}

int64_t bt_clockface_period_s(const char *pattern)
{
    struct piece piece;
    do {
        piece = next_piece(&pattern);
        if (piece.kind == PIECE_FIELD && piece.field->part == SECOND) {
            return 1;
        }
    } while (piece.kind != PIECE_END);
    return 60;
}
