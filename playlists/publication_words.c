#include "playlists/publication_words.h"

#include <assert.h>

#include "playlists/publication.h"

const char *const bt_layer_words[] = {"screen", "province", "unit", "emergency", NULL};
const char *const bt_priority_words[] = {"fallback", "normal", "priority", "emergency", NULL};
const char *const bt_item_type_words[] = {"image", "video",  "set",    "text", "crawl",
                                          "clock", "colour", "stream", NULL};
const char *const bt_fit_words[] = {"contain", "cover", "stretch", NULL};
const char *const bt_transition_words[] = {"cut",  "crossfade", "fade", "slide",
                                           "push", "wipe",      NULL};
const char *const bt_towards_words[] = {"left", "right", "up", "down", NULL};
const char *const bt_family_words[] = {"Noto Sans", "Noto Serif", NULL};
const char *const bt_align_words[] = {"left", "center", "right", NULL};
const char *const bt_valign_words[] = {"top", "middle", "bottom", NULL};
const char *const bt_crawl_towards_words[] = {"left", "right", NULL};
const char *const bt_weekday_words[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

const char *bt_item_type_word(int type)
{
    assert(type >= BT_ITEM_IMAGE && type <= BT_ITEM_STREAM);
    return bt_item_type_words[type];
}

const char *bt_layer_word(int layer)
{
    assert(layer >= BT_LAYER_SCREEN && layer <= BT_LAYER_EMERGENCY);
    return bt_layer_words[layer];
}

const char *bt_priority_word(int priority)
{
    assert(priority >= BT_PRIORITY_FALLBACK && priority <= BT_PRIORITY_EMERGENCY);
    return bt_priority_words[priority];
}
