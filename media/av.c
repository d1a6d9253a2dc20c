#include "media/av.h"

#include <errno.h>
#include <libavutil/error.h>
#include <libavutil/log.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

// FFmpeg's errno codes are plain negative numbers; its own are four letters, far below these.
#define LARGEST_ERRNO 4095

int bt_fail_av(struct bt_error *err, int av_error, const char *format, ...)
{
    char what[BT_ERROR_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    char words[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(av_error, words, sizeof(words));
    int code = av_error < 0 && av_error >= -LARGEST_ERRNO ? av_error : -EINVAL;
    if (av_error == AVERROR_PATCHWELCOME || av_error == AVERROR_DECODER_NOT_FOUND) {
        code = -ENOTSUP;
    }
    return bt_fail(err, code, "%s: %s", what, words);
}

static void set_quiet(void)
{
    av_log_set_level(AV_LOG_QUIET);
}

void bt_av_quiet(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_quiet);
}

int64_t bt_av_frame_duration(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_MAJOR >= 58
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}

void bt_av_set_frame_duration(AVFrame *frame, int64_t duration)
{
#if LIBAVUTIL_VERSION_MAJOR >= 58
    frame->duration = duration;
#else
    frame->pkt_duration = duration;
#endif
}
