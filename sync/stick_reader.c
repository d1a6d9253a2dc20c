#include "sync/stick_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/stick_files.h"

// Two minutes a gigabyte is what anybody waits for.
#define BRISK_BYTES_PER_S (2 * 1024 * 1024)
#define BRISK_WINDOW_NS (2 * BT_NS_PER_S)

#define PATH_BYTES 512

const struct bt_stick_patience bt_stick_patience = {
    .step_ns = 20 * BT_NS_PER_S, .window_ns = 60 * BT_NS_PER_S, .bytes_per_s = 256 * 1024};

/*
 * What a question works on. A thread that is abandoned with its question takes it along.
 */
struct question {
    int folder, file;  // of the stick; -1: none
    char path[PATH_BYTES];
    int64_t at;   // READ
    int64_t max;  // READ: bytes; FIND: the most that a file may have
    int64_t size;
    size_t got;
    int r;
    struct bt_error err;
    char chunk[BT_STICK_CHUNK_BYTES];
};

// So many bytes in so much waiting.
struct pace {
    int64_t waited_ns, bytes;
};

struct bt_stick_reader {
    struct bt_stick_patience patience;
    const atomic_bool *stop;    // borrowed
    struct bt_gentle *gentle;   // owned; NULL: given up
    struct question *question;  // owned; NULL: given up
    struct pace pace, of_late;
    bool brisk;
};

static void close_file(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void let_go(void *context)
{
    struct question *question = context;
    close_file(&question->file);
    close_file(&question->folder);
    free(question);
}

/*
 * On the gentle thread; nothing is allocated there.
 */

static void open_stick(void *context)
{
    struct question *question = context;
    question->r = bt_stick_files_open(question->path, &question->folder, &question->err);
}

static void find(void *context)
{
    struct question *question = context;
    close_file(&question->file);
    question->r = bt_stick_files_find(question->folder, question->path, question->max,
                                      &question->file, &question->size, &question->err);
}

static void read_chunk(void *context)
{
    struct question *question = context;
    size_t len = (size_t)BT_MIN(question->max, (int64_t)BT_STICK_CHUNK_BYTES);
    ssize_t got;
    do {
        got = pread(question->file, question->chunk, len, question->at);
    } while (got < 0 && errno == EINTR);
    question->got = got < 0 ? 0 : (size_t)got;
    question->r =
        got < 0 ? bt_fail_errno(&question->err, "Cannot read '%.200s' of the stick", question->path)
                : 0;
    // It is read once; the memory is the clips'.
    posix_fadvise(question->file, 0, question->at + got, POSIX_FADV_DONTNEED);
}

static void open_list(void *context)
{
    struct question *question = context;
    close_file(&question->file);
    question->r = bt_stick_files_open_folder(question->folder, question->path, &question->file,
                                             &question->err);
}

// As the kernel gives them: a stream of the C library would be allocated here.
static void list_some(void *context)
{
    struct question *question = context;
    ssize_t got = getdents64(question->file, question->chunk, BT_STICK_CHUNK_BYTES);
    question->got = got < 0 ? 0 : (size_t)got;
    question->r =
        got < 0 ? bt_fail_errno(&question->err, "Cannot list '%.200s' of the stick", question->path)
                : 0;
}

/*
 * For the asker.
 */

static int give_up(struct bt_stick_reader *reader, int r, struct bt_error *err)
{
    bt_gentle_destroy(BT_TAKE(reader->gentle));
    if (reader->question != NULL) {
        let_go(BT_TAKE(reader->question));
    }
    return r == -ECANCELED ? bt_fail(err, r, "It is to stop")
                           : bt_fail(err, -ETIMEDOUT, "The stick does not answer in time");
}

// Notes what it gave; true when a while was too little.
static bool is_too_slow(struct bt_stick_reader *reader, int64_t waited_ns, int64_t bytes)
{
    struct pace *pace = &reader->pace, *of_late = &reader->of_late;
    of_late->waited_ns += waited_ns;
    of_late->bytes += bytes;
    if (of_late->waited_ns >= BRISK_WINDOW_NS) {
        reader->brisk = of_late->bytes / BRISK_BYTES_PER_S >= of_late->waited_ns / BT_NS_PER_S;
        *of_late = (struct pace){0};
    }
    pace->waited_ns += waited_ns;
    pace->bytes += bytes;
    if (pace->waited_ns < reader->patience.window_ns) {
        return false;
    }
    bool slow = (double)pace->bytes * BT_NS_PER_S / (double)pace->waited_ns <
                (double)reader->patience.bytes_per_s;
    *pace = (struct pace){0};
    return slow;
}

static int ask(struct bt_stick_reader *reader, bt_gentle_fn work, struct bt_error *err)
{
    struct question *question = reader->question;
    if (question == NULL) {
        return give_up(reader, -ETIMEDOUT, err);
    }
    int64_t kept_ns = bt_gentle_kept_ns(reader->gentle);
    int64_t begun_ns = bt_clock_mono_ns(bt_clock_real());
    question->got = 0;
    int r = bt_gentle_try(&reader->gentle, work, let_go, question, reader->patience.step_ns,
                          reader->stop);
    if (r < 0) {
        reader->question = NULL;
        return give_up(reader, r, err);
    }
    // A busy machine is not the stick's fault.
    int64_t waited_ns = bt_clock_mono_ns(bt_clock_real()) - begun_ns;
    kept_ns = bt_gentle_kept_ns(reader->gentle) - kept_ns;
    if (is_too_slow(reader, BT_MAX(waited_ns - kept_ns, (int64_t)1), (int64_t)question->got)) {
        return give_up(reader, -ETIMEDOUT, err);
    }
    if (question->r < 0 && err != NULL) {
        *err = question->err;
    }
    return question->r;
}

static int ask_for(struct bt_stick_reader *reader, const char *path, bt_gentle_fn work,
                   struct bt_error *err)
{
    int r =
        reader->question != NULL ? bt_format(reader->question->path, PATH_BYTES, "%s", path) : 0;
    return r < 0 ? bt_fail(err, -EINVAL, "'%.100s…' is too long", path) : ask(reader, work, err);
}

int bt_stick_reader_open(const char *path, const struct bt_stick_patience *patience,
                         const atomic_bool *stop, struct bt_stick_reader **out,
                         struct bt_error *err)
{
    BT_AUTO(bt_stick_reader) reader = BT_NEW(struct bt_stick_reader);
    *reader = (struct bt_stick_reader){.patience = *patience, .stop = stop, .brisk = true};
    reader->question = BT_NEW(struct question);
    reader->question->folder = -1;
    reader->question->file = -1;
    int r = bt_gentle_start(&reader->gentle, err);
    r = r < 0 ? r : ask_for(reader, path, open_stick, err);
    if (r == 0) {
        *out = BT_TAKE(reader);
    }
    return r;
}

void bt_stick_reader_destroy(struct bt_stick_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    bt_gentle_destroy(reader->gentle);
    if (reader->question != NULL) {
        let_go(reader->question);
    }
    free(reader);
}

// False when there is no room for more.
static bool append_names(const struct question *question, struct bt_buf *out)
{
    uint16_t len;
    for (size_t at = 0; at < question->got; at += len) {
        const char *name = question->chunk + at + offsetof(struct dirent64, d_name);
        memcpy(&len, question->chunk + at + offsetof(struct dirent64, d_reclen), sizeof(len));
        if (bt_buf_append(out, name, strlen(name) + 1) < 0) {
            return false;
        }
    }
    return true;
}

int bt_stick_reader_list(struct bt_stick_reader *reader, const char *folder, struct bt_buf *out,
                         struct bt_error *err)
{
    int r = ask_for(reader, folder, open_list, err);
    while (r == 0) {
        r = ask(reader, list_some, err);
        if (r == 0 && (reader->question->got == 0 || !append_names(reader->question, out))) {
            break;
        }
    }
    return r;
}

int bt_stick_reader_find(struct bt_stick_reader *reader, const char *path, int64_t max_bytes,
                         int64_t *out_size, struct bt_error *err)
{
    if (reader->question != NULL) {
        reader->question->max = max_bytes;
    }
    int r = ask_for(reader, path, find, err);
    if (r == 0) {
        *out_size = reader->question->size;
    }
    return r;
}

int bt_stick_reader_read(struct bt_stick_reader *reader, int64_t at, size_t len,
                         const char **out_bytes, size_t *out_got, struct bt_error *err)
{
    if (reader->question != NULL) {
        reader->question->at = at;
        reader->question->max = (int64_t)len;
    }
    int r = ask(reader, read_chunk, err);
    if (r == 0) {
        *out_bytes = reader->question->chunk;
        *out_got = reader->question->got;
    }
    return r;
}

int bt_stick_reader_read_all(struct bt_stick_reader *reader, const char *path, struct bt_buf *out,
                             struct bt_error *err)
{
    int64_t size;
    size_t got = 1, begun = out->len;
    int r = bt_stick_reader_find(reader, path, (int64_t)(out->limit - out->len), &size, err);
    while (r == 0 && got > 0) {
        const char *bytes;
        r = bt_stick_reader_read(reader, (int64_t)(out->len - begun), BT_STICK_CHUNK_BYTES, &bytes,
                                 &got, err);
        if (r == 0 && bt_buf_append(out, bytes, got) < 0) {
            r = bt_fail(err, -EMSGSIZE, "'%.200s' of the stick is too long", path);
        }
    }
    return r;
}

bool bt_stick_reader_is_brisk(const struct bt_stick_reader *reader)
{
    return reader->brisk;
}
