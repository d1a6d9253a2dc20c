#include "sync/stick_papers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/metadata.h"
#include "trust/stick.h"

#define FOLDER_BYTES 64

static const struct bt_log logger = {"sync/usb"};

struct paper {
    char *path;  // owned
    struct bt_buf text;
    int r;  // of reading it
    struct bt_error err;
};

struct bt_stick_papers {
    struct paper *list;  // owned
    size_t count, capacity, bytes;
};

void bt_stick_papers_destroy(struct bt_stick_papers *papers)
{
    if (papers == NULL) {
        return;
    }
    for (size_t i = 0; i < papers->count; i++) {
        free(papers->list[i].path);
        bt_buf_finish(&papers->list[i].text);
    }
    free(papers->list);
    free(papers);
}

static bool ends_reading(int r)
{
    return r == -ETIMEDOUT || r == -ECANCELED;
}

static int load_file(struct bt_stick_papers *papers, struct bt_stick_reader *reader,
                     const char *path, size_t max_bytes, struct bt_error *err)
{
    size_t room = BT_STICK_PAPERS_MAX_BYTES - papers->bytes;
    if (papers->count == BT_STICK_PAPERS_MAX || room == 0) {
        bt_log_warn(&logger, "'%s' of the stick has no room; leaving it out", path);
        return 0;
    }
    BT_GROW(papers->list, papers->capacity, papers->count + 1);
    struct paper *paper = &papers->list[papers->count++];
    paper->path = bt_strdup(path);
    bt_buf_init(&paper->text, BT_MIN(max_bytes, room));
    paper->r = bt_stick_reader_read_all(reader, path, &paper->text, &paper->err);
    papers->bytes += paper->text.len;
    return ends_reading(paper->r) ? bt_fail(err, paper->r, "%s", paper->err.msg) : 0;
}

// "3.u-31333.json": metadata that this unit's screens need. The stick may be many units'.
static bool is_needed_role(const char *name, const char *unit)
{
    static const char *const roles[] = {"root", "snapshot", "targets"};
    const char *role = strchr(name, '.');
    if (role == NULL || !bt_str_ends(role + 1, ".json")) {
        return false;
    }
    role++;
    size_t len = strlen(role) - strlen(".json");
    for (size_t i = 0; i < BT_ARRAY_LEN(roles); i++) {
        if (len == strlen(roles[i]) && strncmp(role, roles[i], len) == 0) {
            return true;
        }
    }
    return (bt_str_starts(role, "u-") || bt_str_starts(role, "s-")) && len == 2 + strlen(unit) &&
           strncmp(role + 2, unit, len - 2) == 0;
}

static bool is_needed(const char *folder, const char *name, const char *unit)
{
    return strcmp(folder, "metadata") == 0 ? is_needed_role(name, unit)
                                           : bt_str_ends(name, ".json");
}

// A folder that is not there has nothing to say.
static int load_folder(struct bt_stick_papers *papers, struct bt_stick_reader *reader,
                       const char *folder, const char *unit, struct bt_error *err)
{
    BT_AUTOBUF names;
    bt_buf_init(&names, BT_STICK_NAMES_MAX_BYTES);
    int r = bt_stick_reader_list(reader, folder, &names, err);
    if (r < 0) {
        return ends_reading(r) ? r : 0;
    }
    for (size_t at = 0; at < names.len && r == 0; at += strlen(names.data + at) + 1) {
        const char *name = names.data + at;
        if (is_needed(folder, name, unit)) {
            BT_AUTOFREE char *path = bt_strf("%s/%s", folder, name);
            r = load_file(papers, reader, path, BT_METADATA_MAX_BYTES, err);
        }
    }
    return r;
}

int bt_stick_papers_load(struct bt_stick_reader *reader, const char *unit,
                         struct bt_stick_papers **out, struct bt_error *err)
{
    static const char *const folders[] = {"metadata", "targets", "targets/p", "targets/u/",
                                          "targets/s/"};
    BT_AUTO(bt_stick_papers) papers = BT_NEW(struct bt_stick_papers);
    int r = load_file(papers, reader, "stick.json", BT_STICK_MAX_BYTES, err);
    r = r < 0 ? r : load_file(papers, reader, "told.json", BT_STICK_TOLD_MAX_BYTES, err);
    for (size_t i = 0; i < BT_ARRAY_LEN(folders) && r == 0; i++) {
        char folder[FOLDER_BYTES];
        bool of_unit = bt_str_ends(folders[i], "/");
        if (bt_format(folder, sizeof(folder), "%s%s", folders[i], of_unit ? unit : "") == 0) {
            r = load_folder(papers, reader, folder, unit, err);
        }
    }
    if (r == 0) {
        *out = BT_TAKE(papers);
    }
    return r;
}

int bt_stick_papers_read(const struct bt_stick_papers *papers, const char *path, struct bt_buf *out,
                         struct bt_error *err)
{
    for (size_t i = 0; i < papers->count; i++) {
        const struct paper *paper = &papers->list[i];
        if (strcmp(paper->path, path) != 0) {
            continue;
        }
        if (paper->r < 0) {
            return bt_fail(err, paper->r, "%s", paper->err.msg);
        }
        return bt_buf_append(out, bt_buf_text(&paper->text), paper->text.len) == 0
                   ? 0
                   : bt_fail(err, -EMSGSIZE, "'%.200s' of the stick is too long", path);
    }
    return bt_fail(err, -ENOENT, "'%.200s' is not on the stick", path);
}
