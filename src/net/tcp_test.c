/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two network namespaces, a tap in each, and between the taps a card that
 * passes frames on: plain, with the sum left to do, or put together again as
 * a card does that was asked to send 64 KiB. The kernel's TCP at both ends
 * says whether it was right.
 */
#include "rig.h"
#include "segment.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/ipv6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (8u << 20)
#define PORT  5001
/* Turns of 1 ms to wait for what the kernel does in its own time. */
#define PATIENCE 20000

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum how { PLAIN, SUM, WHOLE };

static unsigned reads;

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);

ssize_t __wrap_read(int fd, void *p, size_t n)
{
    reads++;
    return __real_read(fd, p, n);
}

struct side {
    struct net *net;
    struct side *peer;
    enum how how;
    int ns; /* its namespace */
    unsigned wholes;
    /* What is being put together for the peer. */
    uint8_t big[NET_FRAME_MAX];
    uint32_t len, mss, hdr, l4;
};

struct flow {
    int from, to;
    uint32_t sent, got;
};

struct world {
    struct loop *loop;
    struct side a, b;
    struct flow up, down;
};

static struct world w;

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static bool is_v6(const uint8_t *f)
{
    return get16(f + 12) == 0x86dd;
}

/* The offset of the TCP header; 0: it is no TCP. */
static uint32_t tcp_at(const uint8_t *f, uint32_t len)
{
    if (len >= 54 && get16(f + 12) == 0x0800 && f[14] == 0x45 && f[23] == 6)
        return 34;
    return len >= 74 && is_v6(f) && f[20] == 6 ? 54 : 0;
}

/* Leaves the sum over all but the pseudo header to the other side. */
static void leave_sum(uint8_t *f, uint32_t len, uint32_t l4)
{
    uint8_t pseudo[40] = {0};
    uint32_t n = is_v6(f) ? 32 : 8;
    uint16_t sum;

    memcpy(pseudo, f + l4 - n, n);
    pseudo[n + 1] = 6;
    put16(pseudo + n + 2, len - l4);
    sum = seg_sum(pseudo, n + 4);
    memcpy(f + l4 + 16, &sum, 2);
}

static void pass(struct side *s, const struct net_offload *o, uint8_t *f,
                 uint32_t len)
{
    uint32_t head = len < 100 ? len : 100;
    struct iovec v[2] = {{f, head}, {f + head, len - head}};

    assert_int_equal(s->peer->net->ops->tx(s->peer->net, o, v, 2), len);
}

static void flush(struct side *s)
{
    struct net_offload o = {(uint16_t)s->l4, 16, (uint16_t)s->mss,
                            (uint16_t)s->hdr};
    uint16_t sum;

    if (!s->len)
        return;
    if (is_v6(s->big)) {
        put16(s->big + 18, s->len - 54);
    } else {
        put16(s->big + 16, s->len - 14);
        put16(s->big + 24, 0);
        sum = (uint16_t)~seg_sum(s->big + 14, 20);
        memcpy(s->big + 24, &sum, 2);
    }
    leave_sum(s->big, s->len, s->l4);
    s->wholes += s->len - s->hdr > s->mss;
    pass(s, &o, s->big, s->len);
    s->len = 0;
}

/* Whether f goes on where the frame that is put together ends. */
static bool follows(const struct side *s, const uint8_t *f, uint32_t len)
{
    uint32_t l4 = s->l4;

    return s->len && s->len + len < 65000 && (s->len - s->hdr) % s->mss == 0 &&
           tcp_at(f, len) == l4 && len > s->hdr && len - s->hdr <= s->mss &&
           !memcmp(f, s->big, 16) && !memcmp(f + l4 - 8, s->big + l4 - 8, 12) &&
           !(s->big[l4 + 13] & 0xef) && !(f[l4 + 13] & 0xe7) &&
           !memcmp(f + l4 + 8, s->big + l4 + 8, 5) &&
           !memcmp(f + l4 + 20, s->big + l4 + 20, s->hdr - l4 - 20) &&
           get32(f + l4 + 4) == get32(s->big + l4 + 4) + s->len - s->hdr;
}

static void put_together(struct side *s, const uint8_t *f, uint32_t len)
{
    uint32_t l4 = tcp_at(f, len);

    if (follows(s, f, len)) {
        memcpy(s->big + s->len, f + s->hdr, len - s->hdr);
        s->len += len - s->hdr;
        s->big[l4 + 13] |= f[l4 + 13];
        return;
    }
    flush(s);
    memcpy(s->big, f, len);
    s->l4 = l4;
    s->hdr = l4 + (f[l4 + 12] >> 4) * 4u;
    s->mss = len - s->hdr;
    s->len = len;
    if (!s->mss) {
        s->mss = 1;
        flush(s);
    }
}

static bool side_rx(void *dev, const uint8_t *frame, uint32_t len)
{
    struct side *s = dev;
    uint32_t l4 = tcp_at(frame, len);
    struct net_offload o = {(uint16_t)l4, 16, 0, 0};
    uint8_t f[NET_FRAME_MAX];

    if (!l4 || s->how == PLAIN) {
        flush(s);
        memcpy(f, frame, len);
        pass(s, NULL, f, len);
    } else if (s->how == SUM) {
        memcpy(f, frame, len);
        leave_sum(f, len, l4);
        pass(s, &o, f, len);
    } else {
        put_together(s, frame, len);
    }
    return true;
}

static void side_rx_end(void *dev)
{
    flush(dev);
}

static void put_bytes(struct flow *f)
{
    uint8_t buf[65536];
    uint32_t i, n;
    ssize_t rc;

    for (;;) {
        n = BYTES - f->sent < sizeof(buf) ? BYTES - f->sent : sizeof(buf);
        for (i = 0; i < n; i++)
            buf[i] = (uint8_t)((f->sent + i) * 31 + (f->sent + i) / 4099);
        rc = n ? send(f->from, buf, n, MSG_NOSIGNAL) : 0;
        if (rc <= 0)
            return;
        f->sent += (uint32_t)rc;
    }
}

static void get_bytes(struct flow *f)
{
    uint8_t buf[65536];
    ssize_t n, i;

    while ((n = recv(f->to, buf, sizeof(buf), 0)) > 0) {
        for (i = 0; i < n; i++, f->got++)
            if (buf[i] != (uint8_t)(f->got * 31 + f->got / 4099))
                fail_msg("byte %u differs", f->got);
    }
}

static bool pump(void *ctx)
{
    if (w.up.from < 0)
        return false;
    put_bytes(&w.up);
    put_bytes(&w.down);
    get_bytes(&w.up);
    get_bytes(&w.down);
    if (w.up.got == BYTES && w.down.got == BYTES)
        loop_stop(w.loop, RUN_STOPPED);
    return false;
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd >= 0) {
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
    }
}

static void set_address(const char *name, const char *ip, const char *ip6)
{
    struct in6_ifreq r6 = {.ifr6_prefixlen = 64};
    struct sockaddr_in *a;
    struct ifreq r = {0};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    char path[80];

    a = (struct sockaddr_in *)&r.ifr_addr;
    strcpy(r.ifr_name, name);
    a->sin_family = AF_INET;
    inet_pton(AF_INET, ip, &a->sin_addr);
    assert_int_equal(ioctl(s, SIOCSIFADDR, &r), 0);
    inet_pton(AF_INET, "255.255.255.0", &a->sin_addr);
    assert_int_equal(ioctl(s, SIOCSIFNETMASK, &r), 0);
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_dad", name);
    write_file(path, "0");
    write_file("/proc/sys/net/ipv4/tcp_ecn", "1");
    assert_int_equal(rig_set_up(name, true), 0);
    assert_int_equal(ioctl(s, SIOCGIFINDEX, &r), 0);
    close(s);
    s = socket(AF_INET6, SOCK_DGRAM, 0);
    if (s < 0)
        return; /* no IPv6 here */
    r6.ifr6_ifindex = r.ifr_ifindex;
    inet_pton(AF_INET6, ip6, &r6.ifr6_addr);
    ioctl(s, SIOCSIFADDR, &r6);
    close(s);
}

static void side_open(struct side *s, struct side *peer, const char *name,
                      const char *ip, const char *ip6, bool plain_tap)
{
    struct err e = {""};

    s->ns = open("/proc/self/ns/net", O_RDONLY);
    s->net = (plain_tap ? tap_open_plain : net_tap_open)(w.loop, name, &e);
    assert_string_equal(e.text, "");
    set_address(name, ip, ip6);
    s->peer = peer;
    s->net->dev = s;
    s->net->rx = side_rx;
    s->net->rx_end = side_rx_end;
    s->net->ops->rx_on(s->net, true);
}

/* Both ends start anew: a pair of namespaces for each test. */
static void world_open(bool plain_tap, enum how how)
{
    memset(&w, 0, sizeof(w));
    w.up.from = w.up.to = -1;
    w.loop = loop_new();
    loop_poll(w.loop, pump, NULL);
    w.a.how = w.b.how = how;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    side_open(&w.a, &w.b, "tapa", "10.9.0.1", "fd00::1", plain_tap);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    side_open(&w.b, &w.a, "tapb", "10.9.0.2", "fd00::2", plain_tap);
}

static void world_close(void)
{
    w.a.net->ops->close(w.a.net);
    w.b.net->ops->close(w.b.net);
    close(w.a.ns);
    close(w.b.ns);
    loop_free(w.loop);
}

static void on_late(void *ctx)
{
    loop_stop(ctx, RUN_LATE);
}

static int run(uint64_t ms)
{
    struct timer t;
    int status;

    timer_init(&t, loop_clock(w.loop), on_late, w.loop);
    timer_set(&t, clock_now(loop_clock(w.loop)) + ms * NS_PER_MS);
    status = loop_run(w.loop);
    timer_cancel(&t);
    return status;
}

static int socket_in(int ns, int family, int type)
{
    int fd;

    assert_int_equal(setns(ns, CLONE_NEWNET), 0);
    fd = socket(family, type | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    return fd;
}

static socklen_t address(struct sockaddr_storage *s, int family, bool b)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)s;
    struct sockaddr_in *four = (struct sockaddr_in *)s;

    memset(s, 0, sizeof(*s));
    s->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        four->sin_port = htons(PORT);
        inet_pton(AF_INET, b ? "10.9.0.2" : "10.9.0.1", &four->sin_addr);
        return sizeof(*four);
    }
    six->sin6_port = htons(PORT);
    inet_pton(AF_INET6, b ? "fd00::2" : "fd00::1", &six->sin6_addr);
    return sizeof(*six);
}

static unsigned sum_errors(int ns)
{
    char line[512], *last;
    unsigned n = ~0u;
    FILE *f;

    assert_int_equal(setns(ns, CLONE_NEWNET), 0);
    f = fopen("/proc/net/snmp", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        last = strrchr(line, ' ');
        if (!strncmp(line, "Tcp: ", 5) && last && last[1] != 'I')
            n = (unsigned)strtoul(last, NULL, 10);
    }
    fclose(f);
    return n;
}

static void transfer(int family)
{
    struct sockaddr_storage at;
    socklen_t len = address(&at, family, true);
    int l = socket_in(w.b.ns, family, SOCK_STREAM), c, s;
    unsigned i;

    /* An address of IPv6 can be used some time after it was set. */
    for (i = 0; bind(l, (struct sockaddr *)&at, len) < 0; i++) {
        assert_in_range(i, 0, PATIENCE);
        run(1);
    }
    assert_int_equal(listen(l, 1), 0);
    c = socket_in(w.a.ns, family, SOCK_STREAM);
    for (i = 0; connect(c, (struct sockaddr *)&at, len) < 0 &&
                errno != EINPROGRESS && errno != EISCONN;
         i++) {
        assert_in_range(i, 0, PATIENCE);
        run(1);
    }
    for (i = 0; (s = accept4(l, NULL, NULL, SOCK_NONBLOCK)) < 0; i++) {
        assert_in_range(i, 0, PATIENCE);
        run(1);
    }
    close(l);
    w.up = (struct flow){c, s, 0, 0};
    w.down = (struct flow){s, c, 0, 0};
    assert_int_equal(run(60000), RUN_STOPPED);
    w.up.from = -1;
    close(c);
    close(s);
    assert_int_equal(sum_errors(w.a.ns), 0);
    assert_int_equal(sum_errors(w.b.ns), 0);
    assert_int_equal(w.a.net->dropped + w.b.net->dropped, 0);
}

static bool allowed(void)
{
    return getuid() == 0 && access("/dev/net/tun", F_OK) == 0 &&
           access("/proc/self/ns/net", F_OK) == 0 && unshare(CLONE_NEWNET) == 0;
}

static bool has_family(int family)
{
    int s = socket(family, SOCK_STREAM, 0);

    if (s >= 0)
        close(s);
    return s >= 0;
}

static void try(bool plain_tap, enum how how, int family)
{
    uint64_t frames;

    if (!allowed() || !has_family(family))
        skip();
    world_open(plain_tap, how);
    reads = 0;
    transfer(family);
    frames = w.a.net->rx_frames + w.b.net->rx_frames;
    print_message("%u reads for %u frames in, %u wholes out\n", reads,
                  (unsigned)frames, w.a.wholes + w.b.wholes);
    assert_true(frames > 2 * BYTES / 1500);
    if (!plain_tap) /* 64 KiB at a time, or nearly */
        assert_true(reads < frames / 4);
    if (how == WHOLE)
        assert_true(w.a.wholes + w.b.wholes > 100);
    world_close();
}

static void test_plain(void **state)
{
    try(false, PLAIN, AF_INET);
}

static void test_sum(void **state)
{
    try(false, SUM, AF_INET);
}

static void test_whole(void **state)
{
    try(false, WHOLE, AF_INET);
}

static void test_plain6(void **state)
{
    try(false, PLAIN, AF_INET6);
}

static void test_whole6(void **state)
{
    try(false, WHOLE, AF_INET6);
}

/* Taps without the header: the sums and the cutting are ours. */
static void test_no_header(void **state)
{
    try(true, WHOLE, AF_INET);
}

static void test_no_header_sum(void **state)
{
    try(true, SUM, AF_INET6);
}

/* Datagrams that the sender's kernel would have cut. */
static void test_udp(void **state)
{
    struct sockaddr_storage at;
    socklen_t len = address(&at, AF_INET, true);
    uint8_t out[12345], in[2000];
    int gso = 1000, a, b;
    uint32_t got = 0;

    if (!allowed())
        skip();
    world_open(false, PLAIN);
    b = socket_in(w.b.ns, AF_INET, SOCK_DGRAM);
    assert_int_equal(bind(b, (struct sockaddr *)&at, len), 0);
    a = socket_in(w.a.ns, AF_INET, SOCK_DGRAM);
    for (uint32_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 3 + i / 256);
    if (setsockopt(a, SOL_UDP, UDP_SEGMENT, &gso, sizeof(gso)) < 0) {
        world_close();
        skip();
    }
    assert_int_equal(
        sendto(a, out, sizeof(out), 0, (struct sockaddr *)&at, len),
        sizeof(out));
    while (got < sizeof(out)) {
        ssize_t n = recv(b, in, sizeof(in), 0);

        if (n < 0) {
            assert_int_equal(run(20), RUN_LATE);
            continue;
        }
        assert_int_equal(n, got < 12000 ? 1000 : 345);
        assert_memory_equal(in, out + got, n);
        got += (uint32_t)n;
    }
    close(a);
    close(b);
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_sum),
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_plain6),
        cmocka_unit_test(test_whole6),        cmocka_unit_test(test_no_header),
        cmocka_unit_test(test_no_header_sum), cmocka_unit_test(test_udp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
