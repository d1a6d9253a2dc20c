/**
 * The words of the publication format, each list in the order of its enum and ending with NULL.
 * Shared by the reader and by those who write records and plans.
 */
#ifndef BT_PLAYLISTS_PUBLICATION_WORDS_H
#define BT_PLAYLISTS_PUBLICATION_WORDS_H

extern const char *const bt_layer_words[];
extern const char *const bt_priority_words[];
extern const char *const bt_item_type_words[];
extern const char *const bt_fit_words[];
extern const char *const bt_transition_words[];
extern const char *const bt_towards_words[];
extern const char *const bt_family_words[];
extern const char *const bt_align_words[];
extern const char *const bt_valign_words[];
extern const char *const bt_crawl_towards_words[];  // the first two of them
extern const char *const bt_weekday_words[];        // Monday first

#endif
