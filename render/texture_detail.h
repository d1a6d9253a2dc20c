// Stills that move, on the GPU: the kept picture is in tiles. For texture.c only.
#ifndef BT_RENDER_TEXTURE_DETAIL_H
#define BT_RENDER_TEXTURE_DETAIL_H

#include "render/texture.h"

// At the context's origin, for a zone of this size. SDL's result.
int bt_texture_draw_detail(struct bt_texture *texture, const struct bt_texture_context *context,
                           const struct bt_visual *visual, int width, int height) BT_NODISCARD;

#endif
