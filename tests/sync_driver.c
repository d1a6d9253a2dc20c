// Runs the player's side of the wire without a player: prints each news as a line of JSON, and
// answers as an obedient main loop would. For tests and measurements.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assets/store.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "sync/news.h"
#include "sync/sync.h"

#define MAX_NEWS 64

static volatile sig_atomic_t stopped;  // allow: a signal handler has nothing else

static void handle_stop(int number)
{
    stopped = number;
}

static void wake(void *context)
{
    const int *fd = context;
    uint64_t one = 1;
    if (write(*fd, &one, sizeof(one)) < 0) {
        return;
    }
}

static void destroy_news(void *news)
{
    bt_news_destroy(news);
}

static void add_hashes(cJSON *line, const struct bt_news *news)
{
    cJSON *assets = cJSON_AddArrayToObject(line, "assets");
    for (size_t i = 0; i < news->asset_count; i++) {
        char hex[BT_SHA256_HEX_BYTES];
        bt_hex(news->assets[i].bytes, BT_SHA256_BYTES, hex);
        cJSON_AddItemToArray(assets, cJSON_CreateString(hex));
    }
    cJSON *items = cJSON_AddArrayToObject(line, "items");
    for (size_t i = 0; i < news->item_count; i++) {
        BT_AUTOFREE char *item = bt_strf("%s/%s", news->items[i].publication, news->items[i].item);
        cJSON_AddItemToArray(items, cJSON_CreateString(item));
    }
}

// Are all assets there, and what they should be? As the kitchen would find them.
static int count_missing(const struct bt_publication *publication, const struct bt_news *news,
                         struct bt_store *store)
{
    int missing = 0;
    for (size_t i = 0; i < publication->asset_count; i++) {
        char path[BT_STORE_PATH_BYTES];
        const struct bt_asset *asset = &publication->assets[i];
        bool taken = false;
        for (size_t t = 0; t < news->asset_count; t++) {
            taken = taken || memcmp(&news->assets[t], &asset->sha256, sizeof(asset->sha256)) == 0;
        }
        missing += !taken && bt_store_path(store, &asset->sha256, asset->size, path, NULL) < 0;
    }
    return missing;
}

static void add_content(cJSON *line, const struct bt_news *news, struct bt_store *store)
{
    int missing = 0;
    cJSON *list = cJSON_AddArrayToObject(line, "publications");
    for (size_t i = 0; i < news->publication_count; i++) {
        const struct bt_news_publication *one = &news->publications[i];
        BT_AUTO(bt_publication) publication = NULL;
        struct bt_error err = {0};
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "target", one->target);
        cJSON_AddNumberToObject(entry, "threshold", (double)one->threshold);
        if (bt_publication_parse(one->text, one->len, BT_UNKNOWN_IGNORE, &publication, &err) == 0) {
            cJSON_AddStringToObject(entry, "id", publication->id);
            cJSON_AddNumberToObject(entry, "version", (double)publication->version);
            missing += count_missing(publication, news, store);
        } else {
            cJSON_AddStringToObject(entry, "error", err.msg);
        }
        if (strstr(one->target, "template-") != NULL) {
            cJSON_AddStringToObject(entry, "text", one->text);
        }
        cJSON_AddItemToArray(list, entry);
    }
    cJSON_AddBoolToObject(line, "demo", news->demo);
    cJSON_AddBoolToObject(line, "urgent", news->urgent);
    cJSON_AddNumberToObject(line, "missing", missing);
    cJSON_AddStringToObject(line, "unit", news->unit);
    cJSON_AddStringToObject(line, "screen", news->screen);
}

static const char *const order_words[] = {
    [BT_ORDER_TAKEDOWN] = "takedown",     [BT_ORDER_EMERGENCY_END] = "emergency_end",
    [BT_ORDER_SCREENSHOT] = "screenshot", [BT_ORDER_BLANK] = "blank",
    [BT_ORDER_UNBLANK] = "unblank",       [BT_ORDER_IDENTIFY] = "identify",
    [BT_ORDER_RESTART] = "restart",       [BT_ORDER_VOLUME] = "volume",
    [BT_ORDER_BRIGHTNESS] = "brightness", [BT_ORDER_EMERGENCY] = "emergency",
};

static const char *const kind_words[] = {
    [BT_NEWS_PAIRING] = "pairing", [BT_NEWS_PAIRED] = "paired", [BT_NEWS_CONTENT] = "content",
    [BT_NEWS_ORDER] = "order",     [BT_NEWS_PING] = "ping",     [BT_NEWS_UNBOUND] = "unbound",
};

static void print_news(const struct bt_news *news, struct bt_store *store)
{
    BT_AUTOJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "news", kind_words[news->kind]);
    cJSON_AddNumberToObject(line, "wall_ms", (double)bt_clock_wall_ms(bt_clock_real()));
    if (news->kind == BT_NEWS_PAIRING) {
        cJSON_AddStringToObject(line, "code", news->code);
        cJSON_AddStringToObject(line, "words", news->words);
        cJSON_AddStringToObject(line, "url", news->url);
    } else if (news->kind == BT_NEWS_CONTENT) {
        add_content(line, news, store);
        add_hashes(line, news);
    } else if (news->kind == BT_NEWS_ORDER) {
        cJSON_AddStringToObject(line, "order", order_words[news->order]);
        cJSON_AddNumberToObject(line, "n", (double)news->number);
        cJSON_AddNumberToObject(line, "value", (double)news->value);
        cJSON_AddStringToObject(line, "id", news->id);
        add_hashes(line, news);
    } else if (news->kind == BT_NEWS_PING) {
        cJSON_AddNumberToObject(line, "ping", (double)news->ping);
    }
    char *text = cJSON_PrintUnformatted(line);
    puts(text);
    fflush(stdout);
    cJSON_free(text);
}

// Emergencies and their ends are not answered: a screen that does not show them yet.
static int64_t mute;

static bool is_left_unanswered(const struct bt_news *news)
{
    return mute > 0 && (news->order == BT_ORDER_EMERGENCY || news->order == BT_ORDER_EMERGENCY_END);
}

static void answer(struct bt_sync *sync, const struct bt_news *news)
{
    static const char png[] = "\x89PNG\r\n\x1a\nnot really";
    if (news->kind == BT_NEWS_PING) {
        bt_sync_pong(sync, news->ping);
    } else if (news->kind == BT_NEWS_CONTENT) {
        bt_sync_content_is_on(sync);
    } else if (news->kind == BT_NEWS_ORDER && news->order == BT_ORDER_SCREENSHOT) {
        void *bytes = malloc(sizeof(png));
        memcpy(bytes, png, sizeof(png));
        bt_sync_screenshot(sync, news->number, bytes, sizeof(png));
    } else if (news->kind == BT_NEWS_ORDER && news->order == BT_ORDER_RESTART) {
        stopped = 1;
    } else if (news->kind == BT_NEWS_ORDER && !is_left_unanswered(news)) {
        bt_sync_done(sync, news->number, BT_ORDER_DONE, "");
    }
}

static int parse_options(int argc, char **argv, struct bt_sync_options *out)
{
    const struct {
        const char *name;
        const char **text;
        int64_t *number;
    } options[] = {
        {"--dir", &out->directory, NULL},
        {"--server", &out->server, NULL},
        {"--pin", &out->pin, NULL},
        {"--ping-s", NULL, &out->ping_s},
        {"--poll-s", NULL, &out->poll_s},
        {"--retry-s", NULL, &out->retry_max_s},
        {"--plays", &out->plays, NULL},
        {"--stall-s", NULL, &out->stall_s},
        {"--cap", NULL, &out->max_bytes_per_s},
        {"--month", NULL, &out->month_bytes},
        {"--mute", NULL, &mute},
        {"--platform", &out->platform, NULL},
        {"--installer", &out->installer, NULL},
        {"--runs", &out->version, NULL},
    };
    for (int i = 1; i + 1 < argc; i += 2) {
        bool known = false;
        for (size_t o = 0; o < BT_ARRAY_LEN(options); o++) {
            if (strcmp(argv[i], options[o].name) == 0 && options[o].text != NULL) {
                *options[o].text = argv[i + 1];
                known = true;
            } else if (strcmp(argv[i], options[o].name) == 0) {
                known = bt_parse_int(argv[i + 1], 0, INT64_MAX, options[o].number) == 0;
            }
        }
        if (!known) {
            return -1;
        }
    }
    return out->directory != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct bt_sync_options options = {.model = "driver", .version = "test"};
    struct bt_error err = {0};
    BT_AUTO(bt_sync) sync = NULL;
    BT_AUTO(bt_store) store = NULL;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (parse_options(argc, argv, &options) < 0) {
        fprintf(stderr, "usage: sync_driver --dir DIR [--server URL] …\n");
        return 2;
    }
    bt_log_set_level(BT_LOG_DEBUG);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = handle_stop}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    BT_AUTO(bt_queue)
    queue =
        bt_queue_create(MAX_NEWS, destroy_news, (struct bt_waker){.wake = wake, .context = &fd});
    if (bt_sync_start(&options, queue, &sync, &err) < 0 ||
        bt_store_open(bt_sync_store_directory(sync), &store, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    bt_sync_set_status(sync, "{\"display\":{\"width\":320,\"height\":180}}");
    while (!stopped) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        poll(&wait, 1, 1000);
        uint64_t count;
        if (read(fd, &count, sizeof(count)) < 0 && stopped) {
            break;
        }
        for (struct bt_news *news = bt_queue_pop(queue); news != NULL; news = bt_queue_pop(queue)) {
            print_news(news, store);
            answer(sync, news);
            bt_news_destroy(news);
        }
    }
    bt_sync_close(sync);
    bt_sync_destroy(BT_TAKE(sync));
    return 0;
}
