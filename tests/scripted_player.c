// The player driven by a script instead of a server: news come as JSON lines on standard input,
// answers go as JSON lines to a file. For tests; it is not installed.
#include <cjson/cJSON.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/directed.h"
#include "player/process.h"

#define LINE_MAX_BYTES (1024 * 1024)
#define MAX_NEWS 256

struct script {
    struct bt_queue *news;
    FILE *answers;          // written by the main loop alone
    const char *directory;  // where screenshots go
};

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static int64_t number_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static bool is_true(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static size_t size_of(const cJSON *list)
{
    return (size_t)cJSON_GetArraySize(list);
}

static void read_publications(const cJSON *object, struct bt_news *news)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "publications");
    news->publications = BT_NEW_ARRAY(struct bt_news_publication, size_of(list));
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        struct bt_news_publication *publication = &news->publications[news->publication_count++];
        struct bt_buf text;
        struct bt_error err;
        bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
        if (bt_file_read(text_of(entry, "file"), &text, &err) < 0) {
            fprintf(stderr, "scripted-player: %s\n", err.msg);
            exit(1);
        }
        bt_copy_cut(publication->target, sizeof(publication->target), text_of(entry, "target"));
        publication->text = text.data;
        publication->len = text.len;
    }
}

static void read_taken(const cJSON *object, struct bt_news *news)
{
    const cJSON *assets = cJSON_GetObjectItemCaseSensitive(object, "assets"), *entry;
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(object, "items");
    news->assets = BT_NEW_ARRAY(struct bt_sha256, size_of(assets));
    cJSON_ArrayForEach(entry, assets)
    {
        struct bt_sha256 *asset = &news->assets[news->asset_count];
        if (bt_unhex(cJSON_GetStringValue(entry), asset->bytes, BT_SHA256_BYTES) == 0) {
            news->asset_count++;
        }
    }
    news->items = BT_NEW_ARRAY(struct bt_taken_item, size_of(items));
    cJSON_ArrayForEach(entry, items)
    {
        struct bt_taken_item *item = &news->items[news->item_count++];
        bt_copy_cut(item->publication, sizeof(item->publication), text_of(entry, "publication"));
        bt_copy_cut(item->item, sizeof(item->item), text_of(entry, "item"));
    }
}

static int find_word(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bt_str_equal(words[i], word)) {
            return (int)i;
        }
    }
    fprintf(stderr, "scripted-player: what is '%s'?\n", word);
    exit(1);
}

static struct bt_news *read_news(const cJSON *object)
{
    static const char *const kinds[] = {
        [BT_NEWS_PAIRING] = "pairing", [BT_NEWS_PAIRED] = "paired", [BT_NEWS_UNBOUND] = "unbound",
        [BT_NEWS_CONTENT] = "content", [BT_NEWS_ORDER] = "order",   [BT_NEWS_PING] = "ping",
    };
    static const char *const orders[] = {
        [BT_ORDER_TAKEDOWN] = "takedown",     [BT_ORDER_EMERGENCY_END] = "emergency_end",
        [BT_ORDER_SCREENSHOT] = "screenshot", [BT_ORDER_BLANK] = "blank",
        [BT_ORDER_UNBLANK] = "unblank",       [BT_ORDER_IDENTIFY] = "identify",
        [BT_ORDER_RESTART] = "restart",       [BT_ORDER_VOLUME] = "volume",
        [BT_ORDER_BRIGHTNESS] = "brightness", [BT_ORDER_EMERGENCY] = "emergency",
    };
    int kind = find_word(text_of(object, "news"), kinds, BT_ARRAY_LEN(kinds));
    struct bt_news *news = bt_news_create((enum bt_news_kind)kind);
    bt_copy_cut(news->code, sizeof(news->code), text_of(object, "code"));
    bt_copy_cut(news->words, sizeof(news->words), text_of(object, "words"));
    bt_copy_cut(news->url, sizeof(news->url), text_of(object, "url"));
    bt_copy_cut(news->id, sizeof(news->id), text_of(object, "id"));
    news->demo = is_true(object, "demo");
    news->urgent = is_true(object, "urgent");
    news->number = number_of(object, "number");
    news->value = number_of(object, "value");
    news->ping = number_of(object, "ping");
    read_publications(object, news);
    read_taken(object, news);
    if (news->kind == BT_NEWS_ORDER) {
        int order = find_word(text_of(object, "order"), orders, BT_ARRAY_LEN(orders));
        news->order = (enum bt_order_kind)order;
    }
    return news;
}

// Waits for a line, but not past the end of the player.
static bool line_comes(const struct script *script)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!bt_queue_closed(script->news)) {
        if (poll(&fd, 1, 100) > 0) {
            return true;
        }
    }
    return false;
}

static void *read_script(void *argument)
{
    const struct script *script = argument;
    char *line = NULL;
    size_t capacity = 0;
    setvbuf(stdin, NULL, _IONBF, 0);  // what waits in a buffer would not be seen by poll
    for (ssize_t len; line_comes(script) && (len = getline(&line, &capacity, stdin)) > 0;) {
        BT_AUTOJSON *object = cJSON_ParseWithLength(line, (size_t)len);
        if (object != NULL) {
            bt_queue_offer(script->news, read_news(object));
        }
    }
    free(line);
    return NULL;
}

static void say(const struct script *script, const char *text)
{
    fprintf(script->answers, "{\"t_ns\":%lld,%s}\n", (long long)bt_clock_mono_ns(bt_clock_real()),
            text);
    fflush(script->answers);
}

static void done(void *context, int64_t number, enum bt_order_state state, const char *detail)
{
    static const char *const states[] = {"done", "refused", "failed"};
    BT_AUTOFREE char *text = bt_strf("\"done\":%lld,\"state\":\"%s\",\"detail\":\"%s\"",
                                     (long long)number, states[state], detail);
    say(context, text);
}

static void pong(void *context, int64_t ping)
{
    BT_AUTOFREE char *text = bt_strf("\"pong\":%lld", (long long)ping);
    say(context, text);
}

static void screenshot(void *context, int64_t number, void *png, size_t len)
{
    const struct script *script = context;
    BT_AUTOFREE char *path =
        bt_strf("%s/screenshot-%lld.png", script->directory, (long long)number);
    struct bt_error err;
    if (bt_file_replace(path, png, len, &err) < 0) {
        fprintf(stderr, "scripted-player: %s\n", err.msg);
    }
    free(png);
    BT_AUTOFREE char *text = bt_strf("\"screenshot\":%lld", (long long)number);
    say(script, text);
    done(context, number, BT_ORDER_DONE, "");
}

static void set_status(void *context, const char *json)
{
    BT_AUTOFREE char *text = bt_strf("\"status\":%s", json);
    say(context, text);
}

static void content_is_on(void *context)
{
    say(context, "\"on\":true");
}

static void free_news(void *item)
{
    bt_news_destroy(item);
}

static int play(const struct bt_screen_options *screen, struct script *script, struct bt_error *err)
{
    BT_AUTO(bt_wake) wake = NULL;
    int r = bt_wake_open(&wake, err);
    if (r < 0) {
        return r;
    }
    const volatile int *stop = bt_process_prepare();
    BT_AUTO(bt_queue) news = bt_queue_create(MAX_NEWS, free_news, bt_wake_waker(wake));
    script->news = news;
    BT_AUTOFREE char *assets = bt_strf("%s/assets", script->directory);
    BT_AUTOFREE char *plays = bt_strf("%s/plays.db", script->directory);
    BT_AUTOFREE char *held = bt_strf("%s/held.json", script->directory);
    pthread_t reader;
    pthread_create(&reader, NULL, read_script, script);
    const struct bt_directed directed = {
        .screen = screen,
        .assets = assets,
        .plays = plays,
        .held = held,
        .source = {news, script, done, pong, screenshot, set_status, content_is_on},
        .wake = wake,
        .stop = stop,
    };
    r = bt_play_directed(&directed, err);
    bt_queue_close(news);
    pthread_join(reader, NULL);
    return r;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_screen_options screen;
    const char *directory = bt_argument(arguments, "directory");
    struct script script = {.directory = directory != NULL ? directory : "."};
    int r = bt_screen_options_read(arguments, &screen, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *answers = bt_strf("%s/answers.jsonl", script.directory);
    script.answers = fopen(answers, "ae");
    r = script.answers != NULL ? play(&screen, &script, err) : bt_fail_errno(err, "answers");
    if (script.answers != NULL) {
        fclose(script.answers);
    }
    return r;
}

int main(int argc, char **argv)
{
    static const struct bt_option options[] = {{"directory", "DIR", "where everything lies"},
                                               BT_SCREEN_OPTIONS};
    static const struct bt_subcommand command = {
        .about = "plays what standard input says", BT_OPTIONS(options), .run = run};
    static const struct bt_program program = {.name = "scripted-player"};
    static const struct bt_command_group group = {
        .summary = "A player driven by a script", .commands = &command, .count = 1};
    return bt_command_group_run(&program, &group, argc, argv);
}
