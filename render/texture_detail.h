// Stills that move, on the GPU: the kept picture is one texture. For texture.c only.
#ifndef BT_RENDER_TEXTURE_DETAIL_H
#define BT_RENDER_TEXTURE_DETAIL_H

#include "render/texture.h"

// The texture has no tiles yet.
int bt_texture_upload_detail(struct bt_texture *texture, const struct bt_texture_context *context,
                             const struct bt_image *image, struct bt_error *err) BT_NODISCARD;

// At the context's origin, for a zone of this size. SDL's result.
int bt_texture_draw_detail(struct bt_texture *texture, const struct bt_texture_context *context,
                           const struct bt_visual *visual, int width, int height) BT_NODISCARD;

#endif
