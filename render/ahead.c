#include "render/ahead.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

// One look at the clock for so much: less than half a millisecond where memory is slow.
#define SLICE_BYTES ((size_t)256 * 1024)

// The next pictures of all zones of two layouts, and the tiles of their crawls.
#define MAX_COMING 128

// What waits in the GPU's memory beside what is shown: three pictures of 2160p.
#define MAX_WAITING_BYTES ((size_t)112 * 1024 * 1024)

struct coming {
    uint64_t id;
    size_t bytes;
    struct bt_texture_tile *tiles;  // those begun
    size_t tile_count, tile_capacity;
    int row;      // of the newest tile: where to go on
    bool whole;   // all is there
    bool failed;  // the GPU has no room
    bool wanted;
};

struct bt_ahead {
    SDL_Renderer *renderer;
    int side;
    struct coming coming[MAX_COMING];
    size_t count;
    size_t bytes;
};

struct bt_ahead *bt_ahead_create(SDL_Renderer *renderer, int side)
{
    struct bt_ahead *ahead = BT_NEW(struct bt_ahead);
    ahead->renderer = renderer;
    ahead->side = side;
    return ahead;
}

static void drop(struct bt_ahead *ahead, size_t index)
{
    struct coming *coming = &ahead->coming[index];
    for (size_t i = 0; i < coming->tile_count; i++) {
        SDL_DestroyTexture(coming->tiles[i].texture);
    }
    free(coming->tiles);
    ahead->bytes -= coming->bytes;
    *coming = ahead->coming[--ahead->count];
}

void bt_ahead_forget(struct bt_ahead *ahead)
{
    while (ahead->count > 0) {
        drop(ahead, ahead->count - 1);
    }
}

void bt_ahead_destroy(struct bt_ahead *ahead)
{
    if (ahead != NULL) {
        bt_ahead_forget(ahead);
        free(ahead);
    }
}

static struct coming *find(struct bt_ahead *ahead, const struct bt_image *image)
{
    for (size_t i = 0; i < ahead->count && image->id != 0; i++) {
        if (ahead->coming[i].id == image->id) {
            return &ahead->coming[i];
        }
    }
    return NULL;
}

// NULL: there is no room for more.
static struct coming *add(struct bt_ahead *ahead, const struct bt_image *image)
{
    size_t bytes = (size_t)image->width * (size_t)image->height * 4;
    if (image->id == 0 || ahead->count == MAX_COMING || bytes > MAX_WAITING_BYTES - ahead->bytes) {
        return NULL;
    }
    struct coming *coming = &ahead->coming[ahead->count++];
    *coming = (struct coming){.id = image->id, .bytes = bytes};
    ahead->bytes += bytes;
    return coming;
}

static bool begin_tile(struct bt_ahead *ahead, struct coming *coming, struct bt_texture_tile tile)
{
    if (bt_tile_create(ahead->renderer, &tile, NULL) < 0) {
        return false;
    }
    BT_GROW(coming->tiles, coming->tile_capacity, coming->tile_count + 1);
    coming->tiles[coming->tile_count++] = tile;
    coming->row = 0;
    return true;
}

// Some rows of the newest tile; how many bytes that were. 0: it failed.
static size_t upload_rows(struct coming *coming, const struct bt_image *image, size_t most)
{
    const struct bt_texture_tile *tile = &coming->tiles[coming->tile_count - 1];
    size_t row_bytes = (size_t)tile->held.width * 4;
    int rows =
        (int)BT_MIN(BT_MAX(most / row_bytes, (size_t)1), (size_t)(tile->held.height - coming->row));
    if (bt_tile_upload(tile, image, coming->row, rows, NULL) < 0) {
        return 0;
    }
    coming->row += rows;
    return (size_t)rows * row_bytes;
}

static bool is_spent(const struct bt_upload_budget *budget)
{
    return budget->bytes == 0 || bt_clock_mono_ns(bt_clock_real()) >= budget->until_ns;
}

// Goes on with the picture until all is there or the budget is spent.
static void upload_some(struct bt_ahead *ahead, struct coming *coming, const struct bt_image *image,
                        struct bt_upload_budget *budget)
{
    while (!coming->whole && !coming->failed && !is_spent(budget)) {
        bool between = coming->tile_count == 0 ||
                       coming->row == coming->tiles[coming->tile_count - 1].held.height;
        struct bt_texture_tile next;
        if (between &&
            !bt_tile_at(image->width, image->height, ahead->side, coming->tile_count, &next)) {
            coming->whole = true;
            break;
        }
        if (between && !begin_tile(ahead, coming, next)) {
            coming->failed = true;
            break;
        }
        size_t sent = upload_rows(coming, image, BT_MIN(SLICE_BYTES, budget->bytes));
        coming->failed = sent == 0;
        budget->bytes -= BT_MIN(sent, budget->bytes);
    }
}

static void drop_unwanted(struct bt_ahead *ahead, const struct bt_image *const *images,
                          size_t count)
{
    for (size_t i = 0; i < ahead->count; i++) {
        ahead->coming[i].wanted = false;
    }
    for (size_t i = 0; i < count; i++) {
        struct coming *coming = find(ahead, images[i]);
        if (coming != NULL) {
            coming->wanted = true;
        }
    }
    for (size_t i = ahead->count; i-- > 0;) {
        if (!ahead->coming[i].wanted) {
            drop(ahead, i);
        }
    }
}

bool bt_ahead_step(struct bt_ahead *ahead, const struct bt_image *const *images, size_t count,
                   struct bt_upload_budget budget)
{
    drop_unwanted(ahead, images, count);
    bool more = false;
    for (size_t i = 0; i < count; i++) {
        struct coming *coming = find(ahead, images[i]);
        coming = coming != NULL ? coming : add(ahead, images[i]);
        if (coming != NULL) {
            upload_some(ahead, coming, images[i], &budget);
            more = more || (!coming->whole && !coming->failed);
        }
    }
    return more;
}

size_t bt_ahead_take(struct bt_ahead *ahead, const struct bt_image *image,
                     struct bt_texture_tile **out_tiles)
{
    struct coming *coming = find(ahead, image);
    if (coming == NULL) {
        return 0;
    }
    struct bt_upload_budget all = {INT64_MAX, SIZE_MAX};
    upload_some(ahead, coming, image, &all);
    size_t index = (size_t)(coming - ahead->coming), count = 0;
    if (coming->whole) {
        count = coming->tile_count;
        *out_tiles = BT_TAKE(coming->tiles);
        coming->tile_count = 0;
    }
    drop(ahead, index);
    return count;
}
