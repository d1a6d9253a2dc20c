#include "plays/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/check.h"
#include "plays/export.h"
#include "plays/reader.h"
#include "plays/record.h"

static void check_base(struct bt_check *check, const struct bt_journal_facts *facts)
{
    static const struct bt_sha256 zero;
    if (facts->base_seq == 0 && memcmp(&facts->base_hash, &zero, sizeof(zero)) != 0) {
        bt_check_fault(check, BT_FAULT_CHAIN, 0, "the chain does not begin with zero");
    }
}

static void check_open_play(struct bt_check *check, const char *tail)
{
    struct bt_error err;
    struct bt_record record;
    BT_AUTOBUF body;
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    int r = bt_record_seal(1, tail, &body);
    if (r < 0 || bt_record_parse(body.data, body.len, &record, &err) < 0) {
        bt_check_fault(check, BT_FAULT_OPEN_PLAY, check->last_seq, r < 0 ? "too long" : err.msg);
    }
}

// Damage is part of the verdict; anything else is an error.
static int note_damage(struct bt_check *check, int r, const struct bt_error *err)
{
    if (r == -EUCLEAN) {
        bt_check_fault(check, BT_FAULT_UNREADABLE, check->last_seq, err->msg);
        return 0;
    }
    return r;
}

static int check_records(struct bt_check *check, struct bt_reader *reader, struct bt_error *err)
{
    struct bt_row row;
    int r;
    while ((r = bt_reader_next(reader, &row, err)) == 1) {
        bt_check_add(check, &row);
    }
    return note_damage(check, r, err);
}

static int check_open_plays(struct bt_check *check, struct bt_reader *reader, struct bt_error *err)
{
    const char *tail;
    int r;
    while ((r = bt_reader_next_open(reader, &tail, err)) == 1) {
        check_open_play(check, tail);
    }
    return note_damage(check, r, err);
}

static int verify(const char *path, struct bt_check *check, struct bt_error *err)
{
    static const struct bt_sha256 zero;
    BT_AUTO(bt_reader) reader = NULL;
    bt_check_init(check, 0, &zero);
    int r = bt_reader_open(path, &reader, err);
    if (r < 0) {
        return note_damage(check, r, err);
    }
    const struct bt_journal_facts *facts = bt_reader_facts(reader);
    bt_check_init(check, facts->base_seq, &facts->base_hash);
    bt_copy_cut(check->verdict.journal, sizeof(check->verdict.journal), facts->journal);
    check->verdict.open_plays = facts->open_plays;
    check_base(check, facts);
    r = check_records(check, reader, err);
    return r < 0 ? r : check_open_plays(check, reader, err);
}

int bt_plays_verify(const char *path, struct bt_plays_verdict *out, struct bt_error *err)
{
    struct bt_check check;
    struct bt_error local = {0};
    int r = verify(path, &check, &local);
    if (r < 0) {
        return bt_fail(err, r, "%s", local.msg);
    }
    bt_check_conclude(&check);
    *out = check.verdict;
    return 0;
}

static void check_line(struct bt_check *check, const char *line, size_t len, bool first)
{
    struct bt_row row;
    struct bt_sha256 previous;
    struct bt_error err;
    if (bt_export_parse_line(line, len, &row, &previous, &err) < 0) {
        bt_check_fault(check, BT_FAULT_RECORD, check->last_seq, err.msg);
        return;
    }
    if (first) {
        bt_check_init(check, row.seq - 1, &previous);
    }
    if (memcmp(&previous, &check->last_hash, sizeof(previous)) != 0) {
        bt_check_fault(check, BT_FAULT_CHAIN, row.seq, "it follows another record");
    }
    bt_check_add_exported(check, &row);
}

static int check_lines(struct bt_check *check, FILE *file)
{
    BT_AUTOFREE char *line = bt_alloc(BT_EXPORT_LINE_MAX_BYTES);
    for (bool first = true; fgets(line, BT_EXPORT_LINE_MAX_BYTES, file) != NULL; first = false) {
        check_line(check, line, strlen(line), first);
    }
    return ferror(file) ? -EIO : 0;
}

int bt_plays_verify_export(const char *path, struct bt_plays_verdict *out, struct bt_error *err)
{
    static const struct bt_sha256 zero;
    struct bt_check check;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    bt_check_init(&check, 0, &zero);
    int r = check_lines(&check, file);
    fclose(file);
    if (r < 0) {
        return bt_fail(err, r, "Cannot read '%s'", path);
    }
    bt_check_conclude(&check);
    *out = check.verdict;
    return 0;
}
