#include "sync/news.h"

#include <stdlib.h>

#include "base/mem.h"

struct bt_news *bt_news_create(enum bt_news_kind kind)
{
    struct bt_news *news = BT_NEW(struct bt_news);
    news->kind = kind;
    return news;
}

void bt_news_destroy(struct bt_news *news)
{
    if (news == NULL) {
        return;
    }
    for (size_t i = 0; i < news->publication_count; i++) {
        free(news->publications[i].text);
    }
    free(news->publications);
    free(news->assets);
    free(news->items);
    free(news);
}
