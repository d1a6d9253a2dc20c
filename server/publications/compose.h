/**
 * Composing a publication (docs/publication.md) from a recipe. Pure but for the sources it is
 * given.
 *
 * A recipe is a publication without what the server knows better: `format`, `id`, `version`,
 * `layer`, `unit`, `title`, `assets`, `campaigns` are written here and refused in it. Instead:
 *
 *   "playlists": [{"name": "chung", "playlist": "l-7K3QZ5MX2A"}, {"name": "dong", "items": […]}]
 *   "schedule":  ["r-4QX2M9ABCD", {"zone": …, "playlist": …}]      a string: all rules of it
 *   items:       "asset": SHA-256 in hex (cards too); "campaign": "c-…"
 *
 * Everything else (canvas, zones, layouts, valid, activate, fallback, carries, lifts, fields…)
 * stands in it as it will in the document. What comes out is read back strictly: it plays.
 */
#ifndef BT_SERVER_PUBLICATIONS_COMPOSE_H
#define BT_SERVER_PUBLICATIONS_COMPOSE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"

struct bt_compose_asset {
    int64_t size;                        // bytes
    char type[64];                       // media type
    int64_t width, height, duration_ms;  // 0: unknown
};

struct bt_compose_sources {
    /**
     * The body of a playlist {"items"}, campaign {"from", …} or schedule {"rules"}, with its name
     * as "name"; for cJSON_Delete. -ENOENT when there is none the unit may use.
     */
    int (*arrangement)(void *context, const char *id, cJSON **out, struct bt_error *err);
    // -ENOENT unknown, -EACCES not to be shown, with the reason.
    int (*asset)(void *context, const char *sha256, struct bt_compose_asset *out,
                 struct bt_error *err);
    void *context;
};

struct bt_compose_head {
    const char *id;  // the document's
    int64_t version;
    const char *layer;  // "unit", "emergency"…
    const char *unit;   // as people read it
    const char *title;  // "": none
};

/**
 * Appends the document's text. Errors: -EINVAL the recipe, with where and why; -EMSGSIZE; the
 * sources'.
 */
int bt_compose(const cJSON *recipe, const struct bt_compose_head *head,
               const struct bt_compose_sources *sources, struct bt_buf *out,
               struct bt_error *err) BT_NODISCARD;

// The same document under another version; for what waited while its base moved.
int bt_compose_again(const char *text, size_t len, int64_t version, struct bt_buf *out,
                     struct bt_error *err) BT_NODISCARD;

/**
 * Would the body of an arrangement do? Wraps it in the smallest document and reads that strictly.
 * `id` tells its kind: l-, c- or r-.
 */
int bt_compose_check(const char *id, const char *name, const cJSON *body,
                     const struct bt_compose_sources *sources, struct bt_error *err) BT_NODISCARD;

#endif
