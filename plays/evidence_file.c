#include "plays/evidence_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mem.h"

#define CHUNK_BYTES (256 * 1024)

// Most of it are batches, which are compressed already.
#define COMPRESSION_LEVEL 1

// What a reader must keep in memory: 8 MiB.
#define WINDOW_LOG_MAX 23

#define SEAL_MAGIC 0x184D2A50U
#define SEAL_HEADER_BYTES 8

/*
 * Writing.
 */

struct bt_evidence_writer {
    int fd;
    ZSTD_CCtx *zstd;
    struct bt_hasher *hasher;
    int64_t bytes;
    uint8_t chunk[CHUNK_BYTES];
};

void bt_evidence_writer_destroy(struct bt_evidence_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    ZSTD_freeCCtx(writer->zstd);
    bt_hasher_destroy(writer->hasher);
    free(writer);
}

int bt_evidence_writer_create(const char *path, struct bt_evidence_writer **out,
                              struct bt_error *err)
{
    BT_AUTO(bt_evidence_writer) writer = BT_NEW(struct bt_evidence_writer);
    writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        return bt_fail_errno(err, "Cannot create '%s'", path);
    }
    writer->hasher = bt_hasher_create();
    writer->zstd = ZSTD_createCCtx();
    if (writer->zstd == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for compressing");
    }
    (void)ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    (void)ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    *out = BT_TAKE(writer);
    return 0;
}

static int write_all(struct bt_evidence_writer *writer, const uint8_t *bytes, size_t len,
                     struct bt_error *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(writer->fd, bytes + done, len - done);
        if (n < 0 && errno != EINTR) {
            return bt_fail_errno(err, "Cannot write the evidence");
        }
        done += n > 0 ? (size_t)n : 0;
    }
    writer->bytes += (int64_t)len;
    return 0;
}

static int compress(struct bt_evidence_writer *writer, const void *bytes, size_t len,
                    ZSTD_EndDirective how, struct bt_error *err)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    size_t left = 1;
    while (in.pos < in.size || (how == ZSTD_e_end && left > 0)) {
        ZSTD_outBuffer out = {writer->chunk, sizeof(writer->chunk), 0};
        left = ZSTD_compressStream2(writer->zstd, &out, &in, how);
        if (ZSTD_isError(left)) {
            return bt_fail(err, -EIO, "zstd: %s", ZSTD_getErrorName(left));
        }
        bt_hasher_add(writer->hasher, writer->chunk, out.pos);
        int r = write_all(writer, writer->chunk, out.pos, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int bt_evidence_writer_add(struct bt_evidence_writer *writer, const char *line, size_t len,
                           struct bt_error *err)
{
    if (len > BT_EVIDENCE_MAX_LINE) {
        return bt_fail(err, -EMSGSIZE, "A line of %zu bytes", len);
    }
    int r = compress(writer, line, len, ZSTD_e_continue, err);
    return r < 0 ? r : compress(writer, "\n", 1, ZSTD_e_continue, err);
}

int64_t bt_evidence_writer_bytes(const struct bt_evidence_writer *writer)
{
    return writer->bytes;
}

int bt_evidence_writer_end(struct bt_evidence_writer *writer, struct bt_sha256 *out_sha256,
                           struct bt_error *err)
{
    int r = compress(writer, "", 0, ZSTD_e_end, err);
    if (r == 0) {
        *out_sha256 = bt_hasher_result(writer->hasher);
    }
    return r;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

int bt_evidence_writer_seal(struct bt_evidence_writer *writer, const char *seal, size_t len,
                            struct bt_error *err)
{
    uint8_t header[SEAL_HEADER_BYTES];
    if (len > BT_EVIDENCE_MAX_SEAL) {
        return bt_fail(err, -EMSGSIZE, "A seal of %zu bytes", len);
    }
    put_u32(header, SEAL_MAGIC);
    put_u32(header + 4, (uint32_t)len);
    int r = write_all(writer, header, sizeof(header), err);
    return r < 0 ? r : write_all(writer, (const uint8_t *)seal, len, err);
}

/*
 * Reading.
 */

struct bt_evidence_reader {
    int fd;
    int64_t size, at;
    ZSTD_DCtx *zstd;
    struct bt_hasher *hasher;
    bool frame_ended;

    uint8_t chunk[CHUNK_BYTES];  // of the file
    size_t chunk_len, chunk_at;

    char *text;  // unpacked: line_at..text_len has not been handed out
    size_t text_len, text_capacity, line_at;
    size_t searched;  // no line end up to here
};

void bt_evidence_reader_destroy(struct bt_evidence_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    ZSTD_freeDCtx(reader->zstd);
    bt_hasher_destroy(reader->hasher);
    free(reader->text);
    free(reader);
}

int bt_evidence_reader_open(const char *path, struct bt_evidence_reader **out, struct bt_error *err)
{
    BT_AUTO(bt_evidence_reader) reader = BT_NEW(struct bt_evidence_reader);
    struct stat status;
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0 || fstat(reader->fd, &status) < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    reader->size = status.st_size;
    reader->hasher = bt_hasher_create();
    reader->zstd = ZSTD_createDCtx();
    if (reader->zstd == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for unpacking");
    }
    (void)ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    *out = BT_TAKE(reader);
    return 0;
}

int64_t bt_evidence_reader_at(const struct bt_evidence_reader *reader)
{
    return reader->at;
}

int64_t bt_evidence_reader_size(const struct bt_evidence_reader *reader)
{
    return reader->size;
}

// 0 at the end of the file.
static int read_chunk(struct bt_evidence_reader *reader, struct bt_error *err)
{
    ssize_t n;
    do {
        n = read(reader->fd, reader->chunk, sizeof(reader->chunk));
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return bt_fail_errno(err, "Cannot read the evidence");
    }
    reader->chunk_at = 0;
    reader->chunk_len = (size_t)n;
    reader->at += n;
    return n > 0;
}

// Room behind the text for one more chunk and a NUL; what was handed out goes.
static int make_room(struct bt_evidence_reader *reader, struct bt_error *err)
{
    size_t kept = reader->text_len - reader->line_at;
    if (reader->line_at > 0) {
        memmove(reader->text, reader->text + reader->line_at, kept);
        reader->searched -= reader->line_at;
        reader->text_len = kept;
        reader->line_at = 0;
    }
    if (kept > BT_EVIDENCE_MAX_LINE) {
        return bt_fail(err, -EMSGSIZE, "A line is longer than %d bytes", BT_EVIDENCE_MAX_LINE);
    }
    if (reader->text_capacity - kept <= CHUNK_BYTES) {
        size_t wanted = 2 * kept + 2 * CHUNK_BYTES;
        char *larger = realloc(reader->text, wanted);  // allow: checked, and large
        if (larger == NULL) {
            return bt_fail(err, -ENOMEM, "No memory for a line of %zu bytes", wanted);
        }
        reader->text = larger;
        reader->text_capacity = wanted;
    }
    return 0;
}

// More text, until the frame ends.
static int unpack(struct bt_evidence_reader *reader, struct bt_error *err)
{
    int r = make_room(reader, err);
    if (r == 0 && reader->chunk_at == reader->chunk_len) {
        r = read_chunk(reader, err);
        if (r == 0) {
            return bt_fail(err, -EINVAL, "The file is cut off");
        }
    }
    if (r < 0) {
        return r;
    }
    ZSTD_inBuffer in = {reader->chunk, reader->chunk_len, reader->chunk_at};
    ZSTD_outBuffer out = {reader->text, reader->text_capacity - 1, reader->text_len};
    size_t left = ZSTD_decompressStream(reader->zstd, &out, &in);
    if (ZSTD_isError(left)) {
        return bt_fail(err, -EINVAL, "Not an evidence file, or changed (zstd: %s)",
                       ZSTD_getErrorName(left));
    }
    bt_hasher_add(reader->hasher, reader->chunk + reader->chunk_at, in.pos - reader->chunk_at);
    reader->chunk_at = in.pos;
    reader->text_len = out.pos;
    reader->frame_ended = left == 0;
    return 0;
}

int bt_evidence_reader_next(struct bt_evidence_reader *reader, const char **out_line,
                            size_t *out_len, struct bt_error *err)
{
    for (;;) {
        char *from = reader->text_len > 0 ? reader->text + reader->searched : NULL;
        char *end = from != NULL ? memchr(from, '\n', reader->text_len - reader->searched) : NULL;
        if (end != NULL) {
            *out_line = reader->text + reader->line_at;
            *out_len = (size_t)(end - *out_line);
            *end = '\0';
            reader->line_at = reader->searched = (size_t)(end - reader->text) + 1;
            return *out_len <= BT_EVIDENCE_MAX_LINE ? 1
                                                    : bt_fail(err, -EMSGSIZE, "A line too long");
        }
        reader->searched = reader->text_len;
        if (reader->frame_ended) {
            return reader->line_at == reader->text_len
                       ? 0
                       : bt_fail(err, -EINVAL, "The last line has no end");
        }
        int r = unpack(reader, err);
        if (r < 0) {
            return r;
        }
    }
}

static int read_tail(struct bt_evidence_reader *reader, uint8_t *out, size_t len,
                     struct bt_error *err)
{
    for (size_t done = 0; done < len;) {
        int r = reader->chunk_at < reader->chunk_len ? 1 : read_chunk(reader, err);
        if (r <= 0) {
            return r < 0 ? r : bt_fail(err, -EINVAL, "The file's seal is missing or cut off");
        }
        size_t n = BT_MIN(len - done, reader->chunk_len - reader->chunk_at);
        memcpy(out + done, reader->chunk + reader->chunk_at, n);
        reader->chunk_at += n;
        done += n;
    }
    return 0;
}

int bt_evidence_reader_seal(struct bt_evidence_reader *reader, struct bt_buf *out,
                            struct bt_sha256 *out_sha256, struct bt_error *err)
{
    uint8_t header[SEAL_HEADER_BYTES], seal[BT_EVIDENCE_MAX_SEAL];
    int r = read_tail(reader, header, sizeof(header), err);
    if (r < 0) {
        return r;
    }
    size_t len = get_u32(header + 4);
    if (get_u32(header) != SEAL_MAGIC || len > sizeof(seal)) {
        return bt_fail(err, -EINVAL, "What stands behind the lines is no seal");
    }
    if ((r = read_tail(reader, seal, len, err)) < 0) {
        return r;
    }
    if (reader->chunk_at < reader->chunk_len || (r = read_chunk(reader, err)) != 0) {
        return r < 0 ? r : bt_fail(err, -EINVAL, "The file goes on behind its seal");
    }
    *out_sha256 = bt_hasher_result(reader->hasher);
    return bt_buf_append(out, seal, len) < 0 ? bt_fail(err, -EMSGSIZE, "The seal is too long") : 0;
}

/*
 * Base64.
 */

int bt_base64_append(const void *bytes, size_t len, struct bt_buf *out)
{
    // In pieces of whole groups, so that nothing of the text's length is allocated besides.
    uint8_t piece[4096 + 4];
    for (size_t at = 0; at < len; at += 3072) {
        size_t n = BT_MIN(len - at, (size_t)3072);
        int written = EVP_EncodeBlock(piece, (const uint8_t *)bytes + at, (int)n);
        int r = bt_buf_append(out, piece, (size_t)written);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int bt_base64_read(const char *text, struct bt_buf *out)
{
    size_t len = strlen(text);
    size_t padding = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
        padding++;
    }
    if (len % 4 != 0 || strcspn(text, "=") < len - padding) {
        return -EINVAL;
    }
    uint8_t piece[3072];
    for (size_t at = 0; at < len; at += 4096) {
        size_t n = BT_MIN(len - at, (size_t)4096);
        int got = EVP_DecodeBlock(piece, (const uint8_t *)text + at, (int)n);
        if (got != (int)(n / 4 * 3)) {
            return -EINVAL;
        }
        size_t real = (size_t)got - (at + n == len ? padding : 0);
        int r = bt_buf_append(out, piece, real);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
