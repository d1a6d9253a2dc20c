/*
 * The players of the ledger test: DIRECTORY PLAYERS POWER SEED. Most live in a process for each
 * life, which is killed; the last POWER of them live on a disk from which the power is cut. Between
 * them and the server stands the chaos. Commands come on stdin, each is answered with a line:
 *
 *     upstream PORT   where the server is
 *     round N         everybody lives once
 *     replace N       player N gets a new card: its journal is gone
 *     prune N         player N forgets what it had until now
 *     settle          no chaos any more, until all is counted
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/faulty_vfs.h"
#include "tests/ledger/chaos.h"
#include "tests/ledger/courier.h"
#include "tests/ledger/life.h"

#define MAX_PLAYERS 1000
#define AT_ONCE 8

// A life is killed within this time, or has ended by itself.
#define LONGEST_LIFE_MS 300
#define UNKILLED_ONE_IN 4
#define LOOK_NS BT_NS_PER_MS

struct player {
    char *directory, *journal, *copy;
    struct life_memory *memory;
    struct life_copied copied;
    int to, from;  // of the process with the faulty disk
    pid_t pid;     // of it, or of the present life; 0: none
    int64_t kill_ns;
};

enum what { LIVE, SETTLE, OPEN, PRUNE };

struct order {
    enum what what;
    int64_t round;
};

struct house {
    const char *directory;
    int count, power;
    uint64_t seed;
    char url[64];
    struct chaos *chaos;
    struct player players[MAX_PLAYERS];
};

static struct house house;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "%s\n", what);
    _exit(1);
}

static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        give_up("No memory to share");
    }
    return memory;
}

// A child that does not outlive us.
static pid_t fork_child(void)
{
    pid_t pid = fork();
    if (pid < 0) {
        give_up("Cannot fork");
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

static struct life life_of(int number, int64_t round)
{
    const struct player *player = &house.players[number];
    return (struct life){.number = number,
                         .power = number >= house.count - house.power,
                         .directory = player->directory,
                         .journal = player->journal,
                         .url = house.url,
                         .chance = house.seed * 1000003 + (uint64_t)round * 4099 + (uint64_t)number,
                         .memory = player->memory};
}

static int live(int number, const struct order *order)
{
    struct bt_error err = {0};
    struct life life = life_of(number, order->round);
    int r = order->what == LIVE     ? life_begin(&life, &err)
            : order->what == SETTLE ? life_settle(&life, &err)
                                    : life_open(&life, order->what == PRUNE, &err);
    if (r < 0) {
        fprintf(stderr, "player %d: %s\n", number, err.msg);
    }
    return r;
}

static int copy(int number)
{
    struct bt_error err = {0};
    struct player *player = &house.players[number];
    int r = life_copy(player->journal, player->copy, &player->copied, &err);
    if (r < 0) {
        fprintf(stderr, "player %d: %s\n", number, err.msg);
    }
    return r;
}

/*
 * Those whose power is cut: their disk is the memory of a process.
 */

static _Noreturn void live_on_a_faulty_disk(int number, int from, int to)
{
    struct order order;
    bt_faulty_install(house.seed * 1000003 + (uint64_t)number);
    while (read(from, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
        int r = live(number, &order);
        r = r < 0 ? r : copy(number);
        if (write(to, &r, sizeof(r)) != (ssize_t)sizeof(r)) {
            break;
        }
    }
    _exit(0);
}

static void start_disk(int number)
{
    int down[2], up[2];
    struct player *player = &house.players[number];
    int fd = open(player->journal, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);  // readers look for it
    if (fd < 0 || pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0) {
        give_up("Cannot start a player");
    }
    close(fd);
    player->pid = fork_child();
    if (player->pid == 0) {
        live_on_a_faulty_disk(number, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    player->to = down[1];
    player->from = up[0];
}

static void tell_disks(const struct order *order)
{
    for (int i = house.count - house.power; i < house.count; i++) {
        if (write(house.players[i].to, order, sizeof(*order)) != (ssize_t)sizeof(*order)) {
            give_up("A player with a faulty disk has ended");
        }
    }
}

static int hear_disks(void)
{
    int worst = 0, r;
    for (int i = house.count - house.power; i < house.count; i++) {
        if (read(house.players[i].from, &r, sizeof(r)) != (ssize_t)sizeof(r)) {
            give_up("A player with a faulty disk has ended");
        }
        worst = r < 0 ? r : worst;
    }
    return worst;
}

/*
 * Those that are killed.
 */

static uint64_t draw(uint64_t below)
{
    uint64_t x = house.seed += 0x9E3779B97F4A7C15ULL;  // splitmix64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return (x ^ (x >> 31)) % below;
}

static void start_life(int number, const struct order *order)
{
    struct player *player = &house.players[number];
    bool killed = order->what == LIVE && draw(UNKILLED_ONE_IN) != 0;
    int64_t within_ns = (int64_t)draw(LONGEST_LIFE_MS) * BT_NS_PER_MS;
    player->pid = fork_child();
    if (player->pid == 0) {
        _exit(live(number, order) < 0);
    }
    player->kill_ns = killed ? bt_clock_mono_ns(bt_clock_real()) + within_ns : INT64_MAX;
}

// 1: it has ended, 0: it lives, -1: it ended with an error.
static int look_after(struct player *player)
{
    int status;
    if (bt_clock_mono_ns(bt_clock_real()) >= player->kill_ns) {
        kill(player->pid, SIGKILL);
    }
    if (waitpid(player->pid, &status, WNOHANG) != player->pid) {
        return 0;
    }
    player->pid = 0;
    bool well = WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0;
    return well ? 1 : -1;
}

static int live_and_be_killed(const struct order *order)
{
    const struct bt_clock *clock = bt_clock_real();
    int mortal = house.count - house.power, next = 0, alive = 0, worst = 0;
    while (next < mortal || alive > 0) {
        for (; next < mortal && alive < AT_ONCE; next++, alive++) {
            start_life(next, order);
        }
        bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + LOOK_NS);
        for (int i = 0; i < next; i++) {
            int r = house.players[i].pid > 0 ? look_after(&house.players[i]) : 0;
            alive -= r != 0;
            worst = r < 0 ? r : worst;
        }
    }
    for (int i = 0; i < mortal && worst == 0; i++) {
        worst = copy(i);
    }
    return worst;
}

static int live_all(const struct order *order)
{
    tell_disks(order);
    int mortal = live_and_be_killed(order);
    int power = hear_disks();
    return mortal < 0 ? mortal : power;
}

/*
 * Commands.
 */

static void replace(int number)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < BT_ARRAY_LEN(suffixes); i++) {
        BT_AUTOFREE char *path = bt_strf("%s%s", house.players[number].journal, suffixes[i]);
        unlink(path);
    }
    house.players[number].copied = (struct life_copied){.seq = 0};
}

// The copy has everything before something leaves.
static int prune(int number)
{
    static const enum what steps[] = {OPEN, PRUNE};
    struct player *player = &house.players[number];
    int r = 1;
    for (size_t i = 0; i < BT_ARRAY_LEN(steps) && r > 0; i++) {
        start_life(number, &(struct order){.what = steps[i]});
        do {
            bt_clock_sleep_until(bt_clock_real(), bt_clock_mono_ns(bt_clock_real()) + LOOK_NS);
            r = look_after(player);
        } while (r == 0);
        r = r > 0 && copy(number) < 0 ? -1 : r;
    }
    return r < 0 ? r : 0;
}

// What the journals were told, a byte for each play: reported and acknowledged.
static int write_truth(void)
{
    for (int i = 0; i < house.count; i++) {
        const struct life_memory *memory = house.players[i].memory;
        BT_AUTOFREE char *path = bt_strf("%s/%d.truth", house.directory, i);
        FILE *file = fopen(path, "we");
        if (file == NULL) {
            return -1;
        }
        for (int64_t n = 0; n < memory->plays; n++) {
            fputc(memory->truth[n].reported * 4 + memory->truth[n].acknowledged, file);
        }
        if (fclose(file) != 0) {
            return -1;
        }
    }
    return 0;
}

static int settle(void)
{
    const struct order order = {.what = SETTLE};
    atomic_store(&house.chaos->calm, true);
    int r = live_all(&order);
    return r < 0 ? r : write_truth();
}

static int obey(const char *word, int64_t number)
{
    if (bt_str_equal(word, "upstream")) {
        atomic_store(&house.chaos->upstream, (int)number);
        return 0;
    }
    if (bt_str_equal(word, "round")) {
        return live_all(&(struct order){.round = number});
    }
    if (bt_str_equal(word, "replace") && number < house.count - house.power) {
        replace((int)number);
        return 0;
    }
    if (bt_str_equal(word, "prune") && number < house.count - house.power) {
        return prune((int)number);
    }
    return bt_str_equal(word, "settle") ? settle() : -EINVAL;
}

static void answer(int r)
{
    printf("%s", r < 0 ? "failed" : "ok");
    for (int i = 0; i < CHAOS_FAULT_COUNT; i++) {
        printf("\t%s=%lld", chaos_words[i], atomic_load(&house.chaos->happened[i]));
    }
    printf("\n");
    fflush(stdout);
}

static void obey_all(void)
{
    char line[128];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int64_t number = 0;
        line[strcspn(line, "\n")] = '\0';
        char *space = strchr(line, ' ');
        if (space != NULL) {
            *space = '\0';
            if (bt_parse_int(space + 1, 0, INT64_MAX, &number) < 0) {
                give_up("Not a number");
            }
        }
        answer(obey(line, number));
    }
}

static void start_chaos(void)
{
    int port = 0, fd = chaos_listen(&port);
    house.chaos = share(sizeof(*house.chaos));
    atomic_store(&house.chaos->chance, house.seed);
    if (fd < 0 || bt_format(house.url, sizeof(house.url), "http://127.0.0.1:%d", port) < 0) {
        give_up("Cannot listen");
    }
    if (fork_child() == 0) {
        chaos_run(fd, house.chaos);
    }
    close(fd);
}

static void prepare(int number)
{
    struct bt_error err = {0};
    char key[BT_PLAYER_HEX_BYTES], id[16];
    struct player *player = &house.players[number];
    player->directory = bt_strf("%s/%d", house.directory, number);
    player->journal = bt_strf("%s/plays.db", player->directory);
    player->copy = bt_strf("%s/%d.jsonl", house.directory, number);
    player->memory = share(sizeof(*player->memory));
    if (bt_format(id, sizeof(id), "d-%d", number) < 0 ||
        courier_prepare(player->directory, key, &err) < 0) {
        give_up(err.msg);
    }
    printf("%s %s\n", id, key);
}

int main(int argc, char **argv)
{
    int64_t count, power, seed;
    if (argc != 5 || bt_parse_int(argv[2], 1, MAX_PLAYERS, &count) < 0 ||
        bt_parse_int(argv[3], 0, count, &power) < 0 ||
        bt_parse_int(argv[4], 0, INT32_MAX, &seed) < 0) {
        give_up("Usage: ledger_players DIRECTORY PLAYERS POWER SEED");
    }
    house.directory = argv[1];
    house.count = (int)count;
    house.power = (int)power;
    house.seed = (uint64_t)seed;
    bt_log_set_level(BT_LOG_ERROR);  // each of these troubles is meant
    curl_global_init(CURL_GLOBAL_DEFAULT);
    start_chaos();
    for (int i = 0; i < house.count; i++) {
        prepare(i);
    }
    fflush(stdout);
    for (int i = house.count - house.power; i < house.count; i++) {
        start_disk(i);
    }
    obey_all();
    return 0;
}
