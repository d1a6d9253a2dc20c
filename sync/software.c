#include "sync/software.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/channel.h"
#include "update/judge.h"
#include "update/versions.h"

#define PROGRAM "bangtin-player"
#define DEFAULT_ZONE "Asia/Ho_Chi_Minh"

// An offer that nobody took is made again: metadata that were just being replaced are refused.
#define AGAIN_NS (10 * 60 * BT_NS_PER_S)

static const struct bt_log logger = {"sync/software"};

enum state { NOTHING, WAITING, FETCHING, OFFERED, TRYING };

// What the status says.
struct said {
    enum state state;
    enum bt_software_wait why;
    struct bt_version next;  // 0.0.0: none
    struct bt_version last;  // that was tried; 0.0.0: none
    char outcome[16];
};

struct bt_newer {
    struct bt_sync *sync;  // borrowed
    char *directory;       // where it is handed over
    struct bt_version running;
    // The repository thread's own.
    struct bt_sha256 sha256;  // of the text in force
    char *text;               // owned; NULL: nothing is signed
    size_t len;
    struct bt_software *software;   // of the text
    const struct bt_release *next;  // borrowed from software; NULL: none is out for us
    bool wanted;                    // to be fetched, or there and to be kept
    bool clean;                     // nothing is handed over
    struct bt_sha256 offered;       // else the package that is
    int64_t offered_ns;
    char zone[64];
    struct bt_tz *tz;      // of that name
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct said said;
};

/*
 * When.
 */

static bool is_within(int minute, int from, int until)
{
    return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

enum bt_software_wait bt_software_waits(const struct bt_release *release,
                                        const struct bt_software_scene *scene)
{
    // Without a display every version is one that shows nothing.
    if (!scene->shows) {
        return BT_SOFTWARE_SCREEN;
    }
    if (release->now) {
        return BT_SOFTWARE_MAY;
    }
    if (scene->emergency) {
        return BT_SOFTWARE_EMERGENCY;
    }
    if (!bt_release_is_open(release, scene->minute)) {
        return BT_SOFTWARE_HOURS;
    }
    // A screen that is never closed has only the hours that were signed.
    bool closes = scene->open_from % 1440 != scene->open_until % 1440;
    return closes && is_within(scene->minute, scene->open_from, scene->open_until)
               ? BT_SOFTWARE_OPEN
               : BT_SOFTWARE_MAY;
}

static const struct bt_tz *zone_of(struct bt_newer *newer, const struct bt_documents *content)
{
    char own[BT_DOCUMENT_TARGET_BYTES];
    struct bt_identity identity = bt_standing_identity(newer->sync->standing);
    const char *name = DEFAULT_ZONE;
    const struct bt_document *screen = NULL;
    if (bt_format(own, sizeof(own), "s/%s/%s", identity.unit, identity.screen) == 0) {
        screen = bt_documents_find(content, own);
    }
    if (screen != NULL && screen->publication->canvas.time_zone[0] != '\0') {
        name = screen->publication->canvas.time_zone;
    }
    if (newer->tz == NULL || strcmp(newer->zone, name) != 0) {
        bt_tz_destroy(newer->tz);
        bt_copy_cut(newer->zone, sizeof(newer->zone), name);
        if (bt_tz_load(name, &newer->tz, NULL) < 0) {
            newer->tz = bt_tz_create_fixed(7 * 3600);
        }
    }
    return newer->tz;
}

static struct bt_software_scene look_around(struct bt_newer *newer,
                                            const struct bt_documents *content)
{
    struct bt_sync *sync = newer->sync;
    struct bt_civil now = bt_civil_from_s(
        bt_tz_to_local_s(zone_of(newer, content), bt_time_floor_now(sync->time).wall_ms / 1000));
    return (struct bt_software_scene){
        .minute = now.hour * 60 + now.minute,
        .open_from = atomic_load(&sync->open_from),
        .open_until = atomic_load(&sync->open_until),
        .emergency = bt_standing_has_emergency(sync->standing),
        .shows = atomic_load(&sync->shows),
    };
}

/*
 * What is signed.
 */

bool bt_newer_has(const struct bt_newer *newer, const struct bt_sha256 *sha256)
{
    return newer->text != NULL && memcmp(&newer->sha256, sha256, sizeof(*sha256)) == 0;
}

static void forget(struct bt_newer *newer)
{
    newer->next = NULL;
    newer->wanted = false;
    bt_software_destroy(BT_TAKE(newer->software));
    free(BT_TAKE(newer->text));
}

int bt_newer_take(struct bt_newer *newer, const struct bt_sha256 *sha256, const char *text,
                  size_t len, struct bt_error *err)
{
    struct bt_software *software;
    if (text == NULL) {
        forget(newer);
        return 0;
    }
    int r = bt_software_parse(text, len, false, &software, err);
    if (r < 0) {
        return r;
    }
    forget(newer);
    newer->sha256 = *sha256;
    newer->text = bt_strndup(text, len);
    newer->len = len;
    newer->software = software;
    return 0;
}

/*
 * Handing over.
 */

static int write_offer(const struct bt_newer *newer, const char *file, struct bt_error *err)
{
    char version[BT_VERSION_BYTES];
    bt_version_text(&newer->next->version, version);
    BT_AUTOFREE char *software = bt_strf("%s/" BT_SOFTWARE_TARGET, newer->directory);
    BT_AUTOFREE char *path = bt_strf("%s/offer.json", newer->directory);
    BT_AUTOFREE char *offer = bt_strf("{\"version\":\"%s\",\"file\":\"%s\"}\n", version, file);
    int r = bt_file_replace(software, newer->text, newer->len, err);
    return r < 0 ? r : bt_file_replace(path, offer, strlen(offer), err);
}

// The package has its own name there, so that the store may let it go.
static int hand_over(struct bt_newer *newer, const char *package, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(newer->next->sha256.bytes, BT_SHA256_BYTES, hex);
    BT_AUTOFREE char *file = bt_strf("%s.deb", hex);
    BT_AUTOFREE char *to = bt_strf("%s/%s", newer->directory, file);
    int r = bt_file_make_dirs(newer->directory, err);
    r = r < 0 ? r : bt_file_adopt(package, to, err);
    return r < 0 ? r : write_offer(newer, file, err);
}

static void take_back(struct bt_newer *newer)
{
    struct bt_error err;
    if (newer->clean) {
        return;
    }
    BT_AUTOFREE char *offer = bt_strf("%s/offer.json", newer->directory);
    unlink(offer);  // before what it names
    if (bt_sync_clear_directory(newer->directory, &err) < 0) {
        bt_log_warn(&logger, "%s; trying again", err.msg);
        return;
    }
    newer->clean = true;
}

static bool is_offered(const struct bt_newer *newer)
{
    return !newer->clean &&
           memcmp(&newer->offered, &newer->next->sha256, sizeof(newer->offered)) == 0 &&
           bt_clock_mono_ns(newer->sync->options.clock) < newer->offered_ns + AGAIN_NS;
}

// True: it lies there for the installer.
static bool offer(struct bt_newer *newer)
{
    struct bt_error err;
    char version[BT_VERSION_BYTES], path[BT_STORE_PATH_BYTES];
    const struct bt_release *next = newer->next;
    struct bt_sync *sync = newer->sync;
    if (is_offered(newer)) {
        return true;
    }
    int r = bt_store_path(sync->store, &next->sha256, next->size, path, &err);
    if (r == -EBADMSG) {
        bt_sync_asset_is_damaged(sync, &next->sha256);
    }
    if (r < 0) {
        return false;  // on its way
    }
    newer->clean = false;
    r = hand_over(newer, path, &err);
    if (r < 0) {
        bt_sync_disk_trouble(sync, r, err.msg);
        return false;
    }
    newer->offered = next->sha256;
    newer->offered_ns = bt_clock_mono_ns(sync->options.clock);
    bt_version_text(&next->version, version);
    bt_log_info(&logger, "Version %s is handed over to be installed", version);
    return true;
}

/*
 * Choosing.
 */

static struct bt_record read_record(const struct bt_newer *newer)
{
    struct bt_error err;
    struct bt_record record = {0};
    const char *installer = newer->sync->options.installer;
    if (installer[0] != '\0' && bt_record_load(installer, &record, &err) < 0) {
        bt_log_warn(&logger, "%s; taken for empty", err.msg);
        record = (struct bt_record){0};
    }
    return record;
}

static void choose(struct bt_newer *newer, const struct bt_record *record)
{
    struct bt_identity identity = bt_standing_identity(newer->sync->standing);
    const struct bt_software_seeker seeker = {
        .program = PROGRAM,
        .platform = newer->sync->options.platform,
        .unit = identity.unit,
        .screen = identity.screen,
        .running = newer->running,
        .now_ms = bt_time_floor_now(newer->sync->time).wall_ms,
        .bad = record->bad,
        .bad_count = record->bad_count,
    };
    bool none = newer->software == NULL || record->phase != BT_PHASE_IDLE;
    newer->next = none ? NULL : bt_software_choose(newer->software, &seeker);
}

static void add_last(const struct bt_record *record, const struct bt_version *running,
                     struct said *out)
{
    bool kept = strcmp(record->outcome, "kept") == 0;
    if (kept) {
        out->last = record->phase == BT_PHASE_IDLE ? record->version : record->before;
    } else if (record->bad_count > 0) {
        out->last = record->bad[record->bad_count - 1];
    }
    // What went back for want of a display is tried again; and what is older than the version that
    // runs concerns nobody any more.
    bool waits = strcmp(record->outcome, BT_NO_DISPLAY) == 0 && record->dark > 0;
    bool over = !kept && bt_version_compare(&out->last, running) < 0;
    bt_copy_cut(out->outcome, sizeof(out->outcome), waits || over ? "" : record->outcome);
}

static void say(struct bt_newer *newer, const struct said *said)
{
    pthread_mutex_lock(&newer->lock);
    bool changed = memcmp(&newer->said, said, sizeof(*said)) != 0;
    newer->said = *said;
    pthread_mutex_unlock(&newer->lock);
    if (changed) {
        bt_channel_look(newer->sync->channel);
    }
}

// Goes on with what is chosen as far as it may.
static void proceed(struct bt_newer *newer, const struct bt_documents *content, struct said *out)
{
    struct bt_software_scene scene = look_around(newer, content);
    out->why = bt_software_waits(newer->next, &scene);
    out->next = newer->next->version;
    newer->wanted = out->why == BT_SOFTWARE_MAY;
    if (!newer->wanted) {
        out->state = WAITING;
        take_back(newer);
    } else {
        out->state = offer(newer) ? OFFERED : FETCHING;
    }
}

bool bt_newer_look(struct bt_newer *newer, const struct bt_documents *content)
{
    struct said said;
    memset(&said, 0, sizeof(said));  // compared as a whole
    bool wanted = newer->wanted;
    const struct bt_release *before = newer->next;
    if (newer->sync->options.platform[0] == '\0') {
        return false;
    }
    struct bt_record record = read_record(newer);
    choose(newer, &record);
    add_last(&record, &newer->running, &said);
    if (newer->next != NULL) {
        proceed(newer, content, &said);
    } else {
        newer->wanted = false;
        take_back(newer);
    }
    if (record.phase != BT_PHASE_IDLE) {
        said.state = TRYING;
        said.next = record.version;
    }
    say(newer, &said);
    return newer->wanted != wanted || newer->next != before;
}

void bt_newer_want(const struct bt_newer *newer, struct bt_wanted *wanted)
{
    struct bt_sha256 sha256;
    char path[BT_STORE_PATH_BYTES];
    if (bt_newer_pins(newer, &sha256) &&
        bt_store_locate(newer->sync->store, &sha256, newer->next->size, path, NULL) < 0) {
        bt_wanted_add_last(wanted, &sha256, newer->next->size);
    }
}

bool bt_newer_pins(const struct bt_newer *newer, struct bt_sha256 *out)
{
    if (newer->wanted) {
        *out = newer->next->sha256;
    }
    return newer->wanted;
}

/*
 * The status.
 */

static void add_version(cJSON *object, const char *key, const struct bt_version *version)
{
    char text[BT_VERSION_BYTES];
    bt_version_text(version, text);
    cJSON_AddStringToObject(object, key, text);
}

void bt_newer_status(struct bt_newer *newer, cJSON *status)
{
    static const char *const states[] = {"none", "waiting", "fetching", "offered", "trying"};
    static const char *const waits[] = {"", "hours", "open", "emergency", "screen"};
    cJSON_DeleteItemFromObjectCaseSensitive(status, "update");
    if (newer->sync->options.platform[0] == '\0') {
        return;
    }
    pthread_mutex_lock(&newer->lock);
    struct said said = newer->said;
    pthread_mutex_unlock(&newer->lock);
    cJSON *object = cJSON_AddObjectToObject(status, "update");
    cJSON_AddStringToObject(object, "platform", newer->sync->options.platform);
    cJSON_AddStringToObject(object, "state", states[said.state]);
    if (said.state != NOTHING) {
        add_version(object, "next", &said.next);
    }
    if (said.state == WAITING) {
        cJSON_AddStringToObject(object, "why", waits[said.why]);
    }
    if (said.outcome[0] != '\0' && !bt_version_is_zero(&said.last)) {
        add_version(object, "last", &said.last);
        cJSON_AddStringToObject(object, "outcome", said.outcome);
    }
}

struct bt_newer *bt_newer_create(struct bt_sync *sync)
{
    struct bt_newer *newer = BT_NEW(struct bt_newer);
    newer->sync = sync;
    newer->directory = bt_strf("%s/update", sync->options.directory);
    pthread_mutex_init(&newer->lock, NULL);
    if (sync->options.platform[0] != '\0' &&
        bt_version_parse(sync->options.version, &newer->running) < 0) {
        bt_log_warn(&logger, "'%s' is no version of three numbers; every one is newer",
                    sync->options.version);
    }
    return newer;
}

void bt_newer_destroy(struct bt_newer *newer)
{
    if (newer == NULL) {
        return;
    }
    forget(newer);
    bt_tz_destroy(newer->tz);
    pthread_mutex_destroy(&newer->lock);
    free(newer->directory);
    free(newer);
}
