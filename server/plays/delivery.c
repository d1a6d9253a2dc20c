#include "server/plays/delivery.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void bt_delivery_destroy(struct bt_delivery *delivery)
{
    if (delivery == NULL) {
        return;
    }
    bt_batch_finish(&delivery->batch);
    free(delivery->packed);
    free(delivery->records);
    free(delivery->hashes);
    free(delivery);
}

static bool is_signed(const struct bt_delivery *delivery)
{
    const struct bt_batch *batch = &delivery->batch;
    static const char prefix[] = BT_BATCH_SIGNED_PREFIX;
    char text[sizeof(prefix) - 1 + BT_BATCH_MAX_HEADER];
    if (batch->header_len > BT_BATCH_MAX_HEADER) {
        return false;
    }
    memcpy(text, prefix, sizeof(prefix) - 1);
    memcpy(text + sizeof(prefix) - 1, batch->header_line, batch->header_len);
    return crypto_sign_verify_detached(batch->signature, (const uint8_t *)text,
                                       sizeof(prefix) - 1 + batch->header_len,
                                       delivery->sender.key) == 0;
}

static int check_sender(struct bt_senders *senders, const char *player,
                        struct bt_delivery *delivery, struct bt_error *err)
{
    const char *named = delivery->batch.header.player;
    if (strcmp(named, player) != 0) {
        return bt_fail(err, -EACCES, "The batch is of player '%.31s', and '%.31s' sends it", named,
                       player);
    }
    int r = bt_senders_find(senders, player, &delivery->sender, err);
    if (r < 0) {
        return r == -ENOENT ? -EACCES : r;
    }
    if (delivery->sender.state == BT_SENDER_REVOKED) {
        return bt_fail(err, -EACCES, "The key of player '%.31s' was revoked", player);
    }
    return is_signed(delivery)
               ? 0
               : bt_fail(err, -EACCES, "The signature is not of player '%.31s'", player);
}

/*
 * A record that cannot be read does not hold up those behind it: it is declared as a loss. There
 * are a kilobyte of memory to each and a thousand of them: they are not zeroed first, since every
 * one that is counted is written whole.
 */
static int read_records(struct bt_delivery *delivery, struct bt_error *err)
{
    size_t count = (size_t)delivery->batch.header.count;
    delivery->hashes = BT_NEW_ARRAY(struct bt_sha256, count + 1);
    delivery->records = malloc((count + 1) * sizeof(struct bt_record));  // allow: from outside
    if (delivery->records == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a batch");
    }
    delivery->records[count] = (struct bt_record){.seq = 0};
    struct bt_batch_cursor cursor = {0};
    struct bt_row row;
    for (size_t i = 0; i < count && bt_batch_next(&delivery->batch, &cursor, &row) > 0; i++) {
        struct bt_record *record = &delivery->records[i];
        delivery->hashes[i] = row.hash;
        if (bt_record_parse(row.body, row.len, record, NULL) < 0 || record->seq != row.seq) {
            *record = (struct bt_record){.seq = 0};
        }
    }
    return 0;
}

int bt_delivery_read(struct bt_senders *senders, const char *player, const void *packed, size_t len,
                     int64_t received_ms, struct bt_delivery **out, struct bt_error *err)
{
    BT_AUTO(bt_delivery) delivery = BT_NEW(struct bt_delivery);
    int r = bt_batch_read(packed, len, &delivery->batch, err);
    r = r < 0 ? r : check_sender(senders, player, delivery, err);
    if (r < 0) {
        return r;
    }
    delivery->received_ms = received_ms;
    delivery->packed = bt_alloc(len);
    memcpy(delivery->packed, packed, len);
    delivery->packed_len = len;
    r = read_records(delivery, err);
    if (r == 0) {
        *out = BT_TAKE(delivery);
    }
    return r;
}

size_t bt_delivery_bytes(const struct bt_delivery *delivery)
{
    size_t each = sizeof(*delivery->records) + sizeof(*delivery->hashes);
    return sizeof(*delivery) + delivery->packed_len + delivery->batch.text.len +
           (size_t)delivery->batch.header.count * each;
}
