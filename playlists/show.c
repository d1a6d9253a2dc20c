#include "playlists/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

// A line for every rule of the largest show, cut where somebody writes nonsense by the thousand.
#define NOTICES_MAX_BYTES (64 * 1024)

#define MAX_TRACKS (BT_MAX_LAYOUTS * BT_MAX_ZONES)

struct bt_show {
    struct bt_publication *publications[BT_MAX_PUBLICATIONS];
    size_t publication_count;
    struct bt_tz *tz;
    struct bt_limits limits;
    const struct bt_canvas *canvas;
    const struct bt_output_plan *output;  // NULL: nothing is said
    const struct bt_publication *stage;   // whose layouts are used
    struct bt_track tracks[MAX_TRACKS];
    size_t track_count;
    bool layout_has[BT_MAX_LAYOUTS][MAX_TRACKS];
    struct bt_feed *feeds;
    size_t feed_count, feed_capacity;
    size_t forbidden_streams;
    struct bt_buf notices;
};

// Notices are for people: when they grow past their limit the rest is left out.
static void note(struct bt_show *show, const char *text)
{
    if (bt_buf_append(&show->notices, text, strlen(text)) == 0) {
        int r = bt_buf_append(&show->notices, "\n", 1);
        (void)r;
    }
}

static void note_dropped(struct bt_show *show, const struct bt_publication *p, const char *why)
{
    BT_AUTOFREE char *text =
        bt_strf("Publication '%s' version %lld is left out: %s", p->id, (long long)p->version, why);
    note(show, text);
}

static int compare_publications(const void *left, const void *right)
{
    const struct bt_publication *a = *(struct bt_publication *const *)left;
    const struct bt_publication *b = *(struct bt_publication *const *)right;
    int ids = strcmp(a->id, b->id);
    if (ids != 0) {
        return a->layer != b->layer ? a->layer - b->layer : ids;
    }
    return a->version < b->version ? 1 : a->version > b->version ? -1 : 0;
}

static size_t find_same_id(const struct bt_show *show, const char *id)
{
    size_t i = 0;
    while (i < show->publication_count && strcmp(show->publications[i]->id, id) != 0) {
        i++;
    }
    return i;
}

// Keeps the higher version of two that share an id.
static int add_publication(struct bt_show *show, struct bt_publication *added, struct bt_error *err)
{
    size_t i = find_same_id(show, added->id);
    if (i == show->publication_count) {
        show->publications[show->publication_count++] = added;
        return 0;
    }
    struct bt_publication *held = show->publications[i];
    bool same = held->version == added->version;
    bool differs = same && memcmp(&held->sha256, &added->sha256, sizeof(held->sha256)) != 0;
    bool newer = added->version > held->version;
    struct bt_publication *dropped = newer ? held : added;
    show->publications[i] = newer ? added : held;
    note_dropped(show, dropped, same ? "it is given twice" : "a higher version is there");
    int r = differs ? bt_fail(err, -EINVAL, "publication '%s' has two texts for version %lld",
                              added->id, (long long)added->version)
                    : 0;
    bt_publication_destroy(dropped);
    return r;
}

static int add_publications(struct bt_show *show, struct bt_publication **publications,
                            size_t count, struct bt_error *err)
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        if (show->publication_count == BT_MAX_PUBLICATIONS) {
            result = bt_fail(err, -EINVAL, "more than %d publications", BT_MAX_PUBLICATIONS);
            bt_publication_destroy(publications[i]);
            continue;
        }
        int r = add_publication(show, publications[i], err);
        result = result < 0 ? result : r;
    }
    qsort(show->publications, show->publication_count, sizeof(show->publications[0]),
          compare_publications);
    return result;
}

static bool same_canvas(const struct bt_canvas *a, const struct bt_canvas *b)
{
    return a->width == b->width && a->height == b->height &&
           strcmp(a->time_zone, b->time_zone) == 0 &&
           memcmp(&a->background, &b->background, sizeof(a->background)) == 0;
}

static int find_canvas(struct bt_show *show, struct bt_error *err)
{
    const struct bt_publication *found = NULL;
    for (size_t i = 0; i < show->publication_count; i++) {
        const struct bt_publication *p = show->publications[i];
        if (p->canvas.width == 0 || (found != NULL && p->layer != found->layer)) {
            continue;
        }
        if (found != NULL && !same_canvas(&found->canvas, &p->canvas)) {
            return bt_fail(err, -EINVAL, "publications '%s' and '%s' describe different canvases",
                           found->id, p->id);
        }
        found = found != NULL ? found : p;
    }
    if (found == NULL) {
        return bt_fail(err, -EINVAL, "no publication describes a canvas");
    }
    show->canvas = &found->canvas;
    return 0;
}

// Who says where the canvas stands describes it, so the canvas is the one of find_canvas.
static int find_output(struct bt_show *show, struct bt_error *err)
{
    const struct bt_publication *found = NULL;
    for (size_t i = 0; i < show->publication_count; i++) {
        const struct bt_publication *p = show->publications[i];
        if (p->output.slice_count == 0) {
            continue;
        }
        if (found != NULL && !bt_output_plan_same(&found->output, &p->output)) {
            return bt_fail(err, -EINVAL, "publications '%s' and '%s' describe different outputs",
                           found->id, p->id);
        }
        found = p;
    }
    show->output = found != NULL ? &found->output : NULL;
    return 0;
}

static int find_stage(struct bt_show *show, struct bt_error *err)
{
    for (size_t i = 0; i < show->publication_count; i++) {
        const struct bt_publication *p = show->publications[i];
        if (p->layout_count == 0) {
            continue;
        }
        if (show->stage == NULL) {
            show->stage = p;
        } else if (p->layer == show->stage->layer) {
            return bt_fail(err, -EINVAL, "publications '%s' and '%s' both describe layouts",
                           show->stage->id, p->id);
        }
    }
    return show->stage != NULL ? 0 : bt_fail(err, -EINVAL, "no publication describes zones");
}

static bool inside_canvas(const struct bt_canvas *canvas, const struct bt_rect *rect)
{
    return rect->x >= 0 && rect->y >= 0 && rect->width > 0 && rect->height > 0 &&
           rect->width <= canvas->width - rect->x && rect->height <= canvas->height - rect->y;
}

static size_t find_track(const struct bt_show *show, const struct bt_zone *zone)
{
    size_t i = 0;
    while (i < show->track_count &&
           (strcmp(show->tracks[i].name, zone->name) != 0 ||
            memcmp(&show->tracks[i].rect, &zone->rect, sizeof(zone->rect)) != 0)) {
        i++;
    }
    return i;
}

static int add_track(struct bt_show *show, const struct bt_zone *zone, struct bt_error *err)
{
    if (!inside_canvas(show->canvas, &zone->rect)) {
        return bt_fail(err, -EINVAL, "zone '%s' lies outside the canvas", zone->name);
    }
    size_t i = find_track(show, zone);
    if (i == show->track_count) {
        struct bt_track *track = &show->tracks[show->track_count++];
        bt_copy_cut(track->name, sizeof(track->name), zone->name);
        track->rect = zone->rect;
        track->order = zone->order;
        track->volume_percent = zone->volume_percent;
    }
    show->tracks[i].volume_percent = BT_MIN(show->tracks[i].volume_percent, zone->volume_percent);
    return 0;
}

// Far to near; equal ones stay as they stand in the list.
static void sort_tracks(struct bt_show *show)
{
    for (size_t i = 1; i < show->track_count; i++) {
        struct bt_track track = show->tracks[i];
        size_t j = i;
        for (; j > 0 && show->tracks[j - 1].order > track.order; j--) {
            show->tracks[j] = show->tracks[j - 1];
        }
        show->tracks[j] = track;
    }
}

static int add_tracks(struct bt_show *show, struct bt_error *err)
{
    const struct bt_publication *stage = show->stage;
    for (size_t i = 0; i < stage->layout_count; i++) {
        for (size_t j = 0; j < stage->layouts[i].zone_count; j++) {
            int r = add_track(show, &stage->layouts[i].zones[j], err);
            if (r < 0) {
                return bt_fail_in(err, r, "publication '%s': layout '%s'", stage->id,
                                  stage->layouts[i].name);
            }
        }
    }
    sort_tracks(show);
    for (size_t i = 0; i < stage->layout_count; i++) {
        for (size_t j = 0; j < stage->layouts[i].zone_count; j++) {
            show->layout_has[i][find_track(show, &stage->layouts[i].zones[j])] = true;
        }
    }
    return 0;
}

static bool has_zone(const struct bt_show *show, const char *name)
{
    for (size_t i = 0; i < show->track_count; i++) {
        if (strcmp(show->tracks[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_feed(struct bt_show *show, const struct bt_publication *p,
                     const struct bt_rule *rule)
{
    bool feeds_zone = rule->playlist >= 0 && has_zone(show, rule->zone);
    bool chooses_layout = rule->layout[0] != '\0' && bt_show_find_layout(show, rule->layout) >= 0;
    if (feeds_zone || chooses_layout) {
        BT_GROW(show->feeds, show->feed_capacity, show->feed_count + 1);
        show->feeds[show->feed_count++] = (struct bt_feed){p, rule};
        return;
    }
    bool layout = rule->layout[0] != '\0';
    BT_AUTOFREE char *text =
        bt_strf("Rule '%s' of publication '%s' is left out: there is no %s '%s'", rule->id, p->id,
                layout ? "layout" : "zone", layout ? rule->layout : rule->zone);
    note(show, text);
}

static void find_limits(struct bt_show *show)
{
    struct bt_limits *least = &show->limits;
    size_t words = 0, allow_live = 0;
    *least = (struct bt_limits){100, 100, 100, .live = false};
    for (size_t i = 0; i < show->publication_count; i++) {
        const struct bt_limits *limits = &show->publications[i]->limits;
        words += show->publications[i]->layer == BT_LAYER_SCREEN;
        allow_live += limits->live;  // no other layer can say it
        least->volume_percent = BT_MIN(least->volume_percent, limits->volume_percent);
        least->brightness_percent = BT_MIN(least->brightness_percent, limits->brightness_percent);
        least->province_share_percent =
            BT_MIN(least->province_share_percent, limits->province_share_percent);
    }
    least->live = words > 0 && allow_live == words;
}

static void forbid_streams_of(struct bt_show *show, const struct bt_publication *publication,
                              struct bt_playlist *playlist)
{
    size_t kept = 0;
    for (size_t i = 0; i < playlist->item_count; i++) {
        struct bt_item *item = &playlist->items[i];
        if (item->type != BT_ITEM_STREAM) {
            playlist->items[kept++] = *item;
            continue;
        }
        BT_AUTOFREE char *text =
            bt_strf("Item '%s' of publication '%s' is left out: the screen's publication does not "
                    "allow live streams",
                    item->id, publication->id);
        note(show, text);
        show->forbidden_streams++;
        bt_item_finish(item);
    }
    playlist->item_count = kept;
}

static void forbid_streams(struct bt_show *show)
{
    for (size_t i = 0; i < show->publication_count && !show->limits.live; i++) {
        struct bt_publication *publication = show->publications[i];
        for (size_t j = 0; j < publication->playlist_count; j++) {
            forbid_streams_of(show, publication, &publication->playlists[j]);
        }
    }
}

static int merge(struct bt_show *show, struct bt_error *err)
{
    find_limits(show);
    forbid_streams(show);
    int r = find_canvas(show, err);
    if (r == 0) {
        r = find_output(show, err);
    }
    if (r == 0) {
        r = find_stage(show, err);
    }
    if (r == 0) {
        r = add_tracks(show, err);
    }
    for (size_t i = 0; r == 0 && i < show->publication_count; i++) {
        const struct bt_publication *p = show->publications[i];
        for (size_t j = 0; j < p->rule_count; j++) {
            add_feed(show, p, &p->rules[j]);
        }
    }
    return r;
}

int bt_show_create(struct bt_publication **publications, size_t count, struct bt_tz *tz,
                   struct bt_show **out, struct bt_error *err)
{
    BT_AUTO(bt_show) show = BT_NEW(struct bt_show);
    show->tz = tz;
    bt_buf_init(&show->notices, NOTICES_MAX_BYTES);
    int r = add_publications(show, publications, count, err);
    if (r == 0) {
        r = merge(show, err);
    }
    if (r == 0) {
        *out = BT_TAKE(show);
    }
    return r;
}

void bt_show_destroy(struct bt_show *show)
{
    if (show == NULL) {
        return;
    }
    for (size_t i = 0; i < show->publication_count; i++) {
        bt_publication_destroy(show->publications[i]);
    }
    bt_tz_destroy(show->tz);
    free(show->feeds);
    bt_buf_finish(&show->notices);
    free(show);
}

const struct bt_canvas *bt_show_canvas(const struct bt_show *show)
{
    return show->canvas;
}

const struct bt_output_plan *bt_show_output(const struct bt_show *show)
{
    return show->output;
}

const struct bt_tz *bt_show_tz(const struct bt_show *show)
{
    return show->tz;
}

size_t bt_show_publication_count(const struct bt_show *show)
{
    return show->publication_count;
}

const struct bt_publication *bt_show_publication(const struct bt_show *show, size_t index)
{
    return show->publications[index];
}

size_t bt_show_track_count(const struct bt_show *show)
{
    return show->track_count;
}

const struct bt_track *bt_show_track(const struct bt_show *show, size_t index)
{
    return &show->tracks[index];
}

const struct bt_limits *bt_show_limits(const struct bt_show *show)
{
    return &show->limits;
}

size_t bt_show_feed_count(const struct bt_show *show)
{
    return show->feed_count;
}

const struct bt_feed *bt_show_feed(const struct bt_show *show, size_t index)
{
    return &show->feeds[index];
}

int bt_show_find_layout(const struct bt_show *show, const char *name)
{
    for (size_t i = 0; i < show->stage->layout_count; i++) {
        if (strcmp(show->stage->layouts[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool bt_show_layout_has(const struct bt_show *show, size_t layout, size_t track)
{
    return show->layout_has[layout][track];
}

size_t bt_show_forbidden_streams(const struct bt_show *show)
{
    return show->forbidden_streams;
}

const char *bt_show_notices(const struct bt_show *show)
{
    return bt_buf_text(&show->notices);
}
