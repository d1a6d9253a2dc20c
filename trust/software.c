#include "trust/software.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define SOFTWARE_FORMAT 1
#define MAX_PART 999999
#define MINUTES_PER_DAY 1440
#define YEAR_9999_MS INT64_C(253370764800000)

/*
 * Versions.
 */

static int parse_part(const char *text, size_t len, int64_t *out)
{
    char digits[8];
    bool plain = len > 0 && len < sizeof(digits) && strspn(text, "0123456789") >= len;
    if (!plain || (text[0] == '0' && len > 1)) {
        return -EINVAL;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    return bt_parse_int(digits, 0, MAX_PART, out);
}

int bt_version_parse(const char *text, struct bt_version *out)
{
    struct bt_version version;
    for (size_t i = 0; i < BT_ARRAY_LEN(version.part); i++) {
        size_t len = strcspn(text, ".");
        bool last = i + 1 == BT_ARRAY_LEN(version.part);
        if (parse_part(text, len, &version.part[i]) < 0 || text[len] != (last ? '\0' : '.')) {
            return -EINVAL;
        }
        text += len + (last ? 0 : 1);
    }
    *out = version;
    return 0;
}

int bt_version_compare(const struct bt_version *a, const struct bt_version *b)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(a->part); i++) {
        if (a->part[i] != b->part[i]) {
            return a->part[i] < b->part[i] ? -1 : 1;
        }
    }
    return 0;
}

void bt_version_text(const struct bt_version *version, char out[BT_VERSION_BYTES])
{
    if (bt_format(out, BT_VERSION_BYTES, "%lld.%lld.%lld", (long long)version->part[0],
                  (long long)version->part[1], (long long)version->part[2]) < 0) {
        out[0] = '\0';
    }
}

/*
 * The text.
 */

static int read_version(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    if (!cJSON_IsString(value) || bt_version_parse(value->valuestring, target) < 0) {
        return bt_fail(err, -EINVAL, "'%s' is not three numbers, as in \"0.2.0\"", value->string);
    }
    return 0;
}

// "HH:MM", up to 24:00; -1: it is not.
static int read_minute(const char *text)
{
    char digits[3] = {0};
    int64_t hour, minute;
    if (strspn(text, "0123456789") != 2 || text[2] != ':' || strspn(text + 3, "0123456789") != 2) {
        return -1;
    }
    memcpy(digits, text, 2);
    int r = bt_parse_int(digits, 0, 24, &hour);
    memcpy(digits, text + 3, 2);
    if (r < 0 || bt_parse_int(digits, 0, 59, &minute) < 0 || hour * 60 + minute > MINUTES_PER_DAY) {
        return -1;
    }
    return (int)(hour * 60 + minute);
}

static int read_hours(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct bt_release *release = target;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    int from = -1, until = -1;
    if (strlen(text) == 11 && text[5] == '-') {
        from = read_minute(text);
        until = read_minute(text + 6);
    }
    if (from < 0 || until < 0) {
        return bt_fail(err, -EINVAL, "'hours' is not of the form \"01:00-04:00\"");
    }
    release->from_min = from % MINUTES_PER_DAY;
    release->until_min = until % MINUTES_PER_DAY;
    return 0;
}

static bool is_name(const char *text, size_t size)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    size_t len = strlen(text);
    return len > 0 && len < size && strspn(text, allowed) == len && text[0] != '-' &&
           text[0] != '.';
}

static int read_names(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct bt_names *names = target;
    int count = cJSON_GetArraySize(value);
    if (!cJSON_IsArray(value) || count > BT_SOFTWARE_MAX_WHO) {
        return bt_fail(err, -EINVAL, "'%s' must be a list of at most %d", value->string,
                       BT_SOFTWARE_MAX_WHO);
    }
    names->list = bt_alloc(((size_t)count + 1) * sizeof(*names->list));
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (!cJSON_IsString(entry) || !is_name(entry->valuestring, sizeof(*names->list))) {
            return bt_fail(err, -EINVAL, "%s[%zu] is not 1 to 32 of A-Z a-z 0-9 - .", value->string,
                           names->count);
        }
        bt_copy_cut(names->list[names->count++], sizeof(*names->list), entry->valuestring);
    }
    return 0;
}

struct reading {
    bool strict;
};

static const struct bt_json_field who_fields[] = {
    BT_JSON_FIELD(struct bt_release, units, "units", BT_JSON_CUSTOM, .read = read_names,
                  .optional = true),
    BT_JSON_FIELD(struct bt_release, screens, "screens", BT_JSON_CUSTOM, .read = read_names,
                  .optional = true),
};

static int refuse_unknown(const cJSON *object, const struct bt_json_field *fields, size_t count,
                          const struct reading *reading, struct bt_error *err)
{
    const char *unknown = reading->strict ? bt_json_unknown_key(object, fields, count) : NULL;
    return unknown == NULL ? 0 : bt_fail(err, -EINVAL, "'%s' is no key here", unknown);
}

static int read_who(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int r = bt_json_read(value, who_fields, BT_ARRAY_LEN(who_fields), target, context, err);
    r = r < 0 ? r : refuse_unknown(value, who_fields, BT_ARRAY_LEN(who_fields), context, err);
    return r < 0 ? bt_fail_in(err, r, "who") : 0;
}

// The readers of "who" and "hours" fill more than one member.
#define WHOLE(json_key, reader)                                                                    \
    {                                                                                              \
        .key = (json_key), .kind = BT_JSON_CUSTOM, .offset = 0, .size = sizeof(struct bt_release), \
        .read = (reader)                                                                           \
    }

static const struct bt_json_field release_fields[] = {
    BT_JSON_FIELD(struct bt_release, program, "program", BT_JSON_STRING, .min = 1, .max = 32),
    BT_JSON_FIELD(struct bt_release, platform, "platform", BT_JSON_STRING, .min = 1,
                  .max = BT_PLATFORM_BYTES - 1),
    BT_JSON_FIELD(struct bt_release, version, "version", BT_JSON_CUSTOM, .read = read_version),
    BT_JSON_FIELD(struct bt_release, sha256, "sha256", BT_JSON_CUSTOM, .read = bt_json_read_sha256),
    BT_JSON_FIELD(struct bt_release, size, "size", BT_JSON_INT, .min = 1,
                  .max = BT_PACKAGE_MAX_BYTES),
    WHOLE("who", read_who),
    BT_JSON_FIELD(struct bt_release, from_ms, "from_ms", BT_JSON_INT, .min = 0,
                  .max = YEAR_9999_MS),
    WHOLE("hours", read_hours),
    BT_JSON_FIELD(struct bt_release, now, "now", BT_JSON_BOOL, .optional = true),
};

static int read_release(const cJSON *object, struct reading *reading, struct bt_release *out,
                        struct bt_error *err)
{
    size_t count = BT_ARRAY_LEN(release_fields);
    int r = bt_json_read(object, release_fields, count, out, reading, err);
    r = r < 0 ? r : refuse_unknown(object, release_fields, count, reading, err);
    if (r == 0 && !is_name(out->program, sizeof(out->program))) {
        r = bt_fail(err, -EINVAL, "'program' is no name");
    }
    if (r == 0 && !is_name(out->platform, sizeof(out->platform))) {
        r = bt_fail(err, -EINVAL, "'platform' is no name");
    }
    return r;
}

static bool is_other_package(const struct bt_release *a, const struct bt_release *b)
{
    return strcmp(a->program, b->program) == 0 && strcmp(a->platform, b->platform) == 0 &&
           bt_version_compare(&a->version, &b->version) == 0 &&
           memcmp(&a->sha256, &b->sha256, sizeof(a->sha256)) != 0;
}

// A version is one package for everybody: installers look it up by its number.
static int check_packages(const struct bt_software *software, struct bt_error *err)
{
    char version[BT_VERSION_BYTES];
    for (size_t i = 0; i < software->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (is_other_package(&software->list[k], &software->list[i])) {
                bt_version_text(&software->list[i].version, version);
                return bt_fail(err, -EINVAL,
                               "releases[%zu]: version %s has another package already", i, version);
            }
        }
    }
    return 0;
}

static int read_releases(const cJSON *list, struct reading *reading, struct bt_software *out,
                         struct bt_error *err)
{
    int count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count > BT_SOFTWARE_MAX_RELEASES) {
        return bt_fail(err, -EINVAL, "'releases' must be a list of at most %d",
                       BT_SOFTWARE_MAX_RELEASES);
    }
    out->list = BT_NEW_ARRAY(struct bt_release, (size_t)count + 1);
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
        size_t i = out->count++;
        int r = read_release(entry, reading, &out->list[i], err);
        if (r < 0) {
            return bt_fail_in(err, r, "releases[%zu]", i);
        }
    }
    return 0;
}

struct document {
    int64_t format;
    const cJSON *releases;
};

static int keep_value(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context, (void)err;
    *(const cJSON **)target = value;
    return 0;
}

static const struct bt_json_field document_fields[] = {
    BT_JSON_FIELD(struct document, format, "format", BT_JSON_INT, .min = 1, .max = INT32_MAX),
    BT_JSON_FIELD(struct document, releases, "releases", BT_JSON_CUSTOM, .read = keep_value),
};

int bt_software_parse(const char *text, size_t len, bool strict, struct bt_software **out,
                      struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    struct document document = {0};
    struct reading reading = {strict};
    if (len > BT_SOFTWARE_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "longer than %d bytes", BT_SOFTWARE_MAX_BYTES);
    }
    int r = bt_json_parse(text, len, &json, err);
    size_t count = BT_ARRAY_LEN(document_fields);
    r = r < 0 ? r : bt_json_read(json, document_fields, count, &document, NULL, err);
    if (r == 0 && document.format != SOFTWARE_FORMAT) {
        r = bt_fail(err, -EPROTONOSUPPORT, "'format' is not %d", SOFTWARE_FORMAT);
    }
    r = r < 0 ? r : refuse_unknown(json, document_fields, count, &reading, err);
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_software) software = BT_NEW(struct bt_software);
    r = read_releases(document.releases, &reading, software, err);
    r = r == 0 && strict ? check_packages(software, err) : r;
    if (r == 0) {
        *out = BT_TAKE(software);
    }
    return r;
}

void bt_software_destroy(struct bt_software *software)
{
    if (software == NULL) {
        return;
    }
    for (size_t i = 0; i < software->count; i++) {
        free(software->list[i].units.list);
        free(software->list[i].screens.list);
    }
    free(software->list);
    free(software);
}

/*
 * Choosing.
 */

static bool has_name(const struct bt_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_for(const struct bt_release *release, const struct bt_software_seeker *seeker)
{
    bool everybody = release->units.count == 0 && release->screens.count == 0;
    return everybody || has_name(&release->units, seeker->unit) ||
           has_name(&release->screens, seeker->screen);
}

static bool is_bad(const struct bt_release *release, const struct bt_software_seeker *seeker)
{
    for (size_t i = 0; i < seeker->bad_count; i++) {
        if (bt_version_compare(&release->version, &seeker->bad[i]) == 0) {
            return true;
        }
    }
    return false;
}

const struct bt_release *bt_software_choose(const struct bt_software *software,
                                            const struct bt_software_seeker *seeker)
{
    const struct bt_release *best = NULL;
    struct bt_version above = seeker->running;
    for (size_t i = 0; i < software->count; i++) {
        const struct bt_release *release = &software->list[i];
        if (strcmp(release->program, seeker->program) != 0 ||
            strcmp(release->platform, seeker->platform) != 0 || release->from_ms > seeker->now_ms ||
            !is_for(release, seeker) || is_bad(release, seeker) ||
            bt_version_compare(&release->version, &above) <= 0) {
            continue;
        }
        best = release;
        above = release->version;
    }
    return best;
}

bool bt_release_is_open(const struct bt_release *release, int minute)
{
    int from = release->from_min, until = release->until_min;
    if (release->now || from == until) {
        return true;
    }
    return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}
