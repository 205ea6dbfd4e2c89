/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of a cable, for tests: no kernel, no loop, no time. */
#include <hvmd/net.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mem {
    struct net net;
    bool rx_on, deaf, full, starved;
    uint32_t sent_len;          /* 0: none */
    struct net_offload offload; /* of sent */
    uint8_t sent[NET_FRAME_MAX];
};

static int64_t mem_tx(struct net *n, const struct net_offload *o,
                      const struct iovec *iov, unsigned niov)
{
    struct mem *m = (struct mem *)n;
    size_t len = 0;
    unsigned i;

    if (m->full) {
        m->starved = true;
        return -EAGAIN;
    }
    for (i = 0; i < niov; i++) {
        if (iov[i].iov_len > sizeof(m->sent) - len) {
            n->dropped++;
            return -EMSGSIZE;
        }
        memcpy(m->sent + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    m->sent_len = (uint32_t)len;
    m->offload = o ? *o : (struct net_offload){0};
    n->tx_frames++;
    n->tx_bytes += len;
    return (int64_t)len;
}

static void mem_rx_on(struct net *n, bool on)
{
    ((struct mem *)n)->rx_on = on;
}

static void mem_deaf(struct net *n, bool deaf)
{
    ((struct mem *)n)->deaf = deaf;
}

static void mem_close(struct net *n)
{
    free(n);
}

static const struct net_ops mem_ops = {
    .tx = mem_tx,
    .rx_on = mem_rx_on,
    .deaf = mem_deaf,
    .close = mem_close,
};

struct net *net_mem_new(void)
{
    struct mem *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->net.ops = &mem_ops;
    return (struct net *)m;
}

bool net_mem_put(struct net *n, const void *frame, uint32_t len)
{
    struct mem *m = (struct mem *)n;

    if (!m->rx_on || !n->rx || !n->rx(n->dev, frame, len))
        return false;
    n->rx_frames++;
    n->rx_bytes += len;
    return true;
}

const uint8_t *net_mem_sent(struct net *n, uint32_t *len)
{
    struct mem *m = (struct mem *)n;

    *len = m->sent_len;
    m->sent_len = 0;
    return *len ? m->sent : NULL;
}

const struct net_offload *net_mem_offload(struct net *n)
{
    return &((struct mem *)n)->offload;
}

void net_mem_rx_end(struct net *n)
{
    if (n->rx_end)
        n->rx_end(n->dev);
}

void net_mem_link(struct net *n, bool up)
{
    if (n->down != up)
        return;
    n->down = !up;
    if (n->link)
        n->link(n->dev, up);
}

bool net_mem_rx_is_on(struct net *n)
{
    return ((struct mem *)n)->rx_on;
}

bool net_mem_is_deaf(struct net *n)
{
    return ((struct mem *)n)->deaf;
}

void net_mem_full(struct net *n, bool full)
{
    struct mem *m = (struct mem *)n;

    m->full = full;
    if (full || !m->starved)
        return;
    m->starved = false;
    if (n->tx_ready)
        n->tx_ready(n->dev);
}
