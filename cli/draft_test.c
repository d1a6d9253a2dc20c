#include "cli/draft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static const struct bt_draft_options options = {
    .id = "thu",
    .title = "Thử \"nhanh\"",
    .version = 3,
    .width = 1280,
    .height = 720,
    .seconds = 7,
};

static struct bt_draft_file still(const char *id, uint8_t content)
{
    struct bt_draft_file file = {.title = "Ảnh", .type = "image/png", .size = 10};
    assert_int_equal(bt_format(file.id, sizeof(file.id), "%s", id), 0);
    file.sha256.bytes[0] = content;
    return file;
}

static struct bt_publication *written(const struct bt_draft *draft)
{
    BT_AUTOBUF out;
    bt_buf_init(&out, BT_PUBLICATION_MAX_BYTES);
    struct bt_error err = {""};
    if (bt_draft_write(draft, &out, &err) < 0) {
        fail_msg("%s\n%s", err.msg, bt_buf_text(&out));
    }
    struct bt_publication *publication = NULL;
    assert_int_equal(bt_publication_parse(out.data, out.len, BT_UNKNOWN_REFUSE, &publication, NULL),
                     0);
    return publication;
}

static void stills_stay_and_clips_run_their_length(void **state)
{
    (void)state;
    BT_AUTO(bt_draft) draft = bt_draft_create(&options);
    struct bt_draft_file file = still("anh", 1);
    assert_int_equal(bt_draft_add(draft, &file), 0);
    file = still("clip", 2);
    file.is_clip = true;
    assert_int_equal(bt_format(file.type, sizeof(file.type), "video/mp4"), 0);
    file.duration_ms = 4321;
    file.width = 640;
    file.height = 360;
    assert_int_equal(bt_draft_add(draft, &file), 0);
    BT_AUTO(bt_publication) publication = written(draft);
    assert_int_equal(publication->version, 3);
    assert_string_equal(publication->title, "Thử \"nhanh\"");
    assert_int_equal(publication->canvas.width, 1280);
    const struct bt_playlist *playlist = &publication->playlists[0];
    assert_int_equal(playlist->item_count, 2);
    assert_int_equal(playlist->items[0].type, BT_ITEM_IMAGE);
    assert_int_equal(bt_card_length_ms(publication, &playlist->items[0], 0), 7000);
    assert_int_equal(playlist->items[1].type, BT_ITEM_VIDEO);
    assert_int_equal(bt_card_length_ms(publication, &playlist->items[1], 0), 4321);
}

static void same_names_get_numbers_and_same_content_is_one_asset(void **state)
{
    (void)state;
    BT_AUTO(bt_draft) draft = bt_draft_create(&options);
    const struct bt_draft_file files[] = {still("anh", 1), still("anh", 2), still("khac", 1)};
    for (size_t i = 0; i < BT_ARRAY_LEN(files); i++) {
        assert_int_equal(bt_draft_add(draft, &files[i]), 0);
    }
    BT_AUTO(bt_publication) publication = written(draft);
    assert_int_equal(publication->asset_count, 2);
    const struct bt_item *items = publication->playlists[0].items;
    assert_string_equal(items[0].id, "anh");
    assert_string_equal(items[1].id, "anh-2");
    assert_string_equal(items[2].id, "khac");
    assert_int_equal(items[2].cards[0].asset, items[0].cards[0].asset);
}

static void a_playlist_has_an_end(void **state)
{
    (void)state;
    BT_AUTO(bt_draft) draft = bt_draft_create(&options);
    for (int i = 0; i < BT_MAX_ITEMS; i++) {
        BT_AUTOFREE char *id = bt_strf("x%d", i);
        const struct bt_draft_file file = still(id, 1);
        assert_int_equal(bt_draft_add(draft, &file), 0);
    }
    const struct bt_draft_file file = still("one-more", 1);
    assert_int_equal(bt_draft_add(draft, &file), -ENOSPC);
    assert_int_equal(bt_draft_count(draft), BT_MAX_ITEMS);
    BT_AUTO(bt_publication) publication = written(draft);
    assert_int_equal(publication->asset_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stills_stay_and_clips_run_their_length),
        cmocka_unit_test(same_names_get_numbers_and_same_content_is_one_asset),
        cmocka_unit_test(a_playlist_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
