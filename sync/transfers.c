#include "sync/transfers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "assets/partial.h"
#include "base/civil.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/pace.h"
#include "sync/repository.h"
#include "sync/wire.h"

#define MAX_OPEN 2
#define LONGEST_WAIT_MS 1000

// Kept free for the journal, the state and the system.
#define RESERVE_BYTES (500LL * 1024 * 1024)
#define RESERVE_PERMILLE 100

// Not due within so long, an asset waits for the night.
#define SOON_MS (12 * 3600 * 1000LL)

// Vietnam has one zone and no summer time; the window is the operator's.
#define LOCAL_OFFSET_S (7 * 3600)

// The month's count is kept after so many bytes, and after every asset.
#define COUNT_STEP_BYTES (16 * 1024 * 1024)

#define MAX_WAITING 64

static const struct bt_log logger = {"sync/transfers"};

struct transfer {
    struct bt_transfers *transfers;  // borrowed
    struct bt_wire wire;
    struct bt_want want;
    struct bt_address address;
    struct bt_partial *partial;  // owned; NULL: idle
    int64_t from;                // asked to go on at
    bool judged;                 // the head of the answer was looked at
    int write_error;             // why the body was refused
    struct bt_error err;
};

// After a failure an asset waits.
struct waiting {
    struct bt_sha256 sha256;
    unsigned failures;
    int64_t until_ns;
};

struct bt_transfers {
    struct bt_sync *sync;  // borrowed
    CURLM *multi;
    pthread_t thread;
    bool started;
    // The thread's own.
    struct transfer open[MAX_OPEN];
    struct waiting waiting[MAX_WAITING];
    size_t waiting_count;
    char month[8];
    int64_t month_bytes, uncounted;
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct bt_wanted wanted;
    int64_t received;
};

int64_t bt_transfers_received(struct bt_transfers *transfers)
{
    pthread_mutex_lock(&transfers->lock);
    int64_t received = transfers->received;
    pthread_mutex_unlock(&transfers->lock);
    return received;
}

void bt_transfers_want(struct bt_transfers *transfers, const struct bt_wanted *wanted)
{
    struct bt_wanted copy = {.count = wanted->count, .capacity = wanted->count};
    copy.list = BT_NEW_ARRAY(struct bt_want, wanted->count + 1);
    for (size_t i = 0; i < wanted->count; i++) {
        copy.list[i] = wanted->list[i];
    }
    pthread_mutex_lock(&transfers->lock);
    struct bt_wanted before = transfers->wanted;
    transfers->wanted = copy;
    pthread_mutex_unlock(&transfers->lock);
    bt_wanted_finish(&before);
    curl_multi_wakeup(transfers->multi);
}

static int64_t now_ns(const struct bt_transfers *transfers)
{
    return bt_clock_mono_ns(transfers->sync->options.clock);
}

/*
 * The month's budget.
 */

static void begin_month(struct bt_transfers *transfers)
{
    char text[BT_RFC3339_BYTES], key[24];
    int64_t wall_ms = bt_time_floor_now(transfers->sync->time).wall_ms;
    bt_rfc3339_format(wall_ms, LOCAL_OFFSET_S, text);
    text[7] = '\0';
    if (strcmp(text, transfers->month) == 0) {
        return;
    }
    bt_copy_cut(transfers->month, sizeof(transfers->month), text);
    transfers->uncounted = 0;
    if (bt_format(key, sizeof(key), "bytes %s", transfers->month) == 0) {
        transfers->month_bytes = bt_state_get_int(transfers->sync->state, key, 0);
    }
}

static void keep_count(struct bt_transfers *transfers)
{
    char key[24];
    struct bt_error err;
    if (transfers->uncounted == 0 ||
        bt_format(key, sizeof(key), "bytes %s", transfers->month) < 0) {
        return;
    }
    transfers->uncounted = 0;
    if (bt_state_note_int(transfers->sync->state, key, transfers->month_bytes, &err) < 0) {
        bt_log_warn(&logger, "Cannot keep how much was transferred this month: %s", err.msg);
    }
}

static void count(struct bt_transfers *transfers, int64_t bytes)
{
    transfers->month_bytes += bytes;
    transfers->uncounted += bytes;
    pthread_mutex_lock(&transfers->lock);
    transfers->received += bytes;
    pthread_mutex_unlock(&transfers->lock);
    if (transfers->uncounted >= COUNT_STEP_BYTES) {
        keep_count(transfers);
    }
}

static bool within_budget(const struct bt_transfers *transfers, const struct bt_want *want)
{
    int64_t budget = transfers->sync->options.month_bytes;
    return budget == 0 || want->emergency || transfers->month_bytes + want->size <= budget;
}

/*
 * One transfer.
 */

// "bytes 100-199/200": goes on where we asked, and is as long as was approved.
static bool range_fits(const struct transfer *transfer, const char *value)
{
    char expected[96];
    return bt_format(expected, sizeof(expected), "bytes %lld-%lld/%lld", (long long)transfer->from,
                     (long long)transfer->want.size - 1, (long long)transfer->want.size) == 0 &&
           strcmp(value, expected) == 0;
}

// Looks at status and range before the first byte is taken.
static int judge(struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->wire.curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 206) {
        struct curl_header *header = NULL;
        if (curl_easy_header(transfer->wire.curl, "Content-Range", 0, CURLH_HEADER, -1, &header) !=
                CURLHE_OK ||
            !range_fits(transfer, header->value)) {
            return bt_fail(&transfer->err, -EBADMSG, "The server sends another range");
        }
        return 0;
    }
    if (status == 200) {
        return transfer->from > 0 ? bt_partial_restart(transfer->partial, &transfer->err) : 0;
    }
    return bt_fail(&transfer->err, -ENOENT, "The server answers %ld", status);
}

static size_t receive(char *bytes, size_t size, size_t number, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * number;
    int r = 0;
    if (!transfer->judged) {
        transfer->judged = true;
        r = judge(transfer);
    }
    r = r < 0 ? r : bt_partial_write(transfer->partial, bytes, len, &transfer->err);
    if (r < 0) {
        transfer->write_error = r;
        return 0;
    }
    count(transfer->transfers, (int64_t)len);
    return len;
}

static int request(struct transfer *transfer, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES], path[96];
    bt_hex(transfer->want.sha256.bytes, BT_SHA256_BYTES, hex);
    int r = bt_format(path, sizeof(path), "blobs/%s", hex);
    r = r < 0 ? r : bt_wire_begin(&transfer->wire, &transfer->address, path, err);
    if (r == 0 && transfer->from > 0) {
        r = bt_wire_add_header(&transfer->wire, err, "Range: bytes=%lld-",
                               (long long)transfer->from);
        r = r < 0 ? r : bt_wire_add_header(&transfer->wire, err, "If-Range: \"%s\"", hex);
    }
    if (r < 0) {
        return r;
    }
    CURL *curl = transfer->wire.curl;
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
    bt_wire_ready(&transfer->wire);
    return curl_multi_add_handle(transfer->transfers->multi, curl) == CURLM_OK
               ? 0
               : bt_fail(err, -EIO, "libcurl cannot begin");
}

static struct waiting *waiting_of(struct bt_transfers *transfers, const struct bt_sha256 *sha256)
{
    for (size_t i = 0; i < transfers->waiting_count; i++) {
        if (memcmp(&transfers->waiting[i].sha256, sha256, sizeof(*sha256)) == 0) {
            return &transfers->waiting[i];
        }
    }
    return NULL;
}

static void forget_waiting(struct bt_transfers *transfers, const struct bt_sha256 *sha256)
{
    struct waiting *waiting = waiting_of(transfers, sha256);
    if (waiting != NULL) {
        *waiting = transfers->waiting[--transfers->waiting_count];
    }
}

static void wait_longer(struct bt_transfers *transfers, const struct bt_sha256 *sha256)
{
    struct waiting *waiting = waiting_of(transfers, sha256);
    if (waiting == NULL) {
        // When there are too many, the oldest is tried again sooner.
        size_t place = BT_MIN(transfers->waiting_count, (size_t)MAX_WAITING - 1);
        transfers->waiting_count = place + 1;
        waiting = &transfers->waiting[place];
        *waiting = (struct waiting){.sha256 = *sha256};
    }
    int64_t longest_ns = transfers->sync->options.retry_max_s * BT_NS_PER_S;
    waiting->failures++;
    waiting->until_ns =
        now_ns(transfers) + bt_pace_backoff_ns(waiting->failures, BT_NS_PER_MS, longest_ns);
}

static void stop(struct transfer *transfer)
{
    curl_multi_remove_handle(transfer->transfers->multi, transfer->wire.curl);
    bt_partial_destroy(transfer->partial);
    transfer->partial = NULL;
}

int64_t bt_transfers_reserve(struct bt_sync *sync)
{
    int64_t available, used;
    if (bt_store_usage(sync->store, &available, &used, NULL) < 0) {
        return RESERVE_BYTES;
    }
    return BT_MIN(RESERVE_BYTES, (available + used) / 1000 * RESERVE_PERMILLE);
}

static int begin(struct transfer *transfer, const struct bt_want *want, struct bt_error *err)
{
    struct bt_sync *sync = transfer->transfers->sync;
    if (!bt_servers_now(sync->servers, &transfer->address)) {
        return bt_fail(err, -ENETUNREACH, "No server is known");
    }
    int r = bt_partial_open(sync->store, BT_WAY_NETWORK, &want->sha256, want->size,
                            &transfer->partial, err);
    if (r < 0) {
        return r;
    }
    r = bt_partial_take_up(transfer->partial, err);
    transfer->want = *want;
    transfer->from = bt_partial_have(transfer->partial);
    transfer->judged = false;
    transfer->write_error = 0;
    r = r < 0 ? r
              : bt_store_make_room(sync->store, want->size - transfer->from,
                                   bt_transfers_reserve(sync), err);
    if (r == 0 && transfer->from < want->size) {
        r = request(transfer, err);
    }
    if (r < 0) {
        bt_partial_destroy(BT_TAKE(transfer->partial));
    }
    return r;
}

/*
 * What came of it.
 */

static void drop_want(struct bt_transfers *transfers, const struct bt_sha256 *sha256)
{
    pthread_mutex_lock(&transfers->lock);
    struct bt_wanted *wanted = &transfers->wanted;
    for (size_t i = 0; i < wanted->count; i++) {
        if (memcmp(&wanted->list[i].sha256, sha256, sizeof(*sha256)) == 0) {
            memmove(&wanted->list[i], &wanted->list[i + 1],
                    (wanted->count - i - 1) * sizeof(*wanted->list));
            wanted->count--;
            break;
        }
    }
    pthread_mutex_unlock(&transfers->lock);
}

static void report_failure(struct transfer *transfer, int r, const struct bt_error *err,
                           enum bt_trouble trouble)
{
    struct bt_sync *sync = transfer->transfers->sync;
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(transfer->want.sha256.bytes, BT_SHA256_BYTES, hex);
    bt_log_info(&logger, "Asset '%.12s…': %s; it goes on at %lld of %lld bytes", hex, err->msg,
                (long long)bt_partial_have(transfer->partial), (long long)transfer->want.size);
    if (r == -ENETUNREACH) {
        bt_sync_trouble(sync, trouble, err->msg);
    } else if (r == -EBADMSG) {
        bt_sync_trouble(sync, BT_TROUBLE_ASSET_DAMAGED, err->msg);
    } else {
        bt_sync_disk_trouble(sync, r, err->msg);
    }
}

static void succeed(struct transfer *transfer)
{
    struct bt_transfers *transfers = transfer->transfers;
    forget_waiting(transfers, &transfer->want.sha256);
    bt_sync_fine(transfers->sync, BT_TROUBLE_ASSET_DAMAGED);
    bt_sync_fine(transfers->sync, BT_TROUBLE_DISK_FULL);
    keep_count(transfers);
    drop_want(transfers, &transfer->want.sha256);
    if (transfer->want.emergency) {
        bt_repository_look(transfers->sync->repository);  // a template may be ready
    } else {
        bt_repository_arrived(transfers->sync->repository);
    }
}

static void finish(struct transfer *transfer, CURLcode code)
{
    struct bt_transfers *transfers = transfer->transfers;
    struct bt_error err = {0};
    enum bt_trouble trouble = BT_TROUBLE_SERVER_UNREACHABLE;
    long status = 0;
    int r = 0;
    int64_t before = transfer->from;
    int64_t have = bt_partial_have(transfer->partial);
    if (transfer->write_error < 0) {
        r = transfer->write_error;
        err = transfer->err;
    } else if (have < transfer->want.size) {
        r = bt_wire_result(&transfer->wire, code, &status, &trouble, &err);
        r = r < 0 ? r : bt_fail(&err, -EAGAIN, "The server ended early (status %ld)", status);
    }
    r = r < 0 ? r : bt_partial_finish(transfer->partial, &err);
    if (r == 0) {
        succeed(transfer);
    } else {
        if (have > before) {
            forget_waiting(transfers, &transfer->want.sha256);  // it goes on, if slowly
        }
        report_failure(transfer, r, &err, trouble);
        wait_longer(transfers, &transfer->want.sha256);
    }
    stop(transfer);
}

/*
 * The thread.
 */

static bool is_open(struct bt_transfers *transfers, const struct bt_sha256 *sha256)
{
    for (size_t i = 0; i < MAX_OPEN; i++) {
        if (transfers->open[i].partial != NULL &&
            memcmp(&transfers->open[i].want.sha256, sha256, sizeof(*sha256)) == 0) {
            return true;
        }
    }
    return false;
}

static bool may_begin(struct bt_transfers *transfers, const struct bt_want *want)
{
    const struct bt_sync_options *options = &transfers->sync->options;
    const struct bt_fetch_window window = {.from_min = options->night_from_min,
                                           .until_min = options->night_until_min,
                                           .soon_ms = SOON_MS};
    const struct waiting *waiting = waiting_of(transfers, &want->sha256);
    return (want->emergency || !atomic_load(&transfers->sync->importing)) &&
           !is_open(transfers, &want->sha256) &&
           (waiting == NULL || waiting->until_ns <= now_ns(transfers)) &&
           within_budget(transfers, want) &&
           bt_want_is_open(want, &window, bt_time_floor_now(transfers->sync->time).wall_ms,
                           LOCAL_OFFSET_S);
}

static bool next_want(struct bt_transfers *transfers, struct bt_want *out)
{
    bool found = false;
    pthread_mutex_lock(&transfers->lock);
    struct bt_wanted *wanted = &transfers->wanted;
    BT_AUTOFREE struct bt_want *list = BT_NEW_ARRAY(struct bt_want, wanted->count + 1);
    size_t number = wanted->count;
    for (size_t i = 0; i < number; i++) {
        list[i] = wanted->list[i];
    }
    pthread_mutex_unlock(&transfers->lock);
    for (size_t i = 0; i < number && !found; i++) {
        found = may_begin(transfers, &list[i]);
        *out = list[i];
    }
    return found;
}

static bool is_wanted(struct bt_transfers *transfers, const struct bt_sha256 *sha256)
{
    bool wanted = false;
    pthread_mutex_lock(&transfers->lock);
    for (size_t i = 0; i < transfers->wanted.count && !wanted; i++) {
        wanted = memcmp(&transfers->wanted.list[i].sha256, sha256, sizeof(*sha256)) == 0;
    }
    pthread_mutex_unlock(&transfers->lock);
    return wanted;
}

// 1: it is under way, or nothing waits; 0: that one is settled, look for another.
static int begin_next(struct bt_transfers *transfers, struct transfer *transfer)
{
    struct bt_want want;
    struct bt_error err = {0};
    if (!next_want(transfers, &want)) {
        return 1;
    }
    int r = begin(transfer, &want, &err);
    if (r == -EEXIST || r == -EPERM) {
        drop_want(transfers, &want.sha256);
        bt_repository_arrived(transfers->sync->repository);
        return 0;
    }
    if (r < 0) {
        if (r != -EBUSY) {  // it comes by a stick
            bt_sync_disk_trouble(transfers->sync, r, err.msg);
        }
        wait_longer(transfers, &want.sha256);
        return 1;
    }
    if (transfer->from == want.size) {
        finish(transfer, CURLE_OK);  // the last life ended between the last byte and its name
        return 0;
    }
    return 1;
}

// An emergency's assets do not wait for a film to be there.
static void make_way(struct bt_transfers *transfers)
{
    struct bt_want want;
    struct transfer *last = &transfers->open[MAX_OPEN - 1];
    if (last->partial != NULL && !last->want.emergency && next_want(transfers, &want) &&
        want.emergency) {
        stop(last);
    }
}

// Whoever is alone has all of the rate.
static void share_rate(struct bt_transfers *transfers)
{
    int64_t rate = transfers->sync->options.max_bytes_per_s;
    size_t open = 0;
    for (size_t i = 0; i < MAX_OPEN; i++) {
        open += transfers->open[i].partial != NULL;
    }
    for (size_t i = 0; i < MAX_OPEN && rate > 0 && open > 0; i++) {
        curl_easy_setopt(transfers->open[i].wire.curl, CURLOPT_MAX_RECV_SPEED_LARGE,
                         (curl_off_t)BT_MAX(rate / (int64_t)open, 1));
    }
}

static void look_after_open(struct bt_transfers *transfers)
{
    begin_month(transfers);
    make_way(transfers);
    for (size_t i = 0; i < MAX_OPEN; i++) {
        struct transfer *transfer = &transfers->open[i];
        bool waits = !transfer->want.emergency && atomic_load(&transfers->sync->importing);
        if (transfer->partial != NULL && (waits || !is_wanted(transfers, &transfer->want.sha256))) {
            stop(transfer);
        }
        while (transfer->partial == NULL && begin_next(transfers, transfer) == 0) {
        }
    }
    share_rate(transfers);
}

// Whether a place became free, for which another asset may wait.
static bool take_results(struct bt_transfers *transfers)
{
    int left;
    bool any = false;
    for (CURLMsg *msg = curl_multi_info_read(transfers->multi, &left); msg != NULL;
         msg = curl_multi_info_read(transfers->multi, &left)) {
        char *context = NULL;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &context);
        struct transfer *transfer = (struct transfer *)(void *)context;
        if (msg->msg == CURLMSG_DONE && transfer->partial != NULL) {
            finish(transfer, code);
            any = true;
        }
    }
    return any;
}

static void *run(void *context)
{
    struct bt_transfers *transfers = context;
    while (!atomic_load(&transfers->sync->stopping)) {
        int running;
        look_after_open(transfers);
        curl_multi_perform(transfers->multi, &running);
        bool any = take_results(transfers);
        if (atomic_load(&transfers->sync->stopping)) {
            break;
        }
        if (!any) {
            curl_multi_poll(transfers->multi, NULL, 0, LONGEST_WAIT_MS, NULL);
        }
    }
    for (size_t i = 0; i < MAX_OPEN; i++) {
        if (transfers->open[i].partial != NULL) {
            stop(&transfers->open[i]);
        }
    }
    keep_count(transfers);
    return NULL;
}

int bt_transfers_create(struct bt_sync *sync, struct bt_transfers **out, struct bt_error *err)
{
    struct bt_transfers *transfers = BT_NEW(struct bt_transfers);
    transfers->sync = sync;
    transfers->multi = curl_multi_init();
    pthread_mutex_init(&transfers->lock, NULL);
    int r = transfers->multi != NULL ? 0 : bt_fail(err, -ENOMEM, "libcurl cannot start");
    for (size_t i = 0; i < MAX_OPEN && r == 0; i++) {
        transfers->open[i].transfers = transfers;
        r = bt_wire_init(&transfers->open[i].wire, sync->options.stall_s, err);
    }
    *out = transfers;
    return r;
}

int bt_transfers_run(struct bt_transfers *transfers, struct bt_error *err)
{
    int r = -pthread_create(&transfers->thread, NULL, run, transfers);
    transfers->started = r == 0;
    return r == 0 ? 0 : bt_fail(err, r, "Cannot start the thread of transfers");
}

void bt_transfers_close(struct bt_transfers *transfers)
{
    if (transfers != NULL && transfers->multi != NULL) {
        curl_multi_wakeup(transfers->multi);
    }
}

void bt_transfers_join(struct bt_transfers *transfers)
{
    if (transfers != NULL && transfers->started) {
        pthread_join(transfers->thread, NULL);
        transfers->started = false;
    }
}

void bt_transfers_destroy(struct bt_transfers *transfers)
{
    if (transfers == NULL) {
        return;
    }
    for (size_t i = 0; i < MAX_OPEN; i++) {
        bt_wire_finish(&transfers->open[i].wire);
    }
    if (transfers->multi != NULL) {
        curl_multi_cleanup(transfers->multi);
    }
    bt_wanted_finish(&transfers->wanted);
    pthread_mutex_destroy(&transfers->lock);
    free(transfers);
}
