#include "server/http/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

#define PEM_MAX_BYTES 65536
#define VALID_S ((time_t)10 * 365 * 24 * 3600)

static int fail_gnutls(struct bt_error *err, int r, const char *what)
{
    return bt_fail(err, -EIO, "%s: %s", what, gnutls_strerror(r));
}

static int write_pem(const char *path, const gnutls_datum_t *pem, struct bt_error *err)
{
    int r = bt_file_replace(path, pem->data, pem->size, err);
    if (r == 0 && chmod(path, 0600) < 0) {
        r = bt_fail_errno(err, "Cannot protect '%s'", path);
    }
    return r;
}

static int set_names(gnutls_x509_crt_t certificate)
{
    static const unsigned char v4[] = {127, 0, 0, 1};
    char host[256] = "localhost";
    gethostname(host, sizeof(host) - 1);
    int r =
        gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, "Bangtin", 7);
    r = r < 0 ? r
              : gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, host,
                                                     (unsigned)strlen(host), GNUTLS_FSAN_SET);
    r = r < 0 ? r
              : gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, "localhost",
                                                     9, GNUTLS_FSAN_APPEND);
    return r < 0 ? r
                 : gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, v4,
                                                        sizeof(v4), GNUTLS_FSAN_APPEND);
}

static int fill_in(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    unsigned char serial[16];
    time_t now = (time_t)(bt_clock_wall_ms(bt_clock_real()) / 1000);
    int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
    serial[0] = (unsigned char)((serial[0] & 0x3F) | 0x40);  // positive, and of full length
    r = r < 0 ? r : gnutls_x509_crt_set_version(certificate, 3);
    r = r < 0 ? r : gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
    // A day early: players' clocks may be late.
    r = r < 0 ? r : gnutls_x509_crt_set_activation_time(certificate, now - 24 * 3600);
    r = r < 0 ? r : gnutls_x509_crt_set_expiration_time(certificate, now + VALID_S);
    r = r < 0 ? r : gnutls_x509_crt_set_key(certificate, key);
    r = r < 0 ? r : set_names(certificate);
    r = r < 0 ? r : gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
    r = r < 0 ? r : gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
    return r < 0 ? r : gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
}

static int write_both(const char *key_path, const char *certificate_path, gnutls_x509_privkey_t key,
                      gnutls_x509_crt_t certificate, struct bt_error *err)
{
    gnutls_datum_t key_pem = {0}, certificate_pem = {0};
    int r = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                              &key_pem);
    r = r < 0 ? r : gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificate_pem);
    // The certificate last: it says that both are there.
    r = r < 0 ? fail_gnutls(err, r, "Cannot write a certificate")
              : write_pem(key_path, &key_pem, err);
    r = r < 0 ? r : write_pem(certificate_path, &certificate_pem, err);
    gnutls_free(key_pem.data);
    gnutls_free(certificate_pem.data);
    return r;
}

static int make(const char *key_path, const char *certificate_path, struct bt_error *err)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t certificate = NULL;
    int r = gnutls_x509_privkey_init(&key);
    r = r < 0 ? r : gnutls_x509_crt_init(&certificate);
    r = r < 0 ? r
              : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    r = r < 0 ? r : fill_in(certificate, key);
    r = r < 0 ? fail_gnutls(err, r, "Cannot make a certificate")
              : write_both(key_path, certificate_path, key, certificate, err);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return r;
}

int bt_tls_make(const char *dir, struct bt_error *err)
{
    BT_AUTOFREE char *key_path = bt_strf("%s/key.pem", dir);
    BT_AUTOFREE char *certificate_path = bt_strf("%s/certificate.pem", dir);
    if (access(certificate_path, F_OK) == 0) {
        return 0;
    }
    int r = bt_file_make_dirs(dir, err);
    if (r == 0 && chmod(dir, 0700) < 0) {
        r = bt_fail_errno(err, "Cannot protect '%s'", dir);
    }
    return r < 0 ? r : make(key_path, certificate_path, err);
}

static int pin_of(gnutls_x509_crt_t certificate, char out[BT_TLS_PIN_BYTES])
{
    gnutls_pubkey_t key = NULL;
    gnutls_datum_t der = {0}, text = {0};
    int r = gnutls_pubkey_init(&key);
    r = r < 0 ? r : gnutls_pubkey_import_x509(key, certificate, 0);
    r = r < 0 ? r : gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der);
    if (r >= 0) {
        struct bt_sha256 hash = bt_sha256_of(der.data, der.size);
        const gnutls_datum_t raw = {hash.bytes, sizeof(hash.bytes)};
        r = gnutls_base64_encode2(&raw, &text);
    }
    if (r >= 0) {
        r = bt_format(out, BT_TLS_PIN_BYTES, "sha256//%.*s", (int)text.size, (char *)text.data);
    }
    gnutls_free(text.data);
    gnutls_free(der.data);
    gnutls_pubkey_deinit(key);
    return r;
}

int bt_tls_pin(const char *path, char out[BT_TLS_PIN_BYTES], struct bt_error *err)
{
    BT_AUTOBUF pem;
    bt_buf_init(&pem, PEM_MAX_BYTES);
    int r = bt_file_read(path, &pem, err);
    if (r < 0) {
        return r;
    }
    gnutls_x509_crt_t certificate = NULL;
    const gnutls_datum_t datum = {(unsigned char *)pem.data, (unsigned)pem.len};
    r = gnutls_x509_crt_init(&certificate);
    r = r < 0 ? r : gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_PEM);
    r = r < 0 ? r : pin_of(certificate, out);
    if (r < 0) {
        r = fail_gnutls(err, r, path);
    }
    gnutls_x509_crt_deinit(certificate);
    return r < 0 ? r : 0;
}
