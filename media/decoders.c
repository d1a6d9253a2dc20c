#include "media/decoders.h"

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/watch.h"

/*
 * A device that is asked for its first frame may have to load firmware; a clip is opened a second
 * or two before it is shown. Later the frames that lie ready (media/stream.c) are what a
 * replacement has until it is seen, and half of that is for catching up.
 */
#define OPEN_PATIENCE_NS BT_NS_PER_S
#define ANSWER_PATIENCE_NS (300 * BT_NS_PER_MS)

// Far more than a few decoders and the kinds of clips people have.
#define MAX_FAILURES 32

static const struct bt_log logger = {"media/decoders"};

const char *const bt_decoder_names[] = {"auto", "software", "drm", "v4l2m2m", "vaapi", NULL};

struct failure {
    const struct bt_decoder_impl *impl;
    int codec, profile;
    enum bt_decoder_fault fault;
};

struct bt_decoders {
    const char *only;  // set by create, never changed; NULL: all hardware
    bool software;     // likewise: no hardware at all
    const struct bt_decoder_impl *const *hardware;  // likewise
    size_t hardware_count;                          // likewise
    struct bt_patience patience;                    // likewise
    pthread_mutex_t lock;
    // Protected by lock.
    struct failure failures[MAX_FAILURES];
    size_t failure_count;
    size_t told_count;  // of these, without what was absent
    int64_t since_ms;
    struct bt_error last;
};

struct bt_decoders *bt_decoders_create(const struct bt_decoders_options *options)
{
    struct bt_decoders *decoders = BT_NEW(struct bt_decoders);
    const char *choice = options->choice != NULL ? options->choice : "auto";
    decoders->software = bt_str_equal(choice, "software");
    decoders->only = bt_str_equal(choice, "auto") ? NULL : choice;
    decoders->hardware = options->hardware != NULL ? options->hardware : bt_decoder_hardware;
    decoders->hardware_count =
        options->hardware != NULL ? options->hardware_count : bt_decoder_hardware_count;
    decoders->patience = (struct bt_patience){OPEN_PATIENCE_NS, ANSWER_PATIENCE_NS};
    if (options->patience_ns > 0) {
        decoders->patience = (struct bt_patience){options->patience_ns, options->patience_ns};
    }
    pthread_mutex_init(&decoders->lock, NULL);
    return decoders;
}

void bt_decoders_destroy(struct bt_decoders *decoders)
{
    if (decoders != NULL) {
        pthread_mutex_destroy(&decoders->lock);
        free(decoders);
    }
}

void bt_decoders_patience(const struct bt_decoders *decoders, struct bt_patience *out)
{
    *out = decoders->patience;
}

static bool is_blamed(const struct bt_decoders *decoders, const struct bt_decoder_impl *impl,
                      const AVCodecParameters *parameters)
{
    for (size_t i = 0; i < decoders->failure_count; i++) {
        const struct failure *failure = &decoders->failures[i];
        bool alike =
            failure->codec == (int)parameters->codec_id && failure->profile == parameters->profile;
        if (failure->impl == impl && (failure->fault == BT_FAULT_HANGS || alike)) {
            return true;
        }
    }
    return false;
}

static bool may_try(struct bt_decoders *decoders, const struct bt_decoder_impl *impl,
                    const AVCodecParameters *parameters)
{
    if (decoders->only != NULL && !bt_str_equal(decoders->only, impl->name)) {
        return false;
    }
    pthread_mutex_lock(&decoders->lock);
    bool blamed = is_blamed(decoders, impl, parameters);
    pthread_mutex_unlock(&decoders->lock);
    return !blamed && impl->takes(parameters);
}

const struct bt_decoder_impl *bt_decoders_next(struct bt_decoders *decoders,
                                               const AVCodecParameters *parameters,
                                               const struct bt_decoder_impl *after)
{
    bool passed = after == NULL;
    for (size_t i = 0; decoders != NULL && !decoders->software && i < decoders->hardware_count;
         i++) {
        const struct bt_decoder_impl *impl = decoders->hardware[i];
        if (passed && may_try(decoders, impl, parameters)) {
            return impl;
        }
        passed = passed || impl == after;
    }
    return NULL;
}

// False when it was known, or nothing more can be remembered.
static bool remember(struct bt_decoders *decoders, const struct bt_decoder_impl *impl,
                     const AVCodecParameters *parameters, enum bt_decoder_fault fault,
                     const char *why)
{
    if (is_blamed(decoders, impl, parameters) || decoders->failure_count == MAX_FAILURES) {
        return false;
    }
    decoders->failures[decoders->failure_count++] =
        (struct failure){impl, (int)parameters->codec_id, parameters->profile, fault};
    if (fault == BT_FAULT_ABSENT) {
        return true;
    }
    if (decoders->told_count++ == 0) {
        decoders->since_ms = bt_clock_wall_ms(bt_clock_real());
    }
    (void)bt_fail(&decoders->last, -1, "%s, %s: %s", impl->name,
                  avcodec_get_name(parameters->codec_id), why);
    return true;
}

void bt_decoders_blame(struct bt_decoders *decoders, const struct bt_decoder_impl *impl,
                       const AVCodecParameters *parameters, enum bt_decoder_fault fault,
                       const char *why)
{
    pthread_mutex_lock(&decoders->lock);
    bool news = remember(decoders, impl, parameters, fault, why);
    pthread_mutex_unlock(&decoders->lock);
    if (news && fault == BT_FAULT_ABSENT) {
        bt_log_info(&logger, "Decoder %s cannot be used with %s: %s", impl->name,
                    avcodec_get_name(parameters->codec_id), why);
    } else if (news) {
        bt_log_warn(&logger, "Decoder %s fails with %s (%s); %s in software from now on",
                    impl->name, avcodec_get_name(parameters->codec_id), why,
                    fault == BT_FAULT_HANGS ? "everything" : "the like of this");
    }
}

void bt_decoders_failures(struct bt_decoders *decoders, struct bt_decoder_failures *out)
{
    pthread_mutex_lock(&decoders->lock);
    *out = (struct bt_decoder_failures){decoders->told_count, decoders->since_ms, decoders->last};
    pthread_mutex_unlock(&decoders->lock);
}
