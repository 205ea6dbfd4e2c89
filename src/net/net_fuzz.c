/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile bytes at every door of the back ends: headers of frames that are to
 * be cut, the kernel's frame header, a stream's lengths, a card that refuses
 * and peers that read when they like.
 */
#include "../bench/fuzz.h"
#include "segment.h"
#include "tap.h"

#include <hvmd/loop.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct cable {
    struct loop *loop;
    struct net *net;
    int peer;
    unsigned refuse, off; /* frames to refuse; then to take and turn off */
    uint64_t ready;
    uint64_t up, total;
};

static uint16_t take16(struct bytes *in)
{
    uint16_t hi = take8(in);

    return (uint16_t)(hi << 8 | take8(in));
}

/* A frame of TCP that the next bytes change here and there. */
static uint32_t make_frame(struct bytes *in, uint8_t *f, uint32_t most)
{
    uint32_t len = take16(in) % most + 1, n = take8(in) % 8, at;
    bool v6 = n & 1, tag = n & 2;

    memset(f, (int)n, len);
    at = tag ? 16 : 12;
    if (len >= 100) {
        if (tag)
            memcpy(f + 12, "\x81\x00\x00\x07", 4);
        memcpy(f + at, v6 ? "\x86\xdd\x60" : "\x08\x00\x45", 3);
        f[at + 2 + (v6 ? 6 : 9)] = 6;
        f[at + 2 + (v6 ? 40 : 20) + 12] = 0x50;
    }
    for (; n; n--) {
        at = take8(in);
        f[at % len] = take8(in);
    }
    return len;
}

static struct net_offload make_terms(struct bytes *in)
{
    static const uint16_t start[] = {34, 54, 38, 58, 0, 62, 14, 0xffff};
    static const uint16_t offset[] = {16, 6, 0, 0xffff};
    uint8_t pick = take8(in);
    struct net_offload o = {start[pick & 7], offset[pick >> 3 & 3],
                            take16(in) % 2000, take8(in)};

    if (pick & 0x80)
        o.csum_start = take16(in);
    if (pick & 0x40)
        o.csum_offset = take16(in);
    if (pick & 0x20)
        o.mss = (uint16_t)(pick & 3);
    return o;
}

/* The pieces are as long together as the whole, and all inside of it. */
static void fuzz_cut(struct bytes *in)
{
    uint8_t *f = malloc(9000), *exact;
    uint32_t len = make_frame(in, f, 9000), payload = 0, head = 0;
    struct net_offload o = make_terms(in);
    struct cut c;
    unsigned n;

    exact = malloc(len); /* where a sanitizer sees its end */
    memcpy(exact, f, len);
    free(f);
    if (cut_begin(&c, exact, len, &o) < 0 && c.len)
        abort();
    for (n = 0; c.len; n++, cut_next(&c)) {
        head = c.t.hdr_len;
        if (c.len < ETH_HEADER || c.frame < exact ||
            c.frame + c.len > exact + len || n > len ||
            (c.t.mss && c.len - head > c.t.mss))
            abort();
        payload += c.len - head;
    }
    if (n && payload + head != len)
        abort();
    free(exact);
}

static bool on_rx(void *dev, const uint8_t *frame, uint32_t len)
{
    struct cable *c = dev;

    if (len < ETH_HEADER || len > NET_FRAME_MAX || c->net->down)
        abort();
    c->total += frame[len - 1];
    if (c->refuse) {
        c->refuse--;
        return false;
    }
    if (c->off && !--c->off)
        c->net->ops->rx_on(c->net, false);
    return true;
}

static void on_tx_ready(void *dev)
{
    ((struct cable *)dev)->ready++;
}

static void on_link(void *dev, bool up)
{
    struct cable *c = dev;

    if (c->net->down == up)
        abort();
    c->up = up;
}

static void on_end(void *ctx)
{
    loop_stop(ctx, 0);
}

/* A few turns of the loop, without sleeping. */
static void turn(struct cable *c, unsigned n)
{
    struct timer t;

    timer_init(&t, loop_clock(c->loop), on_end, c->loop);
    for (; n; n--) {
        timer_set(&t, 0);
        loop_run(c->loop);
    }
    timer_cancel(&t);
}

static bool cable_open(struct cable *c, int type, bool vnet)
{
    struct net_stream_conf conf = {.kind = NET_STREAM_FD};
    struct err e = {""};
    int fd[2];

    memset(c, 0, sizeof(*c));
    c->loop = loop_new();
    if (socketpair(AF_UNIX, type, 0, fd) < 0)
        return false;
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    conf.fd = fd[0];
    c->peer = fd[1];
    c->net = type == SOCK_STREAM ? net_stream_open(c->loop, &conf, &e)
                                 : tap_new(c->loop, fd[0], vnet);
    c->net->rx = on_rx;
    c->net->tx_ready = on_tx_ready;
    c->net->link = on_link;
    c->net->dev = c;
    return true;
}

static void send_frame(struct cable *c, struct bytes *in)
{
    static uint8_t f[20000];
    uint32_t len = make_frame(in, f, sizeof(f));
    uint32_t head = len < 120 ? len : 120;
    struct iovec v[2] = {{f, head}, {f + head, len - head}};
    struct net_offload o = make_terms(in);
    int64_t n = c->net->ops->tx(c->net, &o, v, 2);

    if (n != len && n != -EAGAIN)
        abort();
}

static void peer_sends(struct cable *c, struct bytes *in, bool framed)
{
    static uint8_t f[20100];
    uint32_t len = make_frame(in, f + 10, 20000);
    struct net_offload o = make_terms(in);
    uint16_t gso = o.mss, hdr = o.hdr_len;
    uint8_t kind = take8(in);

    if (framed) { /* what is left of it is the next length */
        f[6] = f[7] = 0;
        f[8] = (uint8_t)(len >> 8);
        f[9] = (uint8_t)len;
        if (kind > 250)
            memcpy(f + 6, &o, 4);
        send(c->peer, f + 6, kind & 7 ? len + 4 : take8(in), MSG_NOSIGNAL);
        return;
    }
    f[0] = kind & 1;
    f[1] = gso ? (kind >> 1 & 7) | (kind & 0x80) : 0;
    memcpy(f + 2, &hdr, 2);
    memcpy(f + 4, &gso, 2);
    memcpy(f + 6, &o.csum_start, 2);
    memcpy(f + 8, &o.csum_offset, 2);
    send(c->peer, f, kind & 0x70 ? len + 10 : take8(in), MSG_NOSIGNAL);
}

static void peer_reads(struct cable *c, unsigned n)
{
    static uint8_t buf[70000];

    while (n && recv(c->peer, buf, sizeof(buf), 0) > 0)
        n--;
}

static void fuzz_cable(struct bytes *in, int type, bool vnet)
{
    struct cable c;

    if (!cable_open(&c, type, vnet))
        return;
    while (in->left) {
        uint8_t op = take8(in);

        if (op < 70)
            peer_sends(&c, in, type == SOCK_STREAM);
        else if (op < 140)
            send_frame(&c, in);
        else if (op < 160)
            peer_reads(&c, op % 16);
        else if (op < 190)
            c.net->ops->rx_on(c.net, op & 1);
        else if (op < 200)
            c.refuse = op & 3;
        else if (op < 210)
            c.off = op & 7;
        else if (op < 215)
            loop_clock(c.loop)->offset_ns -= NS_PER_S;
        else
            turn(&c, op & 3);
    }
    /* However it was treated: what is there moves when it may. */
    c.refuse = c.off = 0;
    c.net->ops->rx_on(c.net, true);
    close(c.peer);
    for (unsigned i = 0; !c.net->down; i++) {
        if (i == 100000)
            abort();
        c.net->ops->rx_on(c.net, true);
        turn(&c, 1);
    }
    c.net->ops->close(c.net);
    loop_free(c.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};

    switch (take8(&in) % 4) {
    case 0:
        while (in.left)
            fuzz_cut(&in);
        break;
    case 1:
        fuzz_cable(&in, SOCK_STREAM, false);
        break;
    case 2:
        fuzz_cable(&in, SOCK_SEQPACKET, true);
        break;
    default:
        fuzz_cable(&in, SOCK_SEQPACKET, false);
    }
    return 0;
}
