/**
 * An input for targets that read files: the bytes in a file without a name, in memory.
 */
#ifndef BT_FUZZ_INPUT_FILE_H
#define BT_FUZZ_INPUT_FILE_H

#include <stddef.h>
#include <stdint.h>

// A path under which it can be opened, until the next call. One thread.
const char *bt_fuzz_file(const uint8_t *data, size_t size);

#endif
