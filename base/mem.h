/**
 * Small bookkeeping allocations. These end the process when memory is gone: the supervisor
 * restarts it and the journal makes that harmless. Frames, textures, bodies and files do not
 * come from here; whoever allocates those checks.
 */
#ifndef BT_BASE_MEM_H
#define BT_BASE_MEM_H

#include <stddef.h>

#include "base/compiler.h"

// Zeroed memory, never NULL.
void *bt_alloc(size_t size) BT_NODISCARD;
void *bt_alloc_array(size_t count, size_t size) BT_NODISCARD;

// Grows *array (elements of `size` bytes) so that it holds at least `needed`; new room is zeroed.
void bt_grow_array(void *array, size_t *capacity, size_t needed, size_t size);

char *bt_strdup(const char *text) BT_NODISCARD;
char *bt_strndup(const char *text, size_t len) BT_NODISCARD;

#define BT_NEW(type) ((type *)bt_alloc(sizeof(type)))
#define BT_NEW_ARRAY(type, count) ((type *)bt_alloc_array((count), sizeof(type)))
#define BT_GROW(array, capacity, needed)                                                           \
    bt_grow_array(&(array), &(capacity), (needed), sizeof(*(array)))

#endif
