/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines. The daemon's own go to log_line(); whatever a guest or a client
 * can provoke goes to guest_log(), which has a token bucket per device and
 * message id (10 at once, then 1/s with a tally), a rate for all of them and a
 * cap for the life of the domain (rule R10). Guest bytes are printed escaped.
 * What the host did wrong goes to host_log(): that a guest talks a lot does not
 * hide it.
 * Loop thread only.
 */
#ifndef HVMD_LOG_H
#define HVMD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dev;
struct clock;

#define LOG_GUEST_CAP_BYTES (1u << 20)
/* Of those, what is left for host_log(). */
#define LOG_HOST_BYTES (64u << 10)
#define LOG_BURST      10u
/* Of all messages together: so much at once, then so much a second. */
#define LOG_GUEST_BURST_BYTES 8192u
#define LOG_GUEST_BYTES_PER_S 768u

struct log {
    void (*write)(void *ctx, const char *line, size_t len); /* with newline */
    void *ctx;
    struct clock *clock;    /* for the buckets; may be NULL in tests */
    uint64_t guest_bytes;   /* written on guests' behalf so far */
    uint64_t guest_dropped; /* lines held back */
    uint64_t spent_bytes;   /* of the burst, not yet given back */
    uint64_t refilled_ns;
};

/* One bucket; a device embeds one per message id it uses. Zero is valid. */
struct log_bucket {
    uint64_t last_ns;
    uint32_t used;
    uint32_t held;
};

void log_init_fd(struct log *, int fd, struct clock *);
void log_line(struct log *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * The same in a part's name. For what a guest can make happen only a few times
 * in its life, so that no flood of other lines hides it.
 */
void log_from(struct log *, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A line about something the guest did; id < DEV_LOG_IDS. Always counted. */
void guest_log(struct dev *, unsigned id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * A line about the host that a guest made happen, as when its disk fails: its
 * own bucket and the cap hold it back, not what other messages have used.
 */
void host_log(struct dev *, unsigned id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as guest_log() where there is no device (ring, VNC, QMP). */
void bucket_log(struct log *, struct log_bucket *, const char *who,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Copies printable ASCII, writes others as \xNN; always terminated. */
size_t log_escape(char *dst, size_t dst_len, const void *src, size_t len);

#endif
