/**
 * Feeds the files of a corpus to a fuzz target, so that every input that was ever interesting is
 * tried again by an ordinary test, with any compiler. Usage: NAME_corpus FILE-OR-DIRECTORY…
 *
 * Each input is copied into memory of exactly its size: the address sanitizer sees the first byte
 * that is read past the end.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz/fuzz.h"

// Inputs are kept small on purpose; a larger one does not belong into a corpus.
#define INPUT_MAX_BYTES (4 * 1024 * 1024)

static int run_file(const char *path)
{
    struct bt_error err;
    BT_AUTOBUF input;
    bt_buf_init(&input, INPUT_MAX_BYTES);
    int r = bt_file_read(path, &input, &err);
    if (r < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return r;
    }
    BT_AUTOFREE uint8_t *exact = malloc(BT_MAX(input.len, (size_t)1));  // allow: exact size wanted
    if (exact == NULL) {
        return -1;
    }
    if (input.len > 0) {
        memcpy(exact, input.data, input.len);
    }
    fprintf(stderr, "%s\n", path);  // the last line names the input when the target dies
    LLVMFuzzerTestOneInput(exact, input.len);
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

// The number of inputs, or negative when one cannot be read.
static int run_directory(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    bool failed = count < 0;
    for (int i = 0; i < count; i++) {
        BT_AUTOFREE char *file = bt_strf("%s/%s", path, entries[i]->d_name);
        failed = failed || run_file(file) < 0;
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return failed ? -1 : count;
}

static int run_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        perror(path);
        return -1;
    }
    if (S_ISDIR(status.st_mode)) {
        return run_directory(path);
    }
    return run_file(path) < 0 ? -1 : 1;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = run_path(argv[i]);
        if (count < 0) {
            return EXIT_FAILURE;
        }
        total += count;
    }
    printf("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;  // an empty corpus tests nothing
}
