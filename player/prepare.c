#include "player/prepare.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/sound_file.h"
#include "player/running_order.h"
#include "player/safe_card.h"
#include "player/speaker.h"
#include "playlists/clock_text.h"
#include "playlists/live_url.h"

// A local file that has given no frame by then will not make a good item.
#define PREROLL_NS (2 * BT_NS_PER_S)

struct bt_kitchen {
    struct bt_store *store;
    pthread_mutex_t text_lock;  // FreeType's faces are for one thread at a time
    struct bt_text *text;       // protected by text_lock
    struct bt_damage_watch watch;
    struct bt_speaker *speaker;  // borrowed; NULL: nothing is heard
    bool reviewed_kinds_alone;
    struct bt_decoders *decoders;  // owned; NULL: software alone
    struct bt_live_house *lives;   // NULL: streams are not received
};

// What the steps of one preparation work on.
struct job {
    struct bt_kitchen *kitchen;
    const struct bt_show *show;
    const struct bt_slot *slot;
    const struct bt_track *track;
    int64_t skip_ns;
    struct bt_prepared *prepared;
};

int bt_kitchen_open(const char *assets_dir, struct bt_kitchen **out, struct bt_error *err)
{
    BT_AUTO(bt_kitchen) kitchen = BT_NEW(struct bt_kitchen);
    pthread_mutex_init(&kitchen->text_lock, NULL);
    int r = bt_store_open(assets_dir, &kitchen->store, err);
    if (r < 0 || (r = bt_text_open(&kitchen->text, err)) < 0) {
        return r;
    }
    *out = BT_TAKE(kitchen);
    return 0;
}

void bt_kitchen_trust_reviewed_kinds_alone(struct bt_kitchen *kitchen)
{
    kitchen->reviewed_kinds_alone = true;
}

void bt_kitchen_choose_decoder(struct bt_kitchen *kitchen, const char *name)
{
    bt_decoders_destroy(kitchen->decoders);
    kitchen->decoders = bt_decoders_create(&(struct bt_decoders_options){.choice = name});
}

struct bt_decoders *bt_kitchen_decoders(const struct bt_kitchen *kitchen)
{
    return kitchen->decoders;
}

void bt_kitchen_receive(struct bt_kitchen *kitchen, const struct bt_local_streams *local)
{
    kitchen->lives = bt_live_house_create(local);
}

struct bt_live_house *bt_kitchen_lives(const struct bt_kitchen *kitchen)
{
    return kitchen->lives;
}

void bt_kitchen_set_speaker(struct bt_kitchen *kitchen, struct bt_speaker *speaker)
{
    kitchen->speaker = speaker;
}

void bt_kitchen_watch(struct bt_kitchen *kitchen, const struct bt_damage_watch *watch)
{
    kitchen->watch = *watch;
}

void bt_kitchen_destroy(struct bt_kitchen *kitchen)
{
    if (kitchen == NULL) {
        return;
    }
    bt_live_house_destroy(kitchen->lives);
    bt_text_destroy(kitchen->text);
    bt_decoders_destroy(kitchen->decoders);
    bt_store_destroy(kitchen->store);
    pthread_mutex_destroy(&kitchen->text_lock);
    free(kitchen);
}

int bt_kitchen_card(struct bt_kitchen *kitchen, const char *utf8, const struct bt_text_style *style,
                    int width, int height, struct bt_image **out, struct bt_error *err)
{
    pthread_mutex_lock(&kitchen->text_lock);
    int r = bt_text_card(kitchen->text, utf8, style, width, height, out, err);
    pthread_mutex_unlock(&kitchen->text_lock);
    return r;
}

static int draw_card(struct bt_kitchen *kitchen, const char *utf8,
                     const struct bt_text_style *style, const struct bt_track *track,
                     struct bt_image **out, struct bt_error *err)
{
    return bt_kitchen_card(kitchen, utf8, style, track->rect.width, track->rect.height, out, err);
}

int bt_prepare_face(struct bt_kitchen *kitchen, const struct bt_item *item,
                    const struct bt_track *track, int64_t local_s, struct bt_image **out,
                    struct bt_error *err)
{
    BT_AUTOFREE char *text = bt_clock_text(item->text, local_s);
    return draw_card(kitchen, text, &item->style, track, out, err);
}

static const struct bt_asset *asset_of(const struct job *job)
{
    const struct bt_slot *slot = job->slot;
    return &slot->publication->assets[slot->item->cards[slot->card].asset];
}

// What the store found; a file that is damaged is somebody's to mend.
static int tell_damage(const struct job *job, int r)
{
    const struct bt_damage_watch *watch = &job->kitchen->watch;
    if (r == -EBADMSG && watch->damaged != NULL) {
        watch->damaged(watch->context, &asset_of(job)->sha256);
    }
    return r;
}

static int asset_path(const struct job *job, char *out_path, struct bt_error *err)
{
    const struct bt_asset *asset = asset_of(job);
    return tell_damage(
        job, bt_store_path(job->kitchen->store, &asset->sha256, asset->size, out_path, err));
}

/*
 * The first frames are decoded while the file is still being hashed: a long clip takes a while,
 * and at the start of the player somebody waits. Nothing leaves here before the hash was right.
 */
static int open_stream(const struct job *job, bool loop, struct bt_error *err)
{
    struct bt_prepared *prepared = job->prepared;
    const struct bt_asset *asset = asset_of(job);
    const struct bt_stream_options options = {
        .start_ns = job->slot->offset_ns + job->skip_ns,
        .loop = loop,
        .decoders = job->kitchen->decoders,
        .place = prepared->place,
        .width = job->track->rect.width,
        .height = job->track->rect.height,
    };
    char path[BT_STORE_PATH_BYTES];
    struct bt_error open_error;
    int r = bt_store_locate(job->kitchen->store, &asset->sha256, asset->size, path, err);
    if (r < 0) {
        return tell_damage(job, r);
    }
    int opened = bt_stream_open(path, &options, &prepared->stream, &open_error);
    r = asset_path(job, path, err);
    if (r < 0) {
        return r;
    }
    if (opened < 0) {
        return bt_fail(err, opened, "%s", open_error.msg);
    }
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PREROLL_NS;
    return bt_stream_preroll(prepared->stream, prepared->start_ns, until_ns, err);
}

// What nobody will hear is not even opened.
static bool may_be_heard(const struct job *job)
{
    return job->kitchen->speaker != NULL && job->prepared->volume.item_percent > 0 &&
           job->track->volume_percent > 0 && bt_show_limits(job->show)->volume_percent > 0;
}

// Without its sound an item is still a good one.
static void open_sound(const struct job *job)
{
    struct bt_prepared *prepared = job->prepared;
    struct bt_speaker *speaker = job->kitchen->speaker;
    const struct bt_asset *asset = asset_of(job);
    char path[BT_STORE_PATH_BYTES];
    struct bt_error ignored;
    struct bt_sound_ring *sound = NULL;
    if (!may_be_heard(job)) {
        return;
    }
    struct bt_sound_file_options options = {
        .start_ns = job->slot->offset_ns + job->skip_ns,
        .loudness = bt_speaker_loudness(speaker),
    };
    if (bt_stream_origin_ns(prepared->stream, &options.origin_ns) &&
        bt_store_locate(job->kitchen->store, &asset->sha256, asset->size, path, &ignored) == 0 &&
        bt_sound_file_open(path, &options, &sound, &ignored) == 0) {
        prepared->voice = bt_speaker_add(speaker, sound);
    }
}

static int prepare_video(const struct job *job, struct bt_error *err)
{
    int r = open_stream(job, false, err);
    if (r < 0) {
        return r;
    }
    open_sound(job);
    struct bt_prepared *prepared = job->prepared;
    const struct bt_stream_info *info = bt_stream_info(prepared->stream);
    if (job->kitchen->reviewed_kinds_alone && info->many_pictures) {
        return bt_fail(err, -EPERM, "is a clip of which reviewers may have seen another track");
    }
    prepared->own_length = job->slot->item->cards[job->slot->card].duration_ms == 0;
    if (info->frame_ns > 0 && job->slot->length_ns != INT64_MAX) {
        prepared->play.frames_expected =
            (job->slot->length_ns + info->frame_ns / 2) / info->frame_ns;
    }
    return 0;
}

static int prepare_image(const struct job *job, struct bt_error *err)
{
    char path[BT_STORE_PATH_BYTES];
    int r = asset_path(job, path, err);
    if (r < 0) {
        return r;
    }
    if (job->kitchen->reviewed_kinds_alone && !bt_picture_is_reviewable(path)) {
        return bt_fail(err, -EPERM, "is a picture that no reviewer's browser shows as we would");
    }
    if (bt_picture_is_animated(path)) {
        return open_stream(job, true, err);
    }
    if (job->slot->item->motion.moves && job->slot->length_ns != INT64_MAX) {
        job->prepared->length_ns = job->slot->length_ns;
        return bt_picture_load_moving(path, job->slot->item, job->track->rect.width,
                                      job->track->rect.height, &job->prepared->image,
                                      &job->prepared->path, err);
    }
    return bt_picture_load(path, job->slot->item, job->track->rect.width, job->track->rect.height,
                           &job->prepared->image, err);
}

static int prepare_text(const struct job *job, struct bt_error *err)
{
    return draw_card(job->kitchen, job->slot->item->text, &job->slot->item->style, job->track,
                     &job->prepared->image, err);
}

// Repeats the strip's tiles until they reach over the zone however far the crawl has moved.
static void loop_strip(struct bt_prepared *prepared, int zone_width)
{
    const struct bt_strip *once = prepared->strip;
    size_t repeats = (size_t)(zone_width / once->width) + 2;
    struct bt_strip *loop = &prepared->loop;
    loop->tile_count = once->tile_count * repeats;
    loop->tiles = BT_NEW_ARRAY(struct bt_image *, loop->tile_count);
    for (size_t i = 0; i < loop->tile_count; i++) {
        loop->tiles[i] = once->tiles[i % once->tile_count];
    }
    loop->width = once->width * (int)repeats;
    loop->height = once->height;
}

static int prepare_crawl(const struct job *job, struct bt_error *err)
{
    const struct bt_item *item = job->slot->item;
    struct bt_prepared *prepared = job->prepared;
    pthread_mutex_lock(&job->kitchen->text_lock);
    int r = bt_text_strip(job->kitchen->text, item->text, &item->style, job->track->rect.height,
                          &prepared->strip, err);
    pthread_mutex_unlock(&job->kitchen->text_lock);
    if (r < 0) {
        return r;
    }
    prepared->speed_px = item->speed_px;
    prepared->towards = item->towards;
    prepared->background = item->style.background;
    loop_strip(prepared, job->track->rect.width);
    return 0;
}

static int prepare_clock(const struct job *job, struct bt_error *err)
{
    const struct bt_slot *slot = job->slot;
    int64_t utc_s = (slot->start_ns + job->skip_ns) / BT_NS_PER_S;
    int64_t local_s = bt_tz_to_local_s(bt_show_tz(job->show), utc_s);
    job->prepared->clock = slot->item;
    return bt_prepare_face(job->kitchen, slot->item, job->track, local_s, &job->prepared->image,
                           err);
}

static int prepare_colour(const struct job *job, struct bt_error *err)
{
    (void)job;
    (void)err;
    return 0;  // the background is all there is
}

// What a stream would show, where none is received.
static int draw_stream_label(const struct job *job, struct bt_error *err)
{
    const struct bt_live_address *live = job->slot->item->live;
    const struct bt_text_style style = {
        .size_px = BT_CLAMP(job->track->rect.height / 10, 8, 96),
        .line_percent = 130,
        .colour = {255, 255, 255, 255},
        .background = {40, 40, 40, 255},
        .align = BT_ALIGN_CENTER,
        .valign = BT_VALIGN_MIDDLE,
    };
    char host[BT_LIVE_URL_BYTES];
    if (live->local[0] == '\0') {
        bt_live_url_host(live->url, host, sizeof(host));
    }
    BT_AUTOFREE char *text = live->local[0] != '\0'
                                 ? bt_strf("Truyền trực tiếp\nnguồn tại chỗ '%s'", live->local)
                                 : bt_strf("Truyền trực tiếp\n%s", host);
    return draw_card(job->kitchen, text, &style, job->track, &job->prepared->image, err);
}

// It keeps up with the stream from now on, so that it can be heard as soon as it is to be.
static void listen(const struct job *job)
{
    struct bt_prepared *prepared = job->prepared;
    if (may_be_heard(job)) {
        prepared->voice = bt_speaker_add(job->kitchen->speaker, bt_live_listen(prepared->live));
    }
    if (prepared->voice != NULL) {
        bt_voice_play(prepared->voice, bt_live_shift_ns(prepared->live));
    }
}

static int prepare_stream(const struct job *job, struct bt_error *err)
{
    const struct bt_live_address *address = job->slot->item->live;
    struct bt_play_start *play = &job->prepared->play;
    if (job->kitchen->lives == NULL) {
        return draw_stream_label(job, err);
    }
    int r = bt_live_hold(job->kitchen->lives, address, &job->prepared->live, err);
    if (r < 0) {
        return r;
    }
    if (!bt_live_is_ready(job->prepared->live)) {
        struct bt_error why;
        bt_live_why(job->prepared->live, &why);
        return bt_fail(err, -EAGAIN, "is not ready: %s", why.msg);
    }
    listen(job);
    if (address->local[0] != '\0') {
        bt_copy_cut(play->kind, sizeof(play->kind), "local-stream");
    }
    return 0;
}

typedef int (*prepare_fn)(const struct job *job, struct bt_error *err);

static const prepare_fn preparers[] = {
    [BT_ITEM_IMAGE] = prepare_image,   [BT_ITEM_VIDEO] = prepare_video,
    [BT_ITEM_SET] = prepare_image,     [BT_ITEM_TEXT] = prepare_text,
    [BT_ITEM_CRAWL] = prepare_crawl,   [BT_ITEM_CLOCK] = prepare_clock,
    [BT_ITEM_COLOUR] = prepare_colour, [BT_ITEM_STREAM] = prepare_stream,
};

static void describe_asset(const struct bt_slot *slot, struct bt_play_start *play)
{
    int index = slot->item->cards[slot->card].asset;
    if (index >= 0) {
        bt_hex(slot->publication->assets[index].sha256.bytes, BT_SHA256_BYTES, play->asset);
    }
}

static void describe_play(const struct bt_slot *slot, const struct bt_track *track,
                          struct bt_play_start *play)
{
    const struct bt_item *item = slot->item;
    bt_copy_cut(play->item, sizeof(play->item), item->id);
    bt_copy_cut(play->kind, sizeof(play->kind), bt_item_type_word(item->type));
    bt_copy_cut(play->zone, sizeof(play->zone), track->name);
    bt_copy_cut(play->publication, sizeof(play->publication), slot->publication->id);
    play->publication_version = slot->publication->version;
    bt_copy_cut(play->layer, sizeof(play->layer), bt_layer_word(slot->publication->layer));
    bt_copy_cut(play->priority, sizeof(play->priority), bt_priority_word(slot->rule->priority));
    if (item->campaign >= 0) {
        bt_copy_cut(play->campaign, sizeof(play->campaign),
                    slot->publication->campaigns[item->campaign].id);
    }
    if (item->type == BT_ITEM_SET) {
        play->card = (int64_t)slot->card + 1;
        play->cards = (int64_t)item->card_count;
    }
    play->run = slot->run;
    bt_copy_cut(play->why_started, sizeof(play->why_started),
                bt_start_reason_word((int)slot->why_start));
    play->planned_ms = slot->length_ns == INT64_MAX ? 0 : slot->length_ns / BT_NS_PER_MS;
    describe_asset(slot, play);
}

static struct bt_prepared *describe(const struct bt_slot *slot, const struct bt_track *track,
                                    int64_t offset_ns)
{
    struct bt_prepared *prepared = BT_NEW(struct bt_prepared);
    prepared->serial = slot->serial;
    prepared->start_ns = slot->start_ns - offset_ns;
    prepared->end_ns = bt_running_order_to_mono(slot->end_ns, offset_ns);
    prepared->limit_ns = bt_running_order_to_mono(slot->limit_ns, offset_ns);
    prepared->offset_ns = slot->offset_ns;
    prepared->rest_ns =
        slot->length_ns == INT64_MAX ? INT64_MAX : slot->length_ns - slot->offset_ns;
    prepared->why_start = slot->why_start;
    prepared->why_end = slot->why_end;
    prepared->empty = slot->item == NULL;
    if (prepared->empty) {
        return prepared;
    }
    const struct bt_item *item = slot->item;
    prepared->type = item->type;
    prepared->priority = slot->rule->priority;
    bt_volume_wish(slot->publication, item, &prepared->volume);
    prepared->background = item->background;
    prepared->place =
        (struct bt_item){.fit = item->fit, .focus_x = item->focus_x, .focus_y = item->focus_y};
    prepared->transition = item->transition;
    // A set has it between its cards too; a resumed rest comes back as it went, at once.
    if (slot->why_start != BT_START_RESUME) {
        prepared->fade_ns = item->transition.ms * BT_NS_PER_MS;
    }
    describe_play(slot, track, &prepared->play);
    return prepared;
}

int bt_prepare(struct bt_kitchen *kitchen, const struct bt_show *show, const struct bt_slot *slot,
               const struct bt_track *track, int64_t offset_ns, int64_t skip_ns,
               struct bt_prepared **out, struct bt_error *err)
{
    BT_AUTO(bt_prepared) prepared = describe(slot, track, offset_ns);
    if (!prepared->empty) {
        const struct job job = {kitchen, show, slot, track, skip_ns, prepared};
        int r = preparers[slot->item->type](&job, err);
        if (r < 0) {
            return bt_fail_in(err, r, "Item '%s'", slot->item->id);
        }
    }
    *out = BT_TAKE(prepared);
    return 0;
}

// The authority people know the screen by: the lowest layer that names one.
static const char *unit_name(const struct bt_show *show)
{
    const char *name = BT_SAFE_CARD_NAME;
    int layer = BT_LAYER_EMERGENCY + 1;
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        const struct bt_publication *publication = bt_show_publication(show, i);
        if (publication->unit[0] != '\0' && publication->layer < layer) {
            layer = publication->layer;
            name = publication->unit;
        }
    }
    return name;
}

int bt_prepare_safe_card(struct bt_kitchen *kitchen, const struct bt_show *show,
                         const struct bt_track *track, int64_t start_ns, int64_t end_ns,
                         struct bt_prepared **out, struct bt_error *err)
{
    const struct bt_text_style style = bt_safe_card_style(track->rect.width, track->rect.height);
    BT_AUTO(bt_prepared) prepared = BT_NEW(struct bt_prepared);
    int r = draw_card(kitchen, unit_name(show), &style, track, &prepared->image, err);
    if (r < 0) {
        return r;
    }
    prepared->type = BT_ITEM_TEXT;
    prepared->start_ns = start_ns;
    prepared->end_ns = end_ns;
    prepared->limit_ns = INT64_MAX;
    prepared->rest_ns = end_ns == INT64_MAX ? INT64_MAX : end_ns - start_ns;
    prepared->why_start = BT_START_FALLBACK;
    prepared->why_end = BT_END_SCHEDULE;
    prepared->background = style.background;
    bt_copy_cut(prepared->play.item, sizeof(prepared->play.item), "safe-card");
    bt_copy_cut(prepared->play.kind, sizeof(prepared->play.kind), "safe-card");
    bt_copy_cut(prepared->play.zone, sizeof(prepared->play.zone), track->name);
    bt_copy_cut(prepared->play.priority, sizeof(prepared->play.priority),
                bt_priority_word(BT_PRIORITY_FALLBACK));
    bt_copy_cut(prepared->play.why_started, sizeof(prepared->play.why_started), "fallback");
    prepared->play.planned_ms = (end_ns - start_ns) / BT_NS_PER_MS;
    *out = BT_TAKE(prepared);
    return 0;
}
