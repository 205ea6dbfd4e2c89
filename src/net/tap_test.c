/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tap's two forms on a socket pair that keeps the bounds of frames, where
 * the test is the kernel: what is read and written, header and all, and how
 * many system calls that takes. The linker lends the calls' names.
 */
#include "rig.h"
#include "segment.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD    54u
#define PAYLOAD 64001u
#define MSS     1460u
#define CUTS    44u

static struct calls {
    unsigned read, write, ctl;
} calls;

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_writev(int fd, const struct iovec *v, int n);
int __real_epoll_ctl(int ep, int op, int fd, struct epoll_event *e);
int __wrap_epoll_ctl(int ep, int op, int fd, struct epoll_event *e);

ssize_t __wrap_read(int fd, void *p, size_t n)
{
    calls.read++;
    return __real_read(fd, p, n);
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    calls.write++;
    return __real_write(fd, p, n);
}

ssize_t __wrap_writev(int fd, const struct iovec *v, int n)
{
    calls.write++;
    return __real_writev(fd, v, n);
}

int __wrap_epoll_ctl(int ep, int op, int fd, struct epoll_event *e)
{
    calls.ctl++;
    return __real_epoll_ctl(ep, op, fd, e);
}

/* A card that compares what it gets with what it should get. */
struct strict {
    struct card c;
    struct cut want;
    uint8_t buf[NET_FRAME_MAX]; /* of want */
    unsigned off_each;          /* turns itself off after so many */
    unsigned taken;
    bool refuse_next, repeat; /* the same frame again and again */
};

static bool strict_rx(void *dev, const uint8_t *frame, uint32_t len)
{
    struct strict *s = dev;

    if (s->refuse_next) {
        s->refuse_next = false;
        loop_stop(s->c.loop, RUN_REFUSED);
        return false;
    }
    assert_int_equal(len, s->want.len);
    assert_memory_equal(frame, s->want.frame, len);
    if (!s->repeat)
        cut_next(&s->want);
    s->taken++;
    if (s->off_each && s->taken % s->off_each == 0) {
        s->c.net->ops->rx_on(s->c.net, false);
        if (!s->c.on_in_end)
            loop_stop(s->c.loop, RUN_STOPPED);
    }
    if (!s->want.len)
        loop_stop(s->c.loop, RUN_STOPPED);
    return true;
}

static void strict_rx_end(void *dev)
{
    struct strict *s = dev;

    s->c.ends++;
    if (s->c.on_in_end)
        s->c.net->ops->rx_on(s->c.net, true);
}

static void strict_ready(void *dev)
{
    struct strict *s = dev;

    s->c.tx_ready++;
    loop_stop(s->c.loop, RUN_STOPPED);
}

static int plug(struct strict *s, bool vnet)
{
    int fd[2];

    memset(s, 0, sizeof(*s));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    card_new(&s->c);
    card_plug(&s->c, tap_new(s->c.loop, fd[0], vnet));
    s->c.net->rx = strict_rx;
    s->c.net->rx_end = strict_rx_end;
    s->c.net->tx_ready = strict_ready;
    s->c.net->dev = s;
    return fd[1];
}

/* A frame to be cut, with options that cutting has to respect. */
static uint32_t put_tcp(uint8_t *f, uint32_t payload, uint8_t flags)
{
    memset(f, 0, HEAD);
    f[12] = 8;
    f[14] = 0x45;
    f[22] = 64;
    f[23] = 6;
    f[46] = 0x50;
    f[47] = flags;
    for (uint32_t i = 0; i < payload; i++)
        f[HEAD + i] = (uint8_t)(i * 13 + i / 256);
    return HEAD + payload;
}

static void give(int fd, const struct virtio_net_hdr *h, const void *f,
                 size_t len)
{
    struct iovec v[2] = {{(void *)(uintptr_t)h, sizeof(*h)},
                         {(void *)(uintptr_t)f, len}};

    assert_int_equal(__real_writev(fd, v, 2), sizeof(*h) + len);
}

static const struct virtio_net_hdr tso = {
    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
    .hdr_len = HEAD,
    .gso_size = MSS,
    .csum_start = 34,
    .csum_offset = 16,
};

static void give_tso(struct strict *s, int fd)
{
    const struct net_offload o = {34, 16, MSS, HEAD};
    uint32_t len = put_tcp(s->buf, PAYLOAD, 0x99);

    give(fd, &tso, s->buf, len);
    assert_int_equal(cut_begin(&s->want, s->buf, len, &o), 0);
}

/* One read, however often the card stops it in the middle. */
static void test_rx_cut(void **state)
{
    static struct strict s;
    int fd = plug(&s, true);

    for (unsigned each = 0; each < 5; each++) {
        unsigned done = s.taken;

        s.off_each = each;
        give_tso(&s, fd);
        calls = (struct calls){0};
        s.refuse_next = each == 4;
        while (s.want.len) {
            s.c.net->ops->rx_on(s.c.net, true);
            assert_in_range(run_for(&s.c, 20000), RUN_STOPPED, RUN_REFUSED);
        }
        assert_int_equal(s.taken - done, CUTS);
        assert_in_range(calls.read, 1, 2);
        assert_in_range(calls.ctl, 0, 1);
        s.c.net->ops->rx_on(s.c.net, true);
    }
    /* It has room again before its turn is over. */
    s.off_each = 10;
    s.c.on_in_end = true;
    s.c.ends = 0;
    give_tso(&s, fd);
    assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    assert_int_equal(s.c.ends, 5);
    assert_int_equal(s.c.net->rx_frames, 6 * CUTS);
    assert_int_equal(s.c.net->dropped, 0);
    close(fd);
    card_free(&s.c);
}

static void test_rx_sum(void **state)
{
    const struct virtio_net_hdr sum = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                       .csum_start = 34,
                                       .csum_offset = 16},
                                none = {0};
    const struct net_offload o = {34, 16, 0, 0};
    static struct strict s;
    int fd = plug(&s, true);
    uint32_t len;

    s.c.net->ops->rx_on(s.c.net, true);
    len = put_tcp(s.buf, 777, 0x10);
    give(fd, &sum, s.buf, len);
    assert_int_equal(cut_begin(&s.want, s.buf, len, &o), 0);
    assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    give(fd, &none, s.buf, len);
    assert_int_equal(cut_begin(&s.want, s.buf, len, NULL), 0);
    assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    assert_int_equal(s.taken, 2);
    close(fd);
    card_free(&s.c);
}

/* What the kernel would not say; the next frame comes all the same. */
static void test_rx_odd(void **state)
{
    struct virtio_net_hdr bad[6];
    static struct strict s;
    int fd = plug(&s, true);
    uint8_t f[NET_FRAME_MAX];
    unsigned i;

    for (i = 0; i < 6; i++)
        bad[i] = tso;
    bad[0].gso_type = VIRTIO_NET_HDR_GSO_UDP;
    bad[1].gso_type = 0x7f;
    bad[2].gso_size = 0;
    bad[3].csum_start = 33;
    bad[4].csum_offset = 0xffff;
    bad[5].flags = 0;
    s.c.net->ops->rx_on(s.c.net, true);
    put_tcp(f, 5000, 0x10);
    for (i = 0; i < 6; i++)
        give(fd, &bad[i], f, 5054);
    give(fd, &tso, f, 13); /* shorter than any */
    give(fd, &tso, f, 50); /* a part of its headers */
    assert_int_equal(__real_write(fd, f, 9), 9);
    give_tso(&s, fd);
    assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    assert_int_equal(s.taken, CUTS);
    assert_int_equal(s.c.net->dropped, 9);
    close(fd);
    card_free(&s.c);
}

/* What is longer than the buffer is not delivered in part. */
static void test_rx_long(void **state)
{
    static uint8_t f[70000];
    const struct virtio_net_hdr none = {0};
    static struct strict s;
    int fd = plug(&s, true);

    s.c.net->ops->rx_on(s.c.net, true);
    give(fd, &none, f, 65558);
    put_tcp(f, 65600, 0x10);
    give(fd, &tso, f, 65600);
    give(fd, &none, f, NET_FRAME_MAX + 1); /* more than cards are promised */
    give_tso(&s, fd);
    assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    assert_int_equal(s.c.net->dropped, 3);
    close(fd);
    card_free(&s.c);
}

static void give_small(struct strict *s, int fd, unsigned n)
{
    const struct virtio_net_hdr none = {0};
    uint32_t len = put_tcp(s->buf, 6, 0x10);

    for (; n; n--)
        give(fd, &none, s->buf, len);
    assert_int_equal(cut_begin(&s->want, s->buf, len, NULL), 0);
}

/* System calls: one read a frame when they come alone, no epoll_ctl. */
static void test_rx_calls(void **state)
{
    static struct strict s;
    int fd = plug(&s, true);
    unsigned i;

    s.c.net->ops->rx_on(s.c.net, true);
    assert_int_equal(run_for(&s.c, 5), RUN_LATE);
    calls = (struct calls){0};
    for (i = 0; i < 800; i++) {
        give_small(&s, fd, 1);
        assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    }
    assert_int_equal(s.taken, 800);
    assert_in_range(calls.read, 800, 910);
    assert_int_equal(calls.ctl, 0);
    /* The card's ring is full after every 10 frames, and more are there. */
    s.off_each = 10;
    s.repeat = true;
    calls = (struct calls){0};
    give_small(&s, fd, 10);
    for (i = 0; i < 50; i++) {
        give_small(&s, fd, 10);
        s.c.net->ops->rx_on(s.c.net, true);
        assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
        assert_int_equal(s.taken, 810 + 10 * i);
        s.c.turns = 0;
        assert_int_equal(run_for(&s.c, 1), RUN_LATE);
        assert_in_range(s.c.turns, 1, 10); /* it sleeps while it is off */
    }
    assert_int_equal(calls.read, 500);
    assert_in_range(calls.ctl, 0, 1);
    close(fd);
    card_free(&s.c);
}

static ssize_t got(int fd, struct virtio_net_hdr *h, uint8_t *f, size_t n)
{
    uint8_t buf[sizeof(*h) + NET_FRAME_MAX];
    ssize_t len = __real_read(fd, buf, sizeof(buf));

    if (len < (ssize_t)sizeof(*h))
        return -1;
    memcpy(h, buf, sizeof(*h));
    len -= (ssize_t)sizeof(*h);
    assert_in_range(len, 0, n);
    memcpy(f, buf + sizeof(*h), (size_t)len);
    return len;
}

/* What a card asks for is what the kernel is told, in one call. */
static void test_tx_header(void **state)
{
    static uint8_t f[NET_FRAME_MAX], in[NET_FRAME_MAX];
    static struct strict s;
    const struct virtio_net_hdr none = {0};
    struct net_offload o = {34, 16, MSS, HEAD};
    struct iovec v[3] = {{f, HEAD}, {f + HEAD, 1000}, {f + HEAD + 1000, 0}};
    struct virtio_net_hdr h, want = tso;
    int fd = plug(&s, true);
    uint32_t len = put_tcp(f, PAYLOAD, 0x19);

    v[2].iov_len = len - HEAD - 1000;
    calls = (struct calls){0};
    assert_int_equal(card_tx(&s.c, &o, v, 3), len);
    assert_int_equal(got(fd, &h, in, sizeof(in)), len);
    assert_memory_equal(&h, &want, sizeof(h));
    assert_memory_equal(in, f, len);
    f[47] |= 0x80; /* CWR: the kernel is to keep it to the first */
    want.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    assert_int_equal(card_tx(&s.c, &o, v, 3), len);
    assert_int_equal(got(fd, &h, in, sizeof(in)), len);
    assert_memory_equal(&h, &want, sizeof(h));
    /* One segment is none: only the sum is left. */
    o.mss = (uint16_t)PAYLOAD;
    want = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                   .csum_start = 34,
                                   .csum_offset = 16};
    assert_int_equal(card_tx(&s.c, &o, v, 3), len);
    assert_int_equal(got(fd, &h, in, sizeof(in)), len);
    assert_memory_equal(&h, &want, sizeof(h));
    o.mss = 0;
    assert_int_equal(card_tx(&s.c, &o, v, 3), len);
    assert_int_equal(got(fd, &h, in, sizeof(in)), len);
    assert_memory_equal(&h, &want, sizeof(h));
    o.csum_start = 0;
    assert_int_equal(card_tx(&s.c, &o, v, 3), len);
    assert_int_equal(got(fd, &h, in, sizeof(in)), len);
    assert_memory_equal(&h, &none, sizeof(h));
    assert_int_equal(card_tx(&s.c, NULL, v, 2), HEAD + 1000);
    assert_int_equal(got(fd, &h, in, sizeof(in)), HEAD + 1000);
    assert_memory_equal(&h, &none, sizeof(h));
    assert_int_equal(calls.write, 6);
    assert_int_equal(calls.ctl, 0);
    /* IPv6 behind a tag. */
    memset(f, 0, 100);
    f[12] = 0x81;
    f[16] = 0x86;
    f[17] = 0xdd;
    f[18] = 0x60;
    f[58 + 12] = 0x80;
    o = (struct net_offload){58, 16, 1000, 0};
    v[0].iov_len = 90;
    v[1].iov_base = f + 90;
    assert_int_equal(card_tx(&s.c, &o, v, 2), 1090);
    assert_int_equal(got(fd, &h, in, sizeof(in)), 1090);
    assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_NONE);
    o.mss = 999;
    assert_int_equal(card_tx(&s.c, &o, v, 2), 1090);
    assert_int_equal(got(fd, &h, in, sizeof(in)), 1090);
    assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
    assert_int_equal(h.hdr_len, 90);
    assert_int_equal(h.gso_size, 999);
    assert_int_equal(s.c.net->dropped, 0);
    /* Headers that are not in the card's own piece are not looked at. */
    v[0].iov_len = 89;
    v[1].iov_base = f + 89;
    assert_int_equal(card_tx(&s.c, &o, v, 2), 1089);
    assert_int_equal(s.c.net->dropped, 1);
    assert_int_equal(got(fd, &h, in, sizeof(in)), -1);
    close(fd);
    card_free(&s.c);
}

/* Frames that the card gave while the kernel took no more. */
static void test_tx_full(void **state)
{
    static uint8_t f[NET_FRAME_MAX], in[NET_FRAME_MAX];
    static struct strict s;
    struct virtio_net_hdr h;
    struct iovec v = {f, 0};
    int fd = plug(&s, true);
    unsigned n, i;

    v.iov_len = put_tcp(f, 1000, 0x10);
    for (unsigned round = 1; round < 4; round++) {
        for (n = 0; card_tx(&s.c, NULL, &v, 1) == HEAD + 1000; n++)
            assert_in_range(n, 0, 100000);
        calls = (struct calls){0};
        assert_int_equal(card_tx(&s.c, NULL, &v, 1), -EAGAIN);
        assert_int_equal(calls.write, 0); /* it is known by now */
        for (i = 0; i < n; i++)
            assert_int_equal(got(fd, &h, in, sizeof(in)), HEAD + 1000);
        assert_int_equal(got(fd, &h, in, sizeof(in)), -1);
        assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
        assert_int_equal(s.c.tx_ready, round);
    }
    close(fd);
    card_free(&s.c);
}

/* Without the kernel's help: in order and whole, however full it gets. */
static void test_tx_cut(void **state)
{
    static const uint16_t mss[] = {1460, 536, 60000, 9000, 200};
    static uint8_t f[NET_FRAME_MAX], in[NET_FRAME_MAX], own[NET_FRAME_MAX];
    static struct strict s;
    struct net_offload o = {34, 16, 0, HEAD};
    struct iovec v[2] = {{f, HEAD}, {f + HEAD, PAYLOAD}};
    int fd = plug(&s, false);
    uint32_t len = put_tcp(f, PAYLOAD, 0x99);
    struct cut want;

    for (unsigned i = 0; i < sizeof(mss) / sizeof(mss[0]); i++) {
        unsigned taken = 0, done = 0;

        o.mss = mss[i];
        while (card_tx(&s.c, &o, v, 2) == len)
            assert_in_range(++taken, 1, 1000);
        assert_true(taken > 0);
        for (; done < taken; done++) {
            memcpy(own, f, len);
            assert_int_equal(cut_begin(&want, own, len, &o), 0);
            while (want.len) {
                ssize_t n = __real_read(fd, in, sizeof(in));

                if (n < 0) {
                    assert_int_equal(errno, EAGAIN);
                    run_for(&s.c, 1);
                    continue;
                }
                assert_int_equal(n, want.len);
                assert_memory_equal(in, want.frame, want.len);
                cut_next(&want);
            }
        }
        while (s.c.tx_ready == i)
            assert_in_range(run_for(&s.c, 20000), RUN_STOPPED, RUN_STOPPED);
        assert_int_equal(s.c.tx_ready, i + 1);
    }
    assert_int_equal(s.c.net->dropped, 0);
    o.csum_offset = 17;
    assert_int_equal(card_tx(&s.c, &o, v, 2), len);
    assert_int_equal(s.c.net->dropped, 1);
    close(fd);
    card_free(&s.c);
}

/* The device is deleted: the card hears of it and nothing waits for ever. */
static void test_lost(void **state)
{
    static uint8_t f[NET_FRAME_MAX];
    static struct strict s;
    struct iovec v = {f, HEAD};
    int fd = plug(&s, true);

    put_tcp(f, 0, 0x10);
    s.c.net->ops->rx_on(s.c.net, true);
    s.off_each = 3;
    give_tso(&s, fd);
    assert_int_equal(run_for(&s.c, 20000), RUN_STOPPED);
    while (card_tx(&s.c, NULL, &v, 1) > 0)
        ;
    close(fd);
    s.c.net->dev = &s.c; /* whose link callback counts */
    s.c.net->tx_ready = NULL;
    run_to_link(&s.c, false);
    assert_true(s.c.net->down);
    assert_int_equal(card_tx(&s.c, NULL, &v, 1), HEAD);
    s.c.net->ops->rx_on(s.c.net, true);
    assert_int_equal(run_for(&s.c, 5), RUN_LATE);
    assert_int_equal(s.taken, 3);
    card_free(&s.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rx_cut),   cmocka_unit_test(test_rx_sum),
        cmocka_unit_test(test_rx_odd),   cmocka_unit_test(test_rx_long),
        cmocka_unit_test(test_rx_calls), cmocka_unit_test(test_tx_header),
        cmocka_unit_test(test_tx_full),  cmocka_unit_test(test_tx_cut),
        cmocka_unit_test(test_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
