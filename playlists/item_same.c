#include "playlists/item_same.h"

#include <string.h>

#include "base/str.h"

static bool same_colour(struct bt_colour a, struct bt_colour b)
{
    return a.r == b.r && a.g == b.g && a.b == b.b && a.a == b.a;
}

static bool same_effects(const struct bt_text_style *a, const struct bt_text_style *b)
{
    return a->outline.px == b->outline.px && same_colour(a->outline.colour, b->outline.colour) &&
           a->shadow.x == b->shadow.x && a->shadow.y == b->shadow.y &&
           a->shadow.blur_px == b->shadow.blur_px &&
           same_colour(a->shadow.colour, b->shadow.colour);
}

static bool same_style(const struct bt_text_style *a, const struct bt_text_style *b)
{
    return a->family == b->family && a->bold == b->bold && a->italic == b->italic &&
           a->size_px == b->size_px && a->line_percent == b->line_percent &&
           same_colour(a->colour, b->colour) && same_colour(a->background, b->background) &&
           a->align == b->align && a->valign == b->valign && a->padding_px == b->padding_px &&
           same_effects(a, b);
}

static bool same_transition(const struct bt_transition *a, const struct bt_transition *b)
{
    return a->type == b->type && a->ms == b->ms && a->towards == b->towards &&
           same_colour(a->colour, b->colour);
}

static bool same_sight(const struct bt_sight *a, const struct bt_sight *b)
{
    return a->x == b->x && a->y == b->y && a->zoom == b->zoom;
}

static bool same_motion(const struct bt_motion *a, const struct bt_motion *b)
{
    return a->moves == b->moves && same_sight(&a->from, &b->from) && same_sight(&a->to, &b->to);
}

static bool same_asset(const struct bt_publication *pub_a, int a,
                       const struct bt_publication *pub_b, int b)
{
    if (a < 0 || b < 0) {
        return a < 0 && b < 0;
    }
    return memcmp(&pub_a->assets[a].sha256, &pub_b->assets[b].sha256, sizeof(struct bt_sha256)) ==
           0;
}

static bool same_cards(const struct bt_publication *pub_a, const struct bt_item *a,
                       const struct bt_publication *pub_b, const struct bt_item *b)
{
    if (a->card_count != b->card_count) {
        return false;
    }
    for (size_t i = 0; i < a->card_count; i++) {
        if (bt_card_length_ms(pub_a, a, i) != bt_card_length_ms(pub_b, b, i) ||
            !same_asset(pub_a, a->cards[i].asset, pub_b, b->cards[i].asset)) {
            return false;
        }
    }
    return true;
}

static bool same_live(const struct bt_live_address *a, const struct bt_live_address *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return bt_str_equal(a->url, b->url) && bt_str_equal(a->pins, b->pins) &&
           bt_str_equal(a->local, b->local);
}

bool bt_item_same(const struct bt_publication *pub_a, const struct bt_item *a,
                  const struct bt_publication *pub_b, const struct bt_item *b)
{
    return bt_str_equal(a->id, b->id) && a->type == b->type && a->fit == b->fit &&
           a->focus_x == b->focus_x && a->focus_y == b->focus_y &&
           same_colour(a->background, b->background) &&
           same_transition(&a->transition, &b->transition) && same_motion(&a->motion, &b->motion) &&
           a->speed_px == b->speed_px && a->towards == b->towards &&
           bt_str_equal(a->text, b->text) && same_style(&a->style, &b->style) &&
           same_live(a->live, b->live) && same_cards(pub_a, a, pub_b, b);
}
