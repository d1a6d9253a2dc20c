/*
 * Plays the repositories of tests/data/tuf/attacks.json (tools/make-tuf-attacks.mjs, another
 * implementation of TUF) against the client: each case is a test of its own, played once with one
 * client throughout and once with a client that starts anew before every step.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/tuf_client.h"

#define MAX_BYTES (4 * 1024 * 1024)

// A fixture that shrank is a fixture that lost its teeth.
#define CASES_AT_LEAST 75

static cJSON *attacks;

// What the repository serves now: path → text, borrowed from `attacks`.
struct shelf {
    const char **paths, **texts;
    size_t count, capacity, texts_capacity;
};

static void put(struct shelf *shelf, const char *path, const char *text)
{
    size_t i = 0;
    while (i < shelf->count && strcmp(shelf->paths[i], path) != 0) {
        i++;
    }
    if (i == shelf->count) {
        BT_GROW(shelf->paths, shelf->capacity, i + 1);
        BT_GROW(shelf->texts, shelf->texts_capacity, i + 1);
        shelf->count++;
    }
    shelf->paths[i] = path;
    shelf->texts[i] = text;  // NULL: not there any more
}

static void put_all(struct shelf *shelf, const cJSON *files)
{
    for (const cJSON *each = files->child; each != NULL; each = each->next) {
        put(shelf, each->string, cJSON_GetStringValue(each));
    }
}

static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    const struct shelf *shelf = context;
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->paths[i], path) == 0 && shelf->texts[i] != NULL) {
            int r = bt_buf_append(out, shelf->texts[i], strlen(shelf->texts[i]));
            return r < 0 ? bt_fail(err, r, "'%s' is too long", path) : 0;
        }
    }
    return bt_fail(err, -ENOENT, "There is no '%s'", path);
}

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int64_t time_of(const cJSON *step)
{
    int64_t now_ms;
    const char *text = text_of(step, "now");
    assert_int_equal(bt_rfc3339_parse(text != NULL ? text : text_of(attacks, "now"), &now_ms), 0);
    return now_ms;
}

static int code_of(const char *name)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {
        {"OK", 0},           {"EACCES", -EACCES},     {"ESTALE", -ESTALE},
        {"ETIME", -ETIME},   {"EMSGSIZE", -EMSGSIZE}, {"EBADMSG", -EBADMSG},
        {"ENOENT", -ENOENT}, {"ENODATA", -ENODATA},   {"ELOOP", -ELOOP},
        {"EINVAL", -EINVAL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(codes); i++) {
        if (strcmp(codes[i].name, name) == 0) {
            return codes[i].code;
        }
    }
    fail_msg("no code is called %s", name);
    return 0;
}

struct play {
    char directory[64];
    struct shelf shelf;
    struct bt_tuf_client *client;
    struct bt_error err;
};

static void open_client(struct play *play)
{
    struct bt_tuf_fetcher fetcher = {.fetch = fetch, .context = &play->shelf};
    bt_tuf_client_destroy(play->client);
    play->client = NULL;
    if (bt_tuf_client_open(play->directory, &fetcher, &play->client, &play->err) < 0) {
        fail_msg("%s", play->err.msg);
    }
}

static int find(struct play *play, const cJSON *step)
{
    struct bt_tuf_target target;
    return bt_tuf_client_find(play->client, text_of(step, "path"), time_of(step), &target,
                              &play->err);
}

static int download(struct play *play, const cJSON *step)
{
    struct bt_tuf_target target;
    const char *path = text_of(step, "path"), *wanted = text_of(step, "content");
    BT_AUTOBUF content;
    bt_buf_init(&content, MAX_BYTES);
    int r = bt_tuf_client_find(play->client, path, time_of(step), &target, &play->err);
    assert_int_equal(r, 0);
    r = bt_tuf_client_download(play->client, path, &target, &content, &play->err);
    if (r == 0 && wanted != NULL) {
        assert_string_equal(bt_buf_text(&content), wanted);
    }
    return r;
}

static int read_keys(struct play *play, const cJSON *step)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = bt_tuf_client_delegated_keys(play->client, text_of(step, "path"), &ring, &play->err);
    if (r == 0) {
        const cJSON *count = cJSON_GetObjectItemCaseSensitive(step, "count");
        assert_int_equal(ring.count, count->valueint);
    }
    return r;
}

static int refresh(struct play *play, const cJSON *step)
{
    return bt_tuf_client_refresh(play->client, time_of(step), &play->err);
}

static int perform(struct play *play, const cJSON *step)
{
    static const struct {
        const char *name;
        int (*run)(struct play *play, const cJSON *step);
    } verbs[] = {
        {"refresh", refresh},
        {"find", find},
        {"download", download},
        {"keys", read_keys},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, text_of(step, "do")) == 0) {
            return verbs[i].run(play, step);
        }
    }
    fail_msg("nothing is called '%s'", text_of(step, "do"));
    return 0;
}

static void check_trusted(const struct play *play, const cJSON *step)
{
    struct bt_tuf_versions now;
    bt_tuf_client_versions(play->client, &now);
    const struct {
        const char *role;
        int64_t version;
    } roles[] = {
        {"root", now.root},
        {"timestamp", now.timestamp},
        {"snapshot", now.snapshot},
        {"targets", now.targets},
    };
    const cJSON *trusted = cJSON_GetObjectItemCaseSensitive(step, "trusted");
    for (size_t i = 0; i < BT_ARRAY_LEN(roles); i++) {
        const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(trusted, roles[i].role);
        if (wanted != NULL && wanted->valueint != roles[i].version) {
            fail_msg("version %lld of %s is trusted instead of %d", (long long)roles[i].version,
                     roles[i].role, wanted->valueint);
        }
    }
}

static void play_steps(struct play *play, const cJSON *steps, bool anew)
{
    int number = 1;
    for (const cJSON *step = steps->child; step != NULL; step = step->next, number++) {
        put_all(&play->shelf, cJSON_GetObjectItemCaseSensitive(step, "files"));
        if (anew) {
            open_client(play);
        }
        play->err.msg[0] = '\0';
        int wanted = code_of(text_of(step, "expect")), r = perform(play, step);
        if (r != wanted) {
            fail_msg("step %d gives %d instead of %d: %s", number, r, wanted, play->err.msg);
        }
        check_trusted(play, step);
    }
}

static void play_case(const cJSON *each, bool anew)
{
    struct play play = {.directory = "/tmp/bt-tuf-XXXXXX"};
    if (access("/dev/shm", W_OK) == 0) {  // thousands of syncs that no disk need see
        bt_copy_cut(play.directory, sizeof(play.directory), "/dev/shm/bt-tuf-XXXXXX");
    }
    assert_non_null(mkdtemp(play.directory));
    const char *root = text_of(each, "root");
    if (root == NULL) {
        root = text_of(attacks, "root");
        put_all(&play.shelf, cJSON_GetObjectItemCaseSensitive(attacks, "files"));
    }
    assert_int_equal(bt_tuf_client_pin(play.directory, root, strlen(root), &play.err), 0);
    open_client(&play);
    play_steps(&play, cJSON_GetObjectItemCaseSensitive(each, "steps"), anew);
    bt_tuf_client_destroy(play.client);
    free(play.shelf.paths);
    free(play.shelf.texts);
    BT_AUTOFREE char *command = NULL;
    if (asprintf(&command, "rm -r %s", play.directory) > 0) {  // allow: a test's own directory
        assert_int_equal(system(command), 0);
    }
}

static void the_client_stands(void **state)
{
    play_case(*state, false);
    play_case(*state, true);
}

static void read_attacks(void)
{
    struct bt_error err = {""};
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    BT_AUTOFREE char *path = NULL;
    const char *root = getenv("BT_SOURCE_ROOT");
    if (asprintf(&path, "%s/tests/data/tuf/attacks.json",  // allow: a test
                 root != NULL ? root : ".") < 0 ||
        bt_file_read(path, &text, &err) < 0 ||
        bt_json_parse(bt_buf_text(&text), text.len, &attacks, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

int main(void)
{
    read_attacks();
    const cJSON *cases = cJSON_GetObjectItemCaseSensitive(attacks, "cases");
    size_t count = 0, total = (size_t)cJSON_GetArraySize(cases);
    struct CMUnitTest *tests = BT_NEW_ARRAY(struct CMUnitTest, total);
    for (cJSON *each = cases->child; each != NULL; each = each->next) {
        tests[count++] = (struct CMUnitTest){
            .name = text_of(each, "name"),
            .test_func = the_client_stands,
            .initial_state = each,
        };
    }
    int failed = _cmocka_run_group_tests("attacks", tests, count, NULL, NULL);
    free(tests);
    cJSON_Delete(attacks);
    return failed != 0 || total < CASES_AT_LEAST;
}
