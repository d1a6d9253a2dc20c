#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/director_parts.h"

static const struct bt_log logger = {"player/cards"};

// A card that is being drawn.
struct drawing {
    struct bt_errand errand;
    struct bt_kitchen *kitchen;  // borrowed
    enum bt_card_kind kind;
    enum bt_waiting waiting;
    struct bt_pairing pairing;
    char screen[BT_TITLE_BYTES], unit[BT_TITLE_BYTES];
    int width, height;
    struct bt_image *image;
};

static int draw(struct drawing *drawing, struct bt_error *err)
{
    switch (drawing->kind) {
    case BT_CARD_PAIRING:
        return bt_card_pairing(drawing->kitchen, &drawing->pairing, drawing->width, drawing->height,
                               &drawing->image, err);
    case BT_CARD_NAME:
        return bt_card_name(drawing->kitchen, drawing->screen, drawing->unit, drawing->width,
                            drawing->height, &drawing->image, err);
    case BT_CARD_WAITING:
        break;
    }
    return bt_card_waiting(drawing->kitchen, drawing->waiting, drawing->width, drawing->height,
                           &drawing->image, err);
}

static void run(struct bt_errand *errand)
{
    struct bt_error err;
    if (draw((struct drawing *)errand, &err) < 0) {
        bt_log_error(&logger, "%s; the card is not shown", err.msg);
    }
}

static void destroy(struct bt_errand *errand)
{
    bt_image_destroy(((struct drawing *)errand)->image);
    free(errand);
}

static void finish(struct bt_errand *errand, void *context)
{
    struct drawing *drawing = (struct drawing *)errand;
    const struct bt_desk *desk = context;
    bool name = drawing->kind == BT_CARD_NAME;
    bool wanted = name
                      ? desk->director->name_until_ns != 0
                      : bt_stage_cast(desk->stage) == NULL && drawing->kind == desk->director->card;
    if (wanted && drawing->image != NULL) {
        bt_overlays_set(bt_stage_overlays(desk->stage), name ? BT_OVERLAY_NAME : BT_OVERLAY_CARD,
                        BT_TAKE(drawing->image));
    }
}

static struct drawing *new_drawing(const struct bt_director *director, const struct bt_stage *stage,
                                   enum bt_card_kind kind)
{
    struct bt_stage_info info;
    bt_stage_info(stage, &info);
    struct drawing *drawing = BT_NEW(struct drawing);
    drawing->errand = (struct bt_errand){run, finish, destroy};
    drawing->kitchen = director->options.kitchen;
    drawing->kind = kind;
    drawing->width = info.canvas_width;
    drawing->height = info.canvas_height;
    return drawing;
}

void bt_director_show_card(struct bt_director *director, struct bt_stage *stage)
{
    struct bt_stage_info info;
    bt_stage_info(stage, &info);
    bool drawn =
        info.canvas_width == director->card_width && info.canvas_height == director->card_height;
    if (drawn || info.output == NULL || bt_stage_cast(stage) != NULL) {
        return;
    }
    director->card_width = info.canvas_width;
    director->card_height = info.canvas_height;
    struct drawing *drawing = new_drawing(director, stage, director->card);
    drawing->waiting = director->waiting;
    drawing->pairing = director->pairing;
    bt_errands_send(director->urgent, &drawing->errand);
}

// What the technicians signed for this screen; never what a server says it is called.
void bt_director_show_name(struct bt_director *director, struct bt_stage *stage)
{
    struct drawing *drawing = new_drawing(director, stage, BT_CARD_NAME);
    const struct bt_cast *cast = bt_stage_cast(stage);
    bt_copy_cut(drawing->screen, sizeof(drawing->screen), "Bảng tin");
    if (cast != NULL) {
        const struct bt_publication *publication = bt_show_publication(bt_cast_show(cast), 0);
        const char *name = publication->title[0] != '\0' ? publication->title : publication->id;
        bt_copy_cut(drawing->screen, sizeof(drawing->screen), name);
        bt_copy_cut(drawing->unit, sizeof(drawing->unit), publication->unit);
    }
    bt_errands_send(director->urgent, &drawing->errand);
}
