#include "player/safe_card.h"

#include "base/compiler.h"

struct bt_text_style bt_safe_card_style(int width, int height)
{
    return (struct bt_text_style){
        .bold = true,
        .size_px = BT_CLAMP(height / 8, 12, 120),
        .line_percent = 130,
        .colour = {255, 255, 255, 255},
        .background = {16, 42, 67, 255},
        .align = BT_ALIGN_CENTER,
        .valign = BT_VALIGN_MIDDLE,
        .padding_px = BT_MIN(width, height) / 12,
    };
}
