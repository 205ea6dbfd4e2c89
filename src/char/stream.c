/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READ_MAX 4096

static bool shared(const struct stream *s)
{
    return s->wfd >= 0 && s->wfd == s->rfd;
}

static unsigned r_want(const struct stream *s)
{
    return (s->room && s->chr.rx ? LOOP_IN : 0) |
           (s->out_wait && shared(s) ? LOOP_OUT : 0);
}

static void out_end(struct stream *s)
{
    s->out_wait = false;
    s->stalled = false;
    timer_cancel(&s->stall);
    if (!shared(s))
        loop_del(s->loop, &s->wsrc);
    else
        loop_want(s->loop, &s->rsrc, r_want(s));
}

static void out_ready(struct stream *s)
{
    out_end(s);
    if (s->chr.tx_ready)
        s->chr.tx_ready(s->chr.dev);
}

void stream_down(struct stream *s)
{
    bool waiting = s->out_wait;

    if (!s->chr.connected)
        return;
    out_end(s);
    loop_del(s->loop, &s->rsrc);
    s->chr.connected = false;
    s->hup_held = false;
    s->ops->down(s);
    if (s->chr.event)
        s->chr.event(s->chr.dev, false);
    if (waiting && s->chr.tx_ready)
        s->chr.tx_ready(s->chr.dev); /* to be dropped */
}

static void input_end(struct stream *s)
{
    if (s->wfd >= 0 && !shared(s)) {
        loop_del(s->loop, &s->rsrc); /* output goes on */
        return;
    }
    stream_down(s);
}

static void input(struct stream *s)
{
    uint8_t buf[READ_MAX];
    size_t len;
    ssize_t n;

    if (!s->room || !s->chr.rx)
        return;
    n = read(s->rfd, buf, s->room < sizeof(buf) ? s->room : sizeof(buf));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        input_end(s);
        return;
    }
    len = s->ops->filter ? s->ops->filter(s, buf, (size_t)n) : (size_t)n;
    if (!len)
        return;
    s->room -= len;
    /* Before rx(), which may make room at once. */
    if (!s->room)
        loop_want(s->loop, &s->rsrc, r_want(s));
    s->chr.rx(s->chr.dev, buf, len);
}

/*
 * The peer is gone. What it sent and had no room is kept until there is, off
 * the loop, which would report the hang-up without end.
 */
static void hang_up(struct stream *s)
{
    bool waiting = s->out_wait;
    int unread = 0;

    if (s->room || !s->chr.rx || ioctl(s->rfd, FIONREAD, &unread) < 0 ||
        !unread) {
        input_end(s);
        return;
    }
    out_end(s);
    loop_del(s->loop, &s->rsrc);
    s->hup_held = true;
    if (s->ops->held)
        s->ops->held(s);
    if (waiting && s->chr.tx_ready)
        s->chr.tx_ready(s->chr.dev); /* to be dropped */
}

static void r_ready(void *ctx, unsigned events)
{
    struct stream *s = ctx;

    if ((events & LOOP_OUT) && s->out_wait)
        out_ready(s);
    if (!s->chr.connected || !s->rsrc.added)
        return;
    if (events & LOOP_IN) {
        input(s);
    } else if (events & LOOP_HUP) {
        hang_up(s);
    }
}

static void w_ready(void *ctx, unsigned events)
{
    struct stream *s = ctx;

    if (events & LOOP_HUP)
        stream_down(s);
    else
        out_ready(s);
}

static void stall_fire(void *ctx)
{
    struct stream *s = ctx;

    s->stalled = true;
    if (s->chr.tx_ready)
        s->chr.tx_ready(s->chr.dev); /* to be dropped */
}

static int out_begin(struct stream *s)
{
    int rc = 0;

    if (s->out_wait)
        return 0;
    s->out_wait = true;
    if (shared(s))
        loop_want(s->loop, &s->rsrc, r_want(s));
    else
        rc = loop_add(s->loop, &s->wsrc, s->wfd, LOOP_OUT, w_ready, s);
    if (rc < 0) {
        s->out_wait = false;
        return rc;
    }
    timer_set(&s->stall, clock_now(loop_clock(s->loop)) + STREAM_STALL_NS);
    return 0;
}

void stream_resume(struct stream *s)
{
    if (!s->hup_held)
        return;
    s->hup_held = false;
    loop_add(s->loop, &s->rsrc, s->rfd, r_want(s), r_ready, s);
}

static size_t stream_write(struct chr *c, const uint8_t *buf, size_t len)
{
    struct stream *s = (struct stream *)c;
    ssize_t n;

    if (!c->connected || s->stalled || s->wfd < 0 || s->hup_held)
        return len;
    if (s->ops->send) {
        n = s->ops->send(s, buf, len);
    } else {
        n = write(s->wfd, buf, len);
        if (n < 0)
            n = errno == EINTR ? -EAGAIN : -errno;
    }
    if (n < 0 && n != -EAGAIN) {
        /* The device is in write(): it must not be told to go on. */
        s->out_wait = false;
        stream_down(s);
        return len;
    }
    if (n < 0)
        n = 0;
    if ((size_t)n < len && out_begin(s) < 0)
        return len; /* nothing would ever tell it to go on */
    return (size_t)n;
}

static void stream_rx_room(struct chr *c, size_t n)
{
    struct stream *s = (struct stream *)c;

    s->room = n;
    if (!c->connected)
        return;
    if (s->hup_held && n)
        stream_resume(s);
    else
        loop_want(s->loop, &s->rsrc, r_want(s));
}

void stream_close(struct chr *c)
{
    struct stream *s = (struct stream *)c;

    timer_cancel(&s->stall);
    loop_del(s->loop, &s->wsrc);
    loop_del(s->loop, &s->rsrc);
    c->connected = false;
    s->ops->close(s);
    free(s);
}

static const struct chr_ops chr_ops = {
    .write = stream_write,
    .rx_room = stream_rx_room,
    .close = stream_close,
};

void *stream_new(size_t size, const struct stream_ops *ops, struct loop *loop,
                 const char *label)
{
    struct stream *s = calloc(1, size);

    if (!s)
        return NULL;
    s->chr.ops = &chr_ops;
    s->ops = ops;
    s->loop = loop;
    s->rfd = s->wfd = -1;
    timer_init(&s->stall, loop_clock(loop), stall_fire, s);
    snprintf(s->chr.label, sizeof(s->chr.label), "%s", label);
    return s;
}

int stream_up(struct stream *s, int rfd, int wfd)
{
    int rc;

    s->rfd = rfd;
    s->wfd = wfd;
    s->out_wait = s->stalled = s->hup_held = false;
    if (rfd >= 0) {
        rc = loop_add(s->loop, &s->rsrc, rfd, r_want(s), r_ready, s);
        /* A regular file or /dev/null as standard input: no input. */
        if (rc == -EPERM && rfd != wfd)
            s->rfd = -1;
        else if (rc < 0)
            return rc;
    }
    s->chr.connected = true;
    if (s->chr.event)
        s->chr.event(s->chr.dev, true);
    return 0;
}

void chr_name(struct chr *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->filename, sizeof(c->filename), fmt, ap);
    va_end(ap);
}
