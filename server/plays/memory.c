#include "server/plays/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PLACES 8192

struct bt_memory {
    struct bt_remembered *places[PLACES];
    size_t count;
};

struct bt_memory *bt_memory_create(void)
{
    return BT_NEW(struct bt_memory);
}

static void free_remembered(struct bt_remembered *remembered)
{
    bt_tally_destroy(remembered->tally);
    free(remembered->state);
    free(remembered);
}

static void forget_all(struct bt_memory *memory)
{
    for (size_t i = 0; i < PLACES; i++) {
        while (memory->places[i] != NULL) {
            struct bt_remembered *first = memory->places[i];
            memory->places[i] = first->next;
            free_remembered(first);
        }
    }
    memory->count = 0;
}

void bt_memory_destroy(struct bt_memory *memory)
{
    if (memory != NULL) {
        forget_all(memory);
        free(memory);
    }
}

void bt_memory_trim(struct bt_memory *memory)
{
    if (memory->count > BT_MEMORY_MAX_JOURNALS) {
        forget_all(memory);
    }
}

static struct bt_remembered **place_of(struct bt_memory *memory, const char *player,
                                       const char *journal)
{
    uint32_t hash = 2166136261U;  // FNV-1a
    for (const char *c = player; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    }
    for (const char *c = journal; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    }
    struct bt_remembered **at = &memory->places[hash % PLACES];
    while (*at != NULL && (strcmp((*at)->standing.player, player) != 0 ||
                           strcmp((*at)->standing.journal, journal) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

struct bt_remembered *bt_memory_find(struct bt_memory *memory, const char *player,
                                     const char *journal)
{
    return *place_of(memory, player, journal);
}

void bt_memory_forget(struct bt_memory *memory, const char *player, const char *journal)
{
    struct bt_remembered **at = place_of(memory, player, journal);
    struct bt_remembered *found = *at;
    if (found != NULL) {
        *at = found->next;
        free_remembered(found);
        memory->count--;
    }
}

int bt_memory_read(struct bt_memory *memory, struct bt_db *db, const struct bt_sender *sender,
                   const char *journal, struct bt_remembered **out, struct bt_error *err)
{
    bt_memory_forget(memory, sender->player, journal);
    struct bt_remembered *read = BT_NEW(struct bt_remembered);
    int r = bt_standing_read(db, sender->player, journal, &read->standing, &read->state, err);
    if (r < 0) {
        free_remembered(read);
        return r;
    }
    if (!read->standing.stored) {
        memcpy(read->standing.screen, sender->screen, sizeof(read->standing.screen));
        memcpy(read->standing.unit, sender->unit, sizeof(read->standing.unit));
    }
    read->stored_seq = read->standing.last_seq;
    struct bt_remembered **at = place_of(memory, sender->player, journal);
    read->next = *at;
    *at = read;
    memory->count++;
    *out = read;
    return 0;
}
