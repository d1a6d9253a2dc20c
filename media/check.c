#include "media/check.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "media/av.h"
#include "media/input.h"
#include "media/length.h"
#include "media/pace.h"
#include "media/picture.h"
#include "media/picture_file.h"

// Two seconds of work; a busy machine may take longer to give them, and that is not the file's
// fault.
#define MAX_CHECK_WORK_NS (2 * BT_NS_PER_S)
#define MAX_CHECK_NS (10 * BT_NS_PER_S)
#define MAX_CHECK_FRAMES 50
// A container's word for the length is off by a frame or two, or by the sound's.
#define BELIEVED_MS 500
#define SHORTEST_MS 100

#define HOUSE_LONG_SIDE_PX 1920
#define HOUSE_SHORT_SIDE_PX 1080
#define HOUSE_LEVEL 41
#define HOUSE_BITS_PER_S (20 * 1000 * 1000)
// Four times a 1080p screen: beyond that nothing is gained on any wall.
#define LARGE_PICTURE_PIXELS (4LL * 1920 * 1080)

// Pictures are decoded for a box of this size: the whole file is read, little memory is used.
#define TRIAL_SIDE_PX 64

static void add(struct bt_media_report *out, bool applies, enum bt_media_code code)
{
    if (applies) {
        out->codes[out->code_count++] = code;
        enum bt_verdict verdict =
            code <= BT_MEDIA_LAST_REFUSAL ? BT_VERDICT_REFUSED : BT_VERDICT_NOTICE;
        out->verdict = BT_MAX(out->verdict, verdict);
    }
}

static void refuse(struct bt_media_report *out, enum bt_media_code code)
{
    out->code_count = 0;
    add(out, true, code);
}

// What opening and reading say, as a code.
static enum bt_media_code code_of(int error, enum bt_media_code invalid)
{
    switch (-error) {
    case EINVAL:
        return invalid;
    case EBADMSG:
        return BT_MEDIA_DAMAGED;
    case EFBIG:
        return BT_MEDIA_TOO_LARGE;
    case ENOTSUP:
        return BT_MEDIA_UNSUPPORTED_CODEC;
    case ENODATA:
        return BT_MEDIA_NO_PICTURE;
    case ECANCELED:
    case ETIMEDOUT:
        return BT_MEDIA_TOO_SLOW;
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
        return BT_MEDIA_UNREADABLE;
    default:
        return BT_MEDIA_DAMAGED;
    }
}

static bool is_regular(const char *path, int64_t *out_size, struct bt_media_report *out)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        (void)bt_fail_errno(&out->detail, "Cannot open '%s'", path);
        refuse(out, BT_MEDIA_UNREADABLE);
        return false;
    }
    if (!S_ISREG(info.st_mode)) {
        (void)bt_fail(&out->detail, -EINVAL, "'%s' is not a regular file", path);
        refuse(out, BT_MEDIA_UNREADABLE);
        return false;
    }
    if (info.st_size == 0) {
        (void)bt_fail(&out->detail, -EINVAL, "'%s' is empty", path);
        refuse(out, BT_MEDIA_EMPTY);
        return false;
    }
    *out_size = info.st_size;
    return true;
}

static void fill_pixel_format(int format, struct bt_media_report *out)
{
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(format);
    if (description != NULL) {
        bt_copy_cut(out->pixel_format, sizeof(out->pixel_format), description->name);
        out->has_alpha = (description->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
    }
}

static void fill_size(int width, int height, bool sideways, struct bt_media_report *out)
{
    out->width = sideways ? height : width;
    out->height = sideways ? width : height;
}

// What the beginning of a clip showed.
struct trial {
    int frames;
    int64_t shortest_ns, longest_ns;  // between two frames
    int64_t last_ns;
    bool slow;  // time ran out
    int format;
    enum AVColorTransferCharacteristic transfer;
};

static void note_frame(const struct bt_input *input, struct bt_pace *pace, const AVFrame *frame,
                       struct trial *out)
{
    int64_t stamp = frame->best_effort_timestamp;
    int64_t stamp_ns = stamp == AV_NOPTS_VALUE ? BT_PACE_UNKNOWN
                                               : av_rescale_q(stamp, input->stream->time_base,
                                                              (AVRational){1, 1000000000});
    int64_t duration_ns;
    int64_t at_ns = bt_pace_next(pace, stamp_ns, 0, &duration_ns);
    if (out->frames > 0) {
        out->shortest_ns = BT_MIN(out->shortest_ns, at_ns - out->last_ns);
        out->longest_ns = BT_MAX(out->longest_ns, at_ns - out->last_ns);
    }
    out->last_ns = at_ns;
    out->frames++;
    out->format = frame->format;
    out->transfer = frame->color_trc;
}

static int try_decoding(struct bt_input *input, struct trial *out, struct bt_error *err)
{
    *out = (struct trial){.shortest_ns = INT64_MAX, .format = AV_PIX_FMT_NONE};
    BT_AUTOFRAME *frame = av_frame_alloc();
    if (frame == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a frame");
    }
    struct bt_pace pace;
    bt_pace_init(&pace, bt_input_frame_ns(input));
    while (out->frames < MAX_CHECK_FRAMES) {
        int r = bt_input_read(input, frame, err);
        if (r == 0) {
            break;
        }
        if (r == -ECANCELED) {
            out->slow = true;
            break;
        }
        if (r < 0) {
            return r;
        }
        note_frame(input, &pace, frame, out);
        av_frame_unref(frame);
    }
    return 0;
}

// The container's own table says where its last sample lies.
static bool is_cut_off(const struct bt_input *input, int64_t file_size)
{
    int count = avformat_index_get_entries_count(input->stream);
    for (int i = 0; i < count; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(input->stream, i);
        if (entry->pos > file_size - entry->size) {
            return true;
        }
    }
    return false;
}

static bool has_stream(const struct bt_input *input, enum AVMediaType type)
{
    for (unsigned i = 0; i < input->format->nb_streams; i++) {
        if (input->format->streams[i]->codecpar->codec_type == type) {
            return true;
        }
    }
    return false;
}

static void fill_container(const char *names, struct bt_media_report *out)
{
    // FFmpeg's names are lists: "mov,mp4,m4a,3gp,3g2,mj2".
    if (bt_str_starts(names, "mov,mp4")) {
        bt_copy_cut(out->container, sizeof(out->container), "mp4");
        return;
    }
    size_t len = strcspn(names, ",");
    bt_copy_cut(out->container, BT_MIN(sizeof(out->container), len + 1), names);
}

static struct bt_input_options options_now(void)
{
    return (struct bt_input_options){
        .threads = 1,
        .until_ns = bt_clock_mono_ns(bt_clock_real()) + MAX_CHECK_NS,
        .work_until_ns = bt_clock_worked_ns() + MAX_CHECK_WORK_NS,
        .thorough = true,
    };
}

// What is in the clip, where the container says something else.
static int64_t length_ms(const char *path, const struct bt_input *input)
{
    int64_t said_ms = bt_input_duration_ns(input) / BT_NS_PER_MS;
    struct bt_input_options options = options_now();
    struct bt_error ignored;
    int64_t found_ns = bt_length_measure_ns(path, &options, &ignored);
    int64_t found_ms = found_ns > 0 ? found_ns / BT_NS_PER_MS : 0;
    // A flash of frames stands as long as its container says.
    return found_ms < SHORTEST_MS || llabs(found_ms - said_ms) <= BELIEVED_MS ? said_ms : found_ms;
}

static void fill_clip_facts(const char *path, const struct bt_input *input, int64_t file_size,
                            const struct trial *trial, struct bt_media_report *out)
{
    const AVCodecParameters *parameters = input->stream->codecpar;
    fill_container(input->format->iformat->name, out);
    bt_copy_cut(out->codec, sizeof(out->codec), avcodec_get_name(parameters->codec_id));
    fill_pixel_format(trial->format, out);
    out->rotation = bt_input_rotation(input);
    out->mirrored = input->mirrored;
    fill_size(parameters->width, parameters->height, out->rotation % 180 != 0, out);
    int64_t frame_ns = bt_input_frame_ns(input);
    out->frames_per_s = frame_ns > 0 ? (double)BT_NS_PER_S / (double)frame_ns : 0;
    out->duration_ms = length_ms(path, input);
    if (parameters->bit_rate > 0) {
        out->bits_per_s = parameters->bit_rate;
    } else if (out->duration_ms > 0) {
        out->bits_per_s = av_rescale(file_size, 8000, out->duration_ms);
    }
    out->has_audio = has_stream(input, AVMEDIA_TYPE_AUDIO);
}

static bool is_house_rate(double frames_per_s)
{
    static const double rates[] = {25, 30, 50, 60};
    for (size_t i = 0; i < BT_ARRAY_LEN(rates); i++) {
        if (fabs(frames_per_s - rates[i]) < 0.01) {
            return true;
        }
    }
    return false;
}

static bool is_420(int format)
{
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(format);
    return description != NULL && description->nb_components >= 3 &&
           description->log2_chroma_w == 1 && description->log2_chroma_h == 1;
}

static bool is_deep(int format)
{
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(format);
    return description != NULL && description->comp[0].depth > 8;
}

static void add_clip_notices(const struct bt_input *input, const struct trial *trial,
                             struct bt_media_report *out)
{
    const AVCodecParameters *parameters = input->stream->codecpar;
    bool h264 = parameters->codec_id == AV_CODEC_ID_H264;
    int longer = BT_MAX(out->width, out->height);
    int shorter = BT_MIN(out->width, out->height);
    // Time stamps in whole milliseconds make neighbours differ by one.
    bool varies = trial->frames > 2 && trial->longest_ns - trial->shortest_ns > 2 * BT_NS_PER_MS;
    add(out, input->damaged > 0, BT_MEDIA_SOME_DAMAGE);
    add(out, trial->transfer == AVCOL_TRC_SMPTE2084 || trial->transfer == AVCOL_TRC_ARIB_STD_B67,
        BT_MEDIA_HDR);
    add(out, longer > HOUSE_LONG_SIDE_PX || shorter > HOUSE_SHORT_SIDE_PX, BT_MEDIA_ABOVE_1080P);
    add(out, !h264, BT_MEDIA_NOT_H264);
    add(out, h264 && parameters->level > HOUSE_LEVEL, BT_MEDIA_ABOVE_LEVEL);
    add(out, is_deep(trial->format), BT_MEDIA_DEEP_COLOUR);
    add(out, !is_420(trial->format), BT_MEDIA_NOT_420);
    add(out, input->interlaced, BT_MEDIA_INTERLACED);
    add(out, varies, BT_MEDIA_VARIABLE_RATE);
    add(out, !varies && !is_house_rate(out->frames_per_s), BT_MEDIA_ODD_RATE);
    add(out, out->bits_per_s > HOUSE_BITS_PER_S, BT_MEDIA_HIGH_BIT_RATE);
    add(out, (out->width | out->height) % 2 != 0, BT_MEDIA_ODD_SIZE);
    add(out, out->has_audio, BT_MEDIA_HAS_AUDIO);
}

static void check_clip(const char *path, int64_t file_size, struct bt_media_report *out)
{
    bt_copy_cut(out->kind, sizeof(out->kind), "clip");
    struct bt_input_options options = options_now();
    BT_AUTO(bt_input) input = NULL;
    int r = bt_input_open(path, &options, &input, &out->detail);
    if (r < 0) {
        refuse(out, code_of(r, BT_MEDIA_NOT_MEDIA));
        return;
    }
    struct trial trial;
    r = try_decoding(input, &trial, &out->detail);
    fill_clip_facts(path, input, file_size, &trial, out);
    out->many_pictures = input->picture_tracks > 1;
    if (r < 0) {
        refuse(out, code_of(r, BT_MEDIA_DAMAGED));
    } else if (is_cut_off(input, file_size)) {
        (void)bt_fail(&out->detail, -EINVAL, "'%s' ends before its last frames", path);
        refuse(out, BT_MEDIA_CUT_OFF);
    } else if (trial.frames == 0) {
        (void)bt_fail(&out->detail, -EINVAL, "'%s' gives no picture", path);
        refuse(out, trial.slow ? BT_MEDIA_TOO_SLOW : BT_MEDIA_DAMAGED);
    } else {
        add_clip_notices(input, &trial, out);
    }
}

// GIF, APNG and WebP that move: played as clips, judged as pictures.
static void check_animation(const char *path, struct bt_media_report *out)
{
    struct bt_input_options options = options_now();
    BT_AUTO(bt_input) input = NULL;
    struct trial trial;
    int r = bt_input_open(path, &options, &input, &out->detail);
    if (r < 0 || (r = try_decoding(input, &trial, &out->detail)) < 0) {
        refuse(out, code_of(r, BT_MEDIA_DAMAGED));
        return;
    }
    if (trial.frames == 0) {
        (void)bt_fail(&out->detail, -EINVAL, "'%s' gives no picture", path);
        refuse(out, trial.slow ? BT_MEDIA_TOO_SLOW : BT_MEDIA_DAMAGED);
        return;
    }
    fill_pixel_format(trial.format, out);
    add(out, input->damaged > 0, BT_MEDIA_SOME_DAMAGE);
}

static void refuse_picture(struct bt_media_report *out, int error)
{
    enum bt_media_code code = code_of(error, BT_MEDIA_DAMAGED);
    refuse(out, code == BT_MEDIA_UNSUPPORTED_CODEC ? BT_MEDIA_UNSUPPORTED_PICTURE : code);
}

static void check_still(const char *path, struct bt_media_report *out)
{
    static const struct bt_item item = {.fit = BT_FIT_STRETCH};
    BT_AUTO(bt_image) image = NULL;
    int r = bt_picture_load(path, &item, TRIAL_SIDE_PX, TRIAL_SIDE_PX, &image, &out->detail);
    if (r < 0) {
        refuse_picture(out, r);
        return;
    }
    out->has_alpha = !image->opaque;
}

static void check_picture(const char *path, const struct bt_picture_header *header,
                          struct bt_media_report *out)
{
    const char *word = bt_picture_kind_word(header->kind);
    bool moves = bt_picture_header_moves(header);
    bt_copy_cut(out->kind, sizeof(out->kind), moves ? "animation" : "picture");
    bt_copy_cut(out->container, sizeof(out->container), word);
    bt_copy_cut(out->codec, sizeof(out->codec), word);
    out->frames = header->frames;
    out->unreviewable = !bt_picture_kind_is_reviewable(header->kind);
    const struct bt_orientation *orientation = bt_orientation(header->orientation);
    out->rotation = orientation->rotation;
    out->mirrored = orientation->mirror;
    fill_size(header->width, header->height, orientation->swap, out);
    if (moves) {
        check_animation(path, out);
    } else {
        check_still(path, out);
    }
    if (out->verdict != BT_VERDICT_REFUSED) {
        add(out, header->components == 4, BT_MEDIA_CMYK);
        bool drawn = header->kind == BT_PICTURE_SVG;  // at whatever size
        add(out, !drawn && (int64_t)header->width * header->height > LARGE_PICTURE_PIXELS,
            BT_MEDIA_LARGE_PICTURE);
    }
}

static int read_header(const char *path, struct bt_picture_header *out, struct bt_error *err)
{
    BT_AUTOPACKET *packet = av_packet_alloc();
    if (packet == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a picture");
    }
    int r = bt_picture_file_read(path, packet, out, err);
    r = r < 0 ? r : bt_picture_file_measure(path, out, err);
    return r < 0 ? bt_fail_in(err, r, "'%s'", path) : 0;
}

void bt_media_check(const char *path, struct bt_media_report *out)
{
    bt_av_quiet();
    *out = (struct bt_media_report){0};
    int64_t size = 0;
    if (!is_regular(path, &size, out)) {
        return;
    }
    struct bt_picture_header header;
    int r = read_header(path, &header, &out->detail);
    if (r == 0) {
        check_picture(path, &header, out);
    } else if (r == -EINVAL) {
        out->detail.msg[0] = '\0';
        check_clip(path, size, out);
    } else {
        bt_copy_cut(out->kind, sizeof(out->kind), "picture");
        refuse_picture(out, r);
    }
}

void bt_media_check_reviewable(struct bt_media_report *report)
{
    if (report->verdict == BT_VERDICT_REFUSED) {
        return;
    }
    if (report->unreviewable) {
        (void)bt_fail(&report->detail, -ENOTSUP, "A %s is not shown by browsers as by players",
                      report->container);
        refuse(report, BT_MEDIA_NOT_REVIEWABLE);
    } else if (report->many_pictures) {
        (void)bt_fail(&report->detail, -ENOTSUP, "Several tracks of the %s have pictures",
                      report->container);
        refuse(report, BT_MEDIA_MANY_PICTURES);
    }
}

void bt_media_check_converted(struct bt_media_report *report, const char *made_from)
{
    bt_copy_cut(report->made_from, sizeof(report->made_from), made_from);
    if (report->verdict != BT_VERDICT_REFUSED) {
        memmove(report->codes + 1, report->codes,
                (size_t)report->code_count * sizeof(report->codes[0]));
        report->codes[0] = BT_MEDIA_CONVERTED;
        report->code_count++;
        report->verdict = BT_VERDICT_NOTICE;
    }
}

static int append_verdict(const struct bt_media_report *report, struct bt_buf *out)
{
    static const char *const words[] = {
        [BT_VERDICT_PLAYS] = "plays",
        [BT_VERDICT_NOTICE] = "plays-with-notice:",
        [BT_VERDICT_REFUSED] = "refused:",
    };
    const char *code = report->code_count > 0 ? bt_media_code_word(report->codes[0]) : "";
    return bt_buf_appendf(out, ",\"verdict\":\"%s%s\",\"codes\":[", words[report->verdict], code);
}

static int append_codes(const struct bt_media_report *report, struct bt_buf *out)
{
    for (int i = 0; i < report->code_count; i++) {
        int r =
            bt_buf_appendf(out, "%s\"%s\"", i > 0 ? "," : "", bt_media_code_word(report->codes[i]));
        if (r < 0) {
            return r;
        }
    }
    return bt_buf_appendf(out, "]");
}

static int append_text(struct bt_buf *out, const char *key, const char *text)
{
    int r = bt_buf_appendf(out, ",\"%s\":", key);
    return r < 0 ? r : bt_json_append_string(out, text);
}

static int append_facts(const struct bt_media_report *report, struct bt_buf *out)
{
    int r = append_text(out, "kind", report->kind);
    if (r < 0 || (r = append_text(out, "container", report->container)) < 0 ||
        (r = append_text(out, "codec", report->codec)) < 0 ||
        (r = append_text(out, "pixel_format", report->pixel_format)) < 0) {
        return r;
    }
    return bt_buf_appendf(out,
                          ",\"width\":%d,\"height\":%d,\"rotation\":%d,\"mirrored\":%s,"
                          "\"fps\":%.3f,\"duration_ms\":%lld,\"bits_per_s\":%lld,\"frames\":%lld,"
                          "\"alpha\":%s,\"audio\":%s",
                          report->width, report->height, report->rotation,
                          report->mirrored ? "true" : "false", report->frames_per_s,
                          (long long)report->duration_ms, (long long)report->bits_per_s,
                          (long long)report->frames, report->has_alpha ? "true" : "false",
                          report->has_audio ? "true" : "false");
}

static int append_advice(const struct bt_media_report *report, struct bt_buf *out)
{
    bool none = report->code_count == 0;
    int r = append_text(out, "advice_vi", none ? "" : bt_media_advice_vi(report->codes[0]));
    if (r < 0 ||
        (r = append_text(out, "advice_en", none ? "" : bt_media_advice_en(report->codes[0]))) < 0) {
        return r;
    }
    if (report->made_from[0] != '\0' &&
        (r = append_text(out, "made_from", report->made_from)) < 0) {
        return r;
    }
    return append_text(out, "detail", report->detail.msg);
}

int bt_media_check_write_json(const char *path, const struct bt_media_report *report,
                              struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "{\"file\":");
    if (r < 0 || (r = bt_json_append_string(out, path)) < 0 ||
        (r = append_verdict(report, out)) < 0 || (r = append_codes(report, out)) < 0 ||
        (r = append_facts(report, out)) < 0 || (r = append_advice(report, out)) < 0) {
        return r;
    }
    return bt_buf_appendf(out, "}\n");
}
