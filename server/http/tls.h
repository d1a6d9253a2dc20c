/**
 * The server's own certificate: made at the first start, self-signed. Players do not ask who signed
 * it; they know its key (the pin) from the signed list of servers.
 */
#ifndef BT_SERVER_HTTP_TLS_H
#define BT_SERVER_HTTP_TLS_H

#include "base/error.h"

// "sha256//" and base64 of 32 bytes.
#define BT_TLS_PIN_BYTES 56

// Makes DIR/certificate.pem and DIR/key.pem (ECDSA P-256, mode 0600) unless they are there.
int bt_tls_make(const char *dir, struct bt_error *err) BT_NODISCARD;

// The pin of a certificate file in curl's notation: SHA-256 of its public key.
int bt_tls_pin(const char *path, char out[BT_TLS_PIN_BYTES], struct bt_error *err) BT_NODISCARD;

#endif
