#include "bench/fleet/counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *const words[COUNT_COUNT] = {
    [COUNT_FORGOTTEN] = "forgotten", [COUNT_BUSY] = "busy",       [COUNT_LOGINS] = "logins",
    [COUNT_STREAMS] = "opened",      [COUNT_LOST] = "lost",       [COUNT_UNREACHED] = "unreached",
    [COUNT_HINTS] = "hints",         [COUNT_ORDERS] = "orders",   [COUNT_PINGS] = "pings",
    [COUNT_FRESH] = "fresh",         [COUNT_SAME] = "same",       [COUNT_DOCUMENTS] = "documents",
    [COUNT_RANGES] = "ranges",       [COUNT_BYTES] = "bytes",     [COUNT_STATUSES] = "statuses",
    [COUNT_BATCHES] = "batches",     [COUNT_PLAYS] = "plays",     [COUNT_REFUSED] = "refused",
    [COUNT_GAPS] = "gaps",           [COUNT_SENT] = "sent_bytes", [COUNT_TAKEN] = "taken_bytes",
};

void counts_mark(struct counts *counts, int64_t now_ns)
{
    memset(counts, 0, sizeof(*counts));
    counts->mark_ns = now_ns;
}

void counts_add(struct counts *counts, enum count what, int64_t more)
{
    counts->of[what] += more;
}

void counts_time(struct times *times, int64_t ns)
{
    if (times->count < COUNTS_MAX_TIMES) {
        times->ns[times->count++] = ns;
    }
}

void counts_fault(struct counts *counts, const char *asked, int status)
{
    char what[64];
    if (bt_format(what, sizeof(what), "%d %s", status, asked) < 0) {
        return;
    }
    for (size_t i = 0; i < COUNTS_MAX_FAULTS; i++) {
        if (counts->faults[i].times == 0) {
            bt_copy_cut(counts->faults[i].what, sizeof(what), what);
        }
        if (strcmp(counts->faults[i].what, what) == 0) {
            counts->faults[i].times++;
            return;
        }
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Milliseconds: the median, that of the 99th of a hundred, the last; and how many.
static void print_times(const char *name, struct times *times, FILE *out)
{
    double ms[3] = {0};
    qsort(times->ns, times->count, sizeof(times->ns[0]), compare);
    if (times->count > 0) {
        const size_t at[] = {times->count / 2, times->count * 99 / 100, times->count - 1};
        for (int i = 0; i < 3; i++) {
            ms[i] = (double)times->ns[at[i]] / 1e6;
        }
    }
    fprintf(out, ",\"%s\":{\"count\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"last\":%.1f}", name,
            times->count, ms[0], ms[1], ms[2]);
}

void counts_print(struct counts *counts, int streams, int waiting, FILE *out)
{
    fprintf(out, "{\"streams\":%d,\"waiting\":%d", streams, waiting);
    for (int i = 0; i < COUNT_COUNT; i++) {
        fprintf(out, ",\"%s\":%lld", words[i], (long long)counts->of[i]);
    }
    print_times("hint_ms", &counts->hint, out);
    print_times("order_ms", &counts->order, out);
    print_times("stream_ms", &counts->stream, out);
    print_times("batch_ms", &counts->batch, out);
    fprintf(out, ",\"faults\":{");
    for (size_t i = 0; i < COUNTS_MAX_FAULTS && counts->faults[i].times > 0; i++) {
        fprintf(out, "%s\"%s\":%lld", i == 0 ? "" : ",", counts->faults[i].what,
                (long long)counts->faults[i].times);
    }
    fprintf(out, "}}\n");
    fflush(out);
}
