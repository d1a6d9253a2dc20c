#include "cli/waiting.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define PAUSE_NS (BT_NS_PER_S / 4)
#define USUAL_WAIT_S 30

int bt_wait_for(struct bt_client *client, const struct bt_arguments *arguments, const char *path,
                bool (*is_done)(const cJSON *answer, void *context), void *context, cJSON **out,
                bool *out_done, struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t wait_s = bt_argument_int(arguments, "wait", USUAL_WAIT_S);
    int64_t until_ns = bt_clock_mono_ns(clock) + wait_s * BT_NS_PER_S;
    for (;;) {
        BT_AUTOANSWER answer = {0};
        int r = bt_client_get(client, path, &answer, err);
        if (r < 0) {
            return r;
        }
        *out_done = is_done(answer.json, context);
        int64_t now_ns = bt_clock_mono_ns(clock);
        if (*out_done || now_ns >= until_ns) {
            *out = BT_TAKE(answer.json);
            return 0;
        }
        bt_clock_sleep_until(clock, now_ns + PAUSE_NS);
    }
}

bool bt_all_answered(const cJSON *list)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, list)
    {
        const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "state"));
        if (bt_str_equal(state, "sent") || bt_str_equal(state, "waiting")) {
            return false;
        }
    }
    return true;
}
