/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap interface of the host. The toolstack's script puts it on the bridge
 * and brings it up; until then what the guest sends is lost, as on a cable
 * that ends nowhere. What the host sends in one piece of up to 64 KiB is read
 * in one piece and cut here; what the guest's card was asked to cut goes to
 * the kernel in one piece. Source: Linux, Documentation/networking/tuntap.rst.
 *
 * System calls are what a frame costs, so the loop is told as little as
 * possible: an event that cannot be used ends the watching, and reading goes
 * on from a timer without it; only an empty queue makes it watch again.
 */
#include "tap.h"

#include "segment.h"

#include <hvmd/loop.h>

#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* UDP cut by payload, since Linux 6.2; the header may be older. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* In one turn of the loop: reads, and frames made of them. */
#define RX_READS  32u
#define RX_FRAMES 64u
#define TX_FRAMES 64u
/* After lone frames, every so many wake-ups look whether more have come. */
#define RX_PROBE 8u
/* The largest IP packet, an Ethernet header and two VLAN tags; one to see
 * that a frame was longer. */
#define RX_MAX (65535u + ETH_HEADER + 8u)

struct tap {
    struct net net;
    struct loop *loop;
    struct loop_src src;
    struct timer again; /* goes on in the next turn of the loop */
    int fd;
    uint32_t vnet;    /* bytes in front of each frame: 0 or TAP_VNET_BYTES */
    bool rx_on;       /* the device wants frames */
    bool watched;     /* LOOP_IN */
    bool receiving;   /* inside receive() */
    bool train;       /* frames come in numbers */
    unsigned singles; /* wake-ups that read once without looking further */
    bool tx_wait;     /* the device heard -EAGAIN */
    bool tx_full;     /* the kernel said it: LOOP_OUT */
    bool gone;        /* the interface was deleted under us */
    struct cut rx;    /* what was read, in rx_buf */
    struct cut tx;    /* what the kernel cannot cut, in tx_buf */
    struct iovec iov[IOV_MAX];
    uint8_t rx_buf[TAP_VNET_BYTES + RX_MAX + 1];
    uint8_t tx_buf[NET_FRAME_MAX];
};

static void watch(struct tap *t)
{
    loop_want(t->loop, &t->src,
              (t->watched ? LOOP_IN : 0) | (t->tx_full ? LOOP_OUT : 0));
}

static void go_on(struct tap *t)
{
    if (!t->gone)
        timer_set(&t->again, 0);
}

/* Someone deleted the interface: from now on an unplugged cable. */
static void lose(struct tap *t)
{
    t->gone = t->net.down = true;
    loop_del(t->loop, &t->src);
    timer_cancel(&t->again);
    t->rx.len = t->tx.len = 0;
    if (t->net.link)
        t->net.link(t->net.dev, false);
    if (t->tx_wait) {
        t->tx_wait = t->tx_full = false;
        if (t->net.tx_ready)
            t->net.tx_ready(t->net.dev);
    }
}

/* Offers what was read; true when all of it is gone and more may be read. */
static bool deliver(struct tap *t)
{
    for (; t->rx.len && t->rx_on; cut_next(&t->rx)) {
        if (!t->net.rx) {
            t->net.dropped++;
            continue;
        }
        if (!t->net.rx(t->net.dev, t->rx.frame, t->rx.len)) {
            t->rx_on = false; /* until it asks again */
            return false;
        }
        t->net.rx_frames++;
        t->net.rx_bytes += t->rx.len;
    }
    return t->rx_on;
}

/* What the kernel left to do, from its header. */
static int terms_of(const struct virtio_net_hdr *h, struct net_offload *o)
{
    *o = (struct net_offload){0};
    if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        o->csum_start = h->csum_start;
        o->csum_offset = h->csum_offset;
    }
    switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        return 0;
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        o->mss = h->gso_size;
        return o->mss ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

static void begin(struct tap *t, uint32_t len)
{
    struct virtio_net_hdr h = {0};
    struct net_offload o;

    if (len < t->vnet || len == t->vnet + RX_MAX + 1) {
        t->net.dropped++;
        return;
    }
    if (t->vnet)
        memcpy(&h, t->rx_buf, sizeof(h));
    if (terms_of(&h, &o) < 0 ||
        cut_begin(&t->rx, t->rx_buf + t->vnet, len - t->vnet, &o) < 0 ||
        t->rx.len > NET_FRAME_MAX) {
        t->rx.len = 0;
        t->net.dropped++;
    }
}

/* 1: read; 0: nothing there; -errno. */
static int fill(struct tap *t)
{
    ssize_t n;

    do {
        n = read(t->fd, t->rx_buf, t->vnet + RX_MAX + 1);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    begin(t, (uint32_t)n);
    return 1;
}

/* Reads and delivers until something ends it; true: the tap is lost. */
static bool drain(struct tap *t)
{
    uint64_t first = t->net.rx_frames;
    unsigned reads = 0;
    int got;

    while (deliver(t)) {
        if (reads == RX_READS || t->net.rx_frames - first >= RX_FRAMES) {
            t->train = true;
            if (!t->watched)
                go_on(t);
            return false;
        }
        if (reads == 1 && t->watched && !t->train && ++t->singles % RX_PROBE)
            return false;
        got = fill(t);
        if (got < 0)
            return true;
        if (!got) {
            t->watched = true;
            t->train = reads > 1;
            return false;
        }
        reads++;
    }
    return false;
}

static void receive(struct tap *t)
{
    uint64_t before = t->net.rx_frames;
    bool lost;

    t->receiving = true;
    lost = drain(t);
    if (t->net.rx_frames != before && t->net.rx_end)
        t->net.rx_end(t->net.dev);
    t->receiving = false;
    if (lost) {
        lose(t);
        return;
    }
    /* It was off when delivering ended and is on again. */
    if (t->rx_on && (t->rx.len || !t->watched))
        go_on(t);
    watch(t);
}

/* Writes what waits in tx_buf, as far as the kernel and the budget go. */
static void transmit(struct tap *t)
{
    unsigned n;
    ssize_t rc;

    for (n = 0; t->tx.len && n < TX_FRAMES; n++) {
        do {
            rc = write(t->fd, t->tx.frame, t->tx.len);
        } while (rc < 0 && errno == EINTR);
        if (rc < 0 && errno == EAGAIN) {
            t->tx_full = true;
            watch(t);
            return;
        }
        if (rc < 0)
            t->net.dropped++;
        cut_next(&t->tx);
    }
    if (t->tx.len)
        go_on(t);
}

static void tell_ready(struct tap *t)
{
    if (!t->tx_wait || t->tx.len || t->tx_full)
        return;
    t->tx_wait = false;
    if (t->net.tx_ready)
        t->net.tx_ready(t->net.dev);
}

static void on_ready(void *ctx, unsigned events)
{
    struct tap *t = ctx;

    if (events & LOOP_HUP) {
        lose(t);
        return;
    }
    if (events & LOOP_OUT) {
        t->tx_full = false;
        transmit(t);
        tell_ready(t);
        watch(t);
    }
    if (!(events & LOOP_IN))
        return;
    if (t->rx_on) {
        receive(t);
    } else {
        t->watched = false;
        watch(t);
    }
}

static void on_again(void *ctx)
{
    struct tap *t = ctx;

    if (!t->tx_full)
        transmit(t);
    tell_ready(t);
    if (t->rx_on)
        receive(t);
}

/* Keeps what the kernel cannot do and sends it frame by frame. */
static int64_t tx_cut(struct tap *t, const struct net_offload *o,
                      const struct iovec *iov, unsigned niov, uint32_t len)
{
    seg_iov_copy(t->tx_buf, iov, niov, 0);
    if (cut_begin(&t->tx, t->tx_buf, len, o) < 0) {
        t->net.dropped++;
        return len;
    }
    t->net.tx_frames++;
    t->net.tx_bytes += len;
    transmit(t);
    return len;
}

static int header_of(struct virtio_net_hdr *h, const struct net_offload *o,
                     const struct iovec *iov, uint32_t len)
{
    struct seg_terms s;

    *h = (struct virtio_net_hdr){0};
    if (!o || (!o->csum_start && !o->mss))
        return 0;
    if (seg_read_terms(&s, iov->iov_base, (uint32_t)iov->iov_len, len, o) < 0 ||
        (s.mss && s.udp))
        return -EINVAL;
    h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    h->csum_start = o->csum_start;
    h->csum_offset = o->csum_offset;
    if (!s.mss)
        return 0;
    h->gso_type = s.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
    if (s.cwr)
        h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    h->hdr_len = s.hdr_len;
    h->gso_size = s.mss;
    return 0;
}

static int64_t tx_whole(struct tap *t, const struct net_offload *o,
                        const struct iovec *iov, unsigned niov, uint32_t len)
{
    struct virtio_net_hdr h;
    ssize_t n;

    if (t->vnet) {
        if (header_of(&h, o, iov, len) < 0) {
            t->net.dropped++;
            return len;
        }
        t->iov[0] = (struct iovec){&h, sizeof(h)};
        memcpy(t->iov + 1, iov, niov * sizeof(*iov));
        iov = t->iov;
        niov++;
    }
    do {
        n = writev(t->fd, iov, (int)niov);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        t->tx_wait = t->tx_full = true;
        watch(t);
        return -EAGAIN;
    }
    if (n < 0) {
        t->net.dropped++; /* EIO: the interface is down; EINVAL: nonsense */
        return len;
    }
    t->net.tx_frames++;
    t->net.tx_bytes += len;
    return len;
}

static int64_t tap_tx(struct net *net, const struct net_offload *o,
                      const struct iovec *iov, unsigned niov)
{
    struct tap *t = (struct tap *)net;
    int64_t len = seg_iov_bytes(iov, niov);

    if (len < 0) {
        net->dropped++;
        return len;
    }
    if (t->gone || len < ETH_HEADER || niov >= IOV_MAX) {
        net->dropped++;
        return len;
    }
    if (t->tx.len || t->tx_full) {
        t->tx_wait = true;
        return -EAGAIN;
    }
    if (!t->vnet && o && (o->csum_start || o->mss))
        return tx_cut(t, o, iov, niov, (uint32_t)len);
    return tx_whole(t, o, iov, niov, (uint32_t)len);
}

static void tap_rx_on(struct net *net, bool on)
{
    struct tap *t = (struct tap *)net;
    bool was = t->rx_on;

    t->rx_on = on;
    /* Never from in here: the device may be in the middle of something. */
    if (on && !was && !t->receiving && (t->rx.len || !t->watched))
        go_on(t);
}

/*
 * The kernel's own filter, with one address that no frame is sent to: neither
 * do we wake up for what the bridge floods, nor does it wait in the queue and
 * come too late. A kernel that refuses leaves the dropping to the device.
 */
static void tap_deaf(struct net *net, bool deaf)
{
    struct tap *t = (struct tap *)net;
    const struct tun_filter filter = {.count = deaf};
    uint8_t arg[sizeof(filter) + ETH_ALEN] = {0};

    memcpy(arg, &filter, sizeof(filter));
    if (!t->gone && ioctl(t->fd, TUNSETTXFILTER, arg) < 0)
        return;
}

static void tap_close(struct net *net)
{
    struct tap *t = (struct tap *)net;

    timer_cancel(&t->again);
    loop_del(t->loop, &t->src);
    close(t->fd);
    free(t);
}

static const struct net_ops tap_ops = {
    .tx = tap_tx,
    .rx_on = tap_rx_on,
    .deaf = tap_deaf,
    .close = tap_close,
};

struct net *tap_new(struct loop *loop, int fd, bool vnet)
{
    struct tap *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->net.ops = &tap_ops;
    t->loop = loop;
    t->fd = fd;
    t->vnet = vnet ? TAP_VNET_BYTES : 0;
    timer_init(&t->again, loop_clock(loop), on_again, t);
    if (loop_add(loop, &t->src, fd, 0, on_ready, t) < 0) {
        free(t);
        return NULL;
    }
    return &t->net;
}
