/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <linux/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void put_header(uint8_t *f, uint8_t mark)
{
    memset(f, 0, FRAME);
    memset(f, 0xff, 6);
    f[6] = 2;
    f[12] = PROTOCOL >> 8;
    f[13] = PROTOCOL & 0xff;
    f[14] = mark;
}

static bool card_rx(void *dev, const uint8_t *frame, uint32_t len)
{
    struct card *c = dev;

    assert_false(c->inside);
    assert_in_range(len, 14, NET_FRAME_MAX);
    if (len < 15 || frame[12] != PROTOCOL >> 8 ||
        frame[13] != (PROTOCOL & 0xff))
        return true;
    if (c->refuse) {
        c->refuse--;
        loop_stop(c->loop, RUN_REFUSED);
        return false;
    }
    c->last = c->marks[c->taken % sizeof(c->marks)] = frame[14];
    c->len = len;
    memcpy(c->bytes, frame, len);
    if (++c->taken == c->off_at)
        c->net->ops->rx_on(c->net, false);
    if (c->taken == c->stop_at)
        loop_stop(c->loop, RUN_STOPPED);
    return true;
}

static void card_rx_end(void *dev)
{
    struct card *c = dev;

    assert_false(c->inside);
    c->ends++;
    if (c->on_in_end)
        c->net->ops->rx_on(c->net, true);
}

static void card_tx_ready(void *dev)
{
    struct card *c = dev;

    assert_false(c->inside);
    c->tx_ready++;
    if (c->stop_ready)
        loop_stop(c->loop, RUN_STOPPED);
}

static void card_link(void *dev, bool up)
{
    struct card *c = dev;

    assert_false(c->inside);
    assert_int_equal(c->net->down, !up);
    c->links++;
    c->up = up;
    if (c->stop_link)
        loop_stop(c->loop, RUN_STOPPED);
}

static bool count_turn(void *ctx)
{
    ((struct card *)ctx)->turns++;
    return false;
}

void card_new(struct card *c)
{
    memset(c, 0, sizeof(*c));
    c->loop = loop_new();
    assert_non_null(c->loop);
    loop_poll(c->loop, count_turn, c);
}

void card_plug(struct card *c, struct net *n)
{
    assert_non_null(n);
    c->net = n;
    n->rx = card_rx;
    n->rx_end = card_rx_end;
    n->tx_ready = card_tx_ready;
    n->link = card_link;
    n->dev = c;
}

void card_free(struct card *c)
{
    if (c->net)
        c->net->ops->close(c->net);
    loop_free(c->loop);
}

static void on_late(void *ctx)
{
    loop_stop(ctx, RUN_LATE);
}

int run_for(struct card *c, uint64_t ms)
{
    struct timer t;
    int status;

    timer_init(&t, loop_clock(c->loop), on_late, c->loop);
    timer_set(&t, clock_now(loop_clock(c->loop)) + ms * NS_PER_MS);
    status = loop_run(c->loop);
    timer_cancel(&t);
    return status;
}

void run_to_link(struct card *c, bool up)
{
    c->stop_link = true;
    while (c->net->down == up)
        assert_int_equal(run_for(c, 20000), RUN_STOPPED);
    c->stop_link = false;
}

void run_to_ready(struct card *c)
{
    unsigned before = c->tx_ready;

    c->stop_ready = true;
    assert_int_equal(run_for(c, 20000), RUN_STOPPED);
    assert_int_equal(c->tx_ready, before + 1);
    c->stop_ready = false;
}

void card_skip(struct card *c, uint64_t ns)
{
    loop_clock(c->loop)->offset_ns -= ns;
}

int64_t card_tx(struct card *c, const struct net_offload *o,
                const struct iovec *iov, unsigned niov)
{
    int64_t n;

    c->inside = true;
    n = c->net->ops->tx(c->net, o, iov, niov);
    c->inside = false;
    return n;
}

bool rig_namespace(void)
{
    return getuid() == 0 && access("/dev/net/tun", F_OK) == 0 &&
           unshare(CLONE_NEWNET) == 0;
}

int rig_set_up(const char *ifname, bool up)
{
    struct ifreq ifr = {0};
    int s = socket(AF_INET, SOCK_DGRAM, 0), err;

    strcpy(ifr.ifr_name, ifname);
    err = ioctl(s, SIOCGIFFLAGS, &ifr);
    if (up)
        ifr.ifr_flags |= IFF_UP;
    else
        ifr.ifr_flags &= (short)~IFF_UP;
    if (!err)
        err = ioctl(s, SIOCSIFFLAGS, &ifr);
    close(s);
    return err;
}
