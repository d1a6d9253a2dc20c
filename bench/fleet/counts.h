/**
 * What the simulated fleet has seen since the last `mark`, as one line of JSON.
 */
#ifndef BT_BENCH_FLEET_COUNTS_H
#define BT_BENCH_FLEET_COUNTS_H

#include <stdint.h>
#include <stdio.h>

#define COUNTS_MAX_TIMES (1 << 18)
#define COUNTS_MAX_FAULTS 32

enum count {
    COUNT_LOGINS,
    COUNT_BUSY,       // 503: told to come again
    COUNT_FORGOTTEN,  // 401: no session any more
    COUNT_STREAMS,    // opened
    COUNT_LOST,       // streams that ended
    COUNT_UNREACHED,  // requests without an answer, connections refused
    COUNT_HINTS,
    COUNT_ORDERS,
    COUNT_PINGS,
    COUNT_FRESH,      // timestamps that were new
    COUNT_SAME,       // 304
    COUNT_DOCUMENTS,  // fetched whole
    COUNT_RANGES,     // parts of blobs
    COUNT_BYTES,      // received in bodies
    COUNT_STATUSES,
    COUNT_BATCHES,  // of plays, answered with 200
    COUNT_PLAYS,    // that the server says it has
    COUNT_REFUSED,  // batches: 429
    COUNT_GAPS,     // 409
    COUNT_SENT,     // bytes to the server since the beginning
    COUNT_TAKEN,    // and from it, with all headers
    COUNT_COUNT,
};

struct times {
    int64_t ns[COUNTS_MAX_TIMES];
    size_t count;
};

struct counts {
    int64_t mark_ns;
    int64_t of[COUNT_COUNT];
    struct times hint, order, stream, batch;  // since the mark; batch: from the request on
    struct {
        char what[64];
        int64_t times;
    } faults[COUNTS_MAX_FAULTS];  // answers that nobody expects
};

void counts_mark(struct counts *counts, int64_t now_ns);
void counts_add(struct counts *counts, enum count what, int64_t more);
void counts_time(struct times *times, int64_t ns);
void counts_fault(struct counts *counts, const char *asked, int status);
void counts_print(struct counts *counts, int streams, int waiting, FILE *out);

#endif
