#include "player/prepared.h"

#include <stdlib.h>

#include "base/str.h"

void bt_prepared_destroy(struct bt_prepared *prepared)
{
    if (prepared == NULL) {
        return;
    }
    bt_voice_leave(prepared->voice);
    bt_stream_destroy(prepared->stream);
    bt_live_unref(prepared->live);
    free(prepared->loop.tiles);
    bt_strip_destroy(prepared->strip);
    bt_image_destroy(prepared->image);
    free(prepared);
}

bool bt_prepared_same_content(const struct bt_prepared *a, const struct bt_prepared *b)
{
    return a->empty == b->empty && a->type == b->type && bt_str_equal(a->play.item, b->play.item) &&
           a->play.card == b->play.card && bt_str_equal(a->play.publication, b->play.publication) &&
           a->play.publication_version == b->play.publication_version;
}
