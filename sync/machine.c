#include "sync/machine.h"

#include <glob.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define MAX_BYTES 64
#define MAX_ZONES 32
#define MAX_MEMINFO_BYTES 16384

// A sensor that says less or more is broken.
#define MIN_MILLICELSIUS (-60000)
#define MAX_MILLICELSIUS 150000

// Bits of the firmware's answer; what happened since the start stands 16 higher and is not now.
#define UNDER_VOLTAGE 0x1
#define SLOWED 0xE  // frequency capped, throttled, soft limit of temperature

// A small file's text without its line end.
static bool read_line(const char *path, char out[MAX_BYTES + 1])
{
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_BYTES);
    if (bt_file_read(path, &text, NULL) < 0) {
        return false;
    }
    size_t len = strcspn(bt_buf_text(&text), "\n");
    memcpy(out, bt_buf_text(&text), len);
    out[len] = '\0';
    return true;
}

static void look_at_sensor(const char *path, struct bt_machine *out)
{
    char text[MAX_BYTES + 1];
    int64_t milli;
    if (!read_line(path, text) ||
        bt_parse_int(text, MIN_MILLICELSIUS, MAX_MILLICELSIUS, &milli) < 0) {
        return;
    }
    int64_t celsius = milli / 1000;
    out->celsius = out->has_celsius ? BT_MAX(out->celsius, celsius) : celsius;
    out->has_celsius = true;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c | 0x20);
    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

// "50005", or "0x50005".
static void look_at_firmware(const char *path, struct bt_machine *out)
{
    char text[MAX_BYTES + 1];
    uint32_t bits = 0;
    if (!read_line(path, text)) {
        return;
    }
    const char *at = bt_str_starts(text, "0x") ? text + 2 : text;
    size_t len = strlen(at);
    for (size_t i = 0; i < len; i++) {
        if (hex_digit(at[i]) < 0 || len > 8) {
            return;
        }
        bits = bits << 4 | (uint32_t)hex_digit(at[i]);
    }
    out->has_throttled = len > 0;
    out->throttled = (bits & SLOWED) != 0;
    out->low_power = (bits & UNDER_VOLTAGE) != 0;
}

static void look_at_all(const char *root, const char *pattern,
                        void (*look)(const char *path, struct bt_machine *out),
                        struct bt_machine *out)
{
    glob_t found;
    BT_AUTOFREE char *where = bt_strf("%s%s", root, pattern);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only names of users would be looked up unsafely
    if (glob(where, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc && i < MAX_ZONES; i++) {
        look(found.gl_pathv[i], out);
    }
    globfree(&found);
}

// "CmaFree:          123456 kB" of /proc/meminfo.
static bool read_kib(const char *text, const char *name, int64_t *out_bytes)
{
    const char *at = strstr(text, name);
    char number[24];
    int64_t kib;
    if (at == NULL) {
        return false;
    }
    at += strlen(name);
    at += strspn(at, " ");
    size_t len = strcspn(at, " \n");
    if (len >= sizeof(number)) {
        return false;
    }
    memcpy(number, at, len);
    number[len] = '\0';
    if (bt_parse_int(number, 0, INT64_MAX / 1024, &kib) < 0) {
        return false;
    }
    *out_bytes = kib * 1024;
    return true;
}

static void look_at_memory(const char *path, struct bt_machine *out)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_MEMINFO_BYTES);
    if (bt_file_read(path, &text, NULL) == 0) {
        out->has_cma = read_kib(bt_buf_text(&text), "\nCmaTotal:", &out->cma_total_bytes) &&
                       read_kib(bt_buf_text(&text), "\nCmaFree:", &out->cma_free_bytes) &&
                       out->cma_total_bytes > 0;
    }
}

void bt_machine_look(const char *root, struct bt_machine *out)
{
    *out = (struct bt_machine){.has_celsius = false};
    look_at_all(root, "/sys/class/thermal/thermal_zone*/temp", look_at_sensor, out);
    look_at_all(root, "/proc/meminfo", look_at_memory, out);
    look_at_all(root, "/sys/devices/platform/soc*/*firmware/get_throttled", look_at_firmware, out);
}
