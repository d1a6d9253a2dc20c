#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("bangtin: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *bt_alloc(size_t size)
{
    return checked(calloc(1, size == 0 ? 1 : size));
}

void *bt_alloc_array(size_t count, size_t size)
{
    return checked(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

void bt_grow_array(void *array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) {
        return;
    }
    size_t wanted = BT_MAX(needed, *capacity < SIZE_MAX / 2 ? *capacity * 2 : needed);
    void *old;
    memcpy(&old, array, sizeof(old));
    char *grown = checked(reallocarray(old, wanted, size));
    memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
    memcpy(array, &grown, sizeof(grown));
    *capacity = wanted;
}

char *bt_strdup(const char *text)
{
    return checked(strdup(text));
}

char *bt_strndup(const char *text, size_t len)
{
    const char *end = memchr(text, '\0', len);
    size_t used = end != NULL ? (size_t)(end - text) : len;
    char *copy = bt_alloc(used + 1);
    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

void bt_free_auto(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof(memory));
    free(memory);
}

void bt_close_auto(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}
