/**
 * A simulated player: logs in, holds its hint stream, answers pings and orders, pulls metadata,
 * documents and blobs, says its status, and sends its plays home. What it fetches it does not
 * verify: it is the server that is looked at.
 */
#ifndef BT_BENCH_FLEET_MEMBER_H
#define BT_BENCH_FLEET_MEMBER_H

#include "bench/fleet/counts.h"
#include "bench/fleet/diary.h"
#include "bench/fleet/pool.h"
#include "sync/retry.h"

#define MEMBER_TOKEN_BYTES 200

struct fleet {
    int epoll;
    const char *path;  // of the server's socket
    struct pool *pool;
    struct counts counts;
    uint64_t chance;
    int speed;         // of the day that is played
    int64_t begin_ns;  // of it
    int64_t send_ns;   // a player's plays leave it this often
    int64_t begin_ms;
    int streams;  // open ones
};

enum member_pull { PULL_NOTHING, PULL_TIMESTAMP, PULL_SNAPSHOT, PULL_ROLE, PULL_TARGET, PULL_BLOB };

struct member {
    struct fleet *fleet;
    int number;
    char id[16], token[MEMBER_TOKEN_BYTES], nonce[MEMBER_TOKEN_BYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    bool slow;
    int64_t start_ns;  // not before

    struct line stream;
    bool streaming;
    int64_t order;
    struct bt_retry retry;  // of stream and talk, as in sync/channel.c

    bool talking;  // one request at a time
    bool logging_in;
    int64_t ping, answer, status_ns, poll_ns;
    enum member_pull pull;
    unsigned pull_failures;
    int64_t pull_ns, at;  // at: of the blob
    int64_t hinted_ns;    // to be pulled from then on, when what is being pulled is here; 0: no
    char etag[80], wanted[200], blob[65];
    int64_t snapshot, role;

    bool sending;  // plays, beside all that
    unsigned send_failures;
    int64_t send_ns, asked_ns;
    bool asked;
    struct diary diary;
};

void member_init(struct member *member, struct fleet *fleet, int number);
void member_key(int number, uint8_t public_key[crypto_sign_PUBLICKEYBYTES],
                uint8_t secret[crypto_sign_SECRETKEYBYTES]);
void member_look(struct member *member, int64_t at_ns);
void member_forget(struct member *member);  // its session, and its stream ends

uint64_t fleet_draw(struct fleet *fleet, uint64_t below);
int64_t fleet_wall_ms(const struct fleet *fleet, int64_t now_ns);  // of the day that is played

#endif
