// The entry point every target defines; libFuzzer, or run_corpus.c, calls it once per input.
#ifndef BT_FUZZ_FUZZ_H
#define BT_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
