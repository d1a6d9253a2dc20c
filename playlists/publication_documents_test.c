// The documents that stand beside this file: examples/ are read, those of publication_refused.json
// are refused with their sentence. tests/publication_schema.py asks the JSON Schema the same.
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "playlists/show.h"

static char *project_path(const char *rest)
{
    const char *root = getenv("BT_SOURCE_ROOT");
    return bt_strf("%s/%s", root != NULL ? root : ".", rest);
}

static cJSON *load_json(const char *rest)
{
    BT_AUTOFREE char *path = project_path(rest);
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    struct bt_error err = {0};
    cJSON *json = NULL;
    if (bt_file_read(path, &text, &err) < 0 ||
        bt_json_parse(bt_buf_text(&text), text.len, &json, &err) < 0) {
        fail_msg("%s: %s", path, err.msg);
    }
    return json;
}

static cJSON *merged(const cJSON *base, const cJSON *members)
{
    cJSON *object = cJSON_Duplicate(base, true);
    for (const cJSON *member = members->child; member != NULL; member = member->next) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, member->string);
        cJSON_AddItemToObject(object, member->string, cJSON_Duplicate(member, true));
    }
    return object;
}

// A template with its '@' filled; see "about" in the file.
static cJSON *filled(const cJSON *template, const cJSON *value)
{
    if (cJSON_IsString(template) && strcmp(template->valuestring, "@") == 0) {
        return cJSON_Duplicate(value, true);
    }
    const cJSON *base = cJSON_GetObjectItemCaseSensitive(template, "@");
    if (cJSON_IsObject(base)) {
        return merged(base, value);
    }
    if (template->child == NULL) {
        return cJSON_Duplicate(template, true);
    }
    cJSON *copy = cJSON_IsArray(template) ? cJSON_CreateArray() : cJSON_CreateObject();
    for (const cJSON *part = template->child; part != NULL; part = part->next) {
        if (cJSON_IsArray(template)) {
            cJSON_AddItemToArray(copy, filled(part, value));
        } else {
            cJSON_AddItemToObject(copy, part->string, filled(part, value));
        }
    }
    return copy;
}

static bool is_refused_as_said(const cJSON *templates, const cJSON *test)
{
    const cJSON *value = test->child;
    const char *wanted = cJSON_GetStringValue(cJSON_GetObjectItem(test, "message"));
    BT_AUTOJSON *document =
        filled(cJSON_GetObjectItemCaseSensitive(templates, value->string), value);
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(document);
    struct bt_publication *pub = NULL;
    struct bt_error err = {0};
    int r = bt_publication_parse(text, strlen(text), BT_UNKNOWN_REFUSE, &pub, &err);
    if (r < 0 && pub == NULL && strcmp(err.msg, wanted) == 0) {
        return true;
    }
    bt_publication_destroy(pub);
    print_error("%s\n  said:   %s\n  wanted: %s\n", text, err.msg, wanted);
    return false;
}

static void broken_documents_are_refused_with_their_sentence(void **state)
{
    (void)state;
    BT_AUTOJSON *file = load_json("playlists/publication_refused.json");
    const cJSON *templates = cJSON_GetObjectItem(file, "templates");
    const cJSON *cases = cJSON_GetObjectItem(file, "cases");
    int wrong = 0;
    assert_true(cJSON_GetArraySize(cases) > 100);
    for (const cJSON *test = cases->child; test != NULL; test = test->next) {
        wrong += !is_refused_as_said(templates, test);
    }
    assert_int_equal(wrong, 0);
}

static struct bt_publication *load_example(const char *name)
{
    BT_AUTOFREE char *rest = bt_strf("playlists/examples/%s", name);
    BT_AUTOFREE char *path = project_path(rest);
    struct bt_publication *pub = NULL;
    struct bt_error err = {0};
    if (bt_publication_load(path, BT_UNKNOWN_REFUSE, &pub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return pub;
}

static void every_example_is_read_without_unknown_keys(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = project_path("playlists/examples");
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int count = 0;
    // One thread, and the only user of this stream.
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (bt_str_ends(entry->d_name, ".json")) {
            bt_publication_destroy(load_example(entry->d_name));
            count++;
        }
    }
    closedir(dir);
    assert_true(count >= 7);
}

static void the_layers_among_the_examples_fit_together(void **state)
{
    (void)state;
    struct bt_publication *layers[] = {
        load_example("man-hinh.json"),
        load_example("bat-buoc-cua-tinh.json"),
        load_example("khan-cap.json"),
    };
    struct bt_error err = {0};
    BT_AUTO(bt_show) show = NULL;
    if (bt_show_create(layers, BT_ARRAY_LEN(layers), bt_tz_create_fixed(7 * 3600), &show, &err) <
        0) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(bt_show_notices(show), "");
}

// Cut anywhere, a document is refused and leaves nothing behind (the sanitizers look).
static void a_document_cut_anywhere_is_refused(void **state)
{
    (void)state;
    BT_AUTOJSON *json = load_json("playlists/examples/chien-dich.json");
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(json);
    for (size_t len = 0, full = strlen(text); len < full; len++) {
        struct bt_publication *pub = NULL;
        struct bt_error err = {0};
        assert_int_equal(bt_publication_parse(text, len, BT_UNKNOWN_IGNORE, &pub, &err), -EINVAL);
        assert_null(pub);
    }
}

struct place {
    cJSON *container, *value;
};

// The n-th value of the tree in the order of the text.
static bool find_place(cJSON *container, size_t *n, struct place *out)
{
    for (cJSON *value = container->child; value != NULL; value = value->next) {
        if ((*n)-- == 0) {
            *out = (struct place){container, value};
            return true;
        }
        if (find_place(value, n, out)) {
            return true;
        }
    }
    return false;
}

static void read_twice(const char *text)
{
    BT_AUTO(bt_publication) pub = NULL;
    BT_AUTO(bt_publication) again = NULL;
    struct bt_error err = {0}, same = {0};
    int r = bt_publication_parse(text, strlen(text), BT_UNKNOWN_REFUSE, &pub, &err);
    int s = bt_publication_parse(text, strlen(text), BT_UNKNOWN_REFUSE, &again, &same);
    assert_int_equal(r, s);
    assert_string_equal(err.msg, same.msg);
    assert_int_equal(pub == NULL, r < 0);
    assert_int_equal(err.msg[0] != '\0', r < 0);
}

// With any one value gone or replaced, a document is read or refused, the same way each time.
static void a_document_without_any_one_value_is_read_or_refused(void **state)
{
    (void)state;
    BT_AUTOJSON *json = load_json("playlists/examples/chien-dich.json");
    for (size_t i = 0;; i++) {
        BT_AUTOJSON *less = cJSON_Duplicate(json, true);
        BT_AUTOJSON *other = cJSON_Duplicate(json, true);
        size_t n = i, m = i;
        struct place place;
        if (!find_place(less, &n, &place)) {
            assert_true(i > 100);
            return;
        }
        cJSON_Delete(cJSON_DetachItemViaPointer(place.container, place.value));
        BT_AUTOFREE char *text = cJSON_PrintUnformatted(less);
        read_twice(text);
        assert_true(find_place(other, &m, &place));
        cJSON *null = cJSON_CreateNull();
        null->string = place.value->string != NULL ? bt_strdup(place.value->string) : NULL;
        cJSON_ReplaceItemViaPointer(place.container, place.value, null);
        BT_AUTOFREE char *with_null = cJSON_PrintUnformatted(other);
        read_twice(with_null);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_documents_are_refused_with_their_sentence),
        cmocka_unit_test(every_example_is_read_without_unknown_keys),
        cmocka_unit_test(the_layers_among_the_examples_fit_together),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(a_document_without_any_one_value_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
