/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tap against a packet socket, in a network namespace of its own. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
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

#define IFNAME "vif9.0-emu"

static bool own_namespace;

static int wire(void)
{
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(PROTOCOL)};
    struct ifreq ifr = {0};
    int s = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(PROTOCOL));

    assert_true(s >= 0);
    strcpy(ifr.ifr_name, IFNAME);
    assert_int_equal(ioctl(s, SIOCGIFINDEX, &ifr), 0);
    ll.sll_ifindex = ifr.ifr_ifindex;
    assert_int_equal(bind(s, (struct sockaddr *)&ll, sizeof(ll)), 0);
    return s;
}

static void plug(struct card *c)
{
    struct err e = {""};
    struct net *n;

    card_new(c);
    n = net_tap_open(c->loop, IFNAME, &e);
    assert_string_equal(e.text, "");
    card_plug(c, n);
}

static void send_marks(int s, unsigned from, unsigned n)
{
    uint8_t f[FRAME];

    for (; n; n--, from++) {
        put_header(f, (uint8_t)from);
        assert_int_equal(send(s, f, sizeof(f), 0), sizeof(f));
    }
}

static void test_names(void **state)
{
    static const char *const bad[] = {
        "", "vif%d", "a/b", "a b", "..", "abcdefghijklmnop", "a:0"};
    struct loop *l = loop_new();
    struct err e;
    unsigned i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        e.text[0] = 0;
        assert_null(net_tap_open(l, bad[i], &e));
        assert_non_null(strstr(e.text, "ifname="));
    }
    loop_free(l);
}

static void test_open(void **state)
{
    struct err e = {""};
    struct card c;

    if (!own_namespace)
        skip();
    plug(&c);
    assert_int_equal(rig_set_up(IFNAME, false), 0); /* it exists, and is down */
    assert_null(net_tap_open(c.loop, IFNAME, &e));
    assert_non_null(strstr(e.text, "in use"));
    assert_null(net_tap_open(c.loop, "lo", &e));
    assert_non_null(strstr(e.text, "not a plain tap"));
    card_free(&c);
    assert_int_not_equal(rig_set_up(IFNAME, true), 0); /* gone with its fd */
}

static int tun(const char *name, short flags)
{
    struct ifreq ifr = {.ifr_flags = flags};
    int fd = open("/dev/net/tun", O_RDWR);

    assert_true(fd >= 0);
    strcpy(ifr.ifr_name, name);
    assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
    return fd;
}

/* One that somebody else has opened, with and without the header. */
static void test_open_fd(void **state)
{
    static const short form[] = {IFF_TAP | IFF_NO_PI,
                                 IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    struct err e = {""};
    struct card c;
    int fd, s;

    if (!own_namespace)
        skip();
    for (unsigned i = 0; i < 2; i++) {
        fd = tun(IFNAME, form[i]);
        card_new(&c);
        card_plug(&c, net_tap_open_fd(c.loop, fd, &e));
        assert_string_equal(e.text, "");
        assert_int_equal(rig_set_up(IFNAME, true), 0);
        s = wire();
        c.stop_at = 3;
        send_marks(s, 1, 3);
        c.net->ops->rx_on(c.net, true);
        assert_int_equal(run_for(&c, 2000), RUN_STOPPED);
        assert_int_equal(c.last, 3);
        assert_int_equal(c.len, FRAME);
        close(s);
        card_free(&c);
    }
    card_new(&c);
    fd = tun("tun9", IFF_TUN | IFF_NO_PI);
    assert_null(net_tap_open_fd(c.loop, fd, &e));
    assert_non_null(strstr(e.text, "IFF_TAP"));
    close(fd);
    fd = open("/dev/null", O_RDWR);
    assert_null(net_tap_open_fd(c.loop, fd, &e));
    assert_non_null(strstr(e.text, "is no tap"));
    assert_int_equal(close(fd), 0);
    assert_null(net_tap_open_fd(c.loop, -1, &e));
    assert_non_null(strstr(e.text, "fd=-1"));
    c.net = NULL;
    card_free(&c);
}

static void test_send(void **state)
{
    uint8_t f[FRAME], in[2048];
    struct iovec v[3] = {{f, 6}, {f + 6, 8}, {f + 14, FRAME - 14}};
    struct iovec big = {in, NET_FRAME_MAX + 1};
    struct card c;
    ssize_t n;
    int s;

    if (!own_namespace)
        skip();
    plug(&c);
    put_header(f, 0x42);
    /* Down: taken and lost. */
    assert_int_equal(card_tx(&c, NULL, v, 3), FRAME);
    assert_int_equal(c.net->dropped, 1);
    assert_int_equal(rig_set_up(IFNAME, true), 0);
    s = wire();
    assert_int_equal(card_tx(&c, NULL, v, 3), FRAME);
    n = recv(s, in, sizeof(in), 0);
    assert_int_equal(n, FRAME);
    assert_memory_equal(in, f, FRAME);
    assert_int_equal(c.net->tx_frames, 1);
    assert_int_equal(c.net->tx_bytes, FRAME);
    assert_int_equal(card_tx(&c, NULL, v, 1), 6); /* a stump: lost */
    assert_int_equal(card_tx(&c, NULL, &big, 1), -EMSGSIZE);
    assert_int_equal(c.net->dropped, 3);
    close(s);
    card_free(&c);
}

static void test_receive(void **state)
{
    struct card c;
    unsigned i;
    int s;

    if (!own_namespace)
        skip();
    plug(&c);
    assert_int_equal(rig_set_up(IFNAME, true), 0);
    s = wire();
    /* Off at first: the frames wait in the host. */
    send_marks(s, 0, 100);
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    assert_int_equal(c.taken, 0);
    c.stop_at = 100; /* more than one budget */
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(run_for(&c, 2000), RUN_STOPPED);
    assert_int_equal(c.taken, 100);
    assert_int_equal(c.last, 99);
    assert_int_equal(c.len, FRAME);

    /* The card turns receiving off in the middle of a batch. */
    c.off_at = 105;
    c.stop_at = 0;
    send_marks(s, 100, 10);
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    assert_int_equal(c.taken, 105);
    assert_int_equal(c.last, 104);
    c.stop_at = 110;
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(run_for(&c, 2000), RUN_STOPPED);
    assert_int_equal(c.last, 109);

    /* What it refuses is offered again, first and once. */
    c.refuse = 1;
    c.stop_at = 0;
    send_marks(s, 110, 3);
    assert_int_equal(run_for(&c, 2000), RUN_REFUSED);
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    assert_int_equal(c.taken, 110);
    c.stop_at = 113;
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(c.taken, 110); /* not from in there */
    assert_int_equal(run_for(&c, 2000), RUN_STOPPED);
    assert_int_equal(c.taken, 113);
    for (i = 0; i < 113; i++)
        assert_int_equal(c.marks[i], i);
    close(s);
    card_free(&c);
}

/* The card listens before the script has brought the interface up. */
static void test_down_and_up(void **state)
{
    unsigned round;
    struct card c;
    int s;

    if (!own_namespace)
        skip();
    plug(&c);
    c.net->ops->rx_on(c.net, true);
    for (round = 1; round < 4; round++) {
        c.turns = 0;
        assert_int_equal(run_for(&c, 20), RUN_LATE);
        assert_in_range(c.turns, 1, 50); /* asleep, not spinning */
        assert_int_equal(rig_set_up(IFNAME, true), 0);
        s = wire();
        c.stop_at = round;
        send_marks(s, round, 1);
        assert_int_equal(run_for(&c, 2000), RUN_STOPPED);
        assert_int_equal(c.last, round);
        close(s);
        assert_int_equal(rig_set_up(IFNAME, false), 0);
    }
    card_free(&c);
}

/* The interface is deleted under a running guest: no spinning, no crash. */
static void test_deleted(void **state)
{
    uint8_t f[FRAME];
    struct iovec v = {f, FRAME};
    struct card c;
    int err;

    if (!own_namespace)
        skip();
    plug(&c);
    assert_int_equal(rig_set_up(IFNAME, true), 0);
    c.net->ops->rx_on(c.net, true);
    err = system("ip link del " IFNAME " 2>/dev/null");
    if (err == 0) {
        put_header(f, 1);
        assert_int_equal(run_for(&c, 20), RUN_LATE);
        assert_in_range(c.turns, 1, 50);
        assert_int_equal(card_tx(&c, NULL, &v, 1), FRAME);
        assert_int_equal(c.net->dropped, 1);
        assert_int_equal(c.links, 1);
        assert_false(c.up);
        assert_true(c.net->down);
        c.net->ops->rx_on(c.net, false);
        c.net->ops->rx_on(c.net, true);
        assert_int_equal(run_for(&c, 5), RUN_LATE);
    }
    card_free(&c);
    if (err)
        skip();
}

/* What the bridge floods while nobody hears wakes nobody and is not kept. */
static void test_deaf(void **state)
{
    unsigned round, turns;
    struct card c;
    int s;

    if (!own_namespace)
        skip();
    plug(&c);
    assert_int_equal(rig_set_up(IFNAME, true), 0);
    s = wire();
    c.net->ops->rx_on(c.net, true);
    assert_int_equal(run_for(&c, 20), RUN_LATE); /* the host's own chatter */
    for (round = 0; round < 3; round++) {
        c.stop_at = 0;
        send_marks(s, 200, 3); /* came before: still offered */
        c.net->ops->deaf(c.net, true);
        assert_int_equal(run_for(&c, 20), RUN_LATE);
        assert_int_equal(c.taken, 4 * round + 3);
        turns = c.turns;
        send_marks(s, 100, 50);
        assert_int_equal(run_for(&c, 20), RUN_LATE);
        assert_in_range(c.turns - turns, 0, 2); /* the end of the run */
        assert_int_equal(c.taken, 4 * round + 3);

        c.net->ops->deaf(c.net, false);
        c.stop_at = 4 * round + 4;
        send_marks(s, round, 1);
        assert_int_equal(run_for(&c, 2000), RUN_STOPPED);
        assert_int_equal(c.last, round);
    }
    close(s);
    card_free(&c);
}

static void test_mem(void **state)
{
    struct card c;
    uint8_t f[FRAME];
    struct iovec v[2] = {{f, 50}, {f + 50, FRAME - 50}};
    const struct net_offload o = {34, 16, 20, 54};
    const uint8_t *sent;
    uint32_t len;

    card_new(&c);
    card_plug(&c, net_mem_new());
    put_header(f, 7);
    assert_false(net_mem_put(c.net, f, FRAME));
    assert_false(net_mem_rx_is_on(c.net));
    c.net->ops->rx_on(c.net, true);
    assert_true(net_mem_rx_is_on(c.net));
    assert_true(net_mem_put(c.net, f, FRAME));
    assert_memory_equal(c.bytes, f, FRAME);
    c.refuse = 1;
    assert_false(net_mem_put(c.net, f, FRAME));
    assert_int_equal(c.net->rx_frames, 1);

    assert_null(net_mem_sent(c.net, &len));
    assert_int_equal(card_tx(&c, NULL, v, 2), FRAME);
    sent = net_mem_sent(c.net, &len);
    assert_non_null(sent);
    assert_int_equal(len, FRAME);
    assert_memory_equal(sent, f, FRAME);
    assert_null(net_mem_sent(c.net, &len));
    assert_int_equal(net_mem_offload(c.net)->csum_start, 0);
    assert_int_equal(card_tx(&c, &o, v, 2), FRAME);
    assert_memory_equal(net_mem_offload(c.net), &o, sizeof(o));
    net_mem_rx_end(c.net);
    assert_int_equal(c.ends, 1);
    net_mem_link(c.net, true); /* it was up */
    assert_int_equal(c.links, 0);
    net_mem_link(c.net, false);
    assert_int_equal(c.links, 1);
    assert_false(c.up);
    assert_true(c.net->down);
    net_mem_link(c.net, true);
    assert_int_equal(c.links, 2);
    assert_true(c.up);
    net_mem_full(c.net, true);
    assert_int_equal(card_tx(&c, NULL, v, 2), -EAGAIN);
    net_mem_full(c.net, false);
    assert_int_equal(c.tx_ready, 1);
    net_mem_full(c.net, false);
    assert_int_equal(c.tx_ready, 1);
    card_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_fd), cmocka_unit_test(test_send),
        cmocka_unit_test(test_receive), cmocka_unit_test(test_down_and_up),
        cmocka_unit_test(test_deleted), cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_mem),
    };

    own_namespace = rig_namespace();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
