/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream sockets, unix and TCP, either end. A server has one client at a
 * time; further ones wait in the kernel's queue. "wait" (QEMU's default for
 * servers) would hold up the start of the domain until somebody connects: here
 * a client may come at any time, and output before it is dropped.
 */
#include "chr.h"
#include "telnet.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_MS      5000 /* at start-up */
#define ACCEPT_PAUSE_NS NS_PER_S

struct sock {
    struct stream s;
    struct telnet telnet;
    bool is_telnet, nodelay, server;
    int fd;  /* the connection */
    int lfd; /* server: listening; client: connecting */
    struct loop_src lsrc;
    struct timer again; /* server: accept again; client: connect again */
    uint64_t again_ns;  /* client: 0 never */
    struct sockaddr_storage addr; /* client: the peer's */
    socklen_t addr_len;
    char where[200]; /* "tcp:127.0.0.1:4444,server=on" */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* ours */
    dev_t dev;
    ino_t ino;
};

static void name(struct sock *k)
{
    chr_name(&k->s.chr, "%s%s",
             k->s.chr.connected ? "" : "disconnected:", k->where);
}

static int connected(struct sock *k, int fd)
{
    const int on = 1;
    int rc;

    if (k->nodelay)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    k->fd = fd;
    if (k->is_telnet)
        telnet_hello(&k->telnet, fd);
    rc = stream_up(&k->s, fd, fd);
    if (rc < 0) {
        close(fd);
        k->fd = -1;
    }
    name(k);
    return rc;
}

static void again_later(struct sock *k, uint64_t ns)
{
    timer_set(&k->again, clock_now(loop_clock(k->s.loop)) + ns);
}

static void acceptable(void *ctx, unsigned events)
{
    struct sock *k = ctx;
    int fd;

    /* One who wants to talk goes before the last words of one who left. */
    if (k->s.hup_held)
        stream_down(&k->s);
    fd = accept4(k->lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        if (connected(k, fd) == 0)
            loop_want(k->s.loop, &k->lsrc, 0);
        return;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
        errno == ENOBUFS) { /* it would be ready again at once */
        loop_want(k->s.loop, &k->lsrc, 0);
        again_later(k, ACCEPT_PAUSE_NS);
    }
}

static void connect_end(void *ctx, unsigned events)
{
    struct sock *k = ctx;
    int fd = k->lfd, err = 0;
    socklen_t len = sizeof(err);

    loop_del(k->s.loop, &k->lsrc);
    k->lfd = -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err) {
        close(fd);
        again_later(k, k->again_ns);
    } else if (connected(k, fd) < 0) {
        again_later(k, k->again_ns);
    }
}

static void connect_begin(struct sock *k)
{
    int fd = socket(k->addr.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&k->addr, k->addr_len) == 0) {
        if (connected(k, fd) < 0) /* it has closed fd */
            again_later(k, k->again_ns);
        return;
    }
    if (fd >= 0 && errno == EINPROGRESS &&
        loop_add(k->s.loop, &k->lsrc, fd, LOOP_OUT, connect_end, k) == 0) {
        k->lfd = fd;
        return;
    }
    if (fd >= 0)
        close(fd);
    again_later(k, k->again_ns);
}

static void again(void *ctx)
{
    struct sock *k = ctx;

    if (k->server)
        loop_want(k->s.loop, &k->lsrc, k->s.chr.connected ? 0 : LOOP_IN);
    else if (!k->s.chr.connected && k->lfd < 0)
        connect_begin(k);
}

static void sock_down(struct stream *s)
{
    struct sock *k = (struct sock *)s;

    close(k->fd);
    k->fd = -1;
    name(k);
    if (k->server)
        loop_want(s->loop, &k->lsrc, LOOP_IN);
    else if (k->again_ns)
        again_later(k, k->again_ns);
}

static void sock_held(struct stream *s)
{
    struct sock *k = (struct sock *)s;

    if (k->server)
        loop_want(s->loop, &k->lsrc, LOOP_IN);
}

/* Only the socket that we made: somebody may have replaced it. */
static void remove_path(struct sock *k)
{
    struct stat st;

    if (k->path[0] && lstat(k->path, &st) == 0 && S_ISSOCK(st.st_mode) &&
        st.st_dev == k->dev && st.st_ino == k->ino)
        unlink(k->path);
}

static void sock_close(struct stream *s)
{
    struct sock *k = (struct sock *)s;

    timer_cancel(&k->again);
    loop_del(s->loop, &k->lsrc);
    if (k->fd >= 0)
        close(k->fd);
    if (k->lfd >= 0)
        close(k->lfd);
    remove_path(k);
}

static ssize_t sock_send(struct stream *s, const uint8_t *buf, size_t len)
{
    struct sock *k = (struct sock *)s;
    ssize_t n;

    if (k->is_telnet)
        return telnet_send(&k->telnet, k->fd, buf, len);
    n = send(k->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

static size_t sock_filter(struct stream *s, uint8_t *buf, size_t len)
{
    struct sock *k = (struct sock *)s;

    return k->is_telnet ? telnet_filter(&k->telnet, buf, len) : len;
}

static const struct stream_ops sock_ops = {.send = sock_send,
                                           .filter = sock_filter,
                                           .down = sock_down,
                                           .held = sock_held,
                                           .close = sock_close};

int sock_resolve(const struct where *w, const char *host, const char *port,
                 int family, int type, bool passive, struct addrinfo **out)
{
    struct addrinfo hint = {.ai_family = family,
                            .ai_socktype = type,
                            .ai_flags = passive ? AI_PASSIVE : 0};
    char *end;
    unsigned long n = strtoul(port, &end, 10);
    int rc;

    /* getaddrinfo() takes 70000 for 4464. */
    if (!*end && n > 65535)
        return fail(w, -EINVAL, "port %s is above 65535", port);
    rc = getaddrinfo(*host ? host : NULL, port, &hint, out);
    if (rc)
        return fail(w, -EINVAL,
                    "\"%s:%s\" is no address (%s); give a host "
                    "name or address and a port number",
                    host, port, gai_strerror(rc));
    return 0;
}

static int unix_addr(const struct where *w, const char *path,
                     struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!*path)
        return fail(w, -EINVAL, "the path is missing; write unix:PATH");
    if (strlen(path) >= sizeof(a->sun_path))
        return fail(w, -ENAMETOOLONG,
                    "the path is longer than the %zu characters of a socket; "
                    "use a shorter one",
                    sizeof(a->sun_path) - 1);
    strcpy(a->sun_path, path);
    return 0;
}

/* Takes a dead socket out of the way; a live one is somebody's. */
static int unix_clear(const struct where *w, const struct sockaddr_un *a)
{
    struct stat st;
    int fd, rc;

    if (lstat(a->sun_path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return fail(w, -EEXIST,
                    "%s exists and is no socket; remove it or "
                    "choose another path",
                    a->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(w, -errno, "no socket to be had (%s)", strerror(errno));
    rc = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? errno : 0;
    close(fd);
    if (rc != ECONNREFUSED)
        return fail(w, -EADDRINUSE,
                    "%s is in use by another program; choose "
                    "another path",
                    a->sun_path);
    unlink(a->sun_path);
    return 0;
}

static int listen_unix(const struct where *w, struct sock *k, const char *path)
{
    struct sockaddr_un a;
    struct stat st;
    int rc = unix_addr(w, path, &a);

    if (!rc)
        rc = unix_clear(w, &a);
    if (rc)
        return rc;
    k->lfd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (k->lfd < 0 || bind(k->lfd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(k->lfd, 1) < 0)
        return fail(w, -errno,
                    "cannot create the socket %s (%s); name a "
                    "folder that exists and is writable",
                    path, strerror(errno));
    if (lstat(path, &st) == 0) {
        k->dev = st.st_dev;
        k->ino = st.st_ino;
        strcpy(k->path, path);
    }
    snprintf(k->where, sizeof(k->where), "unix:%s,server=on", path);
    return 0;
}

static int bind_tcp(struct addrinfo *list)
{
    const int on = 1;
    int fd, rc = -EADDRNOTAVAIL;

    for (struct addrinfo *a = list; a; a = a->ai_next) {
        fd =
            socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            rc = -errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0)
            return fd;
        rc = -errno;
        close(fd);
    }
    return rc;
}

static void name_tcp(struct sock *k, int fd, const char *tail)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    char host[100] = "", port[16] = "";

    if (k->server ? getsockname(fd, (struct sockaddr *)&a, &len)
                  : getpeername(fd, (struct sockaddr *)&a, &len))
        return;
    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port,
                sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(k->where, sizeof(k->where),
             a.ss_family == AF_INET6 ? "%s:[%s]:%s%s" : "%s:%s:%s%s",
             k->is_telnet ? "telnet" : "tcp", host, port, tail);
}

static int listen_tcp(const struct where *w, struct sock *k,
                      const struct sock_conf *c)
{
    unsigned long first = strtoul(c->port, NULL, 10);
    struct addrinfo *list = NULL;
    char port[32];
    int rc;

    snprintf(port, sizeof(port), "%.31s", c->port);
    for (unsigned long n = first;;) {
        rc =
            sock_resolve(w, c->host, port, c->family, SOCK_STREAM, true, &list);
        if (rc)
            return rc;
        k->lfd = bind_tcp(list);
        freeaddrinfo(list);
        if (k->lfd >= 0)
            break;
        if (k->lfd != -EADDRINUSE || ++n > c->port_to) {
            rc = k->lfd;
            k->lfd = -1;
            return fail(w, rc,
                        "cannot listen on %s:%s (%s); choose another "
                        "port or address",
                        c->host, port, strerror(-rc));
        }
        snprintf(port, sizeof(port), "%lu", n);
    }
    name_tcp(k, k->lfd, ",server=on");
    return 0;
}

/* Connects, waiting a bounded time: an fd or -errno. */
static int connect_wait(const struct sockaddr *a, socklen_t len)
{
    struct pollfd f = {.events = POLLOUT};
    int err = 0, rc;
    socklen_t err_len = sizeof(err);

    f.fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (f.fd < 0)
        return -errno;
    if (connect(f.fd, a, len) == 0)
        return f.fd;
    err = errno;
    if (err == EINPROGRESS) {
        do
            rc = poll(&f, 1, CONNECT_MS);
        while (rc < 0 && errno == EINTR);
        err = ETIMEDOUT;
        if (rc > 0 &&
            getsockopt(f.fd, SOL_SOCKET, SO_ERROR, &err, &err_len) < 0)
            err = errno;
        if (!err)
            return f.fd;
    }
    close(f.fd);
    return -err;
}

static void keep_addr(struct sock *k, const struct sockaddr *a, socklen_t len)
{
    memcpy(&k->addr, a, len);
    k->addr_len = len;
}

static int connect_first(const struct where *w, struct sock *k,
                         const struct sock_conf *c)
{
    struct addrinfo *list = NULL;
    struct sockaddr_un un;
    int rc, fd = -1;

    if (c->path) {
        rc = unix_addr(w, c->path, &un);
        if (rc)
            return rc;
        keep_addr(k, (struct sockaddr *)&un, sizeof(un));
        snprintf(k->where, sizeof(k->where), "unix:%s", c->path);
        fd = connect_wait((struct sockaddr *)&un, sizeof(un));
    } else {
        snprintf(k->where, sizeof(k->where), "%s:%.100s:%.20s",
                 c->telnet ? "telnet" : "tcp", c->host, c->port);
        rc = sock_resolve(w, c->host, c->port, c->family, SOCK_STREAM, false,
                          &list);
        if (rc)
            return rc;
        keep_addr(k, list->ai_addr, list->ai_addrlen);
        for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
            fd = connect_wait(a->ai_addr, a->ai_addrlen);
            if (fd >= 0)
                keep_addr(k, a->ai_addr, a->ai_addrlen);
        }
        freeaddrinfo(list);
        if (fd >= 0)
            name_tcp(k, fd, "");
    }
    if (fd >= 0) {
        rc = connected(k, fd);
        if (rc < 0)
            return fail(w, rc, "cannot be waited for (%s)", strerror(-rc));
        return 0;
    }
    if (k->again_ns) {
        again_later(k, k->again_ns);
        return 0;
    }
    return fail(w, fd,
                "cannot connect (%s); start the other side first, or "
                "add server=on, or reconnect=1",
                strerror(-fd));
}

int chr_socket(const struct where *w, const struct sock_conf *c,
               struct chr **out)
{
    struct sock *k = stream_new(sizeof(*k), &sock_ops, w->loop, w->label);
    int rc;

    if (!k)
        return fail(w, -ENOMEM, "out of memory");
    k->fd = k->lfd = -1;
    k->is_telnet = c->telnet;
    k->nodelay = c->nodelay;
    k->server = c->server;
    k->again_ns = c->reconnect_s * NS_PER_S;
    timer_init(&k->again, loop_clock(w->loop), again, k);
    if (!c->server)
        rc = connect_first(w, k, c);
    else
        rc = c->path ? listen_unix(w, k, c->path) : listen_tcp(w, k, c);
    if (!rc && c->server) {
        rc = loop_add(w->loop, &k->lsrc, k->lfd, LOOP_IN, acceptable, k);
        if (rc < 0)
            fail(w, rc, "cannot be waited for (%s)", strerror(-rc));
    }
    if (rc) {
        stream_close(&k->s.chr);
        return rc;
    }
    name(k);
    *out = &k->s.chr;
    return 0;
}
