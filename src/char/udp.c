/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams: what the guest writes goes out at once, lost if it cannot; a
 * datagram that came is handed over as the guest has room, the next stays in
 * the kernel meanwhile.
 */
#include "chr.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct udp {
    struct chr chr;
    struct loop *loop;
    int fd;
    struct loop_src src;
    struct timer rest; /* hands over what is left of a datagram */
    size_t room, len, pos;
    uint8_t buf[4096];
};

static void want(struct udp *u)
{
    loop_want(u->loop, &u->src,
              u->room && u->pos == u->len && u->chr.rx ? LOOP_IN : 0);
}

static void deliver(void *ctx)
{
    struct udp *u = ctx;
    size_t n = u->len - u->pos;
    const uint8_t *from = u->buf + u->pos;

    if (n > u->room)
        n = u->room;
    if (!n || !u->chr.rx)
        return;
    u->pos += n;
    u->room -= n;
    u->chr.rx(u->chr.dev, from, n);
    want(u);
}

static void udp_ready(void *ctx, unsigned events)
{
    struct udp *u = ctx;
    ssize_t n;

    if (u->pos < u->len && !(events & LOOP_HUP))
        return;
    if (events & LOOP_HUP) { /* an ICMP error: take it off the socket */
        int err;
        socklen_t len = sizeof(err);

        getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &err, &len);
        return;
    }
    n = recv(u->fd, u->buf, sizeof(u->buf), MSG_DONTWAIT);
    if (n <= 0)
        return;
    u->len = (size_t)n;
    u->pos = 0;
    deliver(u);
}

static size_t udp_write(struct chr *c, const uint8_t *buf, size_t len)
{
    struct udp *u = (struct udp *)c;

    if (send(u->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return len; /* lost */
    return len;
}

static void udp_rx_room(struct chr *c, size_t n)
{
    struct udp *u = (struct udp *)c;

    u->room = n;
    if (n && u->pos < u->len)
        timer_set(&u->rest, clock_now(loop_clock(u->loop)));
    want(u);
}

static void udp_close(struct chr *c)
{
    struct udp *u = (struct udp *)c;

    timer_cancel(&u->rest);
    loop_del(u->loop, &u->src);
    if (u->fd >= 0)
        close(u->fd);
    free(u);
}

static const struct chr_ops udp_ops = {
    .write = udp_write, .rx_room = udp_rx_room, .close = udp_close};

/* A socket bound to one of local and connected to one of remote. */
static int udp_socket(struct addrinfo *local, struct addrinfo *remote)
{
    int fd = -1, rc = -EADDRNOTAVAIL;
    const int on = 1;

    for (struct addrinfo *r = remote; r; r = r->ai_next) {
        for (struct addrinfo *l = local; l; l = l->ai_next) {
            if (l->ai_family != r->ai_family)
                continue;
            fd = socket(r->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        0);
            if (fd < 0)
                return -errno;
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
            if (bind(fd, l->ai_addr, l->ai_addrlen) == 0 &&
                connect(fd, r->ai_addr, r->ai_addrlen) == 0)
                return fd;
            rc = -errno;
            close(fd);
        }
    }
    return rc;
}

int chr_udp(const struct where *w, const char *host, const char *port,
            const char *local_host, const char *local_port, struct chr **out)
{
    struct addrinfo *local, *remote;
    struct udp *u;
    int rc, fd;

    rc = sock_resolve(w, host, port, AF_UNSPEC, SOCK_DGRAM, false, &remote);
    if (rc)
        return rc;
    rc = sock_resolve(w, local_host, local_port, AF_UNSPEC, SOCK_DGRAM, true,
                      &local);
    if (rc) {
        freeaddrinfo(remote);
        return rc;
    }
    fd = udp_socket(local, remote);
    freeaddrinfo(local);
    freeaddrinfo(remote);
    if (fd < 0)
        return fail(w, fd,
                    "cannot send from %s:%s to %s:%s (%s); choose "
                    "another port",
                    local_host, local_port, host, port, strerror(-fd));
    u = calloc(1, sizeof(*u));
    if (!u) {
        close(fd);
        return fail(w, -ENOMEM, "out of memory");
    }
    u->chr.ops = &udp_ops;
    u->chr.connected = true;
    u->loop = w->loop;
    u->fd = fd;
    timer_init(&u->rest, loop_clock(w->loop), deliver, u);
    snprintf(u->chr.label, sizeof(u->chr.label), "%s", w->label);
    chr_name(&u->chr, "udp:%s:%s", host, port);
    rc = loop_add(w->loop, &u->src, fd, 0, udp_ready, u);
    if (rc < 0) {
        udp_close(&u->chr);
        return fail(w, rc, "cannot be waited for (%s)", strerror(-rc));
    }
    *out = &u->chr;
    return 0;
}
