#include "server/accounts/limiter.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

// 16 bytes each; a province has some thousands of accounts and addresses.
#define BUCKETS 8192

struct bucket {
    int64_t used_ns;  // how much of the time that all tries together stand for is gone
    int64_t seen_ns;
};

struct bt_limiter {
    int64_t try_ns;   // what one try costs; set by create, never changed, as are the next two
    int64_t room_ns;  // what a full bucket has
    unsigned char key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t lock;            // leaf lock
    struct bucket buckets[BUCKETS];  // protected by lock
};

struct bt_limiter *bt_limiter_create(int burst, int64_t refill_ms)
{
    struct bt_limiter *limiter = BT_NEW(struct bt_limiter);
    limiter->try_ns = refill_ms * BT_NS_PER_MS;
    limiter->room_ns = limiter->try_ns * burst;
    crypto_shorthash_keygen(limiter->key);
    pthread_mutex_init(&limiter->lock, NULL);
    return limiter;
}

void bt_limiter_destroy(struct bt_limiter *limiter)
{
    if (limiter == NULL) {
        return;
    }
    pthread_mutex_destroy(&limiter->lock);
    free(limiter);
}

static struct bucket *bucket_of(struct bt_limiter *limiter, const char *name)
{
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const unsigned char *)name, strlen(name), limiter->key);
    return &limiter->buckets[(hash[0] | hash[1] << 8) % BUCKETS];
}

bool bt_limiter_take(struct bt_limiter *limiter, const char *name, int tries, int64_t now_ns)
{
    pthread_mutex_lock(&limiter->lock);
    struct bucket *bucket = bucket_of(limiter, name);
    int64_t rested_ns = BT_MAX(now_ns - bucket->seen_ns, 0);
    bucket->used_ns = BT_MAX(bucket->used_ns - rested_ns, 0);
    bucket->seen_ns = now_ns;
    bool left = bucket->used_ns + tries * limiter->try_ns <= limiter->room_ns;
    bucket->used_ns += left ? tries * limiter->try_ns : 0;
    pthread_mutex_unlock(&limiter->lock);
    return left;
}

void bt_limiter_return(struct bt_limiter *limiter, const char *name, int tries)
{
    pthread_mutex_lock(&limiter->lock);
    struct bucket *bucket = bucket_of(limiter, name);
    bucket->used_ns = BT_MAX(bucket->used_ns - tries * limiter->try_ns, 0);
    pthread_mutex_unlock(&limiter->lock);
}
