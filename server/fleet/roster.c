#include "server/fleet/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define FIRST_BUCKETS 64

// FNV-1a. Ids are given by us, so nobody can choose colliding ones.
static size_t bucket_of(const struct bt_roster *roster, const char *player)
{
    uint64_t hash = 14695981039346656037U;
    for (const char *at = player; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 1099511628211U;
    }
    return (size_t)(hash & (roster->bucket_count - 1));
}

void bt_roster_init(struct bt_roster *roster)
{
    *roster = (struct bt_roster){.bucket_count = FIRST_BUCKETS};
    roster->buckets = BT_NEW_ARRAY(struct bt_member *, FIRST_BUCKETS);
}

static void free_member(struct bt_member *member)
{
    free(member->unit_path);
    free(member);
}

void bt_roster_finish(struct bt_roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        free_member(roster->members[i]);
    }
    free(roster->members);
    free(roster->buckets);
}

struct bt_member *bt_roster_find(const struct bt_roster *roster, const char *player)
{
    struct bt_member *member = roster->buckets[bucket_of(roster, player)];
    while (member != NULL && strcmp(member->player, player) != 0) {
        member = member->next;
    }
    return member;
}

static void put_into_bucket(struct bt_roster *roster, struct bt_member *member)
{
    struct bt_member **bucket = &roster->buckets[bucket_of(roster, member->player)];
    member->next = *bucket;
    *bucket = member;
}

static void grow_buckets(struct bt_roster *roster)
{
    free(roster->buckets);
    roster->bucket_count *= 2;
    roster->buckets = BT_NEW_ARRAY(struct bt_member *, roster->bucket_count);
    for (size_t i = 0; i < roster->count; i++) {
        put_into_bucket(roster, roster->members[i]);
    }
}

struct bt_member *bt_roster_add(struct bt_roster *roster, const char *player, const char *screen,
                                const char *unit_path)
{
    struct bt_member *member = BT_NEW(struct bt_member);
    bt_copy_cut(member->player, sizeof(member->player), player);
    bt_copy_cut(member->screen, sizeof(member->screen), screen);
    member->unit_path = bt_strdup(unit_path);
    member->phase = roster->next_phase++ % BT_ROSTER_PHASES;
    member->index = roster->count;
    BT_GROW(roster->members, roster->capacity, roster->count + 1);
    roster->members[roster->count++] = member;
    put_into_bucket(roster, member);
    if (roster->count > roster->bucket_count) {
        grow_buckets(roster);
    }
    return member;
}

void bt_roster_remove(struct bt_roster *roster, struct bt_member *member)
{
    struct bt_member **link = &roster->buckets[bucket_of(roster, member->player)];
    while (*link != member) {
        link = &(*link)->next;
    }
    *link = member->next;
    struct bt_member *last = roster->members[--roster->count];
    roster->members[member->index] = last;
    last->index = member->index;
    free_member(member);
}
