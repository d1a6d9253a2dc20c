#include "sync/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/repository_inside.h"

static const struct bt_log logger = {"sync/import"};

void bt_import_finish(struct bt_import *import)
{
    bt_told_finish(&import->told);
    bt_wanted_finish(&import->wanted);
    cJSON_Delete(import->documents);
    cJSON_Delete(import->waiting);
    import->documents = NULL;
    import->waiting = NULL;
}

// For struct bt_tuf_fetcher: the stick in the place of the network. Nobody waits for it here.
static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    const struct bt_import *import = context;
    return bt_stick_papers_read(import->papers, path, out, err);
}

// Decided, and nothing more is done.
static int decide(struct bt_import *import, enum bt_import_verdict verdict)
{
    import->verdict = verdict;
    return -ECANCELED;
}

static enum bt_import_verdict verdict_of(int r)
{
    switch (r) {
    case -ETIME:
        return BT_IMPORT_EXPIRED;
    case -ESTALE:
        return BT_IMPORT_OLD;
    case -ENODATA:
    case -ENETUNREACH:  // named and not there
    case -ENOENT:
        return BT_IMPORT_INCOMPLETE;
    case -EIO:
    case -ENODEV:
    case -ENXIO:
    case -EUCLEAN:
        return BT_IMPORT_BROKEN;
    case -ENOSPC:
    case -EROFS:
    case -ENOMEM:
        return BT_IMPORT_FAILED;
    default:
        return BT_IMPORT_STRANGER;
    }
}

/*
 * The word.
 */

static int read_word(struct bt_import *import, struct bt_buf *word, struct bt_stick *out,
                     struct bt_tuf_document **document)
{
    bt_buf_init(word, BT_STICK_MAX_BYTES);
    int r = bt_stick_papers_read(import->papers, "stick.json", word, &import->err);
    if (r < 0) {
        return r;
    }
    r = bt_tuf_document_read(bt_buf_text(word), word->len, "stick", document, &import->err);
    r = r < 0 ? r : bt_stick_read(*document, out, &import->err);
    return r < 0 ? -EACCES : 0;
}

// What is sealed to the key of a word that nobody signed would be open to whoever wrote it.
static void note_stick(struct bt_repository *repository, struct bt_import *import,
                       const struct bt_buf *word, const struct bt_stick *stick)
{
    bt_copy_cut(import->id, sizeof(import->id), stick->id);
    memcpy(import->seal, stick->seal, sizeof(import->seal));
    import->vouched = bt_tuf_client_check_stick(repository->client, bt_buf_text(word), word->len,
                                                &import->err) == 0;
}

static int read_told(struct bt_import *import, const struct bt_stick *stick)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, (size_t)stick->told_bytes);
    int r = bt_stick_papers_read(import->papers, "told.json", &text, &import->err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 found = bt_sha256_of(bt_buf_text(&text), text.len);
    if (memcmp(&found, &stick->told, sizeof(found)) != 0) {
        return bt_fail(&import->err, -EACCES, "'told.json' is not what was signed");
    }
    return bt_told_parse(bt_buf_text(&text), text.len, &import->told, &import->err) < 0 ? -EACCES
                                                                                        : 0;
}

// What is removed is removed first, whatever becomes of the rest.
static void take_down(struct bt_repository *repository, struct bt_import *import,
                      const struct bt_identity *identity)
{
    struct bt_error err;
    const cJSON *cursor = NULL;
    struct bt_stick_takedown *list = NULL, next = {0};
    size_t count = 0, capacity = 0;
    while (bt_told_next_takedown(&import->told, identity->unit, &cursor, &next.order, &next.body) >
           0) {
        BT_GROW(list, capacity, count + 1);
        list[count++] = next;
    }
    if (bt_standing_take_down(repository->sync->standing, list, count, &import->takedowns, &err) <
        0) {
        bt_log_warn(&logger,
                    "Takedowns of the stick: %s; %zu of %zu hold, perhaps not beyond "
                    "the next start",
                    err.msg, import->takedowns, count);
    }
    import->refused = count - import->takedowns;
    for (size_t i = 0; i < count; i++) {
        import->unkept += list[i].is_unkept;
        bt_order_destroy(list[i].order);
        cJSON_free(list[i].body);
    }
    free(list);
}

/*
 * Metadata and documents.
 */

static int refresh(struct bt_repository *repository, struct bt_import *import,
                   const struct bt_buf *word)
{
    int r = bt_tuf_client_refresh_stick(repository->client, bt_buf_text(word), word->len,
                                        bt_repository_wall_ms(repository), &import->err);
    if (r < 0) {
        return r;
    }
    bt_repository_read_keys(repository);
    repository->refusals = 0;
    r = bt_repository_fetch_all(repository, &import->err);
    if (r == 0 && repository->told_binding != BT_BINDING_MINE) {
        return decide(import, BT_IMPORT_UNBOUND);
    }
    return r == 0 && repository->refusals > 0 ? decide(import, BT_IMPORT_INCOMPLETE) : r;
}

// The server's word may move our clock forward, not beyond what is signed off line: the timestamp
// here may have expired long ago.
static void hear_time(struct bt_repository *repository, const struct bt_import *import,
                      const struct bt_stick *stick)
{
    struct bt_tuf_versions versions;
    if (!import->vouched) {
        return;
    }
    bt_tuf_client_versions(repository->client, &versions);
    bt_time_floor_hear(repository->sync->time, stick->issued_ms,
                       BT_MIN(stick->expires_ms, versions.offline_expires_ms));
}

static int take(struct bt_repository *repository, struct bt_import *import)
{
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    struct bt_stick stick;
    BT_AUTOBUF word = {0};
    BT_AUTO(bt_tuf_document) document = NULL;
    if (identity.player[0] == '\0' || bt_repository_open_client(repository, &import->err) < 0) {
        return decide(import, BT_IMPORT_UNPAIRED);
    }
    int r = read_word(import, &word, &stick, &document);
    if (r < 0) {
        return r;
    }
    note_stick(repository, import, &word, &stick);
    if (!bt_stick_is_for(&stick, identity.unit, identity.screen)) {
        return decide(import, BT_IMPORT_ELSEWHERE);
    }
    hear_time(repository, import, &stick);
    const struct bt_tuf_fetcher fetcher = {.fetch = fetch, .context = import};
    bt_tuf_client_set_fetcher(repository->client, &fetcher);
    r = refresh(repository, import, &word);
    if (!import->vouched) {  // a newer root may vouch for it
        struct bt_error why = import->err;
        note_stick(repository, import, &word, &stick);
        import->err = why;
    }
    hear_time(repository, import, &stick);  // newer root and targets may be good for longer
    // By our clock, not by `r`: other things expire, and other things fail before.
    if (import->vouched && bt_repository_wall_ms(repository) < stick.expires_ms) {
        int told = read_told(import, &stick);
        r = r < 0 ? r : told;
    }
    if (import->told.json != NULL) {
        take_down(repository, import, &identity);
    }
    return r;
}

static void describe(const struct bt_repository *repository, struct bt_import *import)
{
    import->documents = cJSON_CreateArray();
    for (size_t i = 0; i < repository->newest.count; i++) {
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "target", repository->newest.list[i]->target);
        cJSON_AddNumberToObject(entry, "version",
                                (double)repository->newest.list[i]->publication->version);
        cJSON_AddItemToArray(import->documents, entry);
    }
}

void bt_repository_handle_import(struct bt_repository *repository, struct bt_import *import)
{
    bt_import_finish(import);
    int r = 0;
    if (!import->settle) {
        import->verdict = BT_IMPORT_TAKEN;
        r = take(repository, import);
        bt_repository_use_network(repository);
        if (r == 0) {
            import->err.msg[0] = '\0';  // such as that there is no newer root
        } else if (r != -ECANCELED) {
            import->verdict = verdict_of(r);
        }
    }
    bt_repository_look_now(repository, &import->wanted);
    describe(repository, import);
    import->waiting = bt_repository_waiting(repository);
}

int bt_repository_import(struct bt_repository *repository, struct bt_import *import)
{
    bool done = false;
    pthread_mutex_lock(&repository->lock);
    // The thread lets go of it before it ends, so that nobody waits for ever.
    if (!atomic_load(&repository->sync->stopping)) {
        repository->import = import;
        repository->import_done = &done;
        pthread_cond_signal(&repository->changed);
        while (repository->import != NULL) {
            pthread_cond_wait(&repository->imported, &repository->lock);
        }
    }
    pthread_mutex_unlock(&repository->lock);
    return done ? 0 : -ECANCELED;
}
