#include "playlists/programme.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bt_programme {
    const struct bt_show *show;
    struct bt_entry *entries;
    size_t count;
    size_t *layout_entries;  // indices of those that choose a layout, the strongest first
    size_t layout_count;
    struct bt_lineup **lineups;  // per publication BT_MAX_PLAYLISTS, NULL where nobody asks
};

static struct bt_lineup *shared_lineup(struct bt_programme *programme, size_t publication,
                                       size_t playlist)
{
    struct bt_lineup **lineup = &programme->lineups[publication * BT_MAX_PLAYLISTS + playlist];
    if (*lineup == NULL) {
        *lineup = bt_lineup_create(bt_show_publication(programme->show, publication), playlist);
    }
    return *lineup;
}

static size_t publication_index(const struct bt_show *show, const struct bt_publication *wanted)
{
    size_t i = 0;
    while (bt_show_publication(show, i) != wanted) {
        i++;
    }
    return i;
}

static void init_entry(struct bt_programme *programme, struct bt_entry *entry,
                       const struct bt_feed *feed)
{
    const struct bt_show *show = programme->show;
    entry->feed = feed;
    entry->schedule = bt_schedule_create(&feed->rule->when, bt_show_tz(show));
    entry->layout =
        feed->rule->layout[0] != '\0' ? bt_show_find_layout(show, feed->rule->layout) : -1;
    if (feed->rule->playlist >= 0) {
        entry->lineup = shared_lineup(programme, publication_index(show, feed->publication),
                                      (size_t)feed->rule->playlist);
    }
}

static bool stronger(const struct bt_entry *a, const struct bt_entry *b)
{
    int priorities = a->feed->rule->priority - b->feed->rule->priority;
    return priorities > 0 ||
           (priorities == 0 && a->feed->publication->layer > b->feed->publication->layer);
}

static void sort_layouts(struct bt_programme *programme)
{
    programme->layout_entries = BT_NEW_ARRAY(size_t, programme->count);
    for (size_t i = 0; i < programme->count; i++) {
        if (programme->entries[i].layout < 0) {
            continue;
        }
        size_t j = programme->layout_count++;
        for (; j > 0 && stronger(&programme->entries[i],
                                 &programme->entries[programme->layout_entries[j - 1]]);
             j--) {
            programme->layout_entries[j] = programme->layout_entries[j - 1];
        }
        programme->layout_entries[j] = i;
    }
}

struct bt_programme *bt_programme_create(const struct bt_show *show)
{
    struct bt_programme *programme = BT_NEW(struct bt_programme);
    programme->show = show;
    programme->count = bt_show_feed_count(show);
    programme->entries = BT_NEW_ARRAY(struct bt_entry, programme->count);
    programme->lineups =
        BT_NEW_ARRAY(struct bt_lineup *, bt_show_publication_count(show) * BT_MAX_PLAYLISTS);
    for (size_t i = 0; i < programme->count; i++) {
        init_entry(programme, &programme->entries[i], bt_show_feed(show, i));
    }
    sort_layouts(programme);
    return programme;
}

void bt_programme_destroy(struct bt_programme *programme)
{
    if (programme == NULL) {
        return;
    }
    for (size_t i = 0; i < programme->count; i++) {
        bt_schedule_destroy(programme->entries[i].schedule);
    }
    size_t lineups = bt_show_publication_count(programme->show) * BT_MAX_PLAYLISTS;
    for (size_t i = 0; i < lineups; i++) {
        bt_lineup_destroy(programme->lineups[i]);
    }
    free(programme->lineups);
    free(programme->layout_entries);
    free(programme->entries);
    free(programme);
}

const struct bt_entry *bt_programme_entry(const struct bt_programme *programme, size_t index)
{
    return &programme->entries[index];
}

// Whether there is something to show, and when that may change.
static bool has_content(const struct bt_entry *entry, struct bt_moment at, int64_t *out_until_ns)
{
    if (entry->lineup != NULL) {
        bt_lineup_refresh(entry->lineup, at.wall_ns, at.trusted);
        *out_until_ns = entry->lineup->until_ns;
        return entry->lineup->open;
    }
    int64_t from_ns, until_ns;
    bt_publication_span_ns(entry->feed->publication, &from_ns, &until_ns);
    bool before = at.wall_ns < from_ns, over = at.wall_ns >= until_ns;
    *out_until_ns = over ? INT64_MAX : before ? from_ns : until_ns;
    return !before && !over;
}

const struct bt_entry *bt_programme_look(struct bt_programme *programme, size_t index,
                                         struct bt_moment at)
{
    struct bt_entry *entry = &programme->entries[index];
    if (at.wall_ns >= entry->from_ns && at.wall_ns < entry->until_ns &&
        at.trusted == entry->trusted) {
        return entry;
    }
    struct bt_window window;
    bt_schedule_at(entry->schedule, at.wall_ns, at.trusted, &window);
    int64_t content_until_ns;
    bool content = has_content(entry, at, &content_until_ns);
    entry->counts = window.open && content;
    entry->opens_ns = window.opens_ns;
    entry->closes_ns = window.closes_ns;
    entry->trusted = at.trusted;
    entry->from_ns = at.wall_ns;
    entry->until_ns = BT_MIN(window.changes_ns, content_until_ns);
    if (!window.open && !content) {
        entry->until_ns = BT_MAX(window.changes_ns, content_until_ns);
    } else if (!window.open || !content) {
        entry->until_ns = window.open ? content_until_ns : window.changes_ns;
    }
    return entry;
}

size_t bt_programme_layout(struct bt_programme *programme, struct bt_moment at,
                           int64_t *out_until_ns)
{
    int64_t until_ns = INT64_MAX;
    size_t layout = 0;
    for (size_t i = 0; i < programme->layout_count; i++) {
        const struct bt_entry *entry =
            bt_programme_look(programme, programme->layout_entries[i], at);
        until_ns = BT_MIN(until_ns, entry->until_ns);
        if (entry->counts) {
            layout = (size_t)entry->layout;
            break;
        }
    }
    *out_until_ns = until_ns;
    return layout;
}
