/**
 * Will this file play, and as it should? Looks at a picture or clip the way the player will,
 * decodes its beginning, and says so: a verdict with a code, the facts, and advice in Vietnamese
 * and English. The codes and rules are in docs/media.md.
 */
#ifndef BT_MEDIA_CHECK_H
#define BT_MEDIA_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

// The order is that of the exit status of `bangtin-player check`.
enum bt_verdict {
    BT_VERDICT_PLAYS,
    BT_VERDICT_NOTICE,  // plays, but something about it should be known
    BT_VERDICT_REFUSED,
};

/*
 * Codes, refusals first, each kind from grave to slight. Words that others script: a code may be
 * added, never renamed.
 */
enum bt_media_code {
    BT_MEDIA_UNREADABLE,
    BT_MEDIA_EMPTY,
    BT_MEDIA_NOT_MEDIA,
    BT_MEDIA_TOO_LARGE,
    BT_MEDIA_UNSUPPORTED_CODEC,
    BT_MEDIA_UNSUPPORTED_PICTURE,
    BT_MEDIA_NO_PICTURE,
    BT_MEDIA_DAMAGED,
    BT_MEDIA_CUT_OFF,
    BT_MEDIA_TOO_SLOW,
    BT_MEDIA_NOT_REVIEWABLE,
    BT_MEDIA_MANY_PICTURES,
    BT_MEDIA_LAST_REFUSAL = BT_MEDIA_MANY_PICTURES,
    BT_MEDIA_CONVERTED,
    BT_MEDIA_SOME_DAMAGE,
    BT_MEDIA_HDR,
    BT_MEDIA_ABOVE_1080P,
    BT_MEDIA_NOT_H264,
    BT_MEDIA_ABOVE_LEVEL,
    BT_MEDIA_DEEP_COLOUR,
    BT_MEDIA_NOT_420,
    BT_MEDIA_INTERLACED,
    BT_MEDIA_VARIABLE_RATE,
    BT_MEDIA_ODD_RATE,
    BT_MEDIA_HIGH_BIT_RATE,
    BT_MEDIA_ODD_SIZE,
    BT_MEDIA_CMYK,
    BT_MEDIA_LARGE_PICTURE,
    BT_MEDIA_HAS_AUDIO,
    BT_MEDIA_CODE_COUNT,
};

const char *bt_media_code_word(enum bt_media_code code);  // "above-1080p"
const char *bt_media_advice_vi(enum bt_media_code code);
const char *bt_media_advice_en(enum bt_media_code code);

struct bt_media_report {
    enum bt_verdict verdict;
    enum bt_media_code codes[BT_MEDIA_CODE_COUNT];  // the first is the verdict's
    int code_count;                                 // 0: plays
    struct bt_error detail;                         // why it was refused, in words
    // Facts; empty or 0 where they are not known.
    char kind[16];       // "picture", "animation", "clip"
    char container[32];  // "mp4", "matroska", "mpegts", "png"...
    char codec[32];
    char pixel_format[32];
    int width, height;   // as shown, upright
    int rotation;        // degrees clockwise that the file asks for
    bool mirrored;       // pictures: and mirrored
    bool unreviewable;   // a picture that browsers do not show as we do
    bool many_pictures;  // a clip of which others may show another track
    char made_from[32];  // of a converted upload: what it was; else empty
    double frames_per_s;
    int64_t duration_ms;
    int64_t bits_per_s;
    int64_t frames;  // of an animation
    bool has_alpha, has_audio;
};

/**
 * Takes up to two seconds and decodes no more than the first fifty frames. A file that cannot even
 * be opened is a refused one. Thread-safe.
 */
void bt_media_check(const char *path, struct bt_media_report *out);

/**
 * For what is to be approved: a file that a reviewer's browser would not show as a player does is
 * refused after all.
 */
void bt_media_check_reviewable(struct bt_media_report *report);

// It was made of another file, of that kind: people shall know.
void bt_media_check_converted(struct bt_media_report *report, const char *made_from);

// Appends one JSON object and a line break. Errors: those of bt_buf_append.
int bt_media_check_write_json(const char *path, const struct bt_media_report *report,
                              struct bt_buf *out) BT_NODISCARD;

#endif
