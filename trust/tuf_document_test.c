#include "trust/tuf_document.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static int read(const char *text, const char *type, struct bt_tuf_document **out)
{
    struct bt_error err = {""};
    int r = bt_tuf_document_read(text, strlen(text), type, out, &err);
    assert_true((r < 0) == (err.msg[0] != '\0'));
    return r;
}

#define COMMON "\"spec_version\":\"1.0.31\",\"version\":7,\"expires\":\"2027-01-01T00:00:00Z\""
#define ROLE "{\"keyids\":[],\"threshold\":1}"
#define ROLES                                                                                      \
    "{\"root\":" ROLE ",\"timestamp\":" ROLE ",\"snapshot\":" ROLE ",\"targets\":" ROLE "}"

static const struct {
    const char *type, *rest;
} good[] = {
    {"root", "\"keys\":{},\"roles\":" ROLES},
    {"root", "\"consistent_snapshot\":true,\"keys\":{},\"roles\":" ROLES},
    {"timestamp", "\"meta\":{\"snapshot.json\":{\"version\":1}}"},
    {"timestamp", "\"meta\":{\"snapshot.json\":{\"version\":1,\"length\":0,\"hashes\":"
                  "{\"md5\":\"x\"}}},\"x-audit-head\":\"00\""},
    {"snapshot", "\"meta\":{}"},
    {"targets", "\"targets\":{}"},
    {"targets", "\"targets\":{\"a\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"},\"custom\":{}}}"},
    {"targets", "\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":[]}"},
    {"targets", "\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":[{\"name\":\"a\",\"keyids\":"
                "[],\"threshold\":1,\"terminating\":true,\"paths\":[]}]}"},
};

static void good_documents_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        BT_AUTO(bt_tuf_document) document = NULL;
        BT_AUTOFREE char *text =
            bt_strf("{\"signed\":{\"_type\":\"%s\"," COMMON ",%s},\"signatures\":[]}", good[i].type,
                    good[i].rest);
        assert_int_equal(read(text, good[i].type, &document), 0);
        assert_int_equal(document->version, 7);
        assert_int_equal(document->expires_ms, INT64_C(1798761600000));
        assert_string_equal(bt_buf_text(&document->text), text);
    }
}

static void a_document_is_of_one_type(void **state)
{
    static const char *const types[] = {"root", "timestamp", "snapshot", "targets", "mirrors"};
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        BT_AUTOFREE char *text =
            bt_strf("{\"signed\":{\"_type\":\"%s\"," COMMON ",%s},\"signatures\":[]}", good[i].type,
                    good[i].rest);
        for (size_t j = 0; j < BT_ARRAY_LEN(types); j++) {
            BT_AUTO(bt_tuf_document) document = NULL;
            bool same = strcmp(types[j], good[i].type) == 0;
            assert_int_equal(read(text, types[j], &document), same ? 0 : -EINVAL);
        }
    }
}

static void what_every_document_needs(void **state)
{
    static const char *const heads[] = {
        "\"version\":1,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":1,\"version\":1,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1\",\"version\":1,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1.x\",\"version\":1,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"10.0\",\"version\":1,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"2.0.0\",\"version\":1,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1.0.31\",\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1.0.31\",\"version\":0,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1.0.31\",\"version\":\"1\",\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1.0.31\",\"version\":1.5,\"expires\":\"2027-01-01T00:00:00Z\"",
        "\"spec_version\":\"1.0.31\",\"version\":1",
        "\"spec_version\":\"1.0.31\",\"version\":1,\"expires\":1",
        "\"spec_version\":\"1.0.31\",\"version\":1,\"expires\":\"2027-01-01\"",
        "\"spec_version\":\"1.0.31\",\"version\":1,\"expires\":\"2027-01-01T00:00:00+07:00\"",
        "\"spec_version\":\"1.0.31\",\"version\":1,\"expires\":\"2027-02-30T00:00:00Z\"",
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(heads); i++) {
        BT_AUTO(bt_tuf_document) document = NULL;
        BT_AUTOFREE char *text =
            bt_strf("{\"signed\":{\"_type\":\"snapshot\",%s,\"meta\":{}}}", heads[i]);
        assert_int_equal(read(text, "snapshot", &document), -EINVAL);
        assert_null(document);
    }
    BT_AUTO(bt_tuf_document) document = NULL;
    assert_int_equal(read("[]", "root", &document), -EINVAL);
    assert_int_equal(read("{}", "root", &document), -EINVAL);
    assert_int_equal(read("{\"signed\":1}", "root", &document), -EINVAL);
    assert_int_equal(read("", "root", &document), -EINVAL);
}

static void what_each_type_needs(void **state)
{
    static const struct {
        const char *type, *rest;
    } refused[] = {
        {"root", "\"roles\":" ROLES},
        {"root", "\"keys\":{}"},
        {"root", "\"keys\":{},\"roles\":[]"},
        {"root",
         "\"keys\":{},\"roles\":{\"root\":" ROLE ",\"timestamp\":" ROLE ",\"snapshot\":" ROLE "}"},
        {"root", "\"consistent_snapshot\":1,\"keys\":{},\"roles\":" ROLES},
        {"timestamp", "\"meta\":{}"},
        {"timestamp", "\"meta\":[]"},
        {"timestamp", "\"meta\":{\"snapshot.json\":{}}"},
        {"timestamp", "\"meta\":{\"snapshot.json\":{\"version\":0}}"},
        {"snapshot", "\"x\":1"},
        {"snapshot", "\"meta\":{\"a.json\":1}"},
        {"snapshot", "\"meta\":{\"a.json\":{\"version\":1,\"length\":-1}}"},
        {"snapshot", "\"meta\":{\"a.json\":{\"version\":1,\"length\":\"1\"}}"},
        {"snapshot", "\"meta\":{\"a.json\":{\"version\":1,\"hashes\":{}}}"},
        {"snapshot", "\"meta\":{\"a.json\":{\"version\":1,\"hashes\":{\"sha256\":1}}}"},
        {"targets", "\"x\":1"},
        {"targets", "\"targets\":[]"},
        {"targets", "\"targets\":{\"a\":{\"length\":1}}"},
        {"targets", "\"targets\":{\"a\":{\"hashes\":{\"sha256\":\"\"}}}"},
        {"targets", "\"targets\":{},\"delegations\":[]"},
        {"targets", "\"targets\":{},\"delegations\":{\"roles\":[]}"},
        {"targets", "\"targets\":{},\"delegations\":{\"keys\":{}}"},
        {"targets", "\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":[{}]}"},
        {"targets", "\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":["
                    "{\"name\":\"a\",\"terminating\":true,\"paths\":[]},"
                    "{\"name\":\"a\",\"terminating\":true,\"paths\":[]}]}"},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(refused); i++) {
        BT_AUTO(bt_tuf_document) document = NULL;
        BT_AUTOFREE char *text = bt_strf("{\"signed\":{\"_type\":\"%s\"," COMMON ",%s}}",
                                         refused[i].type, refused[i].rest);
        if (read(text, refused[i].type, &document) != -EINVAL) {
            fail_msg("%s", text);
        }
    }
}

static int check(int64_t length, const char *hashes, const char *bytes)
{
    BT_AUTOJSON *json = hashes != NULL ? cJSON_Parse(hashes) : NULL;
    const struct bt_tuf_file file = {.version = 1, .length = length, .hashes = json};
    return bt_tuf_file_check(&file, bytes, strlen(bytes), NULL);
}

#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA512_ABC                                                                                 \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe" \
    "ebbd454d4423643ce80e2a9ac94fa54ca49f"

static void files_are_checked_by_all_that_is_said(void **state)
{
    (void)state;
    assert_int_equal(check(-1, NULL, "abc"), 0);
    assert_int_equal(check(3, NULL, "abc"), 0);
    assert_int_equal(check(2, NULL, "abc"), -EBADMSG);
    assert_int_equal(check(4, NULL, "abc"), -EBADMSG);
    assert_int_equal(check(-1, "{\"sha256\":\"" SHA256_ABC "\"}", "abc"), 0);
    assert_int_equal(check(-1, "{\"sha256\":\"" SHA256_ABC "\"}", "abd"), -EBADMSG);
    assert_int_equal(check(-1, "{\"sha512\":\"" SHA512_ABC "\"}", "abc"), 0);
    assert_int_equal(check(-1, "{\"sha256\":\"" SHA256_ABC "\",\"sha512\":\"00\"}", "abc"),
                     -EBADMSG);
    assert_int_equal(check(-1, "{\"blake3\":\"00\",\"sha256\":\"" SHA256_ABC "\"}", "abc"), 0);
    assert_int_equal(check(-1, "{\"md5\":\"900150983cd24fb0d6963f7d28e17f72\"}", "abc"), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents_are_read),
        cmocka_unit_test(a_document_is_of_one_type),
        cmocka_unit_test(what_every_document_needs),
        cmocka_unit_test(what_each_type_needs),
        cmocka_unit_test(files_are_checked_by_all_that_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
