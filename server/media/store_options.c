#include "server/media/store_options.h"

#include <errno.h>

#include "server/media/s3_place.h"

void bt_store_take(const struct bt_arguments *arguments, struct bt_s3_options *out)
{
    bt_store_take_trust(arguments, out);
    out->url = bt_argument(arguments, "blobs");
}

void bt_store_take_trust(const struct bt_arguments *arguments, struct bt_s3_options *out)
{
    *out = (struct bt_s3_options){.region = bt_argument(arguments, "s3-region"),
                                  .credentials = bt_argument(arguments, "s3-credentials"),
                                  .ca = bt_argument(arguments, "s3-ca"),
                                  .pin = bt_argument(arguments, "s3-pin"),
                                  .stall_s = bt_argument_int(arguments, "s3-timeout", 0)};
}

int bt_store_check(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_s3_place place;
    const char *url = bt_argument(arguments, "blobs");
    return url == NULL ? 0 : bt_s3_read_place(url, &place, err);
}
