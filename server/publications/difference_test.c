#include "server/publications/difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define BEFORE                                                                                     \
    "{'format':1,'id':'u','version':1,'title':'A',"                                                \
    "'assets':[{'name':'x','sha256':'11','size':5,'type':'image/png'}],"                           \
    "'playlists':[{'name':'p','items':[{'id':'a','type':'image','asset':'x','seconds':5},"         \
    "{'id':'b','type':'text','title':'B','text':'mot','seconds':5}]}]}"

// What differs from BEFORE, each as it is told.
static const struct step {
    const char *after, *told;
} steps[] = {
    // Nothing but the version.
    {"{'format':1,'id':'u','version':2,'title':'A',"
     "'assets':[{'name':'x','sha256':'11','size':5,'type':'image/png'}],"
     "'playlists':[{'name':'p','items':[{'id':'a','type':'image','asset':'x','seconds':5},"
     "{'id':'b','type':'text','title':'B','text':'mot','seconds':5}]}]}",
     "{'items':[],'assets':[],'parts':[]}"},
    // The same file under another name is another item, but no other file.
    {"{'format':1,'id':'u','version':2,'title':'A',"
     "'assets':[{'name':'y','sha256':'11','size':5,'type':'image/png'}],"
     "'playlists':[{'name':'p','items':[{'id':'a','type':'image','asset':'y','seconds':5},"
     "{'id':'b','type':'text','title':'B','text':'mot','seconds':5}]}]}",
     "{'items':[{'playlist':'p','id':'a','type':'image','change':'changed','assets':['11']}],"
     "'assets':[],'parts':[]}"},
    // Another file under the same name.
    {"{'format':1,'id':'u','version':2,'title':'A',"
     "'assets':[{'name':'x','sha256':'22','size':6,'type':'image/png'}],"
     "'playlists':[{'name':'p','items':[{'id':'a','type':'image','asset':'x','seconds':5},"
     "{'id':'b','type':'text','title':'B','text':'mot','seconds':5}]}]}",
     "{'items':[{'playlist':'p','id':'a','type':'image','change':'changed','assets':['22']}],"
     "'assets':[{'sha256':'22','size':6,'type':'image/png','change':'added'},"
     "{'sha256':'11','size':5,'type':'image/png','change':'removed'}],'parts':[]}"},
    // One goes, one comes, one changes its text; the title, too.
    {"{'format':1,'id':'u','version':2,'title':'Z',"
     "'playlists':[{'name':'p','items':[{'id':'c','type':'clock'},"
     "{'id':'b','type':'text','title':'B','text':'hai','seconds':5}]}]}",
     "{'items':[{'playlist':'p','id':'c','type':'clock','change':'added','assets':[]},"
     "{'playlist':'p','id':'b','type':'text','title':'B','change':'changed','assets':[]},"
     "{'playlist':'p','id':'a','type':'image','change':'removed','assets':['11']}],"
     "'assets':[{'sha256':'11','size':5,'type':'image/png','change':'removed'}],"
     "'parts':['title','playlists']}"},
    // Another order.
    {"{'format':1,'id':'u','version':2,'title':'A',"
     "'assets':[{'name':'x','sha256':'11','size':5,'type':'image/png'}],"
     "'playlists':[{'name':'p','items':["
     "{'id':'b','type':'text','title':'B','text':'mot','seconds':5},"
     "{'id':'a','type':'image','asset':'x','seconds':5}]}]}",
     "{'items':[],'assets':[],'parts':['playlists']}"},
    // A part that was not there, one that is no more.
    {"{'format':1,'id':'u','version':2,'lifts':['t-1'],"
     "'assets':[{'name':'x','sha256':'11','size':5,'type':'image/png'}],"
     "'playlists':[{'name':'p','items':[{'id':'a','type':'image','asset':'x','seconds':5},"
     "{'id':'b','type':'text','title':'B','text':'mot','seconds':5}]}]}",
     "{'items':[],'assets':[],'parts':['lifts','title']}"},
};

static cJSON *parse(const char *quoted)
{
    char text[2048];
    size_t len = strlen(quoted);
    assert_true(len < sizeof(text));
    for (size_t i = 0; i <= len; i++) {
        text[i] = quoted[i] == '\'' ? '"' : quoted[i];
    }
    cJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, len, &json, NULL), 0);
    return json;
}

static void assert_told(const cJSON *present, const cJSON *proposed, const char *told)
{
    BT_AUTOJSON *difference = bt_difference(present, proposed);
    BT_AUTOJSON *wanted = parse(told);
    char *is = cJSON_PrintUnformatted(difference), *should_be = cJSON_PrintUnformatted(wanted);
    assert_string_equal(is, should_be);
    free(is);
    free(should_be);
}

static void what_differs_is_told(void **state)
{
    (void)state;
    BT_AUTOJSON *before = parse(BEFORE);
    for (size_t i = 0; i < BT_ARRAY_LEN(steps); i++) {
        BT_AUTOJSON *after = parse(steps[i].after);
        assert_told(before, after, steps[i].told);
    }
}

static void a_first_version_is_all_new(void **state)
{
    (void)state;
    BT_AUTOJSON *first = parse(BEFORE);
    BT_AUTOJSON *difference = bt_difference(NULL, first);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(difference, "items")), 2);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(difference, "assets")), 1);
    const cJSON *parts = cJSON_GetObjectItemCaseSensitive(difference, "parts");
    assert_int_equal(cJSON_GetArraySize(parts), 4);  // format, id, title, playlists
}

static void a_last_version_is_all_gone(void **state)
{
    (void)state;
    BT_AUTOJSON *last = parse(BEFORE);
    BT_AUTOJSON *difference = bt_difference(last, NULL);
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(difference, "items");
    assert_int_equal(cJSON_GetArraySize(items), 2);
    for (const cJSON *item = items->child; item != NULL; item = item->next) {
        const cJSON *change = cJSON_GetObjectItemCaseSensitive(item, "change");
        assert_string_equal(change->valuestring, "removed");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_told),
        cmocka_unit_test(a_first_version_is_all_new),
        cmocka_unit_test(a_last_version_is_all_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
