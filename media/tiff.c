#include "media/tiff.h"

#include <assert.h>
#include <string.h>

#define ENTRY_BYTES 12

static uint32_t number(const uint8_t *at, size_t size, bool big_endian)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | at[big_endian ? i : size - 1 - i];
    }
    return value;
}

bool bt_tiff_open(const uint8_t *bytes, size_t len, struct bt_tiff *out)
{
    if (len < 8 || (memcmp(bytes, "MM\0*", 4) != 0 && memcmp(bytes, "II*\0", 4) != 0)) {
        return false;
    }
    bool big_endian = bytes[0] == 'M';
    size_t at = number(bytes + 4, 4, big_endian);
    if (at > len - 2) {
        return false;
    }
    size_t said = number(bytes + at, 2, big_endian), there = (len - at - 2) / ENTRY_BYTES;
    *out = (struct bt_tiff){
        .bytes = bytes,
        .len = len,
        .big_endian = big_endian,
        .entries = bytes + at + 2,
        .entry_count = said < there ? said : there,
        .whole = said <= there,
    };
    return true;
}

// Bytes of a whole number; 0: the type is none.
static size_t size_of_type(unsigned type)
{
    static const size_t sizes[] = {[1] = 1, [3] = 2, [4] = 4};
    return type < sizeof(sizes) / sizeof(sizes[0]) ? sizes[type] : 0;
}

// Four bytes of an entry are the numbers themselves, when they fit, or say where those lie.
static struct bt_tiff_numbers read_entry(const struct bt_tiff *tiff, const uint8_t *entry)
{
    const struct bt_tiff_numbers none = {.big_endian = tiff->big_endian};
    struct bt_tiff_numbers out = none;
    out.size = size_of_type(number(entry + 2, 2, tiff->big_endian));
    out.count = number(entry + 4, 4, tiff->big_endian);
    size_t at = number(entry + 8, 4, tiff->big_endian);
    if (out.size == 0) {
        return none;
    }
    if (out.count <= 4 / out.size) {
        out.at = entry + 8;
        return out;
    }
    if (at > tiff->len || out.count > (tiff->len - at) / out.size) {
        return none;
    }
    out.at = tiff->bytes + at;
    return out;
}

struct bt_tiff_numbers bt_tiff_find(const struct bt_tiff *tiff, unsigned tag)
{
    const uint8_t *entry = tiff->entries;
    for (size_t i = 0; i < tiff->entry_count; i++, entry += ENTRY_BYTES) {
        if (number(entry, 2, tiff->big_endian) == tag) {
            return read_entry(tiff, entry);
        }
    }
    return (struct bt_tiff_numbers){.big_endian = tiff->big_endian};
}

uint32_t bt_tiff_number(const struct bt_tiff_numbers *numbers, size_t index)
{
    assert(index < numbers->count);
    return number(numbers->at + index * numbers->size, numbers->size, numbers->big_endian);
}

uint32_t bt_tiff_value(const struct bt_tiff *tiff, unsigned tag, uint32_t otherwise)
{
    struct bt_tiff_numbers numbers = bt_tiff_find(tiff, tag);
    return numbers.count > 0 ? bt_tiff_number(&numbers, 0) : otherwise;
}

int bt_tiff_orientation(const struct bt_tiff *tiff)
{
    uint32_t value = bt_tiff_value(tiff, BT_TIFF_ORIENTATION, 1);
    return value >= 1 && value <= 8 ? (int)value : 1;
}
