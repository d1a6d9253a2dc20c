// The examples of the specification's page, and what goes into a query.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/media/sigv4.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MAY_24_2013_MS 1369353600000LL

static const struct bt_sigv4_key example = {.access = "AKIAIOSFODNN7EXAMPLE",
                                            .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                            .region = "us-east-1"};

static const struct {
    const char *query, *signature;
} vectors[] = {
    {"lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void the_examples_of_the_specification_come_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(vectors); i++) {
        char date[BT_SIGV4_DATE_BYTES], authorization[BT_SIGV4_AUTHORIZATION_BYTES];
        const struct bt_sigv4_request request = {.method = "GET",
                                                 .host = "examplebucket.s3.amazonaws.com",
                                                 .path = "/",
                                                 .query = vectors[i].query,
                                                 .payload_sha256 = EMPTY_SHA256,
                                                 .at_ms = MAY_24_2013_MS};
        assert_int_equal(bt_sigv4_sign(&example, &request, date, authorization, NULL), 0);
        assert_string_equal(date, "20130524T000000Z");
        assert_true(bt_str_starts(authorization,
                                  "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/"
                                  "us-east-1/s3/aws4_request,SignedHeaders=host;"));
        assert_true(bt_str_ends(authorization, vectors[i].signature));
        assert_null(strstr(authorization, example.secret));
    }
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char date[BT_SIGV4_DATE_BYTES], authorization[BT_SIGV4_AUTHORIZATION_BYTES];
    char path[9000];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    struct bt_error err = {0};
    const struct bt_sigv4_request request = {
        .method = "GET", .host = "h", .path = path, .query = "", .payload_sha256 = EMPTY_SHA256};
    assert_int_equal(bt_sigv4_sign(&example, &request, date, authorization, &err), -EMSGSIZE);
    assert_true(err.msg[0] != '\0');
}

static void a_query_is_encoded(void **state)
{
    (void)state;
    BT_AUTOBUF out;
    bt_buf_init(&out, 64);
    assert_int_equal(bt_sigv4_encode("a/b c+\xC3\xA9~.-_=", &out), 0);
    assert_string_equal(out.data, "a%2Fb%20c%2B%C3%A9~.-_%3D");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_specification_come_out),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(a_query_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
