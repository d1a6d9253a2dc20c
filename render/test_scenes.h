/**
 * One scene for each thing a canvas can show, 160 × 90: what golden pictures are of and what the
 * back-ends are compared with.
 */
#ifndef BT_RENDER_TEST_SCENES_H
#define BT_RENDER_TEST_SCENES_H

#include "render/scene.h"
#include "render/test_material.h"

#define TEST_CANVAS_WIDTH 160
#define TEST_CANVAS_HEIGHT 90

// Owns the pictures of one scene.
struct test_stage {
    struct bt_scene scene;
    struct bt_image *images[8];
    size_t image_count;
    struct bt_strip *strips[8];
    size_t strip_count;
    struct bt_frame *frames[8];
    size_t frame_count;
};

struct test_scene {
    const char *name;
    void (*build)(struct test_stage *stage);
};

extern const struct test_scene test_scenes[];
extern const size_t test_scene_count;

void test_stage_finish(struct test_stage *stage);

#endif
