// Pictures, strips and frames that the tests of this room draw with; all made by arithmetic.
#ifndef BT_RENDER_TEST_MATERIAL_H
#define BT_RENDER_TEST_MATERIAL_H

#include "media/frame.h"
#include "media/text.h"
#include "playlists/publication.h"

// A diagonal pattern; `alpha` 255 gives an opaque image, less makes alpha vary up to it.
struct bt_image *test_image(int width, int height, unsigned seed, int alpha) BT_NODISCARD;

// `count` tiles of different widths with letters' worth of alpha, or opaque.
struct bt_strip *test_strip(int height, size_t count, bool opaque) BT_NODISCARD;
void test_strip_destroy(struct bt_strip *strip);

struct test_frame_kind {
    int format;   // enum AVPixelFormat
    int matrix;   // enum AVColorSpace
    int range;    // enum AVColorRange
    bool smooth;  // ramps only, no edges
};

// Four patches and a ramp, so that matrix, range, turning and mirroring show.
struct bt_frame *test_frame(int width, int height, struct test_frame_kind kind,
                            unsigned seed) BT_NODISCARD;

// A generator whose sequence is the same everywhere; 0..below-1.
unsigned test_random(uint32_t *state, unsigned below);

#endif
