#include "server/accounts/password.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static_assert(crypto_pwhash_STRBYTES == BT_PASSWORD_HASH_BYTES, "room for a hash");

#define MAX_AT_ONCE 2
#define MAX_WAITING 2

// Costs what a real one costs; that its result is all zero bits no password will ever reach.
static const char nobodys_hash[BT_PASSWORD_HASH_BYTES] =
    "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct bt_passwords {
    pthread_mutex_t lock;  // leaf lock
    pthread_cond_t changed;
    // Protected by lock.
    int at_work, waiting;
};

struct bt_passwords *bt_passwords_create(void)
{
    struct bt_passwords *passwords = BT_NEW(struct bt_passwords);
    pthread_mutex_init(&passwords->lock, NULL);
    pthread_cond_init(&passwords->changed, NULL);
    return passwords;
}

void bt_passwords_destroy(struct bt_passwords *passwords)
{
    if (passwords == NULL) {
        return;
    }
    pthread_cond_destroy(&passwords->changed);
    pthread_mutex_destroy(&passwords->lock);
    free(passwords);
}

static int enter(struct bt_passwords *passwords, struct bt_error *err)
{
    pthread_mutex_lock(&passwords->lock);
    bool full = passwords->at_work == MAX_AT_ONCE && passwords->waiting == MAX_WAITING;
    if (!full) {
        passwords->waiting++;
        while (passwords->at_work == MAX_AT_ONCE) {
            pthread_cond_wait(&passwords->changed, &passwords->lock);
        }
        passwords->waiting--;
        passwords->at_work++;
    }
    pthread_mutex_unlock(&passwords->lock);
    return full ? bt_fail(err, -EBUSY, "Too many people log in at once") : 0;
}

static void leave(struct bt_passwords *passwords)
{
    pthread_mutex_lock(&passwords->lock);
    passwords->at_work--;
    pthread_cond_signal(&passwords->changed);
    pthread_mutex_unlock(&passwords->lock);
}

int bt_password_hash(struct bt_passwords *passwords, const char *password,
                     char out[BT_PASSWORD_HASH_BYTES], struct bt_error *err)
{
    int r = enter(passwords, err);
    if (r < 0) {
        return r;
    }
    r = crypto_pwhash_str_alg(out, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
    leave(passwords);
    return r == 0 ? 0 : bt_fail(err, -ENOMEM, "No memory to hash a password");
}

int bt_password_verify(struct bt_passwords *passwords, const char *hash, const char *password,
                       struct bt_error *err)
{
    char known[BT_PASSWORD_HASH_BYTES];
    bt_copy_cut(known, sizeof(known), hash != NULL ? hash : nobodys_hash);
    int r = enter(passwords, err);
    if (r < 0) {
        return r;
    }
    r = crypto_pwhash_str_verify(known, password, strlen(password));
    leave(passwords);
    return r == 0 && hash != NULL ? 0 : bt_fail(err, -EACCES, "Login or password is wrong");
}
