/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream back end against a peer that splits, lies, stalls and leaves. */
#include "rig.h"
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIRE (FRAME + STREAM_LEN_BYTES)

static void put_len(uint8_t *p, uint32_t len)
{
    len = htonl(len);
    memcpy(p, &len, 4);
}

/* A socket pair: one end is the card's cable, the other is returned. */
static int pair(struct card *c)
{
    struct net_stream_conf conf = {.kind = NET_STREAM_FD};
    struct err e = {""};
    int fd[2];

    card_new(c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    conf.fd = fd[0];
    card_plug(c, net_stream_open(c->loop, &conf, &e));
    assert_string_equal(e.text, "");
    assert_false(c->net->down);
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    return fd[1];
}

static void give(int fd, const void *p, size_t n)
{
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n);
}

static void give_len(int fd, uint32_t len)
{
    uint8_t p[4];

    put_len(p, len);
    give(fd, p, 4);
}

static void give_mark(int fd, uint8_t mark)
{
    uint8_t w[WIRE];

    put_len(w, FRAME);
    put_header(w + 4, mark);
    give(fd, w, sizeof(w));
}

/* Takes exactly n bytes, running the card's loop while there are too few. */
static void take(struct card *c, int fd, uint8_t *p, size_t n)
{
    ssize_t got;

    while (n) {
        got = recv(fd, p, n, MSG_DONTWAIT);
        if (got > 0) {
            p += got;
            n -= (size_t)got;
            continue;
        }
        assert_true(got < 0 && errno == EAGAIN);
        run_for(c, 1);
    }
}

static void take_mark(struct card *c, int fd, uint8_t mark)
{
    uint8_t w[WIRE], want[WIRE];

    put_len(want, FRAME);
    put_header(want + 4, mark);
    take(c, fd, w, sizeof(w));
    assert_memory_equal(w, want, sizeof(w));
}

static int64_t send_mark(struct card *c, uint8_t mark)
{
    uint8_t f[FRAME];
    struct iovec v[3] = {{f, 14}, {f + 14, 1}, {f + 15, FRAME - 15}};

    put_header(f, mark);
    return card_tx(c, NULL, v, 3);
}

static void test_both_ways(void **state)
{
    struct card c;
    int fd = pair(&c);

    for (unsigned i = 0; i < 200; i++)
        give_mark(fd, (uint8_t)i);
    c.off_at = 150;
    c.net->ops->rx_on(c.net, true);
    c.stop_at = 150;
    assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
    assert_int_equal(run_for(&c, 5), RUN_LATE); /* off: they wait */
    assert_int_equal(c.taken, 150);
    assert_in_range(c.ends, 3, 4); /* a budget of 64 each */
    c.stop_at = 200;
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(c.taken, 150); /* not from in there */
    assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(c.marks[i], i);
    assert_int_equal(c.net->rx_frames, 200);
    assert_int_equal(c.net->rx_bytes, 200 * FRAME);

    assert_int_equal(send_mark(&c, 7), FRAME);
    take_mark(&c, fd, 7);
    assert_int_equal(c.net->tx_frames, 1);
    close(fd);
    card_free(&c);
}

/* Every place where a read can end. */
static void test_split(void **state)
{
    uint8_t w[2 * WIRE];
    struct card c;
    int fd = pair(&c);
    unsigned i;

    c.net->ops->rx_on(c.net, true);
    for (i = 0; i < 2; i++) {
        put_len(w + i * WIRE, FRAME);
        put_header(w + i * WIRE + 4, (uint8_t)(i + 1));
    }
    for (i = 1; i < sizeof(w); i++) {
        c.taken = c.stop_at = 0;
        give(fd, w, i);
        run_for(&c, 1);
        assert_int_equal(c.taken, i / WIRE);
        c.stop_at = 2;
        give(fd, w + i, sizeof(w) - i);
        assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
        assert_int_equal(c.marks[0], 1);
        assert_int_equal(c.marks[1], 2);
    }
    /* One byte at a time. */
    c.taken = 0;
    for (i = 0; i < sizeof(w); i++) {
        give(fd, w + i, 1);
        if (i + 1 < sizeof(w))
            run_for(&c, 1);
    }
    assert_int_equal(c.taken < 2 ? run_for(&c, 20000) : RUN_STOPPED,
                     RUN_STOPPED);
    close(fd);
    card_free(&c);
}

/* It has room again before its turn is over. */
static void test_on_in_end(void **state)
{
    struct card c;
    int fd = pair(&c);

    for (unsigned i = 0; i < 5; i++)
        give_mark(fd, (uint8_t)i);
    c.on_in_end = true;
    c.off_at = 2;
    c.stop_at = 5;
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
    assert_int_equal(c.ends, 2);
    close(fd);
    card_free(&c);
}

static void test_refused(void **state)
{
    struct card c;
    int fd = pair(&c);

    c.net->ops->rx_on(c.net, true);
    c.refuse = 1;
    for (unsigned i = 0; i < 3; i++)
        give_mark(fd, (uint8_t)i);
    assert_int_equal(run_for(&c, 20000), RUN_REFUSED);
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    assert_int_equal(c.taken, 0);
    c.stop_at = 3;
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(c.marks[i], i);
    close(fd);
    card_free(&c);
}

/* The card reads slowly: nothing is lost and the loop does not spin. */
static void test_slow_card(void **state)
{
    static uint8_t w[4 * STREAM_BUF_BYTES];
    struct card c;
    int fd = pair(&c);
    size_t at = 0, n = 0;
    unsigned sent = 0;
    ssize_t got;

    for (; sizeof(w) - n >= WIRE; n += WIRE, sent++) {
        put_len(w + n, FRAME);
        put_header(w + n + 4, (uint8_t)sent);
    }
    for (unsigned i = 1; c.taken < sent; i++) {
        got = at < n ? send(fd, w + at, n - at, MSG_NOSIGNAL) : 0;
        at += got > 0 ? (size_t)got : 0;
        c.off_at = c.stop_at = c.taken + 1 + i % 7;
        if (c.off_at > sent)
            c.off_at = c.stop_at = sent;
        c.net->ops->rx_on(c.net, true);
        assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
        assert_int_equal(c.last, (uint8_t)(c.taken - 1));
    }
    c.turns = 0;
    give_mark(fd, 1); /* while it is off */
    assert_int_equal(run_for(&c, 20), RUN_LATE);
    assert_in_range(c.turns, 1, 50);
    assert_int_equal(c.taken, sent);
    close(fd);
    card_free(&c);
}

/* Lengths that are no frames. */
static void test_lengths(void **state)
{
    static uint8_t junk[STREAM_FRAME_MAX];
    static const uint32_t odd[] = {0, 1, 13, NET_FRAME_MAX + 1,
                                   STREAM_FRAME_MAX},
                          bad[] = {STREAM_FRAME_MAX + 1, 0x7fffffff, 0x80000000,
                                   UINT32_MAX};
    struct card c;
    int fd = pair(&c);
    uint8_t w;

    c.net->ops->rx_on(c.net, true);
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        give_len(fd, odd[i]);
        for (uint32_t at = 0; at < odd[i];) {
            ssize_t n = send(fd, junk + at, odd[i] - at, MSG_NOSIGNAL);

            if (n > 0)
                at += (uint32_t)n;
            else
                run_for(&c, 1);
        }
        c.stop_at = c.taken + 1;
        give_mark(fd, (uint8_t)i);
        assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
        assert_int_equal(c.last, i);
        assert_int_equal(c.net->dropped, i + 1);
    }
    close(fd);
    card_free(&c);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fd = pair(&c);
        c.net->ops->rx_on(c.net, true);
        give_mark(fd, 1);
        give_len(fd, bad[i]);
        run_to_link(&c, false);
        assert_int_equal(c.taken, 1);
        assert_int_equal(c.links, 1);
        assert_int_equal(recv(fd, &w, 1, 0), 0); /* hung up */
        assert_int_equal(send_mark(&c, 1), FRAME);
        assert_int_equal(c.net->dropped, 1);
        c.net->ops->rx_on(c.net, false);
        c.net->ops->rx_on(c.net, true);
        assert_int_equal(run_for(&c, 5), RUN_LATE);
        close(fd);
        card_free(&c);
    }
}

/* Fills the socket until the card is told to wait; frames it has taken. */
static unsigned fill_up(struct card *c)
{
    unsigned n;

    for (n = 0; send_mark(c, (uint8_t)n) == FRAME; n++)
        assert_in_range(n, 0, 1000000);
    assert_int_equal(send_mark(c, 0), -EAGAIN);
    return n;
}

static void test_peer_slow(void **state)
{
    struct card c;
    int fd = pair(&c);
    unsigned n;

    for (unsigned round = 0; round < 3; round++) {
        n = fill_up(&c);
        assert_int_equal(run_for(&c, 5), RUN_LATE);
        assert_int_equal(c.tx_ready, round);
        for (unsigned i = 0; i < n; i++)
            take_mark(&c, fd, (uint8_t)i);
        if (c.tx_ready == round)
            run_to_ready(&c);
        assert_int_equal(c.tx_ready, round + 1);
        assert_int_equal(c.net->dropped, 0);
    }
    close(fd);
    card_free(&c);
}

/* Frames of which the kernel takes a part. */
static void test_partly(void **state)
{
    static uint8_t f[60000], in[sizeof(f)];
    struct iovec v[2] = {{f, 20000}, {f + 20000, sizeof(f) - 20000}};
    struct card c;
    int fd = pair(&c);
    unsigned n, i;
    uint8_t p[4];
    uint32_t len;

    for (n = 0; n < sizeof(f); n++)
        f[n] = (uint8_t)(n * 5 + n / 256);
    for (unsigned round = 1; round < 4; round++) {
        for (n = 0; card_tx(&c, NULL, v, 2) > 0; n++)
            assert_in_range(n, 0, 1000);
        for (i = 0; i < n; i++) {
            take(&c, fd, p, 4);
            memcpy(&len, p, 4);
            assert_int_equal(ntohl(len), sizeof(f));
            take(&c, fd, in, sizeof(in));
            assert_memory_equal(in, f, sizeof(f));
        }
        if (c.tx_ready < round)
            run_to_ready(&c);
        assert_int_equal(recv(fd, p, 1, 0), -1);
    }
    close(fd);
    card_free(&c);
}

/* A peer that never reads is a cable that ends nowhere, until it reads. */
static void test_stall(void **state)
{
    struct card c;
    int fd = pair(&c);
    unsigned n = fill_up(&c);

    card_skip(&c, 4 * NS_PER_S);
    run_to_ready(&c);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(send_mark(&c, 0), FRAME);
    assert_int_equal(c.net->dropped, 10);
    for (unsigned i = 0; i < n; i++)
        take_mark(&c, fd, (uint8_t)i);
    c.net->ops->rx_on(c.net, true); /* as a turn that the loop has to take */
    give_mark(fd, 1);
    c.stop_at = 1;
    assert_int_equal(run_for(&c, 20000), RUN_STOPPED);
    assert_int_equal(send_mark(&c, 99), FRAME);
    assert_int_equal(c.net->dropped, 10);
    take_mark(&c, fd, 99);
    /* It stalls again: waiting begins anew. */
    fill_up(&c);
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    card_skip(&c, 4 * NS_PER_S);
    run_to_ready(&c);
    close(fd);
    card_free(&c);
}

/* A frame of a TCP stream with payload bytes of data behind 54 of headers. */
static void put_tcp(uint8_t *f, uint32_t payload)
{
    uint32_t sum = 6 + 20 + payload + 4 * 0x0a0a; /* the pseudo header */

    memset(f, 0, 54);
    memset(f, 2, 12);
    f[12] = 8;
    f[14] = 0x45;
    f[23] = 6;
    memset(f + 26, 10, 8);
    f[46] = 0x50;
    f[47] = 0x19; /* ACK PSH FIN */
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    f[50] = (uint8_t)(sum >> 8);
    f[51] = (uint8_t)sum;
    for (uint32_t i = 0; i < payload; i++)
        f[54 + i] = (uint8_t)(i * 7 + i / 256);
}

/* What was cut of it arrives in order, whole and with right sums. */
static void take_tcp(struct card *c, int fd, uint32_t payload, uint32_t mss)
{
    static uint8_t w[NET_FRAME_MAX], want[NET_FRAME_MAX];
    uint32_t at = 0, n, len;
    uint8_t p[4];

    put_tcp(want, payload);
    for (; at < payload; at += n) {
        n = payload - at < mss ? payload - at : mss;
        take(c, fd, p, 4);
        memcpy(&len, p, 4);
        assert_int_equal(ntohl(len), 54 + n);
        take(c, fd, w, 54 + n);
        assert_memory_equal(w + 54, want + 54 + at, n);
        memcpy(&len, w + 38, 4);
        assert_int_equal(ntohl(len), at);
        assert_int_equal(w[47], at + n == payload ? 0x19 : 0x10);
        /* Over the segment and its pseudo header it is all ones. */
        memset(w + 24, 0, 2);
        w[22] = 0;
        put_len(p, 20 + n);
        memcpy(w + 24, p + 2, 2);
        assert_int_equal(seg_sum(w + 22, 32 + n), 0xffff);
    }
}

static void test_cut(void **state)
{
    static const uint32_t mss[] = {1460, 536, 65000, 9000, 11};
    static uint8_t f[NET_FRAME_MAX];
    struct net_offload o = {34, 16, 0, 54};
    struct iovec v[2] = {{f, 54}, {f + 54, 0}};
    struct card c;
    int fd = pair(&c);
    unsigned ready;

    for (unsigned i = 0; i < sizeof(mss) / sizeof(mss[0]); i++) {
        uint32_t payload = mss[i] < 100 ? 9001 : 64001;

        put_tcp(f, payload);
        v[1].iov_len = payload;
        o.mss = (uint16_t)mss[i];
        assert_int_equal(card_tx(&c, &o, v, 2), payload + 54);
        take_tcp(&c, fd, payload, mss[i]);
    }
    /* Until the peer's buffers are full, in the middle of one. */
    o.mss = 1460;
    put_tcp(f, 64001);
    v[1].iov_len = 64001;
    ready = c.tx_ready;
    for (unsigned round = 0; round < 3; round++) {
        unsigned n;

        for (n = 0; card_tx(&c, &o, v, 2) == 64055; n++)
            assert_in_range(n, 0, 1000);
        for (unsigned i = 0; i < n; i++)
            take_tcp(&c, fd, 64001, 1460);
        if (c.tx_ready == ready)
            run_to_ready(&c);
        assert_int_equal(c.tx_ready, ++ready);
    }
    /* Only the sum; then nonsense. */
    o.mss = 0;
    put_tcp(f, 100);
    v[1].iov_len = 100;
    assert_int_equal(card_tx(&c, &o, v, 2), 154);
    take_tcp(&c, fd, 100, 1000);
    o.csum_start = 200;
    assert_int_equal(card_tx(&c, &o, v, 2), 154);
    assert_int_equal(c.net->dropped, 1);
    close(fd);
    card_free(&c);
}

static void test_sizes(void **state)
{
    static uint8_t f[NET_FRAME_MAX + 1], in[NET_FRAME_MAX];
    struct iovec v = {f, NET_FRAME_MAX + 1};
    uint8_t p[4];
    uint32_t len;
    struct card c;
    int fd = pair(&c);

    assert_int_equal(card_tx(&c, NULL, &v, 1), -EMSGSIZE);
    v.iov_len = 13;
    assert_int_equal(card_tx(&c, NULL, &v, 1), 13); /* a stump: lost */
    assert_int_equal(c.net->dropped, 2);
    v.iov_len = NET_FRAME_MAX;
    memset(f, 0x77, sizeof(f));
    assert_int_equal(card_tx(&c, NULL, &v, 1), NET_FRAME_MAX);
    take(&c, fd, p, 4);
    memcpy(&len, p, 4);
    assert_int_equal(ntohl(len), NET_FRAME_MAX);
    take(&c, fd, in, sizeof(in));
    assert_memory_equal(in, f, sizeof(in));
    close(fd);
    card_free(&c);
}

/* passt took six bytes of padding behind an ACK for data. */
static void test_passt_hears_no_padding(void **state)
{
    static const struct {
        uint16_t type, ip_len, want;
    } kind[] = {{0x0800, 40, 54}, {0x0800, 46, 60},    {0x0800, 19, 60},
                {0x0800, 47, 60}, {0x0800, 65535, 60}, {0x86dd, 0, 54},
                {0x86dd, 6, 60},  {0x86dd, 65535, 60}, {0x0806, 28, 60}};
    const struct net_offload o = {34, 16, 0, 0};
    struct card c;
    int fd = pair(&c);

    for (unsigned i = 0; i < 2 * sizeof(kind) / sizeof(kind[0]); i++) {
        uint8_t f[60] = {0}, in[64];
        struct iovec v = {f, sizeof(f)};
        unsigned k = i / 2, at = kind[k].type == 0x0800 ? 16 : 18;
        bool sum = i % 2 && k == 0;

        f[12] = (uint8_t)(kind[k].type >> 8);
        f[13] = (uint8_t)kind[k].type;
        f[14] = kind[k].type == 0x0800 ? 0x45 : 0x60;
        f[23] = 6;
        f[46] = 0x50;
        f[at] = (uint8_t)(kind[k].ip_len >> 8);
        f[at + 1] = (uint8_t)kind[k].ip_len;
        assert_int_equal(card_tx(&c, sum ? &o : NULL, &v, 1), 60);
        take(&c, fd, in, 4 + kind[k].want);
        assert_int_equal(in[3], kind[k].want);
    }
    assert_int_equal(c.net->dropped, 0);
    close(fd);
    card_free(&c);
}

/* The peer leaves: what it sent is taken, waiting ends, the loop sleeps. */
static void test_peer_leaves(void **state)
{
    struct card c;
    int fd = pair(&c);

    c.net->ops->rx_on(c.net, true);
    give_mark(fd, 1);
    give_mark(fd, 2);
    give(fd, "\0\0", 2);
    close(fd);
    run_to_link(&c, false);
    assert_int_equal(c.taken, 2);
    assert_int_equal(c.links, 1);
    c.turns = 0;
    assert_int_equal(run_for(&c, 20), RUN_LATE);
    assert_in_range(c.turns, 1, 50);
    card_free(&c);

    fd = pair(&c); /* while nobody reads */
    fill_up(&c);
    give_mark(fd, 1);
    close(fd);
    run_to_link(&c, false);
    assert_int_equal(c.tx_ready, 1);
    assert_int_equal(send_mark(&c, 1), FRAME);
    card_free(&c);

    fd = pair(&c); /* a write notices first, and does not call back */
    close(fd);
    assert_int_equal(send_mark(&c, 1), FRAME);
    assert_int_equal(c.net->dropped, 1);
    assert_int_equal(c.links, 0);
    assert_int_equal(send_mark(&c, 1), FRAME);
    run_to_link(&c, false);
    card_free(&c);
}

static void test_wrong(void **state)
{
    static const struct {
        struct net_stream_conf conf;
        const char *says;
    } bad[] = {
        {{.kind = NET_STREAM_UNIX}, "path="},
        {{.kind = NET_STREAM_UNIX, .path = ""}, "path="},
        {{.kind = NET_STREAM_UNIX, .path = "/nowhere/x"}, "cannot connect"},
        {{.kind = NET_STREAM_UNIX, .path = "/nowhere/x", .server = true},
         "cannot listen"},
        {{.kind = NET_STREAM_UNIX, .path = "/dev/null", .server = true},
         "no socket"},
        {{.kind = NET_STREAM_UNIX,
          .path = "/a/path/that/is/longer/than/what/the/address/of/a/socket/"
                  "can/hold/which/is/one/hundred/and/seven/characters/here"},
         "longer"},
        {{.kind = NET_STREAM_INET, .port = "1"}, "host="},
        {{.kind = NET_STREAM_INET, .host = "localhost", .port = "1"},
         "in numbers"},
        {{.kind = NET_STREAM_INET, .host = "127.0.0.1", .port = "70000"},
         "port"},
        {{.kind = NET_STREAM_INET, .host = "127.0.0.1", .port = "http"},
         "port"},
        {{.kind = NET_STREAM_FD, .fd = -1}, "fd=-1"},
    };
    struct loop *l = loop_new();
    struct net_stream_conf c = {.kind = NET_STREAM_FD};
    struct err e = {""};
    int fd[2];

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        e.text[0] = 0;
        assert_null(net_stream_open(l, &bad[i].conf, &e));
        assert_non_null(strstr(e.text, "-netdev stream"));
        assert_non_null(strstr(e.text, bad[i].says));
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
    c.fd = fd[0];
    assert_null(net_stream_open(l, &c, &e));
    assert_non_null(strstr(e.text, "no connected stream"));
    close(fd[1]);
    assert_int_equal(close(fd[0]), 0); /* it was left to us */
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_on_in_end),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_slow_card),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_peer_slow),
        cmocka_unit_test(test_partly),
        cmocka_unit_test(test_stall),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_peer_leaves),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_passt_hears_no_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
