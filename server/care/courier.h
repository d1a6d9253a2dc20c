/**
 * The courier: sends one letter, by SMTP or to a webhook, and says how it went. Belongs to one
 * thread. What it says of failures is libcurl's word; passwords and secrets are never in it.
 */
#ifndef BT_SERVER_CARE_COURIER_H
#define BT_SERVER_CARE_COURIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/care/outbox.h"

struct bt_courier_options {
    const char *password_file;    // of the mail server's login; NULL: none
    const char *mail_ca;          // whose certificates count; NULL: the system's
    bool webhooks_inside;         // webhooks may go to this machine and its neighbours, and by http
    const atomic_bool *stopping;  // what is on its way is dropped
};

struct bt_courier;
int bt_courier_create(const struct bt_courier_options *options, struct bt_courier **out,
                      struct bt_error *err) BT_NODISCARD;
void bt_courier_destroy(struct bt_courier *courier);
BT_DEFINE_AUTO(bt_courier)

struct bt_mail_server {
    const char *url;    // smtp:// (STARTTLS is asked for, and a must beyond this machine), smtps://
    const char *login;  // used when there is a password
    const char *from;
};

// -EINVAL: it can never be sent like this.
int bt_courier_mail(struct bt_courier *courier, const struct bt_mail_server *server,
                    const struct bt_letter *letter, struct bt_error *err) BT_NODISCARD;

#define BT_HOOK_SECRET_HEX_BYTES 65
struct bt_hook {
    char url[513];
    char secret[BT_HOOK_SECRET_HEX_BYTES];
};

/**
 * POST of the letter's body: X-Bangtin-Delivery (the letter's id), X-Bangtin-Time (milliseconds)
 * and X-Bangtin-Signature, "sha256=" and HMAC-SHA256 over TIME "." BODY with the secret's text as
 * the key. Redirects are not followed; any status but 2xx is a failure.
 */
int bt_courier_hook(struct bt_courier *courier, const struct bt_hook *hook,
                    const struct bt_letter *letter, int64_t now_ms,
                    struct bt_error *err) BT_NODISCARD;

// May a webhook be called so? -EINVAL with a sentence. Names are not looked up.
int bt_hook_check_url(const char *url, bool inside, struct bt_error *err) BT_NODISCARD;

#endif
