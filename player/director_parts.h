// What the director is made of; shared by director*.c only.
#ifndef BT_PLAYER_DIRECTOR_PARTS_H
#define BT_PLAYER_DIRECTOR_PARTS_H

#include "player/cards.h"
#include "player/content.h"
#include "player/director.h"
#include "player/errands.h"
#include "player/orders.h"

enum bt_card_kind { BT_CARD_WAITING, BT_CARD_PAIRING, BT_CARD_NAME };

// What the stage shows, as the status says it.
struct bt_on_stage {
    struct bt_content content;
    struct bt_listed listed[BT_MAX_PUBLICATIONS];
    int64_t since_ms[BT_MAX_PUBLICATIONS];
    size_t count;
};

// What of the newest content's emergency cannot be shown, and why.
struct bt_unshown {
    char *why;  // in words for people; NULL: nothing; owned
    bool all;
    int64_t since_ms;
};

struct bt_director {
    struct bt_director_options options;
    struct bt_stage_guide guide;
    struct bt_errands *urgent;  // casts and cards
    struct bt_errands *slow;    // screenshots, and what ends by itself
    struct bt_orders orders;
    // Content.
    struct bt_content latest;  // the newest that came
    struct bt_taken taken;     // lent to the stage
    struct bt_on_stage on;     // on the stage
    struct bt_on_stage next;   // of the cast that is about to be
    struct bt_image *next_mark;
    bool fresh;          // the stage has changed; no present has shown it yet
    int64_t content_ns;  // when the newest came
    bool refused;        // the newest; what is shown stays
    struct bt_unshown unshown;
    uint64_t generation;  // of the newest casting
    bool casting;         // it is under way
    bool holds;           // the file of what is held back is there
    int64_t activate_ms;  // when something of the newest is to be activated; INT64_MAX: nothing
    // Cards.
    enum bt_card_kind card;
    enum bt_waiting waiting;
    struct bt_pairing pairing;
    int card_width, card_height;  // of the last one asked for
    int64_t name_until_ns;        // 0: the screen's name is not shown
    // Screen.
    int64_t light_percent;   // as asked
    int64_t volume_percent;  // likewise
    int64_t blank_until_ms;  // 0: until it is ended
    int64_t leave_ns;        // INT64_MAX: stays
    // Status.
    char *told;  // owned; what the last status said that matters at once
    char *told_on;
    int64_t told_ns, looked_ns;
    // What is said of frames.
    int64_t start;         // of this process, among others; 0: not chosen yet
    int64_t frames_at_ns;  // when it is said next
    int frames_result;     // of the last time
};

// What `finish` of an errand gets.
struct bt_desk {
    struct bt_director *director;
    struct bt_stage *stage;
};

static inline int64_t bt_director_now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

// director_orders.c
void bt_director_obey(struct bt_director *director, struct bt_stage *stage,
                      const struct bt_news *order);
void bt_director_settle(struct bt_director *director, struct bt_stage *stage);
void bt_director_apply_light(struct bt_director *director, struct bt_stage *stage);
void bt_director_watch_screen(struct bt_director *director, struct bt_stage *stage);

// director_cards.c: draws what fits the moment, unless there is content.
void bt_director_show_card(struct bt_director *director, struct bt_stage *stage);
void bt_director_show_name(struct bt_director *director, struct bt_stage *stage);

// director_emergency.c: whether an emergency is on the screen, and why not.
void bt_director_note_unshown(struct bt_director *director, struct bt_casting *casting);
void bt_director_end_emergency(struct bt_director *director, const char *id);
bool bt_director_shows_emergency(const struct bt_director *director, struct bt_stage *stage,
                                 const char *id);
bool bt_director_emergency_is_gone(const struct bt_director *director, struct bt_stage *stage,
                                   const char *id);
void bt_director_give_up(struct bt_director *director, struct bt_stage *stage);

// director_status.c
void bt_director_tell_status(struct bt_director *director, struct bt_stage *stage);

// director_frames.c: how smoothly it goes, for whoever watches a new version; every few seconds.
void bt_director_tell_frames(struct bt_director *director, const struct bt_stage *stage);

// director.c
void bt_director_cast(struct bt_director *director, struct bt_stage *stage);

#endif
