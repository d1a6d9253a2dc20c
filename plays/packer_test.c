#include "plays/packer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "plays/testing.h"

static const struct bt_packer_counted nothing;

// One run of a player: a start, so many plays and a stop, under a clock that is right or not.
static void run_player(const struct bt_test_dir *dir, const char *boot, bool synced, int plays)
{
    const struct bt_journal_options options = {
        .path = dir->journal,
        .boot = boot,
        .now = {BT_TEST_WALL_MS, 1000000000, synced ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN},
    };
    struct bt_error err = {0};
    BT_AUTO(bt_journal) journal = NULL;
    assert_int_equal(bt_journal_open(&options, &journal, &err), 0);
    for (int i = 0; i < plays; i++) {
        struct bt_play_start start = bt_test_start("anh", 10000);
        start.mono_ns = (2 + i) * BT_NS_PER_S;
        start.wall_ms = BT_TEST_WALL_MS + 1000 + i * 1000;
        start.clock_trust = synced ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN;
        struct bt_play play;
        bt_play_begin(&play, (uint64_t)i + 1, &start);
        bt_play_end(&play, &(struct bt_play_counts){.shown_ms = 10000}, BT_PLAY_END_SCHEDULE);
        assert_int_equal(bt_journal_put(journal, &play, &err), 0);
    }
    assert_int_equal(bt_journal_put_stop(journal, &options.now, &err), 0);
    assert_int_equal(bt_journal_commit(journal, &err), 0);
}

static struct bt_pack pack(struct bt_packer *packer, const struct bt_packer_counted *counted,
                           size_t max_records)
{
    struct bt_pack pack;
    struct bt_error err = {0};
    if (bt_packer_pack(packer, counted, max_records, &pack, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return pack;
}

// As the server gets it.
static struct bt_batch deliver(struct bt_pack *pack)
{
    static const uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    struct bt_error err = {0};
    struct bt_batch batch;
    BT_AUTOBUF header, packed;
    bt_buf_init(&header, BT_BATCH_MAX_HEADER);
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    bt_copy_cut(pack->header.player, sizeof(pack->header.player), "d-1");
    bt_copy_cut(pack->header.boot, sizeof(pack->header.boot), "b");
    assert_int_equal(bt_batch_maker_header(pack->maker, &pack->header, &header, &err), 0);
    assert_int_equal(bt_batch_maker_seal(pack->maker, &header, signature, &packed, &err), 0);
    if (bt_batch_read(packed.data, packed.len, &batch, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    bt_pack_finish(pack);
    return batch;
}

static void a_journal_comes_home_piece_by_piece(void **state)
{
    const struct bt_test_dir *dir = *state;
    run_player(dir, "boot-a", true, 20);
    BT_AUTO(bt_packer) packer = bt_packer_create(dir->journal);
    struct bt_packer_counted counted = {0};
    for (bool more = true; more;) {
        struct bt_pack piece = pack(packer, &counted, 7);
        assert_int_equal(piece.last_seq, 22);
        more = piece.header.more;
        struct bt_batch batch = deliver(&piece);
        assert_int_equal(batch.header.first, counted.seq + 1);
        assert_memory_equal(&batch.header.prev, &counted.hash, sizeof(counted.hash));
        assert_int_equal(batch.header.boot_count, 1);
        assert_int_equal(batch.header.boots[0].offset_ms, BT_TEST_WALL_MS - 1000);
        counted.seq += batch.header.count;
        counted.hash = batch.header.head;
        bt_batch_finish(&batch);
    }
    assert_int_equal(counted.seq, 22);
    struct bt_pack rest = pack(packer, &counted, 7);
    assert_int_equal(bt_batch_maker_count(rest.maker), 0);
    assert_false(rest.header.more);
    struct bt_batch batch = deliver(&rest);
    assert_int_equal(batch.header.first, 23);
    assert_int_equal(batch.header.boot_count, 0);
    bt_batch_finish(&batch);
}

static void another_chain_under_the_same_name_is_noticed(void **state)
{
    const struct bt_test_dir *dir = *state;
    run_player(dir, "boot-a", true, 3);
    BT_AUTO(bt_packer) packer = bt_packer_create(dir->journal);
    struct bt_packer_counted counted = {.seq = 3, .hash = {{1}}};
    struct bt_pack out;
    struct bt_error err;
    assert_int_equal(bt_packer_pack(packer, &counted, 10, &out, &err), -ESTALE);
    counted.seq = 6;  // more than there is
    assert_int_equal(bt_packer_pack(packer, &counted, 10, &out, &err), -ESTALE);
    counted = (struct bt_packer_counted){.hash = {{1}}};
    assert_int_equal(bt_packer_pack(packer, &counted, 10, &out, &err), -ESTALE);
    BT_AUTO(bt_packer) none = bt_packer_create("/nowhere/plays.db");
    assert_int_equal(bt_packer_pack(none, &nothing, 10, &out, &err), -ENOENT);
}

static int64_t offset_of(const struct bt_pack *pack, const char *boot)
{
    for (size_t i = 0; i < pack->header.boot_count; i++) {
        if (bt_str_equal(pack->header.boots[i].boot, boot)) {
            return pack->header.boots[i].offset_ms;
        }
    }
    return -1;
}

// Its clock became right only after what is sent now, or was right only before.
static void a_boot_is_dated_from_anywhere_in_the_journal(void **state)
{
    const struct bt_test_dir *dir = *state;
    int64_t offset_ms = BT_TEST_WALL_MS - 1000;
    run_player(dir, "boot-a", true, 2);    //  1..4
    run_player(dir, "boot-a", false, 30);  //  5..36
    run_player(dir, "boot-b", false, 30);  // 37..68
    run_player(dir, "boot-c", false, 30);  // 69..100
    run_player(dir, "boot-c", true, 2);    // 101..104
    BT_AUTO(bt_packer) packer = bt_packer_create(dir->journal);
    struct bt_packer_counted counted = {0};
    bool b_seen = false;
    for (bool more = true; more;) {
        struct bt_pack piece = pack(packer, &counted, 6);
        int64_t first =
            bt_batch_maker_next(piece.maker) - (int64_t)bt_batch_maker_count(piece.maker);
        int64_t last = bt_batch_maker_next(piece.maker) - 1;
        assert_int_equal(offset_of(&piece, "boot-a"), first <= 36 ? offset_ms : -1);
        assert_int_equal(offset_of(&piece, "boot-c"), last >= 69 ? offset_ms : -1);
        assert_int_equal(offset_of(&piece, "boot-b"), -1);
        b_seen = b_seen || first > 36;
        more = piece.header.more;
        struct bt_batch batch = deliver(&piece);
        counted = (struct bt_packer_counted){last, batch.header.head};
        bt_batch_finish(&batch);
    }
    assert_true(b_seen);
    // Another run of the sender begins anywhere, and the journal may have grown.
    BT_AUTO(bt_packer) other = bt_packer_create(dir->journal);
    struct bt_pack end = pack(other, &counted, 6);
    bt_pack_finish(&end);
    run_player(dir, "boot-d", false, 1);  // 105..107
    end = pack(other, &counted, 6);
    assert_int_equal(bt_batch_maker_count(end.maker), 3);
    assert_int_equal(offset_of(&end, "boot-d"), -1);
    bt_pack_finish(&end);
    run_player(dir, "boot-d", true, 1);
    end = pack(other, &counted, 2);
    assert_int_equal(offset_of(&end, "boot-d"), offset_ms);
    bt_pack_finish(&end);
}

static void what_was_pruned_is_said(void **state)
{
    const struct bt_test_dir *dir = *state;
    run_player(dir, "boot-a", true, 10);
    bt_test_exec(dir->journal, "UPDATE meta SET value=5 WHERE key='base_seq'");
    bt_test_exec(
        dir->journal,
        "UPDATE meta SET value=(SELECT hash FROM record WHERE seq=5) WHERE key='base_hash'");
    bt_test_exec(dir->journal, "DELETE FROM record WHERE seq <= 5");
    BT_AUTO(bt_packer) packer = bt_packer_create(dir->journal);
    struct bt_packer_counted counted = {.seq = 2, .hash = {{7}}};
    struct bt_pack piece = pack(packer, &counted, 100);
    struct bt_batch batch = deliver(&piece);
    assert_int_equal(batch.header.base_seq, 5);
    assert_int_equal(batch.header.first, 6);
    assert_int_equal(batch.header.count, 7);
    bt_batch_finish(&batch);
}

static void a_damaged_record_stays_behind_and_the_others_come(void **state)
{
    const struct bt_test_dir *dir = *state;
    run_player(dir, "boot-a", true, 10);
    bt_test_exec(dir->journal, "UPDATE record SET body=body||' ' WHERE seq=4");
    BT_AUTO(bt_packer) packer = bt_packer_create(dir->journal);
    struct bt_pack piece = pack(packer, &nothing, 100);
    assert_true(piece.header.more);
    struct bt_batch batch = deliver(&piece);
    assert_int_equal(batch.header.count, 3);
    struct bt_packer_counted counted = {3, batch.header.head};
    bt_batch_finish(&batch);
    piece = pack(packer, &counted, 100);
    assert_int_equal(piece.skipped, 1);
    batch = deliver(&piece);
    assert_int_equal(batch.header.base_seq, 4);
    assert_int_equal(batch.header.first, 5);
    assert_int_equal(batch.header.count, 8);
    bt_batch_finish(&batch);
}

static void more_boots_than_a_batch_can_name_come_in_two(void **state)
{
    const struct bt_test_dir *dir = *state;
    for (int i = 0; i < BT_BATCH_MAX_BOOTS + 3; i++) {
        char boot[BT_BOOT_ID_BYTES];
        assert_int_equal(bt_format(boot, sizeof(boot), "boot-%d", i), 0);
        run_player(dir, boot, true, 0);
    }
    BT_AUTO(bt_packer) packer = bt_packer_create(dir->journal);
    struct bt_pack piece = pack(packer, &nothing, 1000);
    assert_int_equal(bt_batch_maker_count(piece.maker), 2 * BT_BATCH_MAX_BOOTS);
    assert_true(piece.header.more);
    struct bt_batch batch = deliver(&piece);
    assert_int_equal(batch.header.boot_count, BT_BATCH_MAX_BOOTS);
    bt_batch_finish(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(a_journal_comes_home_piece_by_piece),
        BT_TEST_IN_DIR(another_chain_under_the_same_name_is_noticed),
        BT_TEST_IN_DIR(a_boot_is_dated_from_anywhere_in_the_journal),
        BT_TEST_IN_DIR(what_was_pruned_is_said),
        BT_TEST_IN_DIR(a_damaged_record_stays_behind_and_the_others_come),
        BT_TEST_IN_DIR(more_boots_than_a_batch_can_name_come_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
