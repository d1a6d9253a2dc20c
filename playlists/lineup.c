#include "playlists/lineup.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "playlists/schedule.h"

int64_t bt_card_length_ns(const struct bt_publication *publication, const struct bt_item *item,
                          size_t card)
{
    int64_t ns = bt_ns_from_ms(bt_card_length_ms(publication, item, card));
    return BT_MAX(ns, BT_NS_PER_MS);
}

static int64_t item_length_ns(const struct bt_publication *publication, const struct bt_item *item)
{
    int64_t total = 0;
    for (size_t i = 0; i < item->card_count; i++) {
        int64_t card = bt_card_length_ns(publication, item, i);
        total = card > INT64_MAX - total ? INT64_MAX : total + card;
    }
    return total;
}

void bt_publication_span_ns(const struct bt_publication *publication, int64_t *out_from_ns,
                            int64_t *out_until_ns)
{
    int64_t from_ms = publication->valid_from_ms;
    if (publication->activate == BT_ACTIVATE_TIME) {
        from_ms = BT_MAX(from_ms, publication->activate_ms);
    }
    *out_from_ns = bt_ns_from_ms(from_ms);
    *out_until_ns = bt_ns_from_ms(publication->valid_until_ms);
}

static void read_item(const struct bt_publication *publication, const struct bt_item *item,
                      struct bt_lineup_item *out)
{
    bt_publication_span_ns(publication, &out->from_ns, &out->until_ns);
    out->from_ns = BT_MAX(out->from_ns, bt_ns_from_ms(item->from_ms));
    out->until_ns = BT_MIN(out->until_ns, bt_ns_from_ms(item->until_ms));
    if (item->campaign >= 0) {
        const struct bt_campaign *campaign = &publication->campaigns[item->campaign];
        out->from_ns = BT_MAX(out->from_ns, bt_ns_from_ms(campaign->from_ms));
        out->until_ns = BT_MIN(out->until_ns, bt_ns_from_ms(campaign->until_ms));
    }
    out->length_ns = item_length_ns(publication, item);
    if (out->length_ns == 0) {
        out->until_ns = INT64_MIN;  // without a card there is nothing to show, ever
    }
    out->hides = item->type == BT_ITEM_CLOCK;
}

static bool has_weights(const struct bt_publication *publication,
                        const struct bt_playlist *playlist)
{
    for (size_t i = 0; i < playlist->item_count; i++) {
        int campaign = playlist->items[i].campaign;
        if (campaign >= 0 && publication->campaigns[campaign].weight > 0) {
            return true;
        }
    }
    return false;
}

static int64_t party_weight(const struct bt_publication *publication, const struct bt_item *item)
{
    int64_t weight = item->campaign >= 0 ? publication->campaigns[item->campaign].weight : 0;
    return BT_MAX(weight, 1);
}

// Links the item behind the last one of its party; `last` holds each party's last item.
static void join_party(struct bt_lineup *lineup, size_t index, size_t party, size_t *last)
{
    struct bt_lineup_item *item = &lineup->items[index];
    item->party = party;
    if (party == lineup->party_count) {
        lineup->party_count++;
        lineup->parties[party].first = index;
        lineup->parties[party].weight =
            party_weight(lineup->publication, &lineup->playlist->items[index]);
    } else {
        lineup->items[last[party]].next = index;
    }
    item->next = lineup->parties[party].first;
    last[party] = index;
}

static void form_parties(struct bt_lineup *lineup)
{
    const struct bt_playlist *playlist = lineup->playlist;
    bool weighted = has_weights(lineup->publication, playlist);
    size_t campaigns = lineup->publication->campaign_count;
    // Which party a campaign is, plus one; the last is for items without a campaign.
    BT_AUTOFREE size_t *party_of = BT_NEW_ARRAY(size_t, campaigns + 1);
    BT_AUTOFREE size_t *last = BT_NEW_ARRAY(size_t, playlist->item_count + 1);
    lineup->parties = BT_NEW_ARRAY(struct bt_lineup_party, playlist->item_count + 1);
    for (size_t i = 0; i < playlist->item_count; i++) {
        int campaign = playlist->items[i].campaign;
        size_t key = weighted && campaign >= 0 ? (size_t)campaign : campaigns;
        if (party_of[key] == 0) {
            party_of[key] = lineup->party_count + 1;
        }
        join_party(lineup, i, party_of[key] - 1, last);
    }
}

struct bt_lineup *bt_lineup_create(const struct bt_publication *publication, size_t playlist)
{
    struct bt_lineup *lineup = BT_NEW(struct bt_lineup);
    lineup->publication = publication;
    lineup->playlist = &publication->playlists[playlist];
    lineup->items = BT_NEW_ARRAY(struct bt_lineup_item, lineup->playlist->item_count);
    for (size_t i = 0; i < lineup->playlist->item_count; i++) {
        read_item(publication, &lineup->playlist->items[i], &lineup->items[i]);
    }
    form_parties(lineup);
    return lineup;
}

void bt_lineup_destroy(struct bt_lineup *lineup)
{
    if (lineup == NULL) {
        return;
    }
    free(lineup->items);
    free(lineup->parties);
    free(lineup);
}

void bt_lineup_refresh(struct bt_lineup *lineup, int64_t at_ns, bool trusted)
{
    if (at_ns >= lineup->from_ns && at_ns < lineup->until_ns && trusted == lineup->trusted) {
        return;
    }
    lineup->open = false;
    lineup->trusted = trusted;
    lineup->from_ns = at_ns;
    lineup->until_ns = INT64_MAX;
    for (size_t i = 0; i < lineup->party_count; i++) {
        lineup->parties[i].open = false;
    }
    for (size_t i = 0; i < lineup->playlist->item_count; i++) {
        const struct bt_lineup_item *item = &lineup->items[i];
        if (item->from_ns >= item->until_ns || at_ns >= item->until_ns) {
            continue;
        }
        int64_t changes_ns = at_ns < item->from_ns ? item->from_ns : item->until_ns;
        lineup->until_ns = BT_MIN(lineup->until_ns, changes_ns);
        if (bt_lineup_item_open(item, at_ns, trusted)) {
            lineup->parties[item->party].open = true;
            lineup->open = true;
        }
    }
}
