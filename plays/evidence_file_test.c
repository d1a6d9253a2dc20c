#include "plays/evidence_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants those four first.
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/testing.h"

static char *path_of(void **state)
{
    const struct bt_test_dir *dir = *state;
    return bt_strf("%s/e.btx", dir->path);
}

static void write_lines(const char *path, const char *const *lines, size_t count, const char *seal,
                        struct bt_sha256 *out)
{
    BT_AUTO(bt_evidence_writer) writer = NULL;
    assert_int_equal(bt_evidence_writer_create(path, &writer, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(bt_evidence_writer_add(writer, lines[i], strlen(lines[i]), NULL), 0);
    }
    assert_int_equal(bt_evidence_writer_end(writer, out, NULL), 0);
    assert_int_equal(bt_evidence_writer_seal(writer, seal, strlen(seal), NULL), 0);
}

static void lines_come_back_with_the_seal_behind_them(void **state)
{
    // Longer than the pieces a file is read in, shorter, and nothing.
    BT_AUTOFREE char *path = path_of(state);
    BT_AUTOFREE char *large = bt_alloc(3000001);
    for (size_t i = 0; i < 3000000; i++) {
        large[i] = (char)('a' + i * i % 23);
    }
    const char *const lines[] = {"{}", "", large, "last"};
    struct bt_sha256 written, read;
    write_lines(path, lines, BT_ARRAY_LEN(lines), "a seal", &written);
    BT_AUTO(bt_evidence_reader) reader = NULL;
    const char *line;
    size_t len;
    assert_int_equal(bt_evidence_reader_open(path, &reader, NULL), 0);
    for (size_t i = 0; i < BT_ARRAY_LEN(lines); i++) {
        assert_int_equal(bt_evidence_reader_next(reader, &line, &len, NULL), 1);
        assert_int_equal(len, strlen(lines[i]));
        assert_memory_equal(line, lines[i], len + 1);
    }
    assert_int_equal(bt_evidence_reader_next(reader, &line, &len, NULL), 0);
    BT_AUTOBUF seal;
    bt_buf_init(&seal, BT_EVIDENCE_MAX_SEAL);
    assert_int_equal(bt_evidence_reader_seal(reader, &seal, &read, NULL), 0);
    assert_string_equal(bt_buf_text(&seal), "a seal");
    assert_memory_equal(&read, &written, sizeof(read));
    assert_int_equal(bt_evidence_reader_at(reader), bt_evidence_reader_size(reader));
    (void)unlink(path);
}

// All of it is read. 0: nothing was wrong.
static int read_all(const char *path, struct bt_sha256 *out)
{
    BT_AUTO(bt_evidence_reader) reader = NULL;
    BT_AUTOBUF seal;
    const char *line;
    size_t len;
    bt_buf_init(&seal, BT_EVIDENCE_MAX_SEAL);
    assert_int_equal(bt_evidence_reader_open(path, &reader, NULL), 0);
    int r;
    while ((r = bt_evidence_reader_next(reader, &line, &len, NULL)) == 1) {
    }
    return r < 0 ? r : bt_evidence_reader_seal(reader, &seal, out, NULL);
}

static void what_is_cut_off_or_goes_on_is_refused(void **state)
{
    BT_AUTOFREE char *path = path_of(state);
    const char *const lines[] = {"one", "two"};
    struct bt_sha256 hash;
    BT_AUTOBUF bytes;
    write_lines(path, lines, 2, "a seal", &hash);
    bt_buf_init(&bytes, 4096);
    assert_int_equal(bt_file_read(path, &bytes, NULL), 0);
    for (size_t len = 0; len < bytes.len; len++) {
        bt_test_write(path, bytes.data, len);
        assert_int_equal(read_all(path, &hash), -EINVAL);
    }
    assert_int_equal(bt_buf_append(&bytes, "x", 1), 0);
    bt_test_write(path, bytes.data, bytes.len);
    assert_int_equal(read_all(path, &hash), -EINVAL);
    bt_test_write(path, "{\"kind\":\"evidence\"}\n", 20);
    assert_int_equal(read_all(path, &hash), -EINVAL);
    (void)unlink(path);
}

static void an_endless_line_is_refused(void **state)
{
    BT_AUTOFREE char *path = path_of(state);
    BT_AUTOFREE char *endless = bt_alloc(BT_EVIDENCE_MAX_LINE + 2);
    memset(endless, 'x', BT_EVIDENCE_MAX_LINE + 1);
    BT_AUTO(bt_evidence_writer) writer = NULL;
    assert_int_equal(bt_evidence_writer_create(path, &writer, NULL), 0);
    assert_int_equal(bt_evidence_writer_add(writer, endless, BT_EVIDENCE_MAX_LINE + 1, NULL),
                     -EMSGSIZE);
    (void)unlink(path);
}

static void bytes_go_through_base64_and_back(void **state)
{
    (void)state;
    uint8_t bytes[10000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (size_t len = 0; len < sizeof(bytes); len += len < 16 ? 1 : 997) {
        BT_AUTOBUF text, again;
        bt_buf_init(&text, 20000);
        bt_buf_init(&again, sizeof(bytes));
        assert_int_equal(bt_base64_append(bytes, len, &text), 0);
        assert_int_equal(bt_base64_read(bt_buf_text(&text), &again), 0);
        assert_int_equal(again.len, len);
        assert_memory_equal(bt_buf_text(&again), bytes, len);
    }
    static const char *const wrong[] = {"A", "AA", "AAA", "A===", "=AAA", "AA=A", "!!!!"};
    for (size_t i = 0; i < BT_ARRAY_LEN(wrong); i++) {
        BT_AUTOBUF out;
        bt_buf_init(&out, 100);
        assert_int_equal(bt_base64_read(wrong[i], &out), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(lines_come_back_with_the_seal_behind_them),
        BT_TEST_IN_DIR(what_is_cut_off_or_goes_on_is_refused),
        BT_TEST_IN_DIR(an_endless_line_is_refused),
        cmocka_unit_test(bytes_go_through_base64_and_back),
    };
    return cmocka_run_group_tests_name("plays/evidence_file", tests, NULL, NULL);
}
