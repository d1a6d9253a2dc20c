#include "media/input.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/av.h"
#include "media/deinterlace.h"
#include "media/sound_convert.h"
#include "media/stream.h"

// Containers that hold their own content; none that names other files.
#define DEMUXERS                                                                                   \
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,mxf,h264,hevc,mpegvideo,"   \
    "m4v,ivf,obu,dv,gif,apng"

#define IO_BUFFER_BYTES 32768
#define PROBE_BYTES "5000000"  // FFmpeg's own default, said aloud: a transport stream needs most
#define MAX_STREAMS "100"

// More than this between two frames is no frame rate.
#define LONGEST_FRAME_NS (10 * BT_NS_PER_S)
#define SHORTEST_FRAME_NS (BT_NS_PER_S / 480)

// What clips of offices, cameras, phones and archives are made of.
static const enum AVCodecID codecs[] = {
    AV_CODEC_ID_H264,      AV_CODEC_ID_HEVC,      AV_CODEC_ID_AV1,        AV_CODEC_ID_VP9,
    AV_CODEC_ID_VP8,       AV_CODEC_ID_MPEG4,     AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG1VIDEO,
    AV_CODEC_ID_MJPEG,     AV_CODEC_ID_GIF,       AV_CODEC_ID_APNG,       AV_CODEC_ID_THEORA,
    AV_CODEC_ID_H263,      AV_CODEC_ID_H263P,     AV_CODEC_ID_H263I,      AV_CODEC_ID_WMV1,
    AV_CODEC_ID_WMV2,      AV_CODEC_ID_WMV3,      AV_CODEC_ID_VC1,        AV_CODEC_ID_MSMPEG4V1,
    AV_CODEC_ID_MSMPEG4V2, AV_CODEC_ID_MSMPEG4V3, AV_CODEC_ID_FLV1,       AV_CODEC_ID_VP6,
    AV_CODEC_ID_VP6F,      AV_CODEC_ID_DVVIDEO,   AV_CODEC_ID_PRORES,     AV_CODEC_ID_DNXHD,
    AV_CODEC_ID_CFHD,      AV_CODEC_ID_JPEG2000,  AV_CODEC_ID_FFV1,       AV_CODEC_ID_HUFFYUV,
    AV_CODEC_ID_FFVHUFF,   AV_CODEC_ID_UTVIDEO,   AV_CODEC_ID_SVQ1,       AV_CODEC_ID_SVQ3,
    AV_CODEC_ID_CINEPAK,   AV_CODEC_ID_QTRLE,     AV_CODEC_ID_PNG,        AV_CODEC_ID_RAWVIDEO,
};

static bool has_to_stop(const struct bt_input *input)
{
    const struct bt_input_options *options = &input->options;
    return (options->stop != NULL && atomic_load(options->stop)) ||
           (options->until_ns != 0 && bt_clock_mono_ns(bt_clock_real()) >= options->until_ns) ||
           (options->work_until_ns != 0 && bt_clock_worked_ns() >= options->work_until_ns);
}

static int read_file(void *context, uint8_t *out, int size)
{
    const struct bt_input *input = context;
    if (has_to_stop(input)) {
        return AVERROR_EXIT;
    }
    ssize_t got;
    do {
        got = read(input->fd, out, (size_t)size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return AVERROR(errno);
    }
    return got == 0 ? AVERROR_EOF : (int)got;
}

static int64_t seek_file(void *context, int64_t offset, int whence)
{
    const struct bt_input *input = context;
    if (whence == AVSEEK_SIZE) {
        struct stat info;
        return fstat(input->fd, &info) < 0 ? AVERROR(errno) : info.st_size;
    }
    off_t at = lseek(input->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

static int is_stopped(void *context)
{
    return has_to_stop(context);
}

// Whatever a file would like to have opened beside itself.
static int refuse_other_files(AVFormatContext *format, AVIOContext **out, const char *url,
                              int flags, AVDictionary **options)
{
    return AVERROR(EACCES);
}

static int open_file(struct bt_input *input, const char *path, struct bt_error *err)
{
    // Without O_NONBLOCK a FIFO would hold us here.
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0) {
        return bt_fail_errno(err, "Cannot open");
    }
    struct stat info;
    if (fstat(input->fd, &info) < 0) {
        return bt_fail_errno(err, "Cannot look at it");
    }
    if (!S_ISREG(info.st_mode)) {
        return bt_fail(err, -EINVAL, "Not a regular file");
    }
    if (info.st_size == 0) {
        return bt_fail(err, -EINVAL, "The file is empty");
    }
    return 0;
}

static int open_container(struct bt_input *input, struct bt_error *err)
{
    AVFormatContext *format = avformat_alloc_context();
    uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
    if (format == NULL || buffer == NULL) {
        avformat_free_context(format);
        av_free(buffer);
        return bt_fail(err, -ENOMEM, "No memory to open a clip");
    }
    format->pb = avio_alloc_context(buffer, IO_BUFFER_BYTES, 0, input, read_file, NULL, seek_file);
    if (format->pb == NULL) {
        avformat_free_context(format);
        av_free(buffer);
        return bt_fail(err, -ENOMEM, "No memory to open a clip");
    }
    AVIOContext *io = format->pb;
    format->io_open = refuse_other_files;
    format->interrupt_callback = (AVIOInterruptCB){is_stopped, input};
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", DEMUXERS, 0);
    av_dict_set(&options, "probesize", PROBE_BYTES, 0);
    av_dict_set(&options, "max_streams", MAX_STREAMS, 0);
    int r = avformat_open_input(&format, "", NULL, &options);
    av_dict_free(&options);
    if (r < 0) {
        av_freep(&io->buffer);
        avio_context_free(&io);
        return bt_fail_av(err, r, "Not a clip we can read");
    }
    input->format = format;
    return 0;
}

static bool is_picture(const AVStream *stream)
{
    return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           (stream->disposition &
            (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) == 0;
}

// The stream marked as default, else the one with the most pixels.
static int64_t rank(const AVStream *stream)
{
    int64_t pixels = (int64_t)stream->codecpar->width * stream->codecpar->height;
    bool preferred = (stream->disposition & AV_DISPOSITION_DEFAULT) != 0;
    return pixels + (preferred && pixels > 0 ? INT64_C(1) << 62 : 0);
}

static AVStream *pick_stream(const AVFormatContext *format)
{
    AVStream *best = NULL;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *stream = format->streams[i];
        if (is_picture(stream) && (best == NULL || rank(stream) > rank(best))) {
            best = stream;
        }
    }
    return best;
}

static unsigned count_pictures(const AVFormatContext *format)
{
    unsigned count = 0;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *stream = format->streams[i];
        count += stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
                 (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
    }
    return count;
}

static AVStream *pick_sound(AVFormatContext *format)
{
    int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    return best < 0 ? NULL : format->streams[best];
}

static AVStream *pick(const struct bt_input *input)
{
    return input->options.sound ? pick_sound(input->format) : pick_stream(input->format);
}

static void discard_all_but(AVFormatContext *format, const AVStream *kept)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (format->streams[i] != kept) {
            format->streams[i]->discard = AVDISCARD_ALL;
        }
    }
}

static int check_size(int width, int height, struct bt_error *err)
{
    if (width > BT_MEDIA_MAX_SIDE_PX || height > BT_MEDIA_MAX_SIDE_PX ||
        (int64_t)width * height > BT_MEDIA_MAX_PIXELS) {
        return bt_fail(err, -EFBIG,
                       "%dx%d is more than the %d pixels a side or %lld in all we show", width,
                       height, BT_MEDIA_MAX_SIDE_PX, BT_MEDIA_MAX_PIXELS);
    }
    return 0;
}

static int check_sizes(const AVFormatContext *format, struct bt_error *err)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVCodecParameters *parameters = format->streams[i]->codecpar;
        int r = check_size(parameters->width, parameters->height, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void forget(AVDictionary **options, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        av_dict_free(&options[i]);
    }
    av_free(options);
}

/*
 * FFmpeg's look inside decodes frames, 10 to 40 ms of a 1080p clip, which is much of the time from
 * start to first picture. An MP4 with H.264 usually says all we need: size, rates, pixel shape,
 * and (worked out by the demuxer from its tables) how many frames the decoder has to reorder.
 */
static bool says_enough(const AVFormatContext *format, const AVStream *stream)
{
    return stream != NULL && bt_str_starts(format->iformat->name, "mov,mp4") &&
           stream->codecpar->codec_id == AV_CODEC_ID_H264 && stream->codecpar->width > 0 &&
           stream->codecpar->height > 0 && stream->codecpar->extradata_size > 0 &&
           stream->sample_aspect_ratio.num > 0 && stream->avg_frame_rate.num > 0 &&
           stream->r_frame_rate.num > 0;
}

// Decodes as much as it takes to know size, format and rate; within the same bounds.
static int look_inside(struct bt_input *input, struct bt_error *err)
{
    AVFormatContext *format = input->format;
    unsigned count = format->nb_streams;
    AVDictionary **options = av_calloc(BT_MAX(count, 1U), sizeof(AVDictionary *));
    if (options == NULL) {
        return bt_fail(err, -ENOMEM, "No memory to look at a clip");
    }
    for (unsigned i = 0; i < count; i++) {
        av_dict_set_int(&options[i], "max_pixels", BT_MEDIA_MAX_PIXELS, 0);
        av_dict_set_int(&options[i], "threads", 1, 0);
    }
    int r = avformat_find_stream_info(format, options);
    forget(options, count);
    if (has_to_stop(input)) {
        return bt_fail(err, -ECANCELED, "Stopped");
    }
    return r < 0 ? bt_fail_av(err, r, "Cannot understand the clip") : check_sizes(format, err);
}

static bool is_known_codec(const struct bt_input *input, enum AVCodecID id)
{
    if (input->options.sound) {
        return bt_sound_codec_is_known(id);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(codecs); i++) {
        if (codecs[i] == id) {
            return true;
        }
    }
    return false;
}

static int threads_for(const struct bt_input *input)
{
    const AVCodecParameters *parameters = input->stream->codecpar;
    int64_t frame_ns = bt_input_frame_ns(input);
    int64_t rate = frame_ns > 0 ? BT_NS_PER_S / frame_ns : 25;
    // Above 1080p60 one core is not enough.
    return (int64_t)parameters->width * parameters->height * rate > 1920LL * 1088 * 61 ? 2 : 1;
}

static int open_decoding(struct bt_input *input, struct bt_error *err)
{
    const AVCodecParameters *parameters = input->stream->codecpar;
    const char *kind = input->options.sound ? "Sound" : "Pictures";
    if (parameters->codec_id == AV_CODEC_ID_NONE) {
        return bt_fail(err, -ENOTSUP, "%s of an unknown codec cannot be played", kind);
    }
    if (avcodec_find_decoder(parameters->codec_id) == NULL ||
        !is_known_codec(input, parameters->codec_id)) {
        return bt_fail(err, -ENOTSUP, "%s of codec '%s' cannot be played", kind,
                       avcodec_get_name(parameters->codec_id));
    }
    input->packet = av_packet_alloc();
    if (input->packet == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a packet");
    }
    const struct bt_decoding_setup setup = {
        .decoder = {.parameters = parameters,
                    .time_base = input->stream->time_base,
                    .threads =
                        input->options.threads > 0 ? input->options.threads : threads_for(input)},
        .decoders = input->options.decoders,
    };
    return bt_decoding_open(&setup, &input->decoding, err);
}

static const int32_t *display_matrix(const AVStream *stream)
{
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVPacketSideData *data =
        av_packet_side_data_get(stream->codecpar->coded_side_data,
                                stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data != NULL && data->size >= 9 * sizeof(int32_t) ? (const int32_t *)data->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
#endif
}

// Some phones' front cameras film as a looking-glass shows: turned over first, then rotated.
static bool is_mirrored(const AVStream *stream)
{
    const int32_t *matrix = display_matrix(stream);
    return matrix != NULL && (int64_t)matrix[0] * matrix[4] - (int64_t)matrix[1] * matrix[3] < 0;
}

// FFmpeg reads no animated WebP, but its structures say what there is to say of one.
static int open_webp(struct bt_input *input, struct bt_error *err)
{
    int r = bt_webp_open(input->fd, &input->webp, err);
    if (r < 0) {
        return r;
    }
    input->format = avformat_alloc_context();
    input->stream = input->format != NULL ? avformat_new_stream(input->format, NULL) : NULL;
    if (input->stream == NULL) {
        return bt_fail(err, -ENOMEM, "No memory to open an animation");
    }
    const struct bt_webp_info *info = bt_webp_info(input->webp);
    AVCodecParameters *parameters = input->stream->codecpar;
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = AV_CODEC_ID_WEBP;
    parameters->format = info->format;
    parameters->width = info->width;
    parameters->height = info->height;
    input->stream->time_base = (AVRational){1, 1000};
    input->stream->duration = info->duration_ms;
    AVRational rate;
    av_reduce(&rate.num, &rate.den, info->frames * 1000, BT_MAX(info->duration_ms, 1), INT_MAX);
    input->stream->avg_frame_rate = input->stream->r_frame_rate = rate;
    return 0;
}

static int open_all(struct bt_input *input, const char *path, struct bt_error *err)
{
    int r = open_file(input, path, err);
    if (r == 0 && !input->options.sound && bt_webp_signature(input->fd)) {
        return open_webp(input, err);
    }
    if (r < 0 || (r = open_container(input, err)) < 0 ||
        (r = check_sizes(input->format, err)) < 0) {
        return r;
    }
    input->stream = pick(input);
    if (input->options.thorough || !says_enough(input->format, input->stream)) {
        r = look_inside(input, err);
        if (r < 0) {
            return r;
        }
        input->stream = pick(input);
    }
    if (input->stream == NULL) {
        return bt_fail(err, -ENODATA, "There is no %s in it",
                       input->options.sound ? "sound" : "picture");
    }
    input->picture_tracks = count_pictures(input->format);
    discard_all_but(input->format, input->stream);
    input->mirrored = is_mirrored(input->stream);
    return open_decoding(input, err);
}

int bt_input_open(const char *path, const struct bt_input_options *options, struct bt_input **out,
                  struct bt_error *err)
{
    bt_av_quiet();
    BT_AUTO(bt_input) input = BT_NEW(struct bt_input);
    input->fd = -1;
    input->options = *options;
    int r = open_all(input, path, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    *out = BT_TAKE(input);
    return 0;
}

void bt_input_destroy(struct bt_input *input)
{
    if (input == NULL) {
        return;
    }
    av_packet_free(&input->packet);
    bt_decoding_destroy(input->decoding);
    if (input->webp != NULL) {
        bt_webp_destroy(input->webp);
        avformat_free_context(input->format);
    } else if (input->format != NULL) {
        AVIOContext *io = input->format->pb;
        avformat_close_input(&input->format);
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
    if (input->fd >= 0) {
        close(input->fd);
    }
    free(input);
}

int bt_input_read_packet(struct bt_input *input, struct bt_error *err)
{
    if (input->webp != NULL) {
        return bt_fail(err, -ENOTSUP, "An animation has no packets");
    }
    for (;;) {
        av_packet_unref(input->packet);
        int r = av_read_frame(input->format, input->packet);
        if (has_to_stop(input)) {
            av_packet_unref(input->packet);
            return bt_fail(err, -ECANCELED, "Stopped");
        }
        if (r == AVERROR(EIO)) {
            return bt_fail_av(err, r, "Cannot read the clip");
        }
        if (r < 0) {
            input->damaged += r == AVERROR_EOF ? 0 : 1;
            return 0;
        }
        if (input->packet->stream_index == input->stream->index) {
            return 1;
        }
    }
}

// One packet of the picture to the decoder, or the news that there are no more.
static int feed(struct bt_input *input, struct bt_error *err)
{
    int r = bt_input_read_packet(input, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        input->drained = true;
        (void)bt_decoding_send(input->decoding, NULL);
        return 0;
    }
    if (bt_decoding_send(input->decoding, input->packet) < 0) {
        input->damaged++;
    }
    av_packet_unref(input->packet);
    return 0;
}

// Upside down, in memory of its own.
static int turn_over(AVFrame *frame, struct bt_error *err)
{
    BT_AUTOFRAME *turned = av_frame_alloc();
    if (turned == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a frame");
    }
    turned->format = frame->format;
    turned->width = frame->width;
    turned->height = frame->height;
    if (av_frame_get_buffer(turned, 0) < 0 || av_frame_copy_props(turned, frame) < 0) {
        return bt_fail(err, -ENOMEM, "No memory for a frame");
    }
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    const uint8_t *last[4] = {NULL};
    int steps[4] = {0};
    for (int i = 0; i < av_pix_fmt_count_planes(frame->format); i++) {
        bool chroma = (i == 1 || i == 2) && (format->flags & AV_PIX_FMT_FLAG_RGB) == 0;
        int height = chroma ? AV_CEIL_RSHIFT(frame->height, format->log2_chroma_h) : frame->height;
        last[i] = frame->data[i] + (ptrdiff_t)(height - 1) * frame->linesize[i];
        steps[i] = -frame->linesize[i];
    }
    av_image_copy(turned->data, turned->linesize, last, steps, frame->format, frame->width,
                  frame->height);
    av_frame_unref(frame);
    av_frame_move_ref(frame, turned);
    return 0;
}

static int check_frame(struct bt_input *input, AVFrame *frame, struct bt_error *err)
{
    if (input->options.sound) {
        return 1;
    }
    int r = check_size(frame->width, frame->height, err);
    if (r < 0) {
        av_frame_unref(frame);
        return r;
    }
    if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
        input->damaged++;
    }
    if (bt_frame_is_interlaced(frame)) {
        input->interlaced = true;
        // What cannot be joined is shown as it came: a comb is better than no picture.
        (void)bt_deinterlace(frame);
    }
    if (input->mirrored) {
        r = turn_over(frame, err);
        if (r < 0) {
            av_frame_unref(frame);
            return r;
        }
    }
    return 1;
}

// What breaks off plays up to there.
static int read_webp(struct bt_input *input, AVFrame *frame, struct bt_error *err)
{
    if (has_to_stop(input)) {
        return bt_fail(err, -ECANCELED, "Stopped");
    }
    int r = bt_webp_read(input->webp, frame, err);
    if (r != -EBADMSG) {
        return r;
    }
    input->damaged++;
    return 0;
}

int bt_input_read(struct bt_input *input, AVFrame *frame, struct bt_error *err)
{
    if (input->webp != NULL) {
        return read_webp(input, frame, err);
    }
    for (;;) {
        int r = bt_decoding_receive(input->decoding, frame);
        if (r == 0) {
            return check_frame(input, frame, err);
        }
        if (r == AVERROR_EOF) {
            return 0;
        }
        if (r != AVERROR(EAGAIN)) {
            input->damaged++;
        }
        if (input->drained && r == AVERROR(EAGAIN)) {
            return 0;
        }
        if (!input->drained && (r = feed(input, err)) < 0) {
            return r;
        }
    }
}

int bt_input_seek(struct bt_input *input, int64_t timestamp)
{
    if (input->webp != NULL) {
        return -ESPIPE;
    }
    int r = av_seek_frame(input->format, input->stream->index, timestamp, AVSEEK_FLAG_BACKWARD);
    if (r < 0) {
        return -ESPIPE;
    }
    bt_decoding_flush(input->decoding);
    input->drained = false;
    return 0;
}

int bt_input_rotation(const struct bt_input *input)
{
    const int32_t *matrix = display_matrix(input->stream);
    double degrees = matrix != NULL ? av_display_rotation_get(matrix) : 0;
    if (!isfinite(degrees)) {
        return 0;
    }
    int quarters = (int)lrint(-degrees / 90);
    return ((quarters % 4) + 4) % 4 * 90;
}

int64_t bt_input_frame_ns(const struct bt_input *input)
{
    AVRational rate = av_guess_frame_rate(input->format, input->stream, NULL);
    if (rate.num <= 0 || rate.den <= 0) {
        return 0;
    }
    int64_t frame_ns = av_rescale(BT_NS_PER_S, rate.den, rate.num);
    return frame_ns < SHORTEST_FRAME_NS || frame_ns > LONGEST_FRAME_NS ? 0 : frame_ns;
}

int64_t bt_input_duration_ns(const struct bt_input *input)
{
    if (input->stream->duration > 0) {
        return BT_MAX(av_rescale_q(input->stream->duration, input->stream->time_base,
                                   (AVRational){1, 1000000000}),
                      0);
    }
    int64_t us = input->format->duration;
    return us > 0 && us < INT64_MAX / BT_NS_PER_US ? us * BT_NS_PER_US : 0;
}
