#include "plays/batch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/str.h"
#include "plays/testing.h"

static const uint8_t signature[BT_BATCH_SIGNATURE_BYTES] = {1, 2, 3, 0xFF};

// A record with its place in the chain after *hash, which moves on.
static struct bt_row make_row(int64_t seq, const char *rest, struct bt_sha256 *hash, char *body,
                              size_t size)
{
    assert_int_equal(bt_format(body, size, "{\"format\":1,\"seq\":%lld,%s}", (long long)seq, rest),
                     0);
    *hash = bt_chain_next(hash, body, strlen(body));
    return (struct bt_row){.seq = seq, .hash = *hash, .body = body, .len = strlen(body)};
}

static struct bt_batch_maker *make(int64_t first, int64_t count, struct bt_sha256 *hash)
{
    struct bt_batch_maker *maker = bt_batch_maker_create(hash, first);
    struct bt_error err = {0};
    char body[256];
    for (int64_t i = 0; i < count; i++) {
        struct bt_row row = make_row(first + i, "\"kind\":\"photo\",\"why\":\"Cổng chào\"", hash,
                                     body, sizeof(body));
        assert_int_equal(bt_batch_maker_add(maker, &row, &err), 1);
    }
    return maker;
}

static struct bt_batch_header some_header(void)
{
    return (struct bt_batch_header){
        .player = "d-7K3Q",
        .journal = "0123456789abcdef0123456789abcdef",
        .base_seq = 7,
        .since_ms = BT_TEST_WALL_MS - 5,
        .more = true,
        .now = {.wall_ms = BT_TEST_WALL_MS, .mono_ns = 5000000000, .clock_trust = BT_CLOCK_SYNCED},
        .boot = "b7e1c0de-0000-4000-8000-000000000001",
        .boots = {{"b7e1c0de-0000-4000-8000-000000000001", -3}, {"\"\\", 1795240000000}},
        .boot_count = 2,
    };
}

static void seal(const struct bt_batch_maker *maker, struct bt_buf *out)
{
    struct bt_batch_header header = some_header();
    struct bt_error err = {0};
    BT_AUTOBUF line;
    bt_buf_init(&line, BT_BATCH_MAX_HEADER);
    assert_int_equal(bt_batch_maker_header(maker, &header, &line, &err), 0);
    assert_int_equal(bt_batch_maker_seal(maker, &line, signature, out, &err), 0);
}

static void check_read(const struct bt_batch *batch, int64_t first, int64_t count)
{
    struct bt_batch_header said = some_header();
    assert_int_equal(batch->header.first, first);
    assert_int_equal(batch->header.count, count);
    assert_string_equal(batch->header.player, said.player);
    assert_string_equal(batch->header.journal, said.journal);
    assert_int_equal(batch->header.base_seq, 7);
    assert_int_equal(batch->header.since_ms, said.since_ms);
    assert_true(batch->header.more);
    assert_memory_equal(&batch->header.now, &said.now, sizeof(said.now));
    assert_string_equal(batch->header.boot, said.boot);
    assert_int_equal(batch->header.boot_count, 2);
    assert_string_equal(batch->header.boots[1].boot, "\"\\");
    assert_int_equal(batch->header.boots[0].offset_ms, -3);
    assert_memory_equal(batch->signature, signature, sizeof(signature));
    assert_int_equal(batch->header_line[0], '{');
    assert_int_equal(batch->header_line[batch->header_len - 1], '}');
}

static void what_is_sealed_is_read(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 60, BT_BATCH_MAX_RECORDS};
    for (size_t i = 0; i < BT_ARRAY_LEN(counts); i++) {
        struct bt_sha256 hash = {{9}}, walked = {{9}}, at;
        struct bt_error err = {0};
        BT_AUTO(bt_batch_maker) maker = make(41, counts[i], &hash);
        BT_AUTOBUF packed;
        bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
        seal(maker, &packed);
        struct bt_batch batch;
        assert_int_equal(bt_batch_read(packed.data, packed.len, &batch, &err), 0);
        check_read(&batch, 41, counts[i]);
        struct bt_batch_cursor cursor = {0};
        struct bt_row row;
        int64_t seq = 41;
        while (bt_batch_next(&batch, &cursor, &row) == 1) {
            walked = bt_chain_next(&walked, row.body, row.len);
            assert_int_equal(row.seq, seq++);
            assert_memory_equal(&row.hash, &walked, sizeof(walked));
        }
        assert_int_equal(seq, 41 + counts[i]);
        assert_memory_equal(&walked, &hash, sizeof(hash));
        assert_int_equal(bt_batch_hash_at(&batch, 40 + counts[i], &at), 0);
        assert_memory_equal(&at, &hash, sizeof(hash));
        assert_int_equal(bt_batch_hash_at(&batch, 41 + counts[i], &at), -ENOENT);
        assert_int_equal(bt_batch_hash_at(&batch, 39, &at), -ENOENT);
        bt_batch_finish(&batch);
    }
}

static void a_maker_takes_only_the_next_record(void **state)
{
    (void)state;
    struct bt_sha256 hash = {{0}}, other = {{5}};
    struct bt_error err = {0};
    char body[64];
    BT_AUTO(bt_batch_maker) maker = make(1, 2, &hash);
    struct bt_sha256 next = hash;
    struct bt_row row = make_row(4, "\"a\":1", &next, body, sizeof(body));
    assert_int_equal(bt_batch_maker_add(maker, &row, &err), -EINVAL);  // a number is left out
    row = make_row(3, "\"a\":1", &other, body, sizeof(body));
    assert_int_equal(bt_batch_maker_add(maker, &row, &err), -EINVAL);  // another chain
    next = hash;
    row = make_row(3, "\"a\":\n1", &next, body, sizeof(body));
    assert_int_equal(bt_batch_maker_add(maker, &row, &err), -EINVAL);  // two lines
    next = hash;
    row = make_row(4, "\"a\":1", &next, body, sizeof(body));
    row.seq = 3;
    assert_int_equal(bt_batch_maker_add(maker, &row, &err), -EINVAL);  // says another number
    next = hash;
    row = make_row(3, "\"a\":1", &next, body, sizeof(body));
    assert_int_equal(bt_batch_maker_add(maker, &row, &err), 1);
    assert_int_equal(bt_batch_maker_count(maker), 3);
}

// Records that cannot be compressed, as long as records get.
static void a_full_batch_can_be_sealed_whatever_is_in_it(void **state)
{
    (void)state;
    struct bt_test_options chance = {.seed = 7};
    struct bt_sha256 hash = {{0}};
    struct bt_error err = {0};
    BT_AUTO(bt_batch_maker) maker = bt_batch_maker_create(&hash, 1);
    BT_AUTOFREE char *rest = bt_alloc(16001), *body = bt_alloc(16384);
    int r = 1;
    for (int64_t seq = 1; r == 1; seq++) {
        for (size_t i = 0; i < 16000; i++) {
            rest[i] = (char)(0x80 + bt_test_draw(&chance, 128));
        }
        struct bt_row row = make_row(seq, rest, &hash, body, 16384);
        r = bt_batch_maker_add(maker, &row, &err);
    }
    assert_int_equal(r, 0);
    assert_in_range(bt_batch_maker_count(maker), 60, 66);
    BT_AUTOBUF packed;
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    seal(maker, &packed);
}

static void pack(const char *text, size_t len, struct bt_buf *out)
{
    size_t room = ZSTD_compressBound(len);
    BT_AUTOFREE void *packed = bt_alloc(room);
    size_t got = ZSTD_compress(packed, room, text, len, 1);
    bt_buf_clear(out);
    assert_int_equal(bt_buf_append(out, packed, got), 0);
}

static int read_text(const char *text, size_t len, struct bt_error *err)
{
    BT_AUTOBUF packed;
    bt_buf_init(&packed, (size_t)BT_BATCH_MAX_PACKED * 4);
    pack(text, len, &packed);
    struct bt_batch batch;
    int r = bt_batch_read(packed.data, packed.len, &batch, err);
    if (r == 0) {
        bt_batch_finish(&batch);
    }
    return r;
}

static struct bt_buf good_text(void)
{
    struct bt_sha256 hash = {{0}};
    struct bt_error err = {0};
    struct bt_batch batch;
    BT_AUTO(bt_batch_maker) maker = make(8, 3, &hash);
    BT_AUTOBUF packed;
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    seal(maker, &packed);
    assert_int_equal(bt_batch_read(packed.data, packed.len, &batch, &err), 0);
    struct bt_buf text = batch.text;
    batch.text = (struct bt_buf){0};
    bt_batch_finish(&batch);
    return text;
}

// Every bit of the records and of what the header says of them matters.
static void a_changed_text_is_refused(void **state)
{
    (void)state;
    BT_AUTOBUF text = good_text();
    struct bt_error err;
    assert_int_equal(read_text(text.data, text.len, &err), 0);
    size_t records = (size_t)((char *)memchr(text.data, '\n', text.len) - text.data) + 130;
    for (size_t i = records; i < text.len; i++) {
        text.data[i] ^= 1;
        err.msg[0] = '\0';
        assert_true(read_text(text.data, text.len, &err) < 0);
        assert_true(err.msg[0] != '\0');
        text.data[i] ^= 1;
    }
    char *prev = strstr(text.data, "\"prev\":\"");
    prev[9] = '1';
    assert_int_equal(read_text(text.data, text.len, &err), -EBADMSG);
}

static void a_cut_or_longer_text_is_refused(void **state)
{
    (void)state;
    BT_AUTOBUF text = good_text();
    struct bt_error err;
    for (size_t len = 0; len < text.len; len++) {
        assert_true(read_text(text.data, len, &err) < 0);
    }
    text.limit++;
    assert_int_equal(bt_buf_append(&text, "\n", 1), 0);
    assert_int_equal(read_text(text.data, text.len, &err), -EINVAL);
}

static void what_a_header_may_not_say(void **state)
{
    static const struct {
        const char *from, *to, *error;
        int r;
    } cases[] = {
        {"{\"format\":1,", "{\"format\":2,", "format 2", -ENOTSUP},
        {"\"first\":8", "\"first\":9", "record 9", -EINVAL},
        {"\"count\":3", "\"count\":2", "more", -EINVAL},
        {"\"count\":3", "\"count\":4", "fewer", -EINVAL},
        {"\"count\":3", "\"count\":1001", "'count'", -EINVAL},
        {"\"base_seq\":7", "\"base_seq\":8", "'base_seq'", -EINVAL},
        {"\"more\":true", "\"more\":1", "'more'", -EINVAL},
        {"\"since_ms\":", "\"since_ms\":-", "'since_ms'", -EINVAL},
        {"\"player\":\"d-7K3Q\"", "\"player\":\"\"", "'player'", -EINVAL},
        {"\"prev\":\"00", "\"prev\":\"g0", "'prev'", -EINVAL},
        {"\"clock\":\"synced\"", "\"clock\":\"sure\"", "now: 'clock'", -EINVAL},
        {"\"offset_ms\":-3", "\"offset_ms\":\"\"", "boots[0]: 'offset_ms'", -EINVAL},
        {"\n0102", "\n010", "signature", -EINVAL},
        {"\n0102", "\n01xx", "signature", -EINVAL},
    };
    (void)state;
    BT_AUTOBUF text = good_text();
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_error err = {0};
        const char *at = strstr(text.data, cases[i].from);
        assert_non_null(at);
        const char *rest = at + strlen(cases[i].from);
        BT_AUTOFREE char *changed =
            bt_strf("%.*s%s%s", (int)(at - text.data), text.data, cases[i].to, rest);
        assert_int_equal(read_text(changed, strlen(changed), &err), cases[i].r);
        if (strstr(err.msg, cases[i].error) == NULL) {
            fail_msg("'%s' instead of '%s'", err.msg, cases[i].error);
        }
    }
}

static void what_is_packed_has_its_limits(void **state)
{
    (void)state;
    struct bt_error err;
    struct bt_batch batch;
    size_t big = BT_BATCH_MAX_BYTES + 1;
    BT_AUTOFREE char *zeros = bt_alloc(big);
    BT_AUTOBUF text = good_text(), packed;
    bt_buf_init(&packed, (size_t)BT_BATCH_MAX_PACKED * 4);
    assert_int_equal(read_text(zeros, big, &err), -EMSGSIZE);
    assert_int_equal(bt_batch_read(zeros, BT_BATCH_MAX_PACKED + 1, &batch, &err), -EMSGSIZE);
    assert_int_equal(bt_batch_read("", 0, &batch, &err), -EINVAL);
    assert_int_equal(bt_batch_read("bangtin", 7, &batch, &err), -EINVAL);
    pack(text.data, text.len, &packed);
    for (size_t len = 0; len < packed.len; len++) {
        assert_int_equal(bt_batch_read(packed.data, len, &batch, &err), -EINVAL);
    }
    size_t one = packed.len;
    BT_AUTOFREE char *copy = bt_alloc(one);
    memcpy(copy, packed.data, one);
    assert_int_equal(bt_buf_append(&packed, copy, one), 0);  // two frames
    assert_int_equal(bt_batch_read(packed.data, packed.len, &batch, &err), -EINVAL);
    assert_int_equal(bt_batch_read(packed.data, one + 1, &batch, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_is_read),
        cmocka_unit_test(a_maker_takes_only_the_next_record),
        cmocka_unit_test(a_full_batch_can_be_sealed_whatever_is_in_it),
        cmocka_unit_test(a_changed_text_is_refused),
        cmocka_unit_test(a_cut_or_longer_text_is_refused),
        cmocka_unit_test(what_a_header_may_not_say),
        cmocka_unit_test(what_is_packed_has_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
