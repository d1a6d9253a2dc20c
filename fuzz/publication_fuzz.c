// A publication from outside: read in both ways, the same each time; what is strictly read is also
// leniently read, and every index in it leads somewhere.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "playlists/clock_text.h"
#include "playlists/publication.h"

static void check_item(const struct bt_publication *pub, const struct bt_item *item)
{
    assert(item->card_count >= 1 && item->card_count <= BT_MAX_CARDS);
    assert(item->campaign >= -1 && item->campaign < (int)pub->campaign_count);
    for (size_t i = 0; i < item->card_count; i++) {
        assert(item->cards[i].asset >= -1 && item->cards[i].asset < (int)pub->asset_count);
        int64_t length_ms = bt_card_length_ms(pub, item, i);
        assert(length_ms >= BT_ITEM_MIN_MS && item->transition.ms <= length_ms / 2);
    }
    const struct bt_sight *sights[] = {&item->motion.from, &item->motion.to};
    for (size_t i = 0; item->motion.moves && i < 2; i++) {
        assert(sights[i]->zoom >= 1000 && sights[i]->zoom <= BT_ZOOM_MAX_PERMILLE);
        assert(sights[i]->x >= 0 && sights[i]->x <= 1000);
    }
    if (item->type == BT_ITEM_CLOCK) {
        BT_AUTOFREE char *text = bt_clock_text(item->text, 0);
        assert(text != NULL);
    }
    assert(item->from_ms < item->until_ms);
}

static void check(const struct bt_publication *pub)
{
    for (size_t p = 0; p < pub->playlist_count; p++) {
        for (size_t i = 0; i < pub->playlists[p].item_count; i++) {
            check_item(pub, &pub->playlists[p].items[i]);
        }
    }
    for (size_t i = 0; i < pub->rule_count; i++) {
        const struct bt_rule *rule = &pub->rules[i];
        assert(rule->playlist < (int)pub->playlist_count);
        assert((rule->zone[0] != '\0') == (rule->playlist >= 0));
        assert((rule->zone[0] != '\0') != (rule->layout[0] != '\0'));
        assert(rule->when.time_from_s < rule->when.time_until_s);
        assert(rule->when.date_from_s < rule->when.date_until_s);
    }
}

static int parse(const uint8_t *data, size_t size, enum bt_unknown_keys unknown)
{
    struct bt_error err = {0};
    BT_AUTO(bt_publication) pub = NULL;
    int r = bt_publication_parse((const char *)data, size, unknown, &pub, &err);
    assert((r < 0) == (pub == NULL) && (r < 0) == (err.msg[0] != '\0'));
    if (pub != NULL) {
        check(pub);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int strict = parse(data, size, BT_UNKNOWN_REFUSE);
    int lenient = parse(data, size, BT_UNKNOWN_IGNORE);
    assert(strict < 0 || lenient == 0);
    return 0;
}
