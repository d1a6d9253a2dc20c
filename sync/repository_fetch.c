// What the repository thread fetches: documents, templates, servers, keys.
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/channel.h"
#include "sync/repository_inside.h"

#define SERVERS_MAX_BYTES 16384

static const struct bt_log logger = {"sync/repository"};

bool bt_repository_is_outage(int r)
{
    return r == -ENETUNREACH || r == -ENOMEM || r == -ENOSPC || r == -EROFS || r == -EIO;
}

void bt_repository_refuse(struct bt_repository *repository, int r, const char *target,
                          const struct bt_error *err)
{
    enum bt_trouble trouble = BT_TROUBLE_PUBLICATION_REFUSED;
    if (r == -EACCES || r == -ESTALE || r == -EBADMSG) {
        trouble = BT_TROUBLE_SIGNATURE_REFUSED;
    } else if (r == -ETIME) {
        trouble = BT_TROUBLE_METADATA_EXPIRED;
    }
    repository->refusals++;
    BT_AUTOFREE char *detail = bt_strf("%s: %s", target, err->msg);
    bt_sync_trouble(repository->sync, trouble, detail);
}

static int find_target(struct bt_repository *repository, const char *target,
                       struct bt_tuf_target *out, struct bt_error *err)
{
    char path[BT_DOCUMENT_TARGET_BYTES + 8];
    if (bt_format(path, sizeof(path), "%s.json", target) < 0) {
        return bt_fail(err, -EINVAL, "the target is too long");
    }
    return bt_tuf_client_find(repository->client, path, bt_repository_wall_ms(repository), out,
                              err);
}

static int download(struct bt_repository *repository, const char *target,
                    const struct bt_tuf_target *found, struct bt_buf *out, struct bt_error *err)
{
    char path[BT_DOCUMENT_TARGET_BYTES + 8];
    int r = bt_format(path, sizeof(path), "%s.json", target);
    r = r < 0 ? r : bt_tuf_client_download(repository->client, path, found, out, err);
    // That one is signed but missing is a mix or an outage, and no withdrawal.
    return r == -ENOENT ? bt_fail(err, -ENETUNREACH, "'%s' is not there yet", path) : r;
}

static bool is_hash(const struct bt_sha256 *a, const struct bt_sha256 *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

// Takes the very text that was signed, by download or from what is here already.
static int take_document(struct bt_repository *repository, const char *target,
                         const struct bt_tuf_target *found, const struct bt_document *old,
                         struct bt_documents *out, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    if (old != NULL && is_hash(&old->publication->sha256, &found->sha256)) {
        return bt_documents_add(out, target, old->text, old->len, found->threshold, err);
    }
    int r = download(repository, target, found, &text, err);
    if (r < 0) {
        return r;
    }
    r = bt_documents_add(out, target, bt_buf_text(&text), text.len, found->threshold, err);
    if (r < 0) {
        // As it was signed it is no good, and will not get better.
        repository->no_good[repository->no_good_count++ % BT_MAX_NO_GOOD] = found->sha256;
    }
    return r;
}

static bool is_no_good(const struct bt_repository *repository, const struct bt_sha256 *sha256)
{
    for (size_t i = 0; i < BT_MIN(repository->no_good_count, (size_t)BT_MAX_NO_GOOD); i++) {
        if (is_hash(&repository->no_good[i], sha256)) {
            return true;
        }
    }
    return false;
}

// Nobody has signed anything in that role yet: a hint says when there is something. When the
// snapshot names it, not all is there, and asking again helps.
static void note_absence(struct bt_repository *repository, char kind)
{
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    char role[BT_ROLE_BYTES];
    if (kind == 'p' || bt_format(role, sizeof(role), "%c-%s", kind, identity.unit) < 0 ||
        bt_tuf_client_names_role(repository->client, role)) {
        repository->refusals++;
    }
}

/**
 * Adds the newest version of the document. What is refused leaves the version before in force; what
 * is withdrawn is left out. An error is an outage: everything stays as it was.
 */
static int fetch_document(struct bt_repository *repository, const char *target,
                          const struct bt_documents *before, struct bt_documents *out,
                          struct bt_error *err)
{
    struct bt_tuf_target found;
    const struct bt_document *old = bt_documents_find(before, target);
    int r = find_target(repository, target, &found, err);
    if (r == 0 && is_no_good(repository, &found.sha256)) {
        r = bt_fail(err, -EINVAL, "it is what was refused before");
    } else if (r == 0) {
        r = take_document(repository, target, &found, old, out, err);
    }
    if (r == 0 || r == -ENOENT || bt_repository_is_outage(r)) {
        return r == -ENOENT ? 0 : r;
    }
    if (r == -ENODATA && old == NULL) {
        note_absence(repository, target[0]);
        return 0;
    }
    bt_repository_refuse(repository, r, target, err);
    if (old != NULL) {
        bt_documents_add_copy(out, old);
    }
    return 0;
}

/*
 * The binding. Which screen the player is of, the server alone says; that this player may show that
 * screen, its technician signs, who compared the words.
 */

static bool names_me(const struct bt_repository *repository, const struct bt_publication *screen)
{
    char mine[BT_PLAYER_HEX_BYTES];
    if (bt_identity_public(repository->sync->key, mine, NULL) < 0) {
        return false;
    }
    for (size_t i = 0; i < screen->player_count; i++) {
        if (strcmp(screen->players[i].hex, mine) == 0) {
            return true;
        }
    }
    return false;
}

static void note_binding(struct bt_repository *repository, enum bt_binding binding)
{
    struct bt_sync *sync = repository->sync;
    bool bound = binding == BT_BINDING_MINE;
    bt_standing_set_bound(sync->standing, bound);
    if (bound) {
        bt_sync_fine(sync, BT_TROUBLE_NOT_BOUND);
    } else {
        bt_sync_trouble(sync, BT_TROUBLE_NOT_BOUND,
                        "The screen's signed document does not name this player's key");
    }
    if (repository->told_binding != binding) {
        repository->told_binding = binding;
        bt_queue_offer(sync->news, bt_news_create(bound ? BT_NEWS_PAIRED : BT_NEWS_UNBOUND));
    }
}

/**
 * The screen's own document, if it names this player. Another one leaves the one before in force;
 * and where there is none of this screen, since the server says that we are another one's player,
 * everything stays as it is.
 */
static int fetch_own(struct bt_repository *repository, const char *own, struct bt_documents *out,
                     struct bt_error *err)
{
    BT_AUTOFINISH(bt_documents_finish) struct bt_documents fetched = {0};
    const struct bt_document *old = bt_documents_find(&repository->newest, own);
    int r = fetch_document(repository, own, &repository->newest, &fetched, err);
    if (r < 0) {
        return r;
    }
    const struct bt_document *screen = bt_documents_find(&fetched, own);
    bool mine = screen != NULL && names_me(repository, screen->publication);
    note_binding(repository, mine ? BT_BINDING_MINE : BT_BINDING_NONE);
    if (mine) {
        bt_documents_add_copy(out, screen);
    } else if (screen != NULL && old != NULL) {
        bt_documents_add_copy(out, old);
    } else if (old == NULL) {
        bt_documents_copy(out, &repository->newest);
    }
    return 0;
}

int bt_repository_fetch_mine(struct bt_repository *repository, struct bt_documents *out,
                             struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    char own[BT_DOCUMENT_TARGET_BYTES];
    int r = bt_format(own, sizeof(own), "s/%s/%s", identity.unit, identity.screen);
    r = r < 0 ? r : fetch_own(repository, own, out, err);
    const struct bt_document *screen = bt_documents_find(out, own);
    if (r < 0 || screen == NULL) {
        return r;
    }
    const struct bt_publication *publication = screen->publication;
    for (size_t i = 0; i < publication->carry_count && r == 0; i++) {
        const char *target = publication->carries[i].target;
        if (bt_target_is_mine(target, identity.unit, identity.screen) && target[0] != 's' &&
            !bt_target_is_template(target)) {
            r = fetch_document(repository, target, &repository->newest, out, err);
        }
    }
    return r;
}

struct paths {
    char list[BT_MAX_DOCUMENTS][BT_DOCUMENT_TARGET_BYTES];
    size_t count;
};

static void note_template(const char *path, void *context)
{
    struct paths *paths = context;
    size_t len = strlen(path);
    if (paths->count < BT_MAX_DOCUMENTS && bt_str_ends(path, ".json") &&
        len - 5 < BT_DOCUMENT_TARGET_BYTES) {
        memcpy(paths->list[paths->count], path, len - 5);
        paths->list[paths->count++][len - 5] = '\0';
    }
}

static int list_templates(struct bt_repository *repository, const struct bt_identity *identity,
                          struct paths *out, struct bt_error *err)
{
    char role[BT_ROLE_BYTES], prefix[64];
    int r = bt_tuf_client_list(repository->client, "targets", "p/template-",
                               bt_repository_wall_ms(repository), note_template, out, err);
    if (r < 0 || bt_format(role, sizeof(role), "u-%s", identity->unit) < 0 ||
        bt_format(prefix, sizeof(prefix), "u/%s/template-", identity->unit) < 0) {
        return r;
    }
    r = bt_tuf_client_list(repository->client, role, prefix, bt_repository_wall_ms(repository),
                           note_template, out, err);
    return r == -ENOENT ? 0 : r;
}

int bt_repository_fetch_templates(struct bt_repository *repository, struct bt_documents *out,
                                  struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    BT_AUTOFREE struct paths *paths = BT_NEW(struct paths);
    if (repository->told_binding != BT_BINDING_MINE) {
        bt_documents_copy(out, &repository->templates);
        return 0;
    }
    int r = list_templates(repository, &identity, paths, err);
    if (r == -ENODATA && repository->templates.count == 0) {
        note_absence(repository, 'u');
        r = 0;
    }
    if (r < 0 && !bt_repository_is_outage(r)) {
        bt_repository_refuse(repository, r, "templates", err);
        bt_documents_copy(out, &repository->templates);
        return 0;
    }
    for (size_t i = 0; i < paths->count && r == 0; i++) {
        if (bt_target_is_mine(paths->list[i], identity.unit, identity.screen) &&
            bt_target_is_template(paths->list[i])) {
            r = fetch_document(repository, paths->list[i], &repository->templates, out, err);
        }
    }
    return r;
}

static int take_servers(struct bt_repository *repository, const struct bt_tuf_target *found,
                        struct bt_error *err)
{
    BT_AUTOBUF text;
    struct bt_addresses addresses;
    bt_buf_init(&text, SERVERS_MAX_BYTES);
    int r = download(repository, "servers", found, &text, err);
    r = r < 0 ? r
              : bt_addresses_parse(bt_buf_text(&text), text.len, BT_LEAST_PINS, &addresses, err);
    if (r < 0) {
        return r;
    }
    repository->servers = found->sha256;
    if (bt_servers_set(repository->sync->servers, &addresses, err)) {
        bt_log_info(&logger, "The server is at '%s' from now on", addresses.list[0].url);
        bt_channel_moved(repository->sync->channel);
    }
    return 0;
}

int bt_repository_fetch_servers(struct bt_repository *repository, struct bt_error *err)
{
    struct bt_tuf_target found;
    int r = find_target(repository, "servers", &found, err);
    if (r == 0 && !is_hash(&found.sha256, &repository->servers)) {
        r = take_servers(repository, &found, err);
    }
    if (r < 0 && r != -ENOENT && !bt_repository_is_outage(r)) {
        bt_repository_refuse(repository, r, "servers", err);
    }
    return bt_repository_is_outage(r) ? r : 0;
}

static int take_software(struct bt_repository *repository, const struct bt_tuf_target *found,
                         struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_SOFTWARE_MAX_BYTES);
    int r = download(repository, "software", found, &text, err);
    return r < 0 ? r
                 : bt_newer_take(repository->newer, &found->sha256, bt_buf_text(&text), text.len,
                                 err);
}

void bt_repository_fetch_software(struct bt_repository *repository)
{
    struct bt_error err;
    struct bt_tuf_target found;
    if (repository->sync->options.platform[0] == '\0') {
        return;
    }
    int r = find_target(repository, "software", &found, &err);
    if (r == -ENOENT) {
        r = bt_newer_take(repository->newer, NULL, NULL, 0, &err);
    } else if (r == 0 && !bt_newer_has(repository->newer, &found.sha256) &&
               !is_no_good(repository, &found.sha256)) {
        r = take_software(repository, &found, &err);
    }
    if (r < 0 && !bt_repository_is_outage(r)) {
        bt_repository_refuse(repository, r, "software", &err);
    } else if (r < 0) {
        repository->refusals++;
    }
}

// Keys that may activate: none when the role is not delegated to.
void bt_repository_read_keys(struct bt_repository *repository)
{
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    struct bt_standing_keys keys = {0};
    char role[BT_ROLE_BYTES];
    if (bt_tuf_client_delegated_keys(repository->client, "em-p", &keys.province, NULL) < 0) {
        keys.province = (struct bt_keyring){.threshold = 1};
    }
    if (bt_format(role, sizeof(role), "em-%s", identity.unit) < 0 ||
        bt_tuf_client_delegated_keys(repository->client, role, &keys.unit, NULL) < 0) {
        keys.unit = (struct bt_keyring){.threshold = 1};
    }
    bt_standing_set_demo(repository->sync->standing, bt_tuf_client_is_demo(repository->client, 1));
    bt_standing_set_keys(repository->sync->standing, &keys);
}
