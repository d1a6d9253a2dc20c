#include "playlists/plan.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_BYTES (8 * 1024 * 1024)

// A case: {"from", "to", "trusted", "publications": [...]}; what is expected stands beside it as
// NAME.jsonl. BT_GOLDEN_WRITE=1 writes what comes out instead of comparing.
struct golden {
    struct bt_show *show;
    struct bt_moment from;
    int64_t until_ns;
};

static int64_t read_time(const cJSON *json, const char *key)
{
    int64_t ms;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, key);
    assert_true(cJSON_IsString(value));
    assert_int_equal(bt_rfc3339_parse(value->valuestring, &ms), 0);
    return ms * BT_NS_PER_MS;
}

static struct bt_publication *read_publication(const cJSON *json)
{
    struct bt_error err;
    struct bt_publication *out = NULL;
    char *text = cJSON_PrintUnformatted(json);
    if (bt_publication_parse(text, strlen(text), BT_UNKNOWN_REFUSE, &out, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    cJSON_free(text);
    return out;
}

static void load_case(const char *path, struct golden *out)
{
    struct bt_error err;
    BT_AUTOBUF file;
    bt_buf_init(&file, MAX_BYTES);
    cJSON *json = NULL;
    if (bt_file_read(path, &file, &err) < 0 ||
        bt_json_parse(file.data, file.len, &json, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    struct bt_publication *publications[BT_MAX_PUBLICATIONS];
    size_t count = 0;
    const cJSON *publication;
    const char *time_zone = "Asia/Ho_Chi_Minh";
    cJSON_ArrayForEach(publication, cJSON_GetObjectItemCaseSensitive(json, "publications"))
    {
        publications[count] = read_publication(publication);
        if (publications[count]->canvas.width > 0) {
            time_zone = publications[count]->canvas.time_zone;
        }
        count++;
    }
    struct bt_tz *tz;
    assert_int_equal(bt_tz_load(time_zone, &tz, &err), 0);
    if (bt_show_create(publications, count, tz, &out->show, &err) < 0) {
        fail_msg("%s: %s", path, err.msg);
    }
    out->from.wall_ns = read_time(json, "from");
    out->from.trusted = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "trusted"));
    out->until_ns = read_time(json, "to");
    cJSON_Delete(json);
}

struct output {
    struct bt_buf text;
    const struct bt_show *show;
};

static int take(void *context, size_t track, const struct bt_slot *slot)
{
    struct output *output = context;
    return bt_plan_write_line(&output->text, output->show, track, slot);
}

static void compare(const char *path, const struct bt_buf *made)
{
    struct bt_error err;
    if (getenv("BT_GOLDEN_WRITE") != NULL) {
        assert_int_equal(bt_file_replace(path, made->data, made->len, &err), 0);
        return;
    }
    BT_AUTOBUF wanted;
    bt_buf_init(&wanted, MAX_BYTES);
    if (bt_file_read(path, &wanted, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    if (strcmp(bt_buf_text(&wanted), bt_buf_text(made)) != 0) {
        size_t line = 1, i = 0;
        for (; wanted.data[i] != '\0' && wanted.data[i] == made->data[i]; i++) {
            line += wanted.data[i] == '\n';
        }
        fail_msg("%s differs in line %zu; made:\n%s", path, line, made->data);
    }
}

static void run_case(const char *directory, const char *name)
{
    char path[512], expected[512];
    assert_int_equal(bt_format(path, sizeof(path), "%s/%s.json", directory, name), 0);
    assert_int_equal(bt_format(expected, sizeof(expected), "%s/%s.jsonl", directory, name), 0);
    struct golden golden = {0};
    load_case(path, &golden);
    BT_AUTO(bt_show) show = golden.show;
    struct output output = {.show = show};
    bt_buf_init(&output.text, MAX_BYTES);
    assert_int_equal(bt_plan_run(show, golden.from, golden.until_ns, take, &output), 0);
    compare(expected, &output.text);
    bt_buf_finish(&output.text);
}

static void plans_are_the_ones_on_file(void **state)
{
    (void)state;
    const char *root = getenv("BT_SOURCE_ROOT");
    BT_AUTOFREE char *directory = bt_strf("%s/playlists/golden", root != NULL ? root : ".");
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    int cases = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (bt_str_ends(entry->d_name, ".json")) {
            BT_AUTOFREE char *name = bt_strndup(entry->d_name, strlen(entry->d_name) - 5);
            run_case(directory, name);
            cases++;
        }
    }
    closedir(dir);
    assert_true(cases > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_the_ones_on_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
