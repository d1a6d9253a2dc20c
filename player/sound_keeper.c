#include "player/sound_keeper.h"

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"

static const struct bt_log logger = {"player/sound"};

void bt_sound_keeper_init(struct bt_sound_keeper *keeper, const struct bt_sound_device_impl *impl,
                          struct bt_sound_source source)
{
    *keeper = (struct bt_sound_keeper){
        .impl = impl,
        .source = source,
        .retry_ns = BT_SOUND_RETRY_NS,
    };
}

static void close_device(struct bt_sound_keeper *keeper)
{
    keeper->impl->close(BT_TAKE(keeper->device));
}

void bt_sound_keeper_finish(struct bt_sound_keeper *keeper)
{
    if (keeper->device != NULL) {
        close_device(keeper);
    }
}

static void try_later(struct bt_sound_keeper *keeper, int64_t at_ns)
{
    keeper->retry_at_ns = at_ns + keeper->retry_ns;
    keeper->retry_ns = BT_MIN(keeper->retry_ns * 2, BT_SOUND_MAX_RETRY_NS);
}

static void open_device(struct bt_sound_keeper *keeper, int64_t at_ns)
{
    struct bt_error err;
    if (at_ns < keeper->retry_at_ns) {
        return;
    }
    atomic_store(&keeper->asked_ns, at_ns);
    if (keeper->impl->open(&keeper->source, &keeper->device, &err) < 0) {
        if (!keeper->complained) {
            bt_log_warn(&logger, "%s; trying again, the pictures go on", err.msg);
        }
        keeper->complained = true;
        try_later(keeper, at_ns);
        return;
    }
    keeper->complained = false;
}

static bool is_stalled(const struct bt_sound_keeper *keeper, int64_t at_ns)
{
    return at_ns - atomic_load(&keeper->asked_ns) > BT_SOUND_STALL_NS;
}

static void look_after_device(struct bt_sound_keeper *keeper, int64_t at_ns)
{
    if (!keeper->impl->is_there(keeper->device)) {
        bt_log_warn(&logger, "The sound device went away; looking for another");
        atomic_store(&keeper->state, BT_SPEAKER_NO_DEVICE);  // closing may take its time
        close_device(keeper);
        try_later(keeper, at_ns);
    } else if (!is_stalled(keeper, at_ns)) {
        keeper->retry_ns = BT_SOUND_RETRY_NS;
    }
}

bool bt_sound_keeper_sounds(const struct bt_sound_keeper *keeper, int64_t at_ns)
{
    return keeper->device != NULL && !is_stalled(keeper, at_ns);
}

void bt_sound_keeper_look(struct bt_sound_keeper *keeper, bool wanted, int64_t at_ns)
{
    if (wanted) {
        keeper->wanted_ns = at_ns;
    }
    if (keeper->device != NULL) {
        look_after_device(keeper, at_ns);
    }
    if (wanted && keeper->device == NULL) {
        open_device(keeper, at_ns);
    }
    if (keeper->device != NULL && at_ns - keeper->wanted_ns > BT_SOUND_KEEP_NS) {
        close_device(keeper);
    }
    bool sounds = bt_sound_keeper_sounds(keeper, at_ns);
    atomic_store(&keeper->state, !wanted  ? BT_SPEAKER_IDLE
                                 : sounds ? BT_SPEAKER_OK
                                          : BT_SPEAKER_NO_DEVICE);
}
