#include "sync/plays_seal.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

// No record bears such a boot.
#define NO_BOOT "usb"

static int sign(const struct bt_private_key *key, const struct bt_buf *header, uint8_t *signature,
                struct bt_error *err)
{
    uint8_t made[BT_SIGNATURE_MAX_BYTES];
    size_t len = 0;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_BATCH_MAX_HEADER + sizeof(BT_BATCH_SIGNED_PREFIX));
    int r = bt_buf_appendf(&text, "%s%s", BT_BATCH_SIGNED_PREFIX, bt_buf_text(header));
    r = r < 0 ? r : bt_private_key_sign(key, text.data, text.len, made, &len, err);
    if (r == 0 && len != BT_BATCH_SIGNATURE_BYTES) {
        return bt_fail(err, -EINVAL, "The player's key makes other signatures");
    }
    memcpy(signature, made, BT_BATCH_SIGNATURE_BYTES);
    return r;
}

int bt_plays_seal(const struct bt_private_key *key, const char *player, const char *boot,
                  struct bt_pack *pack, struct bt_buf *out, struct bt_error *err)
{
    uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    BT_AUTOBUF header;
    bt_buf_init(&header, BT_BATCH_MAX_HEADER);
    int r = bt_format(pack->header.player, sizeof(pack->header.player), "%s", player);
    if (r < 0) {
        return bt_fail(err, -EACCES, "The player's id is too long");
    }
    bt_copy_cut(pack->header.boot, sizeof(pack->header.boot), boot);
    r = bt_batch_maker_header(pack->maker, &pack->header, &header, err);
    r = r < 0 ? r : sign(key, &header, signature, err);
    return r < 0 ? r : bt_batch_maker_seal(pack->maker, &header, signature, out, err);
}

static bool dates(const struct bt_batch_header *header, const char *boot)
{
    for (size_t i = 0; i < header->boot_count; i++) {
        if (strcmp(header->boots[i].boot, boot) == 0) {
            return true;
        }
    }
    return false;
}

const char *bt_plays_date(struct bt_batch_header *header, const char *boot)
{
    const struct bt_record_moment *now = &header->now;
    if (now->clock_trust != BT_CLOCK_SYNCED) {
        header->more = true;
        return NO_BOOT;
    }
    if (!dates(header, boot) && header->boot_count < BT_BATCH_MAX_BOOTS) {
        struct bt_boot_offset *offset = &header->boots[header->boot_count++];
        bt_copy_cut(offset->boot, sizeof(offset->boot), boot);
        offset->offset_ms = now->wall_ms - now->mono_ns / BT_NS_PER_MS;
    }
    return dates(header, boot) ? boot : NO_BOOT;
}

struct bt_record_moment bt_plays_moment(const struct bt_sync *sync)
{
    const struct bt_sync_options *options = &sync->options;
    bool trusted =
        options->clock_is_trusted != NULL && options->clock_is_trusted(options->clock_context);
    int64_t mono_ns = bt_clock_mono_ns(options->clock);
    return (struct bt_record_moment){
        .wall_ms =
            trusted ? bt_clock_wall_ms(options->clock) : bt_time_floor_now(sync->time).wall_ms,
        .mono_ns = mono_ns - mono_ns % BT_NS_PER_MS,
        .clock_trust = trusted ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN,
    };
}
