/*
 * Evidence from a server in wrong hands: it writes what it likes and seals it with its own key. The
 * input is either a file as it is (first byte 0xFF), or edits of true lines: five bytes each (line,
 * where in it, 24 bits, what is XORed). Whatever it does, no play is added.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/verify/testing.h"
#include "cli/verify/verify.h"
#include "fuzz/fuzz.h"

#define EDIT_BYTES 5

// Made once: keys cost more than everything else.
struct truth {
    bool made;
    struct bt_test_province province;
    struct bt_test_lines lines;
    char evidence[64], root[64];
};

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        abort();
    }
}

// Before the journals, of a day of the first screen that the report says nothing of.
static void add_plan(struct bt_test_lines *lines)
{
    size_t at = bt_test_lines_find(lines, "journal", 0);
    bt_test_lines_add(lines, bt_strdup("{\"kind\":\"plan\",\"day\":\"2026-11-21\",\"screen\":"
                                       "\"s-1\",\"unit\":\"31333\",\"made_ms\":0,\"rows\":"
                                       "[[\"p\",\"a\",\"\",\"c-1\",\"normal\",40]]}"));
    char *line = lines->lines[lines->count - 1];
    memmove(&lines->lines[at + 1], &lines->lines[at],
            (lines->count - 1 - at) * sizeof(lines->lines[0]));
    lines->lines[at] = line;
}

static struct truth kept;  // allow: kept from one input to the next

static void forget_root(void)
{
    (void)unlink(kept.root);
}

static void make(struct truth *truth)
{
    bt_test_province_init(&truth->province, 2, 4, 2);
    bt_test_evidence(&truth->province, true, &truth->lines);
    add_plan(&truth->lines);
    (void)snprintf(truth->evidence, sizeof(truth->evidence), "/dev/shm/bangtin-fuzz-%d.btx",
                   (int)getpid());
    (void)snprintf(truth->root, sizeof(truth->root), "/dev/shm/bangtin-fuzz-%d.json",
                   (int)getpid());
    write_file(truth->root, truth->province.root_text, strlen(truth->province.root_text));
    truth->made = true;
    (void)atexit(forget_root);
}

static void edit(struct bt_test_lines *lines, const uint8_t *data, size_t size)
{
    for (; size >= EDIT_BYTES && lines->count > 0; data += EDIT_BYTES, size -= EDIT_BYTES) {
        char *line = lines->lines[data[0] % lines->count];
        size_t at = (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
        size_t len = strlen(line);
        char *byte = len > 0 ? &line[at % len] : NULL;
        // A line end or a NUL would be another line, which the packer is not for.
        if (byte != NULL && (*byte ^ data[4]) != '\0' && (*byte ^ data[4]) != '\n') {
            *byte = (char)(*byte ^ data[4]);
        }
    }
}

static void pack(const struct truth *truth, const uint8_t *data, size_t size)
{
    struct bt_test_lines lines = {NULL, 0, 0};
    for (size_t i = 0; i < truth->lines.count; i++) {
        bt_test_lines_add(&lines, bt_strdup(truth->lines.lines[i]));
    }
    edit(&lines, data, size);
    bt_test_pack(&lines, truth->province.timestamp, truth->evidence);
    bt_test_lines_finish(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err;
    struct bt_verify_sum sum;
    bool raw = size > 0 && data[0] == 0xFF;
    if (!kept.made) {
        make(&kept);
    }
    if (raw) {
        write_file(kept.evidence, data + 1, size - 1);
    } else {
        pack(&kept, data, size);
    }
    const struct bt_verify_options options = {
        .evidence = kept.evidence, .root = kept.root, .threads = -1};
    BT_AUTO(bt_verdict) verdict = bt_verdict_create();
    int r = bt_verify(&options, verdict, &sum, &err);
    assert(r == 0);
    bool holds = bt_verdict_count(verdict, BT_FINDING_FAULT) == 0;
    assert(!holds || (!raw && sum.counts.complete <= 2 * bt_test_complete(&kept.province)));
    assert(holds || size > 0);
    (void)unlink(kept.evidence);
    return 0;
}
