// The form of a letter: headers, addresses, base64.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "plays/evidence_file.h"
#include "server/care/message.h"

// Of a line of base64, as RFC 2045 wants it; and of an encoded word, as RFC 2047 does.
#define LINE_BYTES 57
#define WORD_BYTES 42

static bool fits_address(const char *text)
{
    const char *at = strchr(text, '@');
    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7F || strchr("<>()[],;:\\\"", *c)) {
            return false;
        }
    }
    return true;
}

bool bt_message_address(const char **at, char out[BT_ADDRESS_BYTES])
{
    while (**at != '\0') {
        const char *begin = *at + strspn(*at, ", ");
        size_t len = strcspn(begin, ", ");
        *at = begin + len;
        if (len > 0 && bt_format(out, BT_ADDRESS_BYTES, "%.*s", (int)len, begin) == 0 &&
            fits_address(out)) {
            return true;
        }
    }
    return false;
}

// As encoded words, none of which cuts a character in two.
static int append_words(const char *text, struct bt_buf *out)
{
    int r = 0;
    while (r == 0 && *text != '\0') {
        char piece[WORD_BYTES + 1];
        bt_copy_cut(piece, sizeof(piece), text);
        text += strlen(piece);
        r = bt_buf_appendf(out, "=?UTF-8?B?");
        r = r < 0 ? r : bt_base64_append(piece, strlen(piece), out);
        r = r < 0 ? r : bt_buf_appendf(out, *text != '\0' ? "?=\r\n " : "?=");
    }
    return r;
}

static int append_body(const char *text, struct bt_buf *out)
{
    int r = 0;
    for (size_t at = 0, len = strlen(text); r == 0 && at < len; at += LINE_BYTES) {
        r = bt_base64_append(text + at, BT_MIN(len - at, (size_t)LINE_BYTES), out);
        r = r < 0 ? r : bt_buf_append(out, "\r\n", 2);
    }
    return r;
}

static int append_date(int64_t ms, struct bt_buf *out)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct bt_civil at = bt_civil_from_s(ms / 1000);
    return bt_buf_appendf(out, "Date: %d %s %04d %02d:%02d:%02d +0000\r\n", at.day,
                          months[at.month - 1], at.year, at.hour, at.minute, at.second);
}

static int append_to(const char *to, struct bt_buf *out)
{
    char address[BT_ADDRESS_BYTES];
    bool first = true;
    int r = bt_buf_appendf(out, "To: ");
    while (r == 0 && bt_message_address(&to, address)) {
        r = bt_buf_appendf(out, "%s%s", first ? "" : ",\r\n ", address);
        first = false;
    }
    return r < 0 ? r : first ? -EINVAL : bt_buf_append(out, "\r\n", 2);
}

int bt_message_letter(const char *id, const char *from, const char *to, const char *subject,
                      const char *text, int64_t made_ms, struct bt_buf *out)
{
    if (!fits_address(from)) {
        return -EINVAL;
    }
    int r = append_date(made_ms, out);
    r = r < 0 ? r : bt_buf_appendf(out, "From: Bangtin <%s>\r\n", from);
    r = r < 0 ? r : append_to(to, out);
    r = r < 0 ? r : bt_buf_appendf(out, "Message-ID: <%s%s>\r\nSubject: ", id, strchr(from, '@'));
    r = r < 0 ? r : append_words(subject, out);
    r = r < 0 ? r
              : bt_buf_appendf(out, "\r\nMIME-Version: 1.0\r\n"
                                    "Content-Type: text/plain; charset=UTF-8\r\n"
                                    "Content-Transfer-Encoding: base64\r\n"
                                    "Auto-Submitted: auto-generated\r\n\r\n");
    return r < 0 ? r : append_body(text, out);
}
