#include "base/hatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

// A machine that does much else, with sanitizers.
#define LONG_NS (180 * BT_NS_PER_S)
#define SHORT_NS (300 * BT_NS_PER_MS)

static const struct bt_hatch_job drawing = {
    .magic = BT_HATCH_MAGIC, .what = BT_HATCH_DRAW, .width = 30, .height = 20};

static int64_t in(int64_t ns)
{
    return bt_clock_mono_ns(bt_clock_real()) + ns;
}

// Somebody behind a hatch, and how they behave.
struct house {
    char dir[64], path[128];
    int listening;
    int turned_away;            // so many are hung up on first
    struct bt_hatch_word word;  // said to the next
    int heard_width;            // of the job
    char text[16];              // of the file
    pthread_t thread;
};

static void *receive(void *context)
{
    struct house *house = context;
    for (int i = 0; i < house->turned_away; i++) {
        close(accept(house->listening, NULL, NULL));
    }
    BT_AUTOCLOSE int hatch = accept(house->listening, NULL, NULL);
    struct bt_hatch_job job;
    BT_AUTOCLOSE int file = -1;
    if (bt_hatch_take(hatch, &job, &file, NULL) == 0) {
        house->heard_width = job.width;
        ssize_t got = read(file, house->text, sizeof(house->text) - 1);
        house->text[BT_MAX(got, (ssize_t)0)] = '\0';
        assert_int_equal(bt_hatch_say(hatch, &house->word, sizeof(house->word)), 0);
        (void)!bt_hatch_say(hatch, "bytes", 5);  // who did not like the word has gone
    }
    return NULL;
}

static void build(struct house *house)
{
    bt_copy_cut(house->dir, sizeof(house->dir), "/tmp/bt-hatch-XXXXXX");
    assert_non_null(mkdtemp(house->dir));
    assert_int_equal(bt_format(house->path, sizeof(house->path), "%s/socket", house->dir), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bt_copy_cut(address.sun_path, sizeof(address.sun_path), house->path);
    house->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(house->listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(house->listening, 8), 0);
}

static void tear_down(struct house *house)
{
    close(house->listening);
    unlink(house->path);
    rmdir(house->dir);
}

static int file_with(const char *text)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static int open_at(struct house *house, int64_t patience_ns, int *out)
{
    BT_AUTOCLOSE int file = file_with("content");
    return bt_hatch_open(house->path, &drawing, file, in(patience_ns), out, NULL);
}

static int visit(struct house *house, int *out)
{
    build(house);
    assert_int_equal(pthread_create(&house->thread, NULL, receive, house), 0);
    int r = open_at(house, LONG_NS, out);
    assert_int_equal(pthread_join(house->thread, NULL), 0);
    tear_down(house);
    return r;
}

static void a_file_is_handed_in_and_bytes_come_back(void **state)
{
    (void)state;
    struct house house = {.word = {BT_HATCH_MAGIC, 0}};
    BT_AUTOCLOSE int hatch = -1;
    char bytes[6] = "";
    assert_int_equal(visit(&house, &hatch), 0);
    assert_int_equal(house.heard_width, 30);
    assert_string_equal(house.text, "content");
    assert_int_equal(bt_hatch_hear(hatch, bytes, 5, in(LONG_NS)), 0);
    assert_string_equal(bytes, "bytes");
    assert_int_equal(bt_hatch_hear(hatch, bytes, 1, in(LONG_NS)), -EPIPE);
}

// The service manager does so when it has enough to do.
static void who_is_turned_away_comes_again(void **state)
{
    (void)state;
    struct house house = {.turned_away = 3, .word = {BT_HATCH_MAGIC, 0}};
    BT_AUTOCLOSE int hatch = -1;
    assert_int_equal(visit(&house, &hatch), 0);
    assert_string_equal(house.text, "content");
}

static void other_words_are_errors(void **state)
{
    (void)state;
    static const struct {
        struct bt_hatch_word word;
        int result;
    } cases[] = {
        {{BT_HATCH_MAGIC, -EACCES}, -EREMOTEIO},
        {{BT_HATCH_MAGIC, 7}, -EREMOTEIO},
        {{BT_HATCH_MAGIC, INT32_MIN}, -EREMOTEIO},
        {{0, 0}, -EPROTO},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct house house = {.word = cases[i].word};
        int hatch = -1;
        assert_int_equal(visit(&house, &hatch), cases[i].result);
        assert_int_equal(hatch, -1);
    }
}

static void where_nobody_is_there_another_way_is_taken(void **state)
{
    (void)state;
    struct house house = {0};
    int hatch = -1;
    build(&house);
    close(house.listening);
    house.listening = -1;
    int r = open_at(&house, LONG_NS, &hatch);
    assert_int_equal(r, -ECONNREFUSED);
    assert_true(bt_hatch_is_absent(r));
    unlink(house.path);
    r = open_at(&house, LONG_NS, &hatch);
    assert_int_equal(r, -ENOENT);
    assert_true(bt_hatch_is_absent(r));
    tear_down(&house);
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    struct house house = {0};
    int hatch = -1;
    build(&house);  // it listens, and nobody ever answers
    int r = open_at(&house, SHORT_NS, &hatch);
    assert_int_equal(r, -EBUSY);
    assert_false(bt_hatch_is_absent(r));
    tear_down(&house);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    char byte;
    assert_int_equal(bt_hatch_hear(ends[0], &byte, 1, in(SHORT_NS)), -ETIMEDOUT);
    close(ends[0]);
    close(ends[1]);
}

// As bt_hatch_open would not: any bytes, any number of files.
static void push(int socket, const void *bytes, size_t len, int files)
{
    BT_AUTOCLOSE int file = file_with("x");
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr header;
    } control = {0};
    BT_AUTOFREE void *copy = malloc(len);  // allow: exact size wanted
    memcpy(copy, bytes, len);
    struct iovec part = {.iov_base = copy, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (files > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE((size_t)files * sizeof(int));
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)files * sizeof(int)),
                                          .cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS};
        for (int i = 0; i < files; i++) {
            memcpy(CMSG_DATA(&control.header) + (size_t)i * sizeof(int), &file, sizeof(file));
        }
    }
    assert_int_equal(sendmsg(socket, &message, MSG_NOSIGNAL), (ssize_t)len);
}

static void what_is_no_job_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct bt_hatch_job job;
        size_t len;
        int files, result;
    } cases[] = {
        {{BT_HATCH_MAGIC, BT_HATCH_INSPECT, 0, 0}, 16, 1, 0},
        {{BT_HATCH_MAGIC, BT_HATCH_DRAW, 16384, 16384}, 16, 1, 0},
        {{BT_HATCH_MAGIC, BT_HATCH_INSPECT, 0, 0}, 16, 0, -EBADMSG},
        {{BT_HATCH_MAGIC, BT_HATCH_INSPECT, 0, 0}, 16, 2, -EBADMSG},
        {{BT_HATCH_MAGIC, BT_HATCH_INSPECT, 0, 0}, 16, 8, -EBADMSG},
        {{BT_HATCH_MAGIC, BT_HATCH_INSPECT, 0, 0}, 15, 1, -EBADMSG},
        {{BT_HATCH_MAGIC, 0, 0, 0}, 16, 1, -EBADMSG},
        {{BT_HATCH_MAGIC, 3, 0, 0}, 16, 1, -EBADMSG},
        {{BT_HATCH_MAGIC + 1, BT_HATCH_INSPECT, 0, 0}, 16, 1, -EBADMSG},
        {{BT_HATCH_MAGIC, BT_HATCH_DRAW, 16385, 1}, 16, 1, -EBADMSG},
        {{BT_HATCH_MAGIC, BT_HATCH_DRAW, 1, -1}, 16, 1, -EBADMSG},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        int ends[2], file = -1;
        struct bt_hatch_job job;
        struct bt_error err = {0};
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        push(ends[0], &cases[i].job, cases[i].len, cases[i].files);
        int r = bt_hatch_take(ends[1], &job, &file, &err);
        if (r != cases[i].result) {
            fail_msg("case %zu: %d (%s)", i, r, err.msg);
        }
        assert_int_equal(file >= 0, r == 0);
        bt_close_auto(&file);
        close(ends[0]);
        close(ends[1]);
    }
}

static void where_the_workshop_is_can_be_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
        bool required;
        int result;
    } cases[] = {
        {NULL, BT_HATCH_INSTALLED, false, 0},
        {"own", NULL, false, 0},
        {"unix:/run/x", "/run/x", true, 0},
        {"", NULL, false, -EINVAL},
        {"unix:", NULL, false, -EINVAL},
        {"unix:relative", NULL, false, -EINVAL},
        {"/run/x", NULL, false, -EINVAL},
        {"unix:/01234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789012345678901234567",
         NULL, false, -EINVAL},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_hatch hatch = {0};
        struct bt_error err = {0};
        assert_int_equal(bt_hatch_read(cases[i].text, &hatch, &err), cases[i].result);
        assert_int_equal(hatch.required, cases[i].required);
        assert_int_equal(hatch.path == NULL, cases[i].path == NULL);
        if (cases[i].path != NULL) {
            assert_string_equal(hatch.path, cases[i].path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_handed_in_and_bytes_come_back),
        cmocka_unit_test(who_is_turned_away_comes_again),
        cmocka_unit_test(other_words_are_errors),
        cmocka_unit_test(where_nobody_is_there_another_way_is_taken),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(what_is_no_job_is_refused),
        cmocka_unit_test(where_the_workshop_is_can_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
