#include "sync/servers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// Eight addresses with eight pins.
#define LIST_MAX_BYTES 16384

struct bt_servers {
    struct bt_state *state;  // borrowed
    pthread_mutex_t lock;    // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct bt_addresses list;
    size_t now;
    bool kept;  // the list is on the disk
};

struct bt_servers *bt_servers_create(struct bt_state *state, const struct bt_address *first)
{
    struct bt_servers *servers = BT_NEW(struct bt_servers);
    BT_AUTOFREE char *text = bt_alloc(LIST_MAX_BYTES);
    servers->state = state;
    pthread_mutex_init(&servers->lock, NULL);
    if (bt_state_get(state, "servers", text, LIST_MAX_BYTES) < 0 ||
        bt_addresses_parse(text, strlen(text), 0, &servers->list, NULL) < 0) {
        servers->list.count = 0;
    }
    servers->kept = servers->list.count > 0;
    if (servers->list.count == 0 && first != NULL) {
        servers->list.list[0] = *first;
        servers->list.count = 1;
    }
    return servers;
}

void bt_servers_destroy(struct bt_servers *servers)
{
    if (servers == NULL) {
        return;
    }
    pthread_mutex_destroy(&servers->lock);
    free(servers);
}

bool bt_servers_now(struct bt_servers *servers, struct bt_address *out)
{
    pthread_mutex_lock(&servers->lock);
    bool known = servers->list.count > 0;
    if (known) {
        *out = servers->list.list[servers->now];
    }
    pthread_mutex_unlock(&servers->lock);
    return known;
}

static bool is_same(const struct bt_address *a, const struct bt_address *b)
{
    return strcmp(a->url, b->url) == 0 && strcmp(a->pins, b->pins) == 0;
}

void bt_servers_failed(struct bt_servers *servers, const struct bt_address *address)
{
    pthread_mutex_lock(&servers->lock);
    if (servers->list.count > 0 && is_same(&servers->list.list[servers->now], address)) {
        servers->now = (servers->now + 1) % servers->list.count;
    }
    pthread_mutex_unlock(&servers->lock);
}

static int keep(struct bt_servers *servers, const struct bt_addresses *addresses,
                struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, LIST_MAX_BYTES - 1);
    int r = bt_addresses_write(addresses, &text);
    r = r < 0 ? r : bt_state_set(servers->state, "servers", bt_buf_text(&text), err);
    return r < 0 ? r : bt_state_flush(servers->state, err);
}

bool bt_servers_set(struct bt_servers *servers, const struct bt_addresses *addresses,
                    struct bt_error *err)
{
    struct bt_address before;
    bool known = bt_servers_now(servers, &before);
    size_t same = addresses->count;
    for (size_t i = 0; i < addresses->count && known; i++) {
        if (is_same(&addresses->list[i], &before)) {
            same = i;
            break;
        }
    }
    pthread_mutex_lock(&servers->lock);
    bool kept = servers->kept && servers->list.count == addresses->count &&
                memcmp(servers->list.list, addresses->list,
                       addresses->count * sizeof(*addresses->list)) == 0;
    servers->list = *addresses;
    servers->now = same < addresses->count ? same : 0;
    pthread_mutex_unlock(&servers->lock);
    // In force all the same when the disk refuses; kept the next time.
    bool keeps = kept || keep(servers, addresses, err) == 0;
    pthread_mutex_lock(&servers->lock);
    servers->kept = keeps;
    pthread_mutex_unlock(&servers->lock);
    return same == addresses->count;
}
