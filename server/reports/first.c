#include "server/reports/first.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/db/many.h"

// Ten thousand screens with a dozen documents each are 4 MiB. When it is full, all is forgotten and
// written once more.
#define REMEMBERED ((size_t)1 << 18)
#define ID_BYTES 64

enum { COLUMNS = 4 };

struct first {
    char screen[32], publication[ID_BYTES];
    int64_t version, first_ms;
    uint64_t key;
};

// Open addressing by the key, a hash of what the row is about; 0 is free.
struct known {
    uint64_t key;
    int64_t first_ms;
};

struct bt_firsts {
    struct known *known;
    size_t known_count;
    struct first *list;  // of this transaction
    size_t count, capacity;
    struct bt_db_value *values;
    size_t values_capacity;
    struct bt_many *insert;
};

struct bt_firsts *bt_firsts_create(void)
{
    struct bt_firsts *firsts = BT_NEW(struct bt_firsts);
    firsts->insert = bt_many_create(
        "INSERT INTO play_first(publication, version, screen, first_ms)", COLUMNS,
        " ON CONFLICT(publication, version, screen) DO UPDATE SET first_ms = excluded.first_ms"
        " WHERE excluded.first_ms < play_first.first_ms");
    return firsts;
}

void bt_firsts_destroy(struct bt_firsts *firsts)
{
    if (firsts == NULL) {
        return;
    }
    bt_many_destroy(firsts->insert);
    free(firsts->known);
    free(firsts->list);
    free(firsts->values);
    free(firsts);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t key_of(const char *screen, const char *publication, int64_t version)
{
    uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), screen);
    hash = hash_text(hash, publication) ^ ((uint64_t)version * UINT64_C(0x9e3779b97f4a7c15));
    hash ^= hash >> 29;
    return hash != 0 ? hash : 1;
}

// Its place, or the free one where it would stand.
static struct known *find_known(const struct bt_firsts *firsts, uint64_t key)
{
    size_t at = key & (REMEMBERED - 1);
    while (firsts->known[at].key != 0 && firsts->known[at].key != key) {
        at = (at + 1) & (REMEMBERED - 1);
    }
    return &firsts->known[at];
}

static bool is_known(const struct bt_firsts *firsts, uint64_t key, int64_t start_ms)
{
    if (firsts->known == NULL) {
        return false;
    }
    const struct known *known = find_known(firsts, key);
    return known->key == key && known->first_ms <= start_ms;
}

static struct first *find_new(struct bt_firsts *firsts, uint64_t key)
{
    for (size_t i = firsts->count; i > 0; i--) {
        if (firsts->list[i - 1].key == key) {
            return &firsts->list[i - 1];
        }
    }
    return NULL;
}

void bt_firsts_add(struct bt_firsts *firsts, const char *screen, const char *publication,
                   int64_t version, int64_t start_ms)
{
    uint64_t key = key_of(screen, publication, version);
    if (is_known(firsts, key, start_ms)) {
        return;
    }
    struct first *first = find_new(firsts, key);
    if (first != NULL) {
        first->first_ms = BT_MIN(first->first_ms, start_ms);
        return;
    }
    BT_GROW(firsts->list, firsts->capacity, firsts->count + 1);
    first = &firsts->list[firsts->count];
    if (bt_format(first->screen, sizeof(first->screen), "%s", screen) == 0 &&
        bt_format(first->publication, sizeof(first->publication), "%s", publication) == 0) {
        first->version = version;
        first->first_ms = start_ms;
        first->key = key;
        firsts->count++;
    }
}

int bt_firsts_write(struct bt_firsts *firsts, struct bt_db *db, struct bt_error *err)
{
    BT_GROW(firsts->values, firsts->values_capacity, firsts->count * COLUMNS + 1);
    for (size_t i = 0; i < firsts->count; i++) {
        const struct first *first = &firsts->list[i];
        struct bt_db_value *row = &firsts->values[i * COLUMNS];
        row[0] = BT_TEXT(first->publication);
        row[1] = BT_INT(first->version);
        row[2] = BT_TEXT(first->screen);
        row[3] = BT_INT(first->first_ms);
    }
    int64_t r = bt_many_run(firsts->insert, db, firsts->values, firsts->count, err);
    return r < 0 ? (int)r : 0;
}

static void know(struct bt_firsts *firsts, const struct first *first)
{
    if (firsts->known == NULL) {
        firsts->known = BT_NEW_ARRAY(struct known, REMEMBERED);
    }
    struct known *known = find_known(firsts, first->key);
    if (known->key == 0 && firsts->known_count >= REMEMBERED * 3 / 4) {
        memset(firsts->known, 0, REMEMBERED * sizeof(firsts->known[0]));
        firsts->known_count = 0;
        known = find_known(firsts, first->key);
    }
    firsts->known_count += known->key == 0 ? 1 : 0;
    *known = (struct known){first->key, first->first_ms};
}

void bt_firsts_clear(struct bt_firsts *firsts, bool committed)
{
    for (size_t i = 0; i < firsts->count && committed; i++) {
        know(firsts, &firsts->list[i]);
    }
    firsts->count = 0;
}
