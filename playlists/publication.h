/**
 * A publication: what one authority wants on a screen or a group of screens. Immutable once read.
 * Format: docs/publication.md, JSON Schema in playlists/publication.schema.json.
 *
 * Everything here is plain data owned by the publication; indices instead of pointers lead from
 * one table to another, -1 for "none". Lengths are pixels of the canvas, times milliseconds.
 */
#ifndef BT_PLAYLISTS_PUBLICATION_H
#define BT_PLAYLISTS_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/pin.h"
#include "base/sha256.h"
#include "playlists/output_plan.h"

#define BT_PUBLICATION_FORMAT 1

// A province's busiest half-year in one document stays far below this.
#define BT_PUBLICATION_MAX_BYTES (4 * 1024 * 1024)
#define BT_ID_BYTES 64      // ids and names that machines compare, with the NUL
#define BT_TITLE_BYTES 256  // names that people read, with the NUL
#define BT_MAX_ZONES 16     // per layout
#define BT_MAX_LAYOUTS 16
#define BT_MAX_ASSETS 4096
#define BT_MAX_CAMPAIGNS 512
#define BT_MAX_PLAYLISTS 512
#define BT_MAX_ITEMS 4096       // per playlist
#define BT_MAX_ALL_ITEMS 16384  // of all playlists together, some 10 MiB
#define BT_MAX_CARDS 64         // per set
#define BT_MAX_RULES 1024
#define BT_CANVAS_MAX_PX 16384
#define BT_ITEM_MIN_MS 100       // shorter is a flicker
#define BT_ITEM_MAX_MS 86400000  // a day
#define BT_ITEM_TEXT_MAX_BYTES 8192
#define BT_TRANSITION_MAX_MS 5000
#define BT_ZOOM_MAX_PERMILLE 4000
#define BT_OUTLINE_MAX_PX 64
#define BT_SHADOW_MAX_PX 64  // to any side
#define BT_BLUR_MAX_PX 32
#define BT_UNIT_CODE_MAX_BYTES 24
#define BT_TARGET_BYTES 96      // "u/UNIT/NAME" with the NUL
#define BT_MAX_CARRIES 24       // with the screen's own and emergencies below BT_MAX_PUBLICATIONS
#define BT_MAX_PLAYERS 8        // of a screen: the one that shows it, and spares
#define BT_PLAYER_HEX_BYTES 65  // an Ed25519 public key in hex, with the NUL
#define BT_MAX_LIFTS 256
#define BT_MAX_FIELDS 16
#define BT_MAX_HOURS 24  // of "sound", and of "limits": {"sound_times"}
#define BT_FIELD_MAX_BYTES 256
#define BT_LIVE_URL_BYTES 513  // with the NUL
#define BT_MAX_LIVE_PINS 4

enum bt_layer {
    BT_LAYER_SCREEN,    // canvas, layouts, safe card, limits; signed by a technician
    BT_LAYER_PROVINCE,  // must-carry
    BT_LAYER_UNIT,
    BT_LAYER_EMERGENCY,
};

enum bt_priority {
    BT_PRIORITY_FALLBACK,   // when nothing else is to be shown
    BT_PRIORITY_NORMAL,     // thông thường
    BT_PRIORITY_PRIORITY,   // ưu tiên
    BT_PRIORITY_EMERGENCY,  // khẩn cấp
};

enum bt_item_type {
    BT_ITEM_IMAGE,  // one still, or an animation (GIF, APNG) that loops for the item's length
    BT_ITEM_VIDEO,
    BT_ITEM_SET,    // stills in order, counted as one
    BT_ITEM_TEXT,   // a text card
    BT_ITEM_CRAWL,  // a line or two that move
    BT_ITEM_CLOCK,  // time and date
    BT_ITEM_COLOUR,
    BT_ITEM_STREAM,  // live: HLS or progressive
};

enum bt_fit {
    BT_FIT_CONTAIN,  // the whole picture, the item's background beside it
    BT_FIT_COVER,    // the whole zone, what is cut lies away from the focus point
    BT_FIT_STRETCH,
};

enum bt_transition_type {
    BT_TRANSITION_CUT,
    BT_TRANSITION_CROSSFADE,
    BT_TRANSITION_FADE,   // old → a colour → new
    BT_TRANSITION_SLIDE,  // the new picture comes in over the old one
    BT_TRANSITION_PUSH,   // and takes it along
    BT_TRANSITION_WIPE,   // both stand still, an edge goes across
};

enum bt_towards { BT_TOWARDS_LEFT, BT_TOWARDS_RIGHT, BT_TOWARDS_UP, BT_TOWARDS_DOWN };

enum bt_family { BT_FAMILY_SANS, BT_FAMILY_SERIF };
enum bt_align { BT_ALIGN_LEFT, BT_ALIGN_CENTER, BT_ALIGN_RIGHT };
enum bt_valign { BT_VALIGN_TOP, BT_VALIGN_MIDDLE, BT_VALIGN_BOTTOM };

enum bt_activate { BT_ACTIVATE_BOUNDARY, BT_ACTIVATE_NOW, BT_ACTIVATE_TIME };

struct bt_colour {
    uint8_t r, g, b, a;  // not premultiplied; a is 255 where nothing shines through
};

struct bt_asset {
    char name[BT_ID_BYTES];   // what items call it
    struct bt_sha256 sha256;  // what the store calls it
    int64_t size;             // bytes
    char type[BT_ID_BYTES];   // media type, for example "video/mp4"
    int64_t duration_ms;      // of a clip: first frame's start to last frame's end; 0 of a still
    int64_t width, height;    // 0 when the publication does not say
};

struct bt_campaign {
    char id[BT_ID_BYTES];
    char name[BT_TITLE_BYTES];
    int64_t from_ms, until_ms;  // UTC, half-open; INT64_MIN and INT64_MAX when not said
    int64_t goal_plays;         // 0: no goal
    int64_t weight;             // 1..1000, share of played time; 0 when not said
};

// A band around the letters; none where its colour is transparent.
struct bt_outline {
    int64_t px;
    struct bt_colour colour;
};

// The letters once more below, with their outline; none where its colour is transparent.
struct bt_shadow {
    int64_t x, y;     // to the right and down
    int64_t blur_px;  // how far its edge fades outwards and inwards
    struct bt_colour colour;
};

struct bt_text_style {
    int family;  // enum bt_family
    bool bold, italic;
    int64_t size_px;       // height of the font's line box without extra leading
    int64_t line_percent;  // line pitch, percent of size_px, 100..300
    struct bt_colour colour;
    struct bt_colour background;
    int align;   // enum bt_align
    int valign;  // enum bt_valign
    int64_t padding_px;
    struct bt_outline outline;
    struct bt_shadow shadow;
};

// From whatever stood before into an item; begins when the item begins.
struct bt_transition {
    int type;                 // enum bt_transition_type
    int64_t ms;               // 0..5000, 0 of a cut; at most half the item
    int towards;              // enum bt_towards, SLIDE, PUSH, WIPE: where what moves goes
    struct bt_colour colour;  // FADE: between the two
};

// What of a still is in sight: `zoom` is permille of its size as it is fitted, 1000..4000; x, y
// permille of the picture, as near to the middle of the zone as the picture's edges allow.
struct bt_sight {
    int64_t x, y, zoom;
};

// A still that moves, evenly and over its item's (or card's) length.
struct bt_motion {
    bool moves;
    struct bt_sight from, to;
};

struct bt_card {
    int asset;            // index into assets, -1 for types without one
    int64_t duration_ms;  // 0: as long as the asset, or endless (see bt_item_length_ms)
};

/**
 * Where a live stream comes from: an https address whose certificate has one of these keys, or a
 * stream that the installer gave a name on the player itself.
 */
struct bt_live_address {
    char url[BT_LIVE_URL_BYTES];                 // "" for a local one
    char pins[BT_MAX_LIVE_PINS * BT_PIN_BYTES];  // "sha256//…;sha256//…" as curl takes them
    char local[BT_ID_BYTES];                     // "" for one with a URL
};

struct bt_item {
    char id[BT_ID_BYTES];  // unique in the publication; what a play record names
    char title[BT_TITLE_BYTES];
    int type;               // enum bt_item_type
    int campaign;           // index or -1
    struct bt_card *cards;  // one, except in a set
    size_t card_count;
    int64_t from_ms, until_ms;    // the item's own dates, as in bt_campaign
    int fit;                      // enum bt_fit
    int64_t focus_x, focus_y;     // permille of the picture, for BT_FIT_COVER; 500 is the middle
    struct bt_colour background;  // beside a contained picture; the colour of BT_ITEM_COLOUR
    struct bt_motion motion;      // IMAGE, SET
    struct bt_transition transition;
    char *text;  // TEXT, CRAWL: UTF-8; CLOCK: its pattern (docs/publication.md);
                 // else NULL
    struct bt_text_style style;
    int64_t speed_px;              // CRAWL: whole pixels per refresh, 1..3
    int towards;                   // CRAWL: enum bt_towards, left or right
    struct bt_live_address *live;  // STREAM; else NULL
    int64_t volume_percent;        // VIDEO, STREAM: 0..100; 0, the default: it is not heard
};

struct bt_playlist {
    char name[BT_ID_BYTES];
    struct bt_item *items;
    size_t item_count;
};

struct bt_zone {
    char name[BT_ID_BYTES];
    struct bt_rect rect;     // inside the canvas
    int64_t order;           // stacking: higher is nearer; equal: later in the list
    int playlist;            // index of its own playlist, shown at normal priority; or -1
    int64_t volume_percent;  // 0..100, of what plays there; default 100
};

// What the layout is called when the publication gives "zones" instead of "layouts".
#define BT_ONLY_LAYOUT "main"

struct bt_layout {
    char name[BT_ID_BYTES];
    struct bt_zone *zones;
    size_t zone_count;
};

/**
 * When a rule holds: all that is said must hold. Dates and times of day are floating local time
 * of the canvas's zone. A window that crosses midnight belongs to the day it starts on.
 */
struct bt_when {
    int64_t from_ms, until_ms;  // absolute, half-open; INT64_MIN and INT64_MAX when not said
    int64_t date_from_s;        // local midnight; INT64_MIN when not said
    int64_t date_until_s;       // local midnight after the last day; INT64_MAX when not said
    int64_t time_from_s;        // seconds of the day; 0
    int64_t time_until_s;       // > time_from_s, up to 48 h (across midnight); 86400
    unsigned weekdays;          // bit 0 Monday .. bit 6 Sunday; 0x7F
    char *rrule;                // RFC 5545 recurrence or NULL; no SECONDLY, MINUTELY or HOURLY
    int64_t rrule_start_s;      // DTSTART, local
    int64_t rrule_length_s;     // each occurrence lasts so long, 1..7 days
};

struct bt_rule {
    char id[BT_ID_BYTES];    // given, or the place in the document: "zones[0]", "schedule[2]"
    char zone[BT_ID_BYTES];  // by name, since the zones may stand in another layer; "" with layout
    int playlist;            // index or -1
    char layout[BT_ID_BYTES];  // "" when the rule does not choose a layout
    int priority;              // enum bt_priority
    int64_t weight;            // 1..1000 among rules of the same zone and priority; default 1
    int64_t share_percent;     // 1..100: takes this share of the zone's time first; 0 when not said
    struct bt_when when;
};

struct bt_canvas {
    int64_t width, height;        // 0 when this publication does not describe the canvas
    char time_zone[BT_ID_BYTES];  // IANA name
    struct bt_colour background;  // opaque
};

// A publication that the screen shows besides its own: "p/chung", "u/31333/quang-truong".
struct bt_carry {
    char target[BT_TARGET_BYTES];
};

// A player that may show the screen, by its public key.
struct bt_player_key {
    char hex[BT_PLAYER_HEX_BYTES];
};

// A takedown that this version lifts.
struct bt_lift {
    char takedown[BT_ID_BYTES];
};

/**
 * Hours of the day, local time of the canvas's zone, and how loud it may be then. A span that
 * crosses midnight belongs to the day it starts on.
 */
struct bt_hours {
    int64_t from_s, until_s;  // seconds of the day; until_s > from_s, up to 48 h
    unsigned weekdays;        // bit 0 Monday .. bit 6 Sunday
    int64_t volume_percent;
};

// What the technician allows at most; 100 where nothing is said.
struct bt_limits {
    int64_t volume_percent, brightness_percent;
    int64_t province_share_percent;  // of a zone's time, while others have something to show
    bool live;                       // live streams are shown; without a word they are not
    struct bt_hours sound_times[BT_MAX_HOURS];  // in which anything may be heard; none: always
    size_t sound_time_count;
};

enum bt_field_type { BT_FIELD_TEXT, BT_FIELD_NUMBER, BT_FIELD_TIME };

// A place in an emergency template: "{NAME}" in the texts of its items.
struct bt_field {
    char name[BT_ID_BYTES];
    int type;  // enum bt_field_type
    int64_t max_bytes;
};

struct bt_publication {
    int64_t format;
    char id[BT_ID_BYTES];       // the same through all versions
    int64_t version;            // 1.., grows
    int layer;                  // enum bt_layer
    char unit[BT_TITLE_BYTES];  // the authority's name, as people read it
    char title[BT_TITLE_BYTES];
    int64_t valid_from_ms, valid_until_ms;  // never exceeded; as in bt_campaign
    int activate;                           // enum bt_activate
    int64_t activate_ms;                    // UTC, with BT_ACTIVATE_TIME
    struct bt_canvas canvas;
    struct bt_output_plan output;  // layer screen; no slices: nothing is said
    struct bt_layout *layouts;
    size_t layout_count;
    struct bt_asset *assets;
    size_t asset_count;
    struct bt_campaign *campaigns;
    size_t campaign_count;
    struct bt_playlist *playlists;
    size_t playlist_count;
    struct bt_rule *rules;  // zones' own playlists and "fallback" are rules here too
    size_t rule_count;
    struct bt_carry *carries;  // layer screen
    size_t carry_count;
    struct bt_player_key *players;  // layer screen; none: no player of a server shows it
    size_t player_count;
    struct bt_limits limits;  // layer screen
    struct bt_hours *sound;   // layers screen and unit: how loud by hours; none: no difference
    size_t sound_count;
    struct bt_field *fields;  // layer emergency: it is a template, shown only when filled
    size_t field_count;
    struct bt_lift *lifts;
    size_t lift_count;
    struct bt_sha256 sha256;  // of the exact text it was read from
};

enum bt_unknown_keys {
    BT_UNKNOWN_IGNORE,  // players: tomorrow's publication plays on yesterday's player
    BT_UNKNOWN_REFUSE,  // authoring tools and the server: a misspelt key is an error
};

/**
 * Reads a publication. Needs no NUL after the text.
 *
 * On success *out is for the caller to destroy; on error *out is untouched and err says in plain
 * words which key is wrong where: "playlists[0].items[3]: 'seconds' is -1, outside 0.1..86400".
 * Errors: -EMSGSIZE too long, -EINVAL not a valid publication, -EPROTONOSUPPORT a format number
 * or a required feature this program does not know.
 * Thread-safe; touches no files and does not log.
 */
int bt_publication_parse(const char *text, size_t len, enum bt_unknown_keys unknown,
                         struct bt_publication **out, struct bt_error *err) BT_NODISCARD;

// Reads the file and parses it; messages start with the path.
int bt_publication_load(const char *path, enum bt_unknown_keys unknown, struct bt_publication **out,
                        struct bt_error *err) BT_NODISCARD;

void bt_publication_destroy(struct bt_publication *publication);
BT_DEFINE_AUTO(bt_publication)

/**
 * How long one card of an item stays: what the item says, else the clip's own length, else
 * BT_ENDLESS_MS for items that have no end of their own (clock, colour, crawl).
 */
#define BT_ENDLESS_MS INT64_MAX
int64_t bt_card_length_ms(const struct bt_publication *publication, const struct bt_item *item,
                          size_t card);

// What an item owns.
void bt_item_finish(struct bt_item *item);

// Words for logs, plans and records: "image", "unit", "emergency"...
const char *bt_item_type_word(int type);
const char *bt_layer_word(int layer);
const char *bt_priority_word(int priority);

#endif
