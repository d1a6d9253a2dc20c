#include "server/backup/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

int bt_manifest_add(struct bt_manifest *manifest, const char *dir, const char *path,
                    struct bt_error *err)
{
    struct bt_sha256 sha256;
    if (manifest->count == BT_MANIFEST_MAX_FILES) {
        return bt_fail(err, -EMSGSIZE, "More than %d files", BT_MANIFEST_MAX_FILES);
    }
    struct bt_manifest_file *file = &manifest->files[manifest->count];
    BT_AUTOFREE char *whole = bt_strf("%s/%s", dir, path);
    int r = bt_sha256_of_file(whole, &sha256, &file->size, err);
    r = r < 0 ? r : bt_format(file->path, sizeof(file->path), "%s", path);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    bt_hex(sha256.bytes, BT_SHA256_BYTES, file->sha256);
    manifest->count++;
    return 0;
}

int bt_manifest_write(const struct bt_manifest *manifest, struct bt_buf *out)
{
    BT_AUTOJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "format", BT_MANIFEST_FORMAT);
    cJSON_AddNumberToObject(document, "made_ms", (double)manifest->made_ms);
    cJSON_AddStringToObject(document, "engine", manifest->engine);
    cJSON_AddNumberToObject(document, "blobs", (double)manifest->blobs);
    cJSON_AddNumberToObject(document, "blob_bytes", (double)manifest->blob_bytes);
    cJSON *files = cJSON_AddArrayToObject(document, "files");
    for (size_t i = 0; i < manifest->count; i++) {
        const struct bt_manifest_file *file = &manifest->files[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "path", file->path);
        cJSON_AddNumberToObject(entry, "size", (double)file->size);
        cJSON_AddStringToObject(entry, "sha256", file->sha256);
        cJSON_AddItemToArray(files, entry);
    }
    BT_AUTOFREE char *text = cJSON_Print(document);
    return text == NULL ? -ENOMEM : bt_buf_appendf(out, "%s\n", text);
}

// A name in one of our folders, and no way out of them.
static bool is_good_path(const char *path)
{
    static const char *const whole[] = {"bangtin.db", "blobs.txt"};
    static const char *const folders[] = {"keys/", "tls/"};
    for (size_t i = 0; i < BT_ARRAY_LEN(whole); i++) {
        if (bt_str_equal(path, whole[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(folders); i++) {
        if (bt_str_starts(path, folders[i])) {
            const char *name = path + strlen(folders[i]);
            return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
        }
    }
    return false;
}

static const struct bt_json_field file_fields[] = {
    BT_JSON_FIELD(struct bt_manifest_file, path, "path", BT_JSON_STRING, .min = 1,
                  .max = BT_MANIFEST_PATH_BYTES - 1),
    BT_JSON_FIELD(struct bt_manifest_file, size, "size", BT_JSON_INT, .max = INT64_C(1) << 52),
    BT_JSON_FIELD(struct bt_manifest_file, sha256, "sha256", BT_JSON_STRING,
                  .min = BT_SHA256_HEX_BYTES - 1, .max = BT_SHA256_HEX_BYTES - 1),
};

static int read_file(const cJSON *value, struct bt_manifest *manifest, struct bt_error *err)
{
    if (manifest->count == BT_MANIFEST_MAX_FILES) {
        return bt_fail(err, -EINVAL, "More than %d files", BT_MANIFEST_MAX_FILES);
    }
    struct bt_manifest_file *file = &manifest->files[manifest->count];
    int r = bt_json_read(value, file_fields, BT_ARRAY_LEN(file_fields), file, NULL, err);
    if (r == 0 && !is_good_path(file->path)) {
        r = bt_fail(err, -EINVAL, "'%s' does not belong into a backup", file->path);
    }
    for (size_t i = 0; r == 0 && i < manifest->count; i++) {
        if (bt_str_equal(manifest->files[i].path, file->path)) {
            r = bt_fail(err, -EINVAL, "'%s' is there twice", file->path);
        }
    }
    manifest->count++;
    return r;
}

static int read_files(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)target;
    struct bt_manifest *manifest = context;
    int r = cJSON_IsArray(value) ? 0 : bt_fail(err, -EINVAL, "'files' must be a list [ ]");
    for (const cJSON *each = r == 0 ? value->child : NULL; r == 0 && each != NULL;
         each = each->next) {
        r = read_file(each, manifest, err);
    }
    return r;
}

struct manifest_head {
    int64_t format;
    int files;  // where CUSTOM points; they go into the context
};

static const struct bt_json_field head_fields[] = {
    BT_JSON_FIELD(struct manifest_head, format, "format", BT_JSON_INT, .min = BT_MANIFEST_FORMAT,
                  .max = BT_MANIFEST_FORMAT),
    BT_JSON_FIELD(struct manifest_head, files, "files", BT_JSON_CUSTOM, .read = read_files),
};

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct bt_manifest, made_ms, "made_ms", BT_JSON_INT, .max = INT64_C(1) << 52),
    BT_JSON_FIELD(struct bt_manifest, blobs, "blobs", BT_JSON_INT, .max = INT64_C(1) << 40),
    BT_JSON_FIELD(struct bt_manifest, blob_bytes, "blob_bytes", BT_JSON_INT,
                  .max = INT64_C(1) << 52),
    BT_JSON_FIELD(struct bt_manifest, engine, "engine", BT_JSON_STRING, .min = 1, .max = 15),
};

int bt_manifest_read(const char *text, size_t len, struct bt_manifest *out, struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    struct manifest_head head;
    *out = (struct bt_manifest){0};
    int r = bt_json_parse(text, len, &document, err);
    r = r < 0 ? r : bt_json_read(document, head_fields, BT_ARRAY_LEN(head_fields), &head, out, err);
    return r < 0 ? r : bt_json_read(document, fields, BT_ARRAY_LEN(fields), out, NULL, err);
}

int bt_manifest_check(const struct bt_manifest *manifest, const char *dir, struct bt_error *err)
{
    int r = 0;
    struct bt_manifest *seen = BT_NEW(struct bt_manifest);
    for (size_t i = 0; r == 0 && i < manifest->count; i++) {
        const struct bt_manifest_file *said = &manifest->files[i], *is = &seen->files[i];
        r = bt_manifest_add(seen, dir, said->path, err);
        if (r == 0 && (is->size != said->size || strcmp(is->sha256, said->sha256) != 0)) {
            r = bt_fail(err, -EBADMSG, "'%s' is not as the manifest says: the backup is damaged",
                        said->path);
        }
    }
    free(seen);
    return r;
}
