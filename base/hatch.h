/**
 * The hatch of the workshop: a unix socket behind which the service manager starts one
 * `bangtin-media serve` per connection (deploy/systemd/bangtin-media.socket), which may reach
 * nothing but what it is handed. One connection is one job on one file:
 *
 *     client    the job, and the file as a descriptor (SCM_RIGHTS)
 *     workshop  a word: 0, or why it will not; until here it has read nothing of the file
 *     workshop  draw: struct bt_outside_answer (media/outside.h)
 *               inspect: parcels, each product once and in order, and the end
 *
 * Both are programs of one machine and one version: numbers are in its own byte order. What the
 * workshop says after its word is as hostile as the file.
 */
#ifndef BT_BASE_HATCH_H
#define BT_BASE_HATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define BT_HATCH_INSTALLED "/run/bangtin-media/socket"
#define BT_HATCH_MAGIC 0x31484d42U

// Where the workshop is, as --workshop says it.
struct bt_hatch {
    const char *path;  // borrowed; NULL: a process of our own
    bool required;     // nothing else will do; else a process of our own when nobody is there
};

// NULL (not said): the installed one, when it is there; "own"; "unix:PATH". Errors: -EINVAL.
int bt_hatch_read(const char *text, struct bt_hatch *out, struct bt_error *err) BT_NODISCARD;
#define BT_HATCH_OPTION                                                                                     \
    {                                                                                                       \
        "workshop", "WHERE",                                                                                \
            "unix:PATH: xưởng là dịch vụ riêng; own: tự chạy / the workshop is a service; or " \
            "our own process (unix:" BT_HATCH_INSTALLED " nếu có / if there)"                            \
    }

enum bt_hatch_what {
    BT_HATCH_INSPECT = 1,
    BT_HATCH_DRAW = 2,
};

struct bt_hatch_job {
    uint32_t magic;
    uint32_t what;
    int32_t width, height;  // of draw; 0: measure
};

struct bt_hatch_word {
    uint32_t magic;
    int32_t result;  // 0 or a negative errno
};

// `len` bytes of a product follow. The end has none: its `len` is the exit status.
#define BT_HATCH_PRODUCTS 4
#define BT_HATCH_END BT_HATCH_PRODUCTS
#define BT_HATCH_PRODUCT_MAX_BYTES 68157440  // workshop/conversion.h says why
struct bt_hatch_parcel {
    uint32_t magic;
    uint32_t number;  // in bt_hatch_products, rising
    uint64_t len;
};

// The files that inspecting leaves behind, where there is something to say.
extern const char *const bt_hatch_products[BT_HATCH_PRODUCTS];

/**
 * The client's: hands the file in and waits until somebody has taken it; who is busy is asked again
 * until then. *out is the connection, for the caller to close; that also ends the work.
 * Errors: -ENOENT, -ECONNREFUSED, -EACCES nobody is there for us; -EBUSY; -EPROTO it is of another
 * version; -EREMOTEIO it will not.
 */
int bt_hatch_open(const char *path, const struct bt_hatch_job *job, int file, int64_t until_ns,
                  int *out, struct bt_error *err) BT_NODISCARD;

// Whether that error of bt_hatch_open means that there is no such workshop on this machine.
bool bt_hatch_is_absent(int error);

// Exactly so many bytes. Errors: -ETIMEDOUT, -EPIPE they end before.
int bt_hatch_hear(int hatch, void *out, size_t size, int64_t until_ns) BT_NODISCARD;

/**
 * The workshop's: the job that was handed in, checked, and its file, which is for the caller to
 * close. Waits a few seconds at most. Errors: -EBADMSG, or the errno of receiving.
 */
int bt_hatch_take(int hatch, struct bt_hatch_job *out_job, int *out_file,
                  struct bt_error *err) BT_NODISCARD;

// All of it, or -EPIPE: nobody listens any more.
int bt_hatch_say(int hatch, const void *bytes, size_t len) BT_NODISCARD;

#endif
