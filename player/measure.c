#include "player/measure.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"
#include "player/vblank.h"
#include "sync/machine.h"

#define SAMPLE_NS BT_NS_PER_S

// Times between presents, by tenths of a millisecond; the last one is all that is longer.
#define BINS_PER_MS 10
#define BIN_NS (BT_NS_PER_MS / BINS_PER_MS)
#define BINS 20001

#define MODEL_BYTES 128

struct presents {
    int64_t count;
    int64_t first_ns, last_ns;
    int64_t longest_ns;  // between two
    int64_t bins[BINS];
};

// By the kernel's count.
struct refreshes {
    int64_t first, last;
    int64_t used;     // with a present of their own
    int64_t longest;  // refreshes that one picture stood
};

struct samples {
    int64_t count;  // seconds
    int64_t throttled, low_power;
    int64_t max_celsius;
    int64_t min_cma;
    struct bt_machine last;
};

struct bt_measure {
    const char *root;  // borrowed
    char model[MODEL_BYTES];
    struct bt_queue *rest;  // nothing ever comes through it; closing it ends the thread
    pthread_t thread;
    bool sampling;
    struct samples samples;  // the thread's until it is joined
    // Main thread only.
    struct bt_vblank *vblank;  // NULL: nothing counts here
    bool looked_for_vblank;
    struct presents presents;
    struct refreshes refreshes;
    struct bt_stage_info info;
    struct bt_output_info output;
};

static void read_model(const char *root, char out[MODEL_BYTES])
{
    static const char *const places[] = {"/proc/device-tree/model",
                                         "/sys/class/dmi/id/product_name"};
    for (size_t i = 0; i < BT_ARRAY_LEN(places) && out[0] == '\0'; i++) {
        BT_AUTOFREE char *path = bt_strf("%s%s", root, places[i]);
        BT_AUTOBUF text;
        bt_buf_init(&text, MODEL_BYTES);
        if (bt_file_read(path, &text, NULL) == 0) {
            bt_copy_cut(out, MODEL_BYTES, bt_buf_text(&text));
            out[strcspn(out, "\n")] = '\0';
            bt_utf8_drop_invalid(out);
        }
    }
}

static void take_sample(struct bt_measure *measure)
{
    struct samples *samples = &measure->samples;
    struct bt_machine now;
    bt_machine_look(measure->root, &now);
    if (now.has_celsius) {
        samples->max_celsius =
            samples->last.has_celsius ? BT_MAX(samples->max_celsius, now.celsius) : now.celsius;
    }
    if (now.has_cma) {
        samples->min_cma = samples->last.has_cma ? BT_MIN(samples->min_cma, now.cma_free_bytes)
                                                 : now.cma_free_bytes;
    }
    samples->throttled += now.throttled;
    samples->low_power += now.low_power;
    samples->count++;
    samples->last = now;
}

static void *run(void *argument)
{
    struct bt_measure *measure = argument;
    while (!bt_queue_closed(measure->rest)) {
        take_sample(measure);
        (void)bt_queue_pop_wait(measure->rest, bt_clock_mono_ns(bt_clock_real()) + SAMPLE_NS);
    }
    return NULL;
}

struct bt_measure *bt_measure_start(const char *root)
{
    struct bt_measure *measure = BT_NEW(struct bt_measure);
    measure->root = root;
    read_model(root, measure->model);
    measure->rest = bt_queue_create(1, free, (struct bt_waker){0});
    measure->sampling = pthread_create(&measure->thread, NULL, run, measure) == 0;
    return measure;
}

void bt_measure_stop(struct bt_measure *measure)
{
    bt_queue_close(measure->rest);
    if (measure->sampling) {
        pthread_join(measure->thread, NULL);
        measure->sampling = false;
    }
}

void bt_measure_destroy(struct bt_measure *measure)
{
    if (measure != NULL) {
        bt_measure_stop(measure);
        bt_queue_destroy(measure->rest);
        bt_vblank_destroy(measure->vblank);
        free(measure);
    }
}

static void count_interval(struct presents *presents, int64_t interval_ns)
{
    presents->longest_ns = BT_MAX(presents->longest_ns, interval_ns);
    presents->bins[BT_CLAMP(interval_ns / BIN_NS, 0, BINS - 1)]++;
}

static void count_refresh(struct bt_measure *measure)
{
    struct refreshes *refreshes = &measure->refreshes;
    int64_t now;
    if (!measure->looked_for_vblank) {
        measure->looked_for_vblank = true;
        (void)!bt_vblank_open(measure->root, &measure->vblank, NULL);
    }
    if (!bt_vblank_count(measure->vblank, &now)) {
        return;
    }
    if (refreshes->used == 0) {
        refreshes->first = refreshes->last = now;
        refreshes->used = 1;
    } else if (now > refreshes->last) {
        refreshes->longest = BT_MAX(refreshes->longest, now - refreshes->last);
        refreshes->last = now;
        refreshes->used++;
    }
}

void bt_measure_presented(void *context, const struct bt_stage *stage, int64_t presented_ns)
{
    struct bt_measure *measure = context;
    struct presents *presents = &measure->presents;
    if (presents->count == 0) {
        presents->first_ns = presented_ns;
    } else {
        count_interval(presents, presented_ns - presents->last_ns);
    }
    presents->count++;
    presents->last_ns = presented_ns;
    count_refresh(measure);
    bt_stage_info(stage, &measure->info);
    measure->output = *measure->info.output;
}

// The time that so many in a hundred intervals do not exceed.
static double quantile_ms(const struct presents *presents, int percent)
{
    int64_t wanted = ((presents->count - 1) * percent + 99) / 100, seen = 0;
    int bin = 0;
    while (bin < BINS - 1 && (seen += presents->bins[bin]) < wanted) {
        bin++;
    }
    return (double)(bin + 1) / BINS_PER_MS;
}

static void add_number(cJSON *object, const char *name, bool known, double value)
{
    cJSON_AddItemToObject(object, name, known ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    bool known = text != NULL && text[0] != '\0';
    cJSON_AddItemToObject(object, name, known ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static double tenths(double value)
{
    return (double)(int64_t)(value * 10 + 0.5) / 10;
}

static void add_display(const struct bt_measure *measure, cJSON *object)
{
    const struct bt_output_info *output = &measure->output;
    bool any = measure->presents.count > 0;
    add_text(object, "model", measure->model);
    add_text(object, "backend", output->backend);
    add_text(object, "video_driver", output->video_driver);
    add_text(object, "renderer", output->renderer);
    add_number(object, "width", any, output->width);
    add_number(object, "height", any, output->height);
    add_number(object, "mode_hz", output->display_hz > 0, output->display_hz);
    cJSON_AddBoolToObject(object, "vsync", output->vsync);
}

static void add_presents(const struct bt_measure *measure, cJSON *object)
{
    const struct presents *presents = &measure->presents;
    const struct refreshes *refreshes = &measure->refreshes;
    double seconds = (double)(presents->last_ns - presents->first_ns) / (double)BT_NS_PER_S;
    int64_t passed = refreshes->last - refreshes->first;
    bool any = presents->count > 1, counted = passed > 0;
    add_number(object, "seconds", any, tenths(seconds));
    cJSON_AddNumberToObject(object, "presents", (double)presents->count);
    add_number(object, "presents_per_s", any, tenths((double)(presents->count - 1) / seconds));
    add_number(object, "interval_median_ms", any, quantile_ms(presents, 50));
    add_number(object, "interval_p99_ms", any, quantile_ms(presents, 99));
    add_number(object, "interval_longest_ms", any,
               tenths((double)presents->longest_ns / (double)BT_NS_PER_MS));
    cJSON_AddNumberToObject(object, "dropped_frames", (double)measure->info.dropped);
    cJSON_AddStringToObject(object, "evidence", counted ? "vblank" : "present");
    add_number(object, "refreshes", counted, (double)passed);
    add_number(object, "refreshes_per_s", counted, tenths((double)passed / seconds));
    add_number(object, "refreshes_with_a_present", counted, (double)(refreshes->used - 1));
    add_number(object, "refreshes_without", counted, (double)(passed - refreshes->used + 1));
    add_number(object, "longest_refreshes", counted, (double)refreshes->longest);
}

static void add_machine(const struct bt_measure *measure, cJSON *object)
{
    const struct samples *samples = &measure->samples;
    const struct bt_machine *last = &samples->last;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    add_number(object, "cpu_s", true,
               tenths((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                      (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6));
    add_number(object, "memory_peak_mib", true, tenths((double)used.ru_maxrss / 1024));
    add_number(object, "celsius", last->has_celsius, (double)last->celsius);
    add_number(object, "celsius_max", last->has_celsius, (double)samples->max_celsius);
    add_number(object, "throttled_s", last->has_throttled, (double)samples->throttled);
    add_number(object, "low_power_s", last->has_throttled, (double)samples->low_power);
    add_number(object, "cma_total_mib", last->has_cma, (double)(last->cma_total_bytes >> 20));
    add_number(object, "cma_free_min_mib", last->has_cma, (double)(samples->min_cma >> 20));
}

static cJSON *describe(const struct bt_measure *measure)
{
    cJSON *object = cJSON_CreateObject();
    add_display(measure, object);
    add_presents(measure, object);
    add_machine(measure, object);
    return object;
}

char *bt_measure_json(const struct bt_measure *measure)
{
    BT_AUTOJSON *object = describe(measure);
    return cJSON_Print(object);
}

static const struct {
    const char *name, *about;
} lines[] = {
    {"model", "máy / board"},
    {"backend", "cách vẽ / back-end"},
    {"video_driver", "đường ra / video driver"},
    {"renderer", "bộ xử lý đồ họa / GPU"},
    {"width", "rộng, điểm ảnh / width, pixels"},
    {"height", "cao, điểm ảnh / height, pixels"},
    {"mode_hz", "tần số của chế độ, Hz / the mode's rate, Hz"},
    {"vsync", "chờ được nhịp màn hình / presents wait for the display"},
    {"seconds", "đã đo, giây / measured, seconds"},
    {"presents", "số lần hiện / presents"},
    {"presents_per_s", "lần hiện mỗi giây / presents per second"},
    {"interval_median_ms", "giữa hai lần, trung vị, ms / between two, median, ms"},
    {"interval_p99_ms", "giữa hai lần, 99 %, ms / between two, 99 %, ms"},
    {"interval_longest_ms", "giữa hai lần, lâu nhất, ms / between two, longest, ms"},
    {"dropped_frames", "hình bị bỏ / frames dropped"},
    {"evidence", "bằng chứng / evidence"},
    {"refreshes", "số lần màn hình làm tươi / refreshes of the display"},
    {"refreshes_per_s", "làm tươi mỗi giây / refreshes per second"},
    {"refreshes_with_a_present", "làm tươi có hình mới / refreshes with a present"},
    {"refreshes_without", "làm tươi không hình mới / refreshes without one"},
    {"longest_refreshes", "một hình đứng lâu nhất, lần làm tươi / longest, refreshes"},
    {"cpu_s", "thời gian xử lý, giây / processor time, seconds"},
    {"memory_peak_mib", "bộ nhớ nhiều nhất, MiB / peak memory, MiB"},
    {"celsius", "nhiệt độ lúc cuối, °C / temperature at the end"},
    {"celsius_max", "nhiệt độ cao nhất, °C / highest temperature"},
    {"throttled_s", "tự chạy chậm lại, giây / throttled, seconds"},
    {"low_power_s", "nguồn yếu, giây / supply too weak, seconds"},
    {"cma_total_mib", "vùng CMA, MiB / CMA, MiB"},
    {"cma_free_min_mib", "CMA trống ít nhất, MiB / least CMA free, MiB"},
};

void bt_measure_print(const struct bt_measure *measure, FILE *to)
{
    BT_AUTOJSON *object = describe(measure);
    for (size_t i = 0; i < BT_ARRAY_LEN(lines); i++) {
        const cJSON *value = cJSON_GetObjectItem(object, lines[i].name);
        BT_AUTOFREE char *printed = cJSON_PrintUnformatted(value);
        const char *word = cJSON_GetStringValue(value);
        const char *text = word != NULL ? word : printed;
        bool known = text != NULL && !cJSON_IsNull(value);
        fprintf(to, "  %-16s %s\n", known ? text : "-", lines[i].about);
    }
}
