// What lies on a stick: its word, and what the server tells by it. Bounded, and refused with a
// sentence.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sync/told.h"
#include "trust/stick.h"

static void read_word(const char *text, size_t len)
{
    BT_AUTO(bt_tuf_document) document = NULL;
    struct bt_stick stick;
    struct bt_error err = {0};
    if (bt_tuf_document_read(text, len, "stick", &document, &err) < 0) {
        assert(err.msg[0] != '\0');
        return;
    }
    if (bt_stick_read(document, &stick, &err) < 0) {
        assert(err.msg[0] != '\0' && bt_stick_check_span(document, NULL) < 0);
        return;
    }
    assert(stick.id[0] != '\0' && strlen(stick.id) < BT_STICK_ID_BYTES);
    assert(stick.told_bytes <= BT_STICK_TOLD_MAX_BYTES);
    assert(!bt_stick_is_for(&stick, "", ""));
}

static void read_told(const char *text, size_t len)
{
    struct bt_told told;
    struct bt_error err = {0};
    struct bt_order *order;
    struct bt_sha256 hash;
    const cJSON *cursor = NULL;
    char *body;
    int64_t seq;
    if (bt_told_parse(text, len, &told, &err) < 0) {
        assert(err.msg[0] != '\0');
        return;
    }
    while (bt_told_next_takedown(&told, "31333", &cursor, &order, &body) > 0) {
        assert(order->n == 0 && order->what == BT_INSTRUCTION_TAKEDOWN && body != NULL);
        bt_order_destroy(order);
        cJSON_free(body);
    }
    assert(bt_told_counted(&told, "d-1", "00", &seq, &hash) < 0 || seq >= 1);
    bt_told_finish(&told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_word((const char *)data, size);
    read_told((const char *)data, size);
    return 0;
}
