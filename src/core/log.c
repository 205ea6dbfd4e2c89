/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hvmd/dev.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static void write_fd(void *ctx, const char *line, size_t len)
{
    /* A full or closed log must not stop the guest. */
    if (write((int)(intptr_t)ctx, line, len) < 0)
        return;
}

void log_init_fd(struct log *l, int fd, struct clock *clock)
{
    *l = (struct log){
        .write = write_fd, .ctx = (void *)(intptr_t)fd, .clock = clock};
}

/* Formats "who: text\n"; control characters of the text are escaped. */
__attribute__((format(printf, 3, 0))) static size_t
format(char line[LINE_MAX_BYTES], const char *who, const char *fmt, va_list ap)
{
    char raw[LINE_MAX_BYTES / 2];
    int n = vsnprintf(raw, sizeof(raw), fmt, ap);
    int at = who ? snprintf(line, 64, "%s: ", who) : 0;
    size_t len, used = at < 0 ? 0 : (size_t)at;

    if (used > 63)
        used = 63;
    if (n < 0)
        return 0;
    len = (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1;
    used += log_escape(line + used, LINE_MAX_BYTES - 1 - used, raw, len);
    line[used++] = '\n';
    return used;
}

void log_line(struct log *l, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (!l || !l->write)
        return;
    va_start(ap, fmt);
    l->write(l->ctx, line, format(line, "hvmd", fmt, ap));
    va_end(ap);
}

void log_from(struct log *l, const char *who, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (!l || !l->write)
        return;
    va_start(ap, fmt);
    l->write(l->ctx, line, format(line, who, fmt, ap));
    va_end(ap);
}

/* Of the bytes that all guest messages share, some are left. */
static bool bytes_left(struct log *l, uint64_t now)
{
    uint64_t seconds = (now - l->refilled_ns) / NS_PER_S;

    if (seconds) {
        uint64_t back = seconds > LOG_GUEST_BURST_BYTES
                            ? LOG_GUEST_BURST_BYTES
                            : seconds * LOG_GUEST_BYTES_PER_S;

        l->spent_bytes = back >= l->spent_bytes ? 0 : l->spent_bytes - back;
        l->refilled_ns += seconds * NS_PER_S;
    }
    return l->spent_bytes < LOG_GUEST_BURST_BYTES &&
           l->guest_bytes < LOG_GUEST_CAP_BYTES - LOG_HOST_BYTES;
}

/* True when a line may go out now; *held: how many were held back before. */
static bool bucket_take(struct log *l, struct log_bucket *b, bool host,
                        uint32_t *held)
{
    uint64_t now = l->clock ? clock_now(l->clock) : 0;
    uint64_t refill = (now - b->last_ns) / NS_PER_S;
    bool left =
        host ? l->guest_bytes < LOG_GUEST_CAP_BYTES : bytes_left(l, now);

    if (refill) {
        b->used = refill >= b->used ? 0 : b->used - (uint32_t)refill;
        b->last_ns += refill * NS_PER_S;
    }
    if (b->used >= LOG_BURST || !left) {
        if (b->held < UINT32_MAX)
            b->held++;
        l->guest_dropped++;
        return false;
    }
    b->used++;
    *held = b->held;
    b->held = 0;
    return true;
}

__attribute__((format(printf, 5, 0))) static void
emit(struct log *l, struct log_bucket *b, bool host, const char *who,
     const char *fmt, va_list ap)
{
    char line[LINE_MAX_BYTES];
    uint32_t held;
    size_t len;

    if (!l || !l->write || !bucket_take(l, b, host, &held))
        return;
    len = format(line, who, fmt, ap);
    if (held) {
        int n = snprintf(line + len - 1, sizeof(line) - len + 1,
                         " (%u such lines held back)\n", held);

        if (n > 0 && (size_t)n < sizeof(line) - len + 1)
            len += (size_t)n - 1;
        else
            line[len - 1] = '\n';
    }
    l->guest_bytes += len;
    if (!host)
        l->spent_bytes += len;
    l->write(l->ctx, line, len);
}

void guest_log(struct dev *d, unsigned id, const char *fmt, ...)
{
    va_list ap;

    d->mistakes++;
    va_start(ap, fmt);
    emit(d->env.log, &d->bucket[id % DEV_LOG_IDS], false, d->ops->name, fmt,
         ap);
    va_end(ap);
}

void host_log(struct dev *d, unsigned id, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(d->env.log, &d->bucket[id % DEV_LOG_IDS], true, d->ops->name, fmt, ap);
    va_end(ap);
}

void bucket_log(struct log *l, struct log_bucket *b, const char *who,
                const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(l, b, false, who, fmt, ap);
    va_end(ap);
}

size_t log_escape(char *dst, size_t dst_len, const void *src, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *p = src;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (p[i] >= 0x20 && p[i] < 0x7f) {
            if (n + 2 > dst_len)
                break;
            dst[n++] = (char)p[i];
        } else {
            if (n + 5 > dst_len)
                break;
            dst[n++] = '\\';
            dst[n++] = 'x';
            dst[n++] = hex[p[i] >> 4];
            dst[n++] = hex[p[i] & 15];
        }
    }
    if (dst_len)
        dst[n] = 0;
    return n;
}
