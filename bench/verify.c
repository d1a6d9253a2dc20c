// How long a million plays take to be counted again: verify-bench DIRECTORY [PLAYS] [THREADS].
// The evidence is made there, by hand and once, and verified three times.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/verify/testing.h"
#include "cli/verify/verify.h"

#define JOURNALS 45  // screens of a small province
#define ROUNDS 3

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static long memory_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

static void make(const char *evidence, const char *root, int64_t plays)
{
    struct bt_test_province province;
    struct bt_test_lines lines;
    bt_test_province_init(&province, JOURNALS, plays / JOURNALS + 1, 1000);
    bt_test_evidence(&province, true, &lines);
    bt_test_pack(&lines, province.timestamp, evidence);
    if (bt_file_replace(root, province.root_text, strlen(province.root_text), NULL) < 0) {
        exit(1);
    }
    bt_test_lines_finish(&lines);
    bt_test_province_finish(&province);
}

static int verify(const struct bt_verify_options *options)
{
    struct bt_error err = {0};
    struct bt_verify_sum sum;
    BT_AUTO(bt_verdict) verdict = bt_verdict_create();
    double cpu = cpu_s();
    int64_t from_ns = bt_clock_mono_ns(bt_clock_real());
    int r = bt_verify(options, verdict, &sum, &err);
    double wall = 1e-9 * (double)(bt_clock_mono_ns(bt_clock_real()) - from_ns);
    if (r < 0 || bt_verdict_count(verdict, BT_FINDING_FAULT) > 0) {
        fprintf(stderr, "%s\n", err.msg);
        bt_verdict_print(verdict, stderr);
        return 1;
    }
    printf("%lld plays: %.2f s, %.2f s of processors, at most %ld MiB\n", (long long)sum.plays,
           wall, cpu_s() - cpu, memory_mib());
    return 0;
}

int main(int argc, char **argv)
{
    int64_t plays = 1000000, threads = 0;
    struct stat status;
    if (argc < 2 || (argc > 2 && bt_parse_int(argv[2], 1000, 100000000, &plays) < 0) ||
        (argc > 3 && bt_parse_int(argv[3], 1, 16, &threads) < 0)) {
        fprintf(stderr, "verify-bench DIRECTORY [PLAYS] [THREADS]\n");
        return 2;
    }
    BT_AUTOFREE char *evidence = bt_strf("%s/%lld.btx", argv[1], (long long)plays);
    BT_AUTOFREE char *root = bt_strf("%s/%lld.root.json", argv[1], (long long)plays);
    const struct bt_verify_options options = {
        .evidence = evidence, .root = root, .threads = (int)threads};
    if (stat(evidence, &status) < 0) {
        make(evidence, root, plays);
        puts("made; run again, so that its memory is not counted");
        return 0;
    }
    printf("%s: %lld MiB\n", evidence, (long long)status.st_size >> 20);
    int r = 0;
    for (int i = 0; i < ROUNDS && r == 0; i++) {
        r = verify(&options);
    }
    return r;
}
