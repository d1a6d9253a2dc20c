#include "server/media/workshop.h"

#include <assert.h>
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

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "server/media/parcels.h"

#define TIME_LIMIT_NS (90 * BT_NS_PER_S)
#define REPORT_MAX_BYTES 65536
#define PATH_BYTES 4096
#define MAX_ARGUMENTS 96

// What `prlimit` and `bwrap` are told. 8K pictures take some 400 MiB to look at; a converted
// picture of noise takes 64 MiB (workshop/conversion.h).
static const char *const limits[] = {
    "/usr/bin/prlimit", "--cpu=60",    BT_SANITIZED ? "--as=unlimited" : "--as=3221225472",
    "--fsize=68157440", "--nofile=64", "--core=0",
};

// Processes and threads. Set inside the sandbox it counts those of the sandbox; set before, it
// would count all that our user has, and refuse the sandbox its namespaces. It binds no root.
static const char *const crowd_limit[] = {"/usr/bin/prlimit", "--nproc=64"};

// Nothing can be written but the products: the root and /dev, which are in memory, are closed at
// the end.
static const char *const sandbox[] = {
    "/usr/bin/bwrap",
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--clearenv",
    "--setenv",
    "LC_ALL",
    "C.UTF-8",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--ro-bind-try",
    "/etc/alternatives",
    "/etc/alternatives",
    "--dev",
    "/dev",
};
static const char *const closing[] = {"--remount-ro", "/dev", "--remount-ro", "/"};

struct command {
    char *words[MAX_ARGUMENTS + 1];  // borrowed; posix_spawn does not change them
    size_t count;
};

static void add(struct command *command, const char *word)
{
    assert(command->count < MAX_ARGUMENTS);
    union {
        const char *given;
        char *taken;
    } same = {.given = word};
    command->words[command->count++] = same.taken;
}

static void add_all(struct command *command, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(command, words[i]);
    }
}

static void add_bind(struct command *command, const char *kind, const char *from, const char *to)
{
    add(command, kind);
    add(command, from);
    add(command, to);
}

// Where the products are outside of the sandbox, and inside.
struct places {
    char outside[BT_HATCH_PRODUCTS][PATH_BYTES];
    char inside[BT_HATCH_PRODUCTS][32];
};

static int find_places(const char *dir, struct places *out, struct bt_error *err)
{
    for (size_t i = 0; i < BT_HATCH_PRODUCTS; i++) {
        if (bt_format(out->outside[i], PATH_BYTES, "%s/%s", dir, bt_hatch_products[i]) < 0 ||
            bt_format(out->inside[i], sizeof(out->inside[i]), "/out/%s", bt_hatch_products[i]) <
                0) {
            return bt_fail(err, -ENAMETOOLONG, "The path of '%s' is too long", dir);
        }
    }
    return 0;
}

static int make_products(const struct places *places, struct bt_error *err)
{
    for (size_t i = 0; i < BT_HATCH_PRODUCTS; i++) {
        BT_AUTOCLOSE int fd =
            open(places->outside[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) {
            return bt_fail_errno(err, "Cannot make '%s'", places->outside[i]);
        }
    }
    return 0;
}

static void remove_empty_products(const struct places *places)
{
    for (size_t i = 0; i < BT_HATCH_PRODUCTS; i++) {
        struct stat status;
        if (lstat(places->outside[i], &status) == 0 && status.st_size == 0) {
            unlink(places->outside[i]);
        }
    }
}

static void compose(const struct bt_workshop *workshop, const char *file, const char *dir,
                    const struct places *places, struct command *out)
{
    add_all(out, limits, BT_ARRAY_LEN(limits));
    if (!workshop->sandbox) {
        add_bind(out, workshop->program, "inspect", file);
        add(out, dir);
        return;
    }
    add_all(out, sandbox, BT_ARRAY_LEN(sandbox));
    add_bind(out, "--ro-bind", workshop->program, "/bangtin-media");
    add_bind(out, "--ro-bind", file, "/in");
    for (size_t i = 0; i < BT_HATCH_PRODUCTS; i++) {
        add_bind(out, "--bind", places->outside[i], places->inside[i]);
    }
    add_all(out, closing, BT_ARRAY_LEN(closing));
    add_all(out, crowd_limit, BT_ARRAY_LEN(crowd_limit));
    add_bind(out, "/bangtin-media", "inspect", "/in");
    add(out, "/out");
}

// Waits for the process, kills it when it takes too long; *out_status as from waitpid.
static int wait_for(pid_t pid, int *out_status, struct bt_error *err)
{
    BT_AUTOCLOSE int pidfd = pidfd_open(pid, 0);
    struct pollfd waiting = {.fd = pidfd, .events = POLLIN};
    int r;
    do {
        r = pidfd < 0 ? -1 : poll(&waiting, 1, (int)(TIME_LIMIT_NS / BT_NS_PER_MS));
    } while (r < 0 && pidfd >= 0 && errno == EINTR);
    if (r <= 0) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, out_status, 0) < 0 && errno == EINTR) {
    }
    return r > 0 ? 0
                 : bt_fail(err, -ETIMEDOUT, "Looking at the file took longer than %lld s",
                           TIME_LIMIT_NS / BT_NS_PER_S);
}

static int spawn(const struct command *command, pid_t *out, struct bt_error *err)
{
    static char *const no_environment[] = {NULL};
    int r = posix_spawn(out, command->words[0], NULL, NULL, command->words, no_environment);
    errno = r;
    return r == 0 ? 0 : bt_fail_errno(err, "Cannot start '%s'", command->words[0]);
}

/*
 * What was left behind is as hostile as the file: a link would lead us out of the sandbox to our
 * own secrets, a pipe would hold us for ever.
 */
static int check_files(const char *path, struct bt_error *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int r = dir != NULL ? 0 : bt_fail_errno(err, "Cannot list '%s'", path);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        struct stat status;
        bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!dots && (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
                      !S_ISREG(status.st_mode))) {
            r = bt_fail(err, -EFAULT, "Looking at the file left something that is no file");
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return r;
}

// Without a report that can be read the file is to blame.
static int read_report(const char *dir, cJSON **out, struct bt_error *err)
{
    char path[PATH_BYTES];
    BT_AUTOBUF text;
    bt_buf_init(&text, REPORT_MAX_BYTES);
    int r = bt_format(path, sizeof(path), "%s/report.json", dir);
    if (r == 0) {
        r = bt_file_read(path, &text, err);
    }
    r = r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, out, err);
    return r < 0 && r != -ENOMEM ? bt_fail_in(err, -EFAULT, "The report") : r;
}

// Is it the machine that is to blame? Containers and some kernels allow no new namespaces.
static bool sandbox_works(void)
{
    struct command command = {0};
    add_all(&command, sandbox, BT_ARRAY_LEN(sandbox));
    add(&command, "/usr/bin/true");
    pid_t pid;
    int status = 0;
    return spawn(&command, &pid, NULL) == 0 && wait_for(pid, &status, NULL) == 0 &&
           WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run(const struct bt_workshop *workshop, const char *file, const char *dir,
               int *out_status, struct bt_error *err)
{
    struct places places;
    struct command command = {0};
    int r = find_places(dir, &places, err);
    if (r == 0 && workshop->sandbox) {
        r = make_products(&places, err);
    }
    if (r < 0) {
        return r;
    }
    compose(workshop, file, dir, &places, &command);
    pid_t pid;
    r = spawn(&command, &pid, err);
    r = r < 0 ? r : wait_for(pid, out_status, err);
    if (workshop->sandbox) {
        remove_empty_products(&places);
    }
    return r;
}

static int64_t in_time_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real()) + TIME_LIMIT_NS;
}

static int pass_through(const struct bt_workshop *workshop, int fd, const char *dir,
                        struct bt_error *err)
{
    static const struct bt_hatch_job job = {.magic = BT_HATCH_MAGIC, .what = BT_HATCH_INSPECT};
    BT_AUTOCLOSE int hatch = -1;
    int r = bt_hatch_open(workshop->hatch.path, &job, fd, in_time_ns(), &hatch, err);
    return r < 0 ? r : bt_parcels_receive(hatch, dir, in_time_ns(), err);
}

/*
 * The service is another user, who opens the file by its descriptor and so needs the right to read
 * it. Nobody else can come by it: it lies below the data directory, which is ours alone.
 */
static int inspect_outside(const struct bt_workshop *workshop, const char *file, const char *dir,
                           struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || fchmod(fd, status.st_mode | S_IROTH) < 0) {
        return bt_fail_errno(err, "Cannot lend '%s'", file);
    }
    int r = pass_through(workshop, fd, dir, err);
    if (fchmod(fd, status.st_mode) < 0 && r == 0) {
        return bt_fail_errno(err, "Cannot protect '%s'", file);
    }
    return r;
}

// By somebody else, who had nothing against the file; or for want of memory, which may pass.
static bool was_stopped(int status)
{
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
}

static int inspect_ourselves(const struct bt_workshop *workshop, const char *file, const char *dir,
                             struct bt_error *err)
{
    if (workshop->sandbox && access(sandbox[0], X_OK) < 0) {
        return bt_fail(err, -ENOSYS, "There is no sandbox: '%s' is not installed", sandbox[0]);
    }
    int status = 0;
    int r = run(workshop, file, dir, &status, err);
    if (r < 0) {
        return r;
    }
    bool looked = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!looked && workshop->sandbox && !sandbox_works()) {
        return bt_fail(err, -ENOSYS,
                       "There is no sandbox: bubblewrap may not make namespaces here");
    }
    if (!looked) {
        return bt_fail(err, was_stopped(status) ? -EAGAIN : -EFAULT,
                       "The file could not be looked at (status %d)",
                       WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    }
    return check_files(dir, err);
}

int bt_workshop_inspect(const struct bt_workshop *workshop, const char *file, const char *dir,
                        cJSON **out, struct bt_error *err)
{
    const struct bt_hatch *hatch = &workshop->hatch;
    int r = hatch->path == NULL ? -ENOENT : inspect_outside(workshop, file, dir, err);
    if (bt_hatch_is_absent(r)) {
        r = hatch->required ? bt_fail_in(err, -ENOSYS, "Nobody looks at uploads")
                            : inspect_ourselves(workshop, file, dir, err);
    }
    return r < 0 ? r : read_report(dir, out, err);
}
