#include "server/plan/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

// One document, changed ten times a day for more than a year.
#define MAX_VERSIONS 5000

struct track {
    char target[BT_TARGET_BYTES + 8];  // "" of the screen's own, which may have had several places
    struct bt_plan_version *versions;
    size_t count;
};

struct bt_plan_history {
    struct track own;
    struct track **tracks;  // what screens carry; the last ones are asked for again the soonest
    size_t count, capacity;
    struct bt_db *db;  // only during a call
};

static void finish_track(struct track *track)
{
    for (size_t i = 0; i < track->count; i++) {
        free(track->versions[i].carries);
    }
    free(track->versions);
    *track = (struct track){.count = 0};
}

struct bt_plan_history *bt_plan_history_create(void)
{
    return BT_NEW(struct bt_plan_history);
}

void bt_plan_history_destroy(struct bt_plan_history *history)
{
    if (history == NULL) {
        return;
    }
    finish_track(&history->own);
    for (size_t i = 0; i < history->count; i++) {
        finish_track(history->tracks[i]);
        free(history->tracks[i]);
    }
    free(history->tracks);
    free(history);
}

/*
 * Which one is in force.
 */

static int read_once(struct bt_plan_version *version, bt_plan_read_fn read, void *context,
                     struct bt_error *err)
{
    int r = version->was_read ? 0 : read(context, version, err);
    version->was_read = r == 0;
    return r;
}

// Versions are published in this order; the first `*out` of them at this time.
static size_t count_published(const struct bt_plan_version *versions, size_t count, int64_t at_ms)
{
    while (count > 0 && versions[count - 1].published_ms > at_ms) {
        count--;
    }
    return count;
}

int bt_plan_in_force(struct bt_plan_version *versions, size_t count, int64_t at_ms,
                     bt_plan_read_fn read, void *context, const struct bt_plan_version **out,
                     int64_t *out_until_ms, struct bt_error *err)
{
    size_t published = count_published(versions, count, at_ms);
    int64_t until_ms = published < count ? versions[published].published_ms : INT64_MAX;
    int64_t followed_ms = at_ms + 1;  // when the next one came
    *out = NULL;
    for (size_t i = published; i-- > 0;) {
        struct bt_plan_version *v = &versions[i];
        if (v->ended_ms < followed_ms) {
            break;  // withdrawn
        }
        int r = read_once(v, read, context, err);
        if (r < 0) {
            return r;
        }
        bool newest = i + 1 == published;
        until_ms = newest ? BT_MIN(until_ms, v->ended_ms) : until_ms;
        // Of one that was replaced before its time had come, nothing was ever seen.
        if (v->activate_ms < followed_ms) {
            *out = v;
            break;
        }
        until_ms = newest ? BT_MIN(until_ms, v->activate_ms) : until_ms;
        followed_ms = v->published_ms;
    }
    *out_until_ms = until_ms;
    return 0;
}

/*
 * Reading.
 */

static int load_text(struct bt_db *db, const struct bt_plan_version *version,
                     struct bt_db_rows **out, struct bt_error *err)
{
    int r = bt_db_ask(db, out, err,
                      "SELECT document FROM publication WHERE target = $1 AND sha256 = $2 LIMIT 1",
                      BT_TEXT(version->target), BT_TEXT(version->sha256));
    if (r == 0 && !bt_db_next(*out)) {
        r = bt_fail(err, -ENOENT, "'%s' is gone", version->target);
    }
    return r;
}

int bt_plan_history_read(struct bt_db *db, const struct bt_plan_version *version,
                         struct bt_publication **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = load_text(db, version, &rows, err);
    if (r < 0) {
        return r;
    }
    const char *text = bt_db_get_text(rows, 0);
    r = bt_publication_parse(text, strlen(text), BT_UNKNOWN_IGNORE, out, err);
    return r < 0 ? bt_fail_in(err, r, "%s", version->target) : 0;
}

// Who a screen is and who may show it changes nothing in what it shows.
static int find_look(const char *text, const struct bt_publication *p,
                     char out[BT_SHA256_HEX_BYTES], struct bt_error *err)
{
    static const char *const left_out[] = {"id", "version", "title", "players"};
    BT_AUTOJSON *json = NULL;
    struct bt_sha256 sha256 = p->sha256;
    if (p->layer == BT_LAYER_SCREEN) {
        int r = bt_json_parse(text, strlen(text), &json, err);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < BT_ARRAY_LEN(left_out); i++) {
            cJSON_DeleteItemFromObjectCaseSensitive(json, left_out[i]);
        }
        char *rest = cJSON_PrintUnformatted(json);
        if (rest == NULL) {
            return bt_fail(err, -ENOMEM, "Out of memory");
        }
        sha256 = bt_sha256_of(rest, strlen(rest));
        cJSON_free(rest);
    }
    bt_hex(sha256.bytes, sizeof(sha256.bytes), out);
    return 0;
}

static int read_version(void *context, struct bt_plan_version *version, struct bt_error *err)
{
    struct bt_plan_history *history = context;
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTO(bt_publication) p = NULL;
    int r = load_text(history->db, version, &rows, err);
    if (r < 0) {
        return r;
    }
    const char *text = bt_db_get_text(rows, 0);
    r = bt_publication_parse(text, strlen(text), BT_UNKNOWN_IGNORE, &p, err);
    r = r < 0 ? r : find_look(text, p, version->look, err);
    if (r < 0) {
        return bt_fail_in(err, r, "%s", version->target);
    }
    version->activate_ms = p->activate == BT_ACTIVATE_TIME ? p->activate_ms : INT64_MIN;
    version->carries = BT_TAKE(p->carries);
    version->carry_count = p->carry_count;
    p->carry_count = 0;
    return 0;
}

#define VERSION_COLUMNS                                                                            \
    "SELECT target, sha256, published_ms,"                                                         \
    " CASE WHEN state IN ('superseded', 'withdrawn') THEN changed_ms ELSE NULL END"                \
    " FROM publication WHERE published_ms IS NOT NULL AND target "
// The newest ones, should there ever be more.
#define VERSION_ORDER " ORDER BY published_ms DESC, version DESC LIMIT $2"

static void take_versions(struct bt_db_rows *rows, struct track *track)
{
    track->count = bt_db_count(rows);
    track->versions = BT_NEW_ARRAY(struct bt_plan_version, track->count + 1);
    for (size_t i = track->count; i-- > 0 && bt_db_next(rows);) {
        struct bt_plan_version *v = &track->versions[i];
        bt_copy_cut(v->target, sizeof(v->target), bt_db_get_text(rows, 0));
        bt_copy_cut(v->sha256, sizeof(v->sha256), bt_db_get_text(rows, 1));
        v->published_ms = bt_db_get_int(rows, 2);
        v->ended_ms = bt_db_is_null(rows, 3) ? INT64_MAX : bt_db_get_int(rows, 3);
    }
}

int bt_plan_history_load(struct bt_plan_history *history, struct bt_db *db, const char *screen,
                         struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    finish_track(&history->own);
    // Wherever its players stood.
    int r =
        bt_db_ask(db, &rows, err,
                  VERSION_COLUMNS "IN (SELECT 's/' || unit || '/' || $1 || '.json' FROM"
                                  " (SELECT unit FROM screen WHERE id = $1 UNION"
                                  " SELECT unit FROM player WHERE screen = $1) s)" VERSION_ORDER,
                  BT_TEXT(screen), BT_INT(MAX_VERSIONS));
    if (r == 0) {
        take_versions(rows, &history->own);
    }
    return r;
}

int64_t bt_plan_history_begin_ms(const struct bt_plan_history *history)
{
    return history->own.count == 0 ? INT64_MAX : history->own.versions[0].published_ms;
}

static int find_track(struct bt_plan_history *history, const char *carried, struct track **out,
                      struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    char target[BT_TARGET_BYTES + 8];
    int r = bt_format(target, sizeof(target), "%s.json", carried);
    for (size_t i = history->count; r == 0 && i-- > 0;) {
        if (strcmp(history->tracks[i]->target, target) == 0) {
            *out = history->tracks[i];
            return 0;
        }
    }
    r = r < 0 ? r
              : bt_db_ask(history->db, &rows, err, VERSION_COLUMNS "= $1" VERSION_ORDER,
                          BT_TEXT(target), BT_INT(MAX_VERSIONS));
    if (r < 0) {
        return r;
    }
    struct track *track = BT_NEW(struct track);
    bt_copy_cut(track->target, sizeof(track->target), target);
    take_versions(rows, track);
    BT_GROW(history->tracks, history->capacity, history->count + 1);
    history->tracks[history->count++] = track;
    *out = track;
    return 0;
}

static int add_document(struct bt_plan_history *history, struct track *track,
                        struct bt_plan_piece *piece, struct bt_error *err)
{
    const struct bt_plan_version *version;
    int64_t until_ms;
    int r = bt_plan_in_force(track->versions, track->count, piece->from_ms, read_version, history,
                             &version, &until_ms, err);
    if (r == 0) {
        piece->until_ms = BT_MIN(piece->until_ms, until_ms);
        if (version != NULL) {
            piece->documents[piece->count++] = version;
        }
    }
    return r;
}

// A template is shown only when it is filled, and nobody carries another screen's document.
static bool is_carried(const struct bt_carry *carry)
{
    const char *slash = strrchr(carry->target, '/');
    return !bt_str_starts(carry->target, "s/") && slash != NULL &&
           !bt_str_starts(slash, "/template-");
}

int bt_plan_history_piece(struct bt_plan_history *history, struct bt_db *db, int64_t at_ms,
                          struct bt_plan_piece *out, struct bt_error *err)
{
    *out = (struct bt_plan_piece){.from_ms = at_ms, .until_ms = INT64_MAX};
    history->db = db;
    int r = add_document(history, &history->own, out, err);
    const struct bt_plan_version *own = out->count > 0 ? out->documents[0] : NULL;
    for (size_t i = 0; r == 0 && own != NULL && i < own->carry_count; i++) {
        struct track *track;
        if (is_carried(&own->carries[i])) {
            r = find_track(history, own->carries[i].target, &track, err);
            r = r < 0 ? r : add_document(history, track, out, err);
        }
    }
    return r;
}
