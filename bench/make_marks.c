// Writes a clip with frame-number marks as Y4M to stdout, for an encoder to read:
//   make-marks WIDTH HEIGHT FPS_NUM FPS_DEN FRAMES CLIP [NOISE 0..255] | ffmpeg -i - …
// The picture is a moving pattern with as much noise as a bit rate needs.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "bench/marks.h"

struct clip {
    int width, height, clip, noise;
    uint8_t *luma, *chroma;
    uint32_t random;
};

static int noise_of(struct clip *clip)
{
    clip->random = clip->random * 1664525u + 1013904223u;
    return clip->noise == 0 ? 0 : (int)(clip->random >> 16) % (clip->noise + 1) - clip->noise / 2;
}

static void draw_pattern(struct clip *clip, int frame)
{
    for (int y = 0; y < clip->height; y++) {
        uint8_t *row = clip->luma + (size_t)y * (size_t)clip->width;
        for (int x = 0; x < clip->width; x++) {
            int wave = ((x + 3 * frame) ^ (y + 2 * frame)) >> 2 & 63;
            row[x] = (uint8_t)(96 + wave + noise_of(clip));
        }
    }
}

static void draw_mark(struct clip *clip, int frame, int top)
{
    uint32_t cells = mark_encode((uint32_t)clip->clip, (uint32_t)frame);
    for (int i = 0; i < MARK_CELLS; i++) {
        int x0 = i % MARK_COLUMNS * clip->width / MARK_CELLS_PER_WIDTH;
        int x1 = (i % MARK_COLUMNS + 1) * clip->width / MARK_CELLS_PER_WIDTH;
        int y0 = top + i / MARK_COLUMNS * clip->width / MARK_CELLS_PER_WIDTH;
        int y1 = top + (i / MARK_COLUMNS + 1) * clip->width / MARK_CELLS_PER_WIDTH;
        for (int y = y0; y < y1; y++) {
            memset(clip->luma + (size_t)y * (size_t)clip->width + x0,
                   (cells >> (MARK_CELLS - 1 - i) & 1) != 0 ? 235 : 16, (size_t)(x1 - x0));
        }
    }
}

static int64_t argument(char **argv, int index, int64_t min, int64_t max)
{
    int64_t value;
    if (argv[index] == NULL || bt_parse_int(argv[index], min, max, &value) < 0) {
        fputs("make-marks WIDTH HEIGHT FPS_NUM FPS_DEN FRAMES CLIP [NOISE]\n", stderr);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        argument((char *[]){NULL}, 0, 0, 0);
    }
    struct clip clip = {.width = (int)argument(argv, 1, 2, 16384),
                        .height = (int)argument(argv, 2, 2, 16384),
                        .clip = (int)argument(argv, 6, 0, MARK_MAX_CLIP),
                        .noise = argc > 7 ? (int)argument(argv, 7, 0, 255) : 0};
    int64_t num = argument(argv, 3, 1, 1000000), den = argument(argv, 4, 1, 1000000);
    int64_t frames = argument(argv, 5, 1, 1000000);
    size_t luma = (size_t)clip.width * (size_t)clip.height;
    clip.luma = bt_alloc(luma);
    clip.chroma = bt_alloc(luma / 2);
    memset(clip.chroma, 128, luma / 2);
    printf("YUV4MPEG2 W%d H%d F%lld:%lld Ip A1:1 C420jpeg\n", clip.width, clip.height,
           (long long)num, (long long)den);
    for (int64_t i = 0; i < frames; i++) {
        draw_pattern(&clip, (int)i);
        draw_mark(&clip, (int)(i % (MARK_MAX_FRAME + 1)), 0);
        draw_mark(&clip, (int)(i % (MARK_MAX_FRAME + 1)),
                  clip.height - MARK_ROWS * clip.width / MARK_CELLS_PER_WIDTH);
        fputs("FRAME\n", stdout);
        fwrite(clip.luma, 1, luma, stdout);
        fwrite(clip.chroma, 1, luma / 2, stdout);
    }
    free(clip.luma);
    free(clip.chroma);
    return ferror(stdout) != 0;
}
