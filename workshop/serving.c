#include "workshop/serving.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hatch.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/str.h"

#define CHUNK_BYTES 65536
#define KILLED 128  // as a shell says it: and the number of the signal

// The file is the child's standard input, by this name where a path is wanted.
static const char standard_input[] = "/proc/self/fd/0";

static int start(char *const *words, int input, int output, pid_t *out, struct bt_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    r = r != 0 ? r : posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    char language[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {language, NULL};
    r = r != 0 ? r : posix_spawn(out, words[0], &actions, NULL, words, environment);
    posix_spawn_file_actions_destroy(&actions);
    errno = r;
    return r == 0 ? 0 : bt_fail_errno(err, "Cannot start '%s'", words[0]);
}

// The child's exit status. It is killed when the client no longer wants to know.
static int wait_for(pid_t pid, int hatch)
{
    BT_AUTOCLOSE int pidfd = pidfd_open(pid, 0);
    struct pollfd waiting[] = {{.fd = pidfd, .events = POLLIN}, {.fd = hatch, .events = POLLRDHUP}};
    int r;
    do {
        r = pidfd < 0 ? -1 : poll(waiting, BT_ARRAY_LEN(waiting), -1);
    } while (r < 0 && pidfd >= 0 && errno == EINTR);
    if (r < 0 || waiting[0].revents == 0) {
        kill(pid, SIGKILL);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status);
}

static int draw(int hatch, const struct bt_hatch_job *job, int file, struct bt_error *err)
{
    BT_AUTOFREE char *program = bt_program_path("bangtin-media", "workshop");
    BT_AUTOFREE char *across = bt_strf("%d", job->width);
    BT_AUTOFREE char *down = bt_strf("%d", job->height);
    char verb[] = "draw", end[] = "--", input[] = "-";
    char *const words[] = {program, verb, across, down, end, input, NULL};
    pid_t pid;
    int r = start(words, file, hatch, &pid, err);
    if (r == 0) {
        (void)wait_for(pid, hatch);  // its answer says what became of it
    }
    return r;
}

// What lies there is the child's: it is as hostile as the file.
static int open_product(int dir, const char *name, int64_t *out_size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_size > BT_HATCH_PRODUCT_MAX_BYTES) {
        bt_close_auto(&fd);
        return -1;
    }
    *out_size = status.st_size;
    return fd;
}

// As many bytes as were said.
static int send_bytes(int hatch, int fd, int64_t size)
{
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    while (size > 0) {
        ssize_t got = read(fd, chunk, (size_t)BT_MIN(size, (int64_t)CHUNK_BYTES));
        if (got <= 0 || bt_hatch_say(hatch, chunk, (size_t)got) < 0) {
            return -EPIPE;
        }
        size -= got;
    }
    return 0;
}

static int send_parcel(int hatch, uint32_t number, int64_t len)
{
    const struct bt_hatch_parcel parcel = {BT_HATCH_MAGIC, number, (uint64_t)len};
    return bt_hatch_say(hatch, &parcel, sizeof(parcel));
}

static int send_products(int hatch, int dir)
{
    int r = 0;
    for (uint32_t i = 0; i < BT_HATCH_PRODUCTS && r == 0; i++) {
        int64_t size;
        BT_AUTOCLOSE int fd = open_product(dir, bt_hatch_products[i], &size);
        if (fd >= 0) {
            r = send_parcel(hatch, i, size);
            r = r < 0 ? r : send_bytes(hatch, fd, size);
        }
    }
    return r;
}

static int inspect_into(int hatch, int file, char *path, struct bt_error *err)
{
    BT_AUTOFREE char *program = bt_program_path("bangtin-media", "workshop");
    BT_AUTOFREE char *input = bt_strdup(standard_input);
    char verb[] = "inspect";
    char *const words[] = {program, verb, input, path, NULL};
    BT_AUTOCLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    BT_AUTOCLOSE int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid;
    if (dir < 0 || nowhere < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    int r = start(words, file, nowhere, &pid, err);
    if (r < 0) {
        return r;
    }
    int status = wait_for(pid, hatch);
    r = status == 0 ? send_products(hatch, dir) : 0;
    r = r < 0 ? r : send_parcel(hatch, BT_HATCH_END, status);
    for (size_t i = 0; i < BT_HATCH_PRODUCTS; i++) {
        unlinkat(dir, bt_hatch_products[i], 0);
    }
    return r < 0 ? bt_fail(err, r, "The client has hung up") : 0;
}

static int inspect(int hatch, int file, struct bt_error *err)
{
    const char *place = getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    BT_AUTOFREE char *path = bt_strf("%s/bangtin-media-XXXXXX", place != NULL ? place : "/tmp");
    if (mkdtemp(path) == NULL) {
        return bt_fail_errno(err, "Cannot make '%s'", path);
    }
    int r = inspect_into(hatch, file, path, err);
    rmdir(path);
    return r;
}

// Whether the child will be able to open it, as another user than the file's.
static int try_file(const struct bt_hatch_job *job, int file)
{
    struct stat status;
    if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode)) {
        return -EINVAL;
    }
    BT_AUTOFREE char *path = bt_strf("/proc/self/fd/%d", file);
    BT_AUTOCLOSE int again = job->what == BT_HATCH_INSPECT ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    return job->what == BT_HATCH_INSPECT && again < 0 ? -errno : 0;
}

static int serve(int hatch, struct bt_error *err)
{
    struct bt_hatch_job job;
    BT_AUTOCLOSE int file = -1;
    int r = bt_hatch_take(hatch, &job, &file, err);
    if (r < 0) {
        return r;
    }
    const struct bt_hatch_word word = {BT_HATCH_MAGIC, try_file(&job, file)};
    r = bt_hatch_say(hatch, &word, sizeof(word));
    if (r < 0 || word.result < 0) {
        return bt_fail(err, r < 0 ? r : word.result, "The file cannot be taken in");
    }
    return job.what == BT_HATCH_DRAW ? draw(hatch, &job, file, err) : inspect(hatch, file, err);
}

int bt_serving_answer(int hatch, struct bt_error *err)
{
    // Away from the numbers that the child's own input and output get.
    BT_AUTOCLOSE int apart = fcntl(hatch, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return apart < 0 ? bt_fail_errno(err, "Cannot keep the socket") : serve(apart, err);
}
