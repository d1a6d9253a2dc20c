/**
 * A playlist made ready for the timeline: when each of its items may be shown (the dates of the
 * publication, the campaign and the item together), how long it is, and which items share time as
 * one party.
 *
 * Parties: as soon as one campaign of the playlist has a weight, each campaign is a party, one
 * without a weight counts as 1, and the items without a campaign are together a party of weight 1.
 * Without any weight all items are one party, in their order.
 */
#ifndef BT_PLAYLISTS_LINEUP_H
#define BT_PLAYLISTS_LINEUP_H

#include "playlists/publication.h"

struct bt_lineup_item {
    int64_t from_ns, until_ns;  // UTC, half-open
    int64_t length_ns;          // all its cards; INT64_MAX when endless
    size_t party;
    size_t next;  // of the same party, the first after the last
    bool hides;   // while the clock is not trusted
};

struct bt_lineup_party {
    int64_t weight;
    size_t first;  // item
    bool open;     // one of its items may be shown; see bt_lineup_refresh
};

struct bt_lineup {
    const struct bt_publication *publication;  // borrowed, with its playlist
    const struct bt_playlist *playlist;
    struct bt_lineup_item *items;  // as many as the playlist has
    struct bt_lineup_party *parties;
    size_t party_count;
    // As of the last refresh.
    bool open;
    bool trusted;
    int64_t from_ns, until_ns;  // nothing changes in here
};

struct bt_lineup *bt_lineup_create(const struct bt_publication *publication,
                                   size_t playlist) BT_NODISCARD;
void bt_lineup_destroy(struct bt_lineup *lineup);
BT_DEFINE_AUTO(bt_lineup)

// Makes `open` and `until_ns` those of the instant.
void bt_lineup_refresh(struct bt_lineup *lineup, int64_t at_ns, bool trusted);

static inline bool bt_lineup_item_open(const struct bt_lineup_item *item, int64_t at_ns,
                                       bool trusted)
{
    return at_ns >= item->from_ns && at_ns < item->until_ns && (trusted || !item->hides);
}

// When the publication counts, UTC: its validity, not before its activation.
void bt_publication_span_ns(const struct bt_publication *publication, int64_t *out_from_ns,
                            int64_t *out_until_ns);

// One card's length, at least a millisecond, INT64_MAX when endless.
int64_t bt_card_length_ns(const struct bt_publication *publication, const struct bt_item *item,
                          size_t card);

#endif
