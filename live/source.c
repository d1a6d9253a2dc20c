#include "live/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/fetch.h"
#include "live/hls.h"
#include "live/m3u8.h"
#include "media/av.h"
#include "media/sound_convert.h"
#include "media/stream.h"

// Containers that come over https, and what cameras speak. None of them names other files.
#define DEMUXERS "mpegts,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
#define LOCAL_DEMUXERS DEMUXERS ",rtsp,rtp,sdp"
#define LOCAL_PROTOCOLS "rtsp,rtp,udp,tcp"

#define IO_BUFFER_BYTES 32768
#define PROBE_BYTES "4000000"
#define PROBE_US (1000 * 1000)  // a transport stream never says that no more tracks will come
#define MAX_STREAMS "64"

// Nothing for so long, and the connection is given up.
#define SILENCE_NS (8 * BT_NS_PER_S)

#define PLAYLIST_HEAD "#EXTM3U"

struct bt_source {
    struct bt_source_options options;
    struct bt_fetch *fetch;
    struct bt_hls *hls;  // NULL: progressive, or local
    uint8_t head[16];    // what was read to see what it is
    size_t head_len, head_taken;
    AVFormatContext *format;
    AVIOContext *io;  // NULL: FFmpeg's own
    AVStream *stream;
    AVStream *sound;  // NULL: none
    int64_t give_up_ns;
    int failure;  // of the reader below FFmpeg, with its words
    struct bt_error error;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static int is_stopped(void *context)
{
    const struct bt_source *source = context;
    return atomic_load(source->options.stop) || now_ns() > source->give_up_ns;
}

static void expect_soon(struct bt_source *source)
{
    source->give_up_ns = now_ns() + SILENCE_NS;
}

static ssize_t read_network(struct bt_source *source, uint8_t *out, size_t size)
{
    if (source->head_taken < source->head_len) {
        size_t len = BT_MIN(size, source->head_len - source->head_taken);
        memcpy(out, source->head + source->head_taken, len);
        source->head_taken += len;
        return (ssize_t)len;
    }
    return source->hls != NULL ? bt_hls_read(source->hls, out, size, &source->error)
                               : bt_fetch_read(source->fetch, out, size, &source->error);
}

// For FFmpeg; the error stays with us in our words.
static int read_bytes(void *context, uint8_t *out, int size)
{
    struct bt_source *source = context;
    ssize_t got = read_network(source, out, (size_t)size);
    if (got < 0) {
        source->failure = (int)got;
        return AVERROR_EXIT;
    }
    expect_soon(source);
    return got == 0 ? AVERROR_EOF : (int)got;
}

// Whatever a stream would like to have opened beside itself.
static int refuse_other_files(AVFormatContext *format, AVIOContext **out, const char *url,
                              int flags, AVDictionary **options)
{
    return AVERROR(EACCES);
}

static int fail_source(const struct bt_source *source, int av_error, const char *what,
                       struct bt_error *err)
{
    if (atomic_load(source->options.stop)) {
        return bt_fail(err, -ECANCELED, "Stopped");
    }
    if (source->failure < 0) {
        return bt_fail(err, source->failure, "%s", source->error.msg);
    }
    if (now_ns() > source->give_up_ns) {
        return bt_fail(err, -ETIMEDOUT, "Nothing comes");
    }
    return bt_fail_av(err, av_error, "%s", what);
}

static void close_format(struct bt_source *source)
{
    avformat_close_input(&source->format);
    if (source->io != NULL) {
        av_freep(&source->io->buffer);
        avio_context_free(&source->io);
    }
    source->stream = source->sound = NULL;
}

static AVDictionary *options_of(const struct bt_source *source)
{
    AVDictionary *options = NULL;
    bool local = source->options.local;
    av_dict_set(&options, "format_whitelist", local ? LOCAL_DEMUXERS : DEMUXERS, 0);
    av_dict_set(&options, "protocol_whitelist", local ? LOCAL_PROTOCOLS : "none", 0);
    av_dict_set(&options, "probesize", PROBE_BYTES, 0);
    av_dict_set(&options, "max_streams", MAX_STREAMS, 0);
    if (local && bt_str_starts(source->options.url, "rtsp:")) {
        av_dict_set(&options, "rtsp_transport", "tcp", 0);
    } else if (local) {
        // What does not fit is lost, as on the wire.
        av_dict_set(&options, "overrun_nonfatal", "1", 0);
    }
    return options;
}

static int open_io(struct bt_source *source, struct bt_error *err)
{
    uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
    if (buffer != NULL) {
        source->io = avio_alloc_context(buffer, IO_BUFFER_BYTES, 0, source, read_bytes, NULL, NULL);
    }
    if (source->io == NULL) {
        av_free(buffer);
        return bt_fail(err, -ENOMEM, "No memory to open a stream");
    }
    source->format->pb = source->io;
    source->format->io_open = refuse_other_files;
    return 0;
}

static int open_format(struct bt_source *source, struct bt_error *err)
{
    bool local = source->options.local;
    source->format = avformat_alloc_context();
    if (source->format == NULL) {
        return bt_fail(err, -ENOMEM, "No memory to open a stream");
    }
    source->format->interrupt_callback = (AVIOInterruptCB){is_stopped, source};
    source->format->max_analyze_duration = PROBE_US;
    int r = local ? 0 : open_io(source, err);
    if (r < 0) {
        return r;
    }
    bool udp = local && bt_str_starts(source->options.url, "udp:");
    AVDictionary *options = options_of(source);
    expect_soon(source);
    r = avformat_open_input(&source->format, local ? source->options.url : "",
                            udp ? av_find_input_format("mpegts") : NULL, &options);
    av_dict_free(&options);
    return r < 0 ? fail_source(source, r, "Not a stream we can read", err) : 0;
}

static bool is_too_large(const AVCodecParameters *parameters)
{
    return parameters->width > BT_MEDIA_MAX_SIDE_PX || parameters->height > BT_MEDIA_MAX_SIDE_PX ||
           (int64_t)parameters->width * parameters->height > BT_MEDIA_MAX_PIXELS;
}

// The one with the most pixels.
static int pick_stream(struct bt_source *source, struct bt_error *err)
{
    AVFormatContext *format = source->format;
    int64_t most = -1;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVCodecParameters *parameters = format->streams[i]->codecpar;
        int64_t pixels = (int64_t)parameters->width * parameters->height;
        if (parameters->codec_type != AVMEDIA_TYPE_VIDEO || pixels <= most) {
            continue;
        }
        if (is_too_large(parameters)) {
            return bt_fail(err, -EFBIG, "%dx%d is more than we show", parameters->width,
                           parameters->height);
        }
        most = pixels;
        source->stream = format->streams[i];
    }
    return source->stream != NULL ? 0 : bt_fail(err, -ENODATA, "There is no picture in it");
}

// The one that goes with the picture. What has no sound that we play is a good stream too.
static void pick_sound(struct bt_source *source)
{
    AVFormatContext *format = source->format;
    int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, source->stream->index, NULL, 0);
    if (best >= 0 && bt_sound_codec_is_known(format->streams[best]->codecpar->codec_id)) {
        source->sound = format->streams[best];
    }
}

static bool is_wanted(const struct bt_source *source, int index)
{
    return index == source->stream->index ||
           (source->sound != NULL && index == source->sound->index);
}

static int pick_streams(struct bt_source *source, struct bt_error *err)
{
    int r = pick_stream(source, err);
    if (r < 0) {
        return r;
    }
    pick_sound(source);
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        source->format->streams[i]->discard =
            is_wanted(source, (int)i) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
    return 0;
}

static int open_run(struct bt_source *source, struct bt_error *err)
{
    int r = open_format(source, err);
    if (r < 0) {
        return r;
    }
    expect_soon(source);
    r = avformat_find_stream_info(source->format, NULL);
    if (source->failure < 0 || atomic_load(source->options.stop)) {
        return fail_source(source, r, "", err);
    }
    return r < 0 ? fail_source(source, r, "Cannot understand the stream", err)
                 : pick_streams(source, err);
}

static int open_playlist(struct bt_source *source, struct bt_error *err)
{
    BT_AUTOBUF text;
    uint8_t bytes[4096];
    bt_buf_init(&text, BT_M3U8_MAX_BYTES);
    ssize_t got;
    int r = 0;
    while (r == 0 && (got = read_network(source, bytes, sizeof(bytes))) != 0) {
        r = got > 0 ? bt_buf_append(&text, bytes, (size_t)got)
                    : bt_fail(err, (int)got, "%s", source->error.msg);
    }
    if (r < 0) {
        return r == -EMSGSIZE
                   ? bt_fail(err, r, "The playlist has more than %d bytes", BT_M3U8_MAX_BYTES)
                   : r;
    }
    return bt_hls_open(source->fetch, source->options.stop, &text, &source->hls, err);
}

// Looks at the first bytes: a playlist, or the stream itself.
static int open_https(struct bt_source *source, struct bt_error *err)
{
    const struct bt_fetch_rules rules = {.pins = source->options.pins,
                                         .private_addresses = source->options.private_addresses,
                                         .stop = source->options.stop};
    int r = bt_fetch_create(&rules, &source->fetch, err);
    r = r < 0 ? r : bt_fetch_begin(source->fetch, source->options.url, 0, 0, err);
    while (r == 0 && source->head_len < sizeof(source->head)) {
        ssize_t got = bt_fetch_read(source->fetch, source->head + source->head_len,
                                    sizeof(source->head) - source->head_len, err);
        if (got <= 0) {
            return got == 0 ? bt_fail(err, -ENODATA, "It is empty") : (int)got;
        }
        source->head_len += (size_t)got;
    }
    bool playlist = r == 0 && memcmp(source->head, PLAYLIST_HEAD, sizeof(PLAYLIST_HEAD) - 1) == 0;
    return playlist ? open_playlist(source, err) : r;
}

int bt_source_open(const struct bt_source_options *options, struct bt_source **out,
                   struct bt_error *err)
{
    bt_av_quiet();
    BT_AUTO(bt_source) source = BT_NEW(struct bt_source);
    source->options = *options;
    int r = options->local ? 0 : open_https(source, err);
    r = r < 0 ? r : open_run(source, err);
    if (r == 0) {
        *out = BT_TAKE(source);
    }
    return r;
}

void bt_source_destroy(struct bt_source *source)
{
    if (source == NULL) {
        return;
    }
    close_format(source);
    bt_hls_destroy(source->hls);
    bt_fetch_destroy(source->fetch);
    free(source);
}

bool bt_source_is_pushed(const struct bt_source *source)
{
    return source->hls == NULL;
}

const AVStream *bt_source_stream(const struct bt_source *source)
{
    return source->stream;
}

const AVStream *bt_source_sound(const struct bt_source *source)
{
    return source->sound;
}

int bt_source_read(struct bt_source *source, AVPacket *packet, struct bt_error *err)
{
    for (;;) {
        expect_soon(source);
        int r = av_read_frame(source->format, packet);
        if (r == AVERROR_EOF && source->hls != NULL && source->failure == 0) {
            return 0;
        }
        if (r == AVERROR_EOF && source->failure == 0) {
            return bt_fail(err, -ENODATA, "The stream is over");
        }
        if (r < 0) {
            return fail_source(source, r, "The stream broke off", err);
        }
        if (is_wanted(source, packet->stream_index)) {
            return 1;
        }
        av_packet_unref(packet);
    }
}

int bt_source_next_run(struct bt_source *source, struct bt_error *err)
{
    close_format(source);
    if (source->hls != NULL) {
        bt_hls_next_run(source->hls);
    }
    return open_run(source, err);
}
