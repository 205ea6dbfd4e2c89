/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames over a stream socket while there is a peer. Both ways many frames
 * share a system call: one read takes what is there, one write gives all that
 * was cut of a large frame.
 */
#include "stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* In one turn of the loop. */
#define RX_FRAMES 64u
#define TX_FRAMES 96u
/* A peer that does not read for so long is a cable that ends nowhere: a
 * guest's card must not hang on it. */
#define STALL_NS (3 * NS_PER_S)

_Static_assert(TX_FRAMES *(SEG_HEAD_MAX + STREAM_LEN_BYTES) + NET_FRAME_MAX <=
                   STREAM_BUF_BYTES,
               "a refill fits");

static void watch(struct stream *s)
{
    loop_want(s->loop, &s->src,
              (s->watched ? LOOP_IN : 0) | (s->tx_full ? LOOP_OUT : 0));
}

static void go_on(struct stream *s)
{
    if (s->fd >= 0)
        timer_set(&s->again, 0);
}

static void tell_ready(struct stream *s)
{
    bool busy = s->out_at != s->out_end || s->cut.len || s->tx_full;

    if (!s->tx_wait || (busy && !s->stalled))
        return;
    s->tx_wait = false;
    if (s->net.tx_ready)
        s->net.tx_ready(s->net.dev);
}

void net_stream_down(struct stream *s)
{
    if (s->fd < 0)
        return;
    loop_del(s->loop, &s->src);
    timer_cancel(&s->again);
    timer_cancel(&s->stall);
    close(s->fd);
    s->fd = -1;
    s->in_at = s->in_end = s->out_at = s->out_end = s->cut.len = 0;
    s->tx_full = s->stalled = s->broken = s->watched = false;
    s->net.down = true;
    net_stream_dial_again(s);
    if (s->net.link)
        s->net.link(s->net.dev, false);
    tell_ready(s);
}

enum next { NEXT_FRAME, NEXT_READ, NEXT_OFF, NEXT_BUDGET, NEXT_BAD };

/* What stands at in_at: a whole frame, a part of one, a length that is none. */
static enum next look(const struct stream *s, uint32_t *len)
{
    const uint8_t *p = s->in + s->in_at;
    uint32_t have = s->in_end - s->in_at;

    if (have < STREAM_LEN_BYTES)
        return NEXT_READ;
    *len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
    if (*len > STREAM_FRAME_MAX)
        return NEXT_BAD;
    return have - STREAM_LEN_BYTES < *len ? NEXT_READ : NEXT_FRAME;
}

/* Delivers the whole frames that are there; why it ended. */
static enum next deliver(struct stream *s, unsigned *frames)
{
    enum next next;
    uint32_t len;

    for (; s->rx_on; s->in_at += STREAM_LEN_BYTES + len) {
        next = look(s, &len);
        if (next != NEXT_FRAME)
            return next;
        if (*frames == RX_FRAMES)
            return NEXT_BUDGET;
        ++*frames;
        /* Nonsense of the peer's guest must not end the peer's cable. */
        if (!s->net.rx || len < ETH_HEADER || len > NET_FRAME_MAX) {
            s->net.dropped++;
            continue;
        }
        if (!s->net.rx(s->net.dev, s->in + s->in_at + STREAM_LEN_BYTES, len)) {
            s->rx_on = false; /* until it asks again */
            break;
        }
        s->net.rx_frames++;
        s->net.rx_bytes += len;
    }
    return NEXT_OFF;
}

/* Reads what there is room for: bytes, -EAGAIN, 0 for the end or -errno. */
static ssize_t fill(struct stream *s, bool *all)
{
    uint32_t left = s->in_end - s->in_at;
    ssize_t n;

    if (s->in_at) {
        memmove(s->in, s->in + s->in_at, left);
        s->in_at = 0;
        s->in_end = left;
    }
    do {
        n = recv(s->fd, s->in + left, sizeof(s->in) - left, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    s->in_end += (uint32_t)n;
    *all = s->in_end < sizeof(s->in);
    return n;
}

/* hup: nothing comes any more but what is there. True: the connection ends. */
static bool drain(struct stream *s, bool hup)
{
    unsigned frames = 0;
    bool all = false; /* the kernel has no more for now */
    enum next next;
    ssize_t n;

    while ((next = deliver(s, &frames)) == NEXT_READ) {
        n = all ? -EAGAIN : fill(s, &all);
        if (n == -EAGAIN) {
            s->watched = true;
            return hup;
        }
        if (n <= 0)
            return true;
    }
    if (next == NEXT_BUDGET)
        go_on(s);
    return next == NEXT_BAD;
}

/* After rx_on: whether there is something that no event will tell of. */
static bool waits(const struct stream *s)
{
    uint32_t len;

    return !s->watched || look(s, &len) != NEXT_READ;
}

static void receive(struct stream *s, bool hup)
{
    uint64_t before = s->net.rx_frames;
    bool end;

    s->receiving = true;
    end = drain(s, hup);
    if (s->net.rx_frames != before && s->net.rx_end)
        s->net.rx_end(s->net.dev);
    s->receiving = false;
    if (end) {
        net_stream_down(s);
        return;
    }
    /* It was off when delivering ended and is on again. */
    if (s->rx_on && waits(s))
        go_on(s);
    watch(s);
}

static void blocked(struct stream *s)
{
    s->tx_full = true;
    if (!timer_armed(&s->stall) && !s->stalled)
        timer_set(&s->stall, clock_now(loop_clock(s->loop)) + STALL_NS);
    watch(s);
}

/* Ended from the loop: the device may be in the middle of something. */
static void broken(struct stream *s)
{
    s->broken = true;
    go_on(s);
}

static void put_len(uint8_t *p, uint32_t len)
{
    p[0] = (uint8_t)(len >> 24);
    p[1] = (uint8_t)(len >> 16);
    p[2] = (uint8_t)(len >> 8);
    p[3] = (uint8_t)len;
}

/* Frames of the cut into the empty out. */
static void refill(struct stream *s)
{
    unsigned n;

    s->out_at = s->out_end = 0;
    for (n = 0; n < TX_FRAMES && s->cut.len; n++, cut_next(&s->cut)) {
        put_len(s->out + s->out_end, s->cut.len);
        s->out_end += STREAM_LEN_BYTES;
        memcpy(s->out + s->out_end, s->cut.frame, s->cut.len);
        s->out_end += s->cut.len;
    }
}

/* Sends what has been taken, as far as the peer and the budget go. */
static void transmit(struct stream *s)
{
    ssize_t n;

    if (s->out_at == s->out_end)
        refill(s);
    if (s->out_at == s->out_end)
        return;
    do {
        n = send(s->fd, s->out + s->out_at, s->out_end - s->out_at,
                 MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        broken(s);
        return;
    }
    if (n > 0)
        s->out_at += (uint32_t)n;
    if (s->out_at != s->out_end)
        blocked(s);
    else if (s->cut.len)
        go_on(s);
}

static void on_stall(void *ctx)
{
    struct stream *s = ctx;

    s->stalled = true;
    if (s->cut.len)
        s->net.dropped++;
    s->cut.len = 0;
    tell_ready(s);
}

static void on_ready(void *ctx, unsigned events)
{
    struct stream *s = ctx;
    bool hup = events & LOOP_HUP;

    if (hup && !s->rx_on) {
        net_stream_down(s);
        return;
    }
    if (events & LOOP_OUT) {
        s->tx_full = s->stalled = false;
        timer_cancel(&s->stall);
        transmit(s);
        tell_ready(s);
        watch(s);
    }
    if (!hup && !(events & LOOP_IN))
        return;
    if (s->rx_on) {
        receive(s, hup);
    } else {
        s->watched = false;
        watch(s);
    }
}

static void on_again(void *ctx)
{
    struct stream *s = ctx;

    if (s->broken) {
        net_stream_down(s);
        return;
    }
    if (!s->tx_full)
        transmit(s);
    tell_ready(s);
    if (s->rx_on)
        receive(s, false);
}

static int64_t tx_cut(struct stream *s, const struct net_offload *o,
                      const struct iovec *iov, unsigned niov, uint32_t len)
{
    seg_iov_copy(s->cut_buf, iov, niov, 0);
    if (cut_begin(&s->cut, s->cut_buf, len, o) < 0) {
        s->net.dropped++;
        return len;
    }
    s->net.tx_frames++;
    s->net.tx_bytes += len;
    transmit(s);
    return len;
}

static int64_t tx_whole(struct stream *s, const struct iovec *iov,
                        unsigned niov, uint32_t len)
{
    uint8_t prefix[STREAM_LEN_BYTES];
    struct msghdr m = {.msg_iov = s->iov, .msg_iovlen = niov + 1};
    ssize_t n;

    put_len(prefix, len);
    s->iov[0] = (struct iovec){prefix, sizeof(prefix)};
    memcpy(s->iov + 1, iov, niov * sizeof(*iov));
    do {
        n = sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        s->tx_wait = true;
        blocked(s);
        return -EAGAIN;
    }
    if (n < 0) {
        s->net.dropped++;
        broken(s);
        return len;
    }
    s->net.tx_frames++;
    s->net.tx_bytes += len;
    s->out_at = 0;
    s->out_end = seg_iov_copy(s->out, s->iov, niov + 1, (size_t)n);
    if (s->out_end)
        blocked(s);
    return len;
}

/*
 * A peer is no wire and needs no shortest frame; passt as Debian 12 has it
 * takes what pads one for data of TCP.
 */
static uint32_t unpadded(const uint8_t *f, uint32_t len)
{
    uint32_t type = (uint32_t)f[12] << 8 | f[13], end = 0;

    if (type == 0x0800)
        end = ETH_HEADER + ((uint32_t)f[16] << 8 | f[17]);
    else if (type == 0x86dd)
        end = ETH_HEADER + 40 + ((uint32_t)f[18] << 8 | f[19]);
    return end >= ETH_HEADER + 20 && end < len ? end : len;
}

static int64_t stream_tx(struct net *net, const struct net_offload *o,
                         const struct iovec *iov, unsigned niov)
{
    struct stream *s = (struct stream *)net;
    int64_t len = seg_iov_bytes(iov, niov), all = len, rc;
    struct iovec bare;

    if (len < 0) {
        net->dropped++;
        return len;
    }
    if (s->fd < 0 || s->broken || s->stalled || len < ETH_HEADER ||
        niov >= IOV_MAX) {
        net->dropped++;
        return len;
    }
    if (s->out_at != s->out_end || s->cut.len || s->tx_full) {
        s->tx_wait = true;
        return -EAGAIN;
    }
    if (niov == 1 && len == ETH_SHORTEST) {
        len = unpadded(iov->iov_base, ETH_SHORTEST);
        bare = (struct iovec){iov->iov_base, (size_t)len};
        iov = &bare;
    }
    rc = o && (o->csum_start || o->mss) ? tx_cut(s, o, iov, niov, (uint32_t)len)
                                        : tx_whole(s, iov, niov, (uint32_t)len);
    return rc < 0 ? rc : all;
}

static void stream_rx_on(struct net *net, bool on)
{
    struct stream *s = (struct stream *)net;
    bool was = s->rx_on;

    s->rx_on = on;
    /* Never from in here: the device may be in the middle of something. */
    if (on && !was && !s->receiving && waits(s))
        go_on(s);
}

static void stream_close(struct net *net)
{
    struct stream *s = (struct stream *)net;

    timer_cancel(&s->again);
    timer_cancel(&s->stall);
    loop_del(s->loop, &s->src);
    if (s->fd >= 0)
        close(s->fd);
    net_stream_dial_close(s);
}

static const struct net_ops stream_ops = {
    .tx = stream_tx,
    .rx_on = stream_rx_on,
    .close = stream_close,
};

void net_stream_init(struct stream *s, struct loop *loop)
{
    s->net.ops = &stream_ops;
    s->net.down = true;
    s->loop = loop;
    s->fd = -1;
    timer_init(&s->again, loop_clock(loop), on_again, s);
    timer_init(&s->stall, loop_clock(loop), on_stall, s);
}

int net_stream_up(struct stream *s, int fd)
{
    int rc = loop_add(s->loop, &s->src, fd, LOOP_IN, on_ready, s);

    if (rc < 0)
        return rc;
    s->fd = fd;
    s->watched = true;
    s->net.down = false;
    if (s->net.link)
        s->net.link(s->net.dev, true);
    return 0;
}
