/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the peer of a stream: by connecting, again and again where the
 * administrator wants that, or by listening. A server has one peer at a time;
 * further ones wait in the kernel's queue. Names of hosts are not looked up:
 * that could block, and after start-up hvmd has no files to look in.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* At start-up, before the guest runs. */
#define CONNECT_MS 5000
/* Before accepting again when descriptors are short. */
#define ACCEPT_PAUSE_NS NS_PER_S

/* "-netdev stream,path=/run/x", which sentences begin with. */
struct where {
    char text[200];
    struct err *err;
};

static void dial_later(struct stream *s, uint64_t ns)
{
    timer_set(&s->redial, clock_now(loop_clock(s->loop)) + ns);
}

static int peer_up(struct stream *s, int fd)
{
    const int on = 1;

    if (s->addr.ss_family == AF_INET || s->addr.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return net_stream_up(s, fd);
}

/* The same with a socket of our own. */
static int connected(struct stream *s, int fd)
{
    int rc = peer_up(s, fd);

    if (rc < 0)
        close(fd);
    return rc;
}

static void on_accept(void *ctx, unsigned events)
{
    struct stream *s = ctx;
    int fd = accept4(s->dial_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        loop_want(s->loop, &s->dial_src, 0);
        if (connected(s, fd) < 0)
            dial_later(s, ACCEPT_PAUSE_NS);
        return;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
        errno == ENOBUFS) { /* it would be ready again at once */
        loop_want(s->loop, &s->dial_src, 0);
        dial_later(s, ACCEPT_PAUSE_NS);
    }
}

static void on_connect(void *ctx, unsigned events)
{
    struct stream *s = ctx;
    int fd = s->dial_fd, err = 0;
    socklen_t len = sizeof(err);

    loop_del(s->loop, &s->dial_src);
    s->dial_fd = -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err) {
        close(fd);
        net_stream_dial_again(s);
    } else if (connected(s, fd) < 0) {
        net_stream_dial_again(s);
    }
}

/* One attempt, without waiting: 0 when connected or under way. */
static int dial(struct stream *s)
{
    int fd = socket(s->addr.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&s->addr, s->addr_len) == 0)
        return connected(s, fd);
    rc = -errno;
    if (rc == -EINPROGRESS) {
        rc = loop_add(s->loop, &s->dial_src, fd, LOOP_OUT, on_connect, s);
        if (rc == 0) {
            s->dial_fd = fd;
            return 0;
        }
    }
    close(fd);
    return rc;
}

static void on_redial(void *ctx)
{
    struct stream *s = ctx;

    if (s->server)
        loop_want(s->loop, &s->dial_src, LOOP_IN);
    else if (dial(s) < 0)
        net_stream_dial_again(s);
}

void net_stream_dial_again(struct stream *s)
{
    if (s->server)
        loop_want(s->loop, &s->dial_src, LOOP_IN);
    else if (s->redial_ns)
        dial_later(s, s->redial_ns);
}

void net_stream_dial_close(struct stream *s)
{
    struct stat st;

    timer_cancel(&s->redial);
    loop_del(s->loop, &s->dial_src);
    if (s->dial_fd >= 0)
        close(s->dial_fd);
    /* Only the socket that we made: somebody may have replaced it. */
    if (s->path[0] && lstat(s->path, &st) == 0 && S_ISSOCK(st.st_mode) &&
        st.st_dev == s->path_dev && st.st_ino == s->path_ino)
        unlink(s->path);
    free(s);
}

static int unix_addr(struct stream *s, const char *path, struct where *w)
{
    struct sockaddr_un *a = (struct sockaddr_un *)&s->addr;

    if (!path || !*path)
        return err_set(w->err, -EINVAL, "-netdev stream: path= is missing");
    snprintf(w->text, sizeof(w->text), "-netdev stream,path=%.120s", path);
    if (strlen(path) >= sizeof(a->sun_path))
        return err_set(w->err, -ENAMETOOLONG,
                       "%s: the path is longer than the %zu characters of a "
                       "socket: use a shorter one",
                       w->text, sizeof(a->sun_path) - 1);
    a->sun_family = AF_UNIX;
    memcpy(a->sun_path, path, strlen(path) + 1);
    s->addr_len = sizeof(*a);
    return 0;
}

static int inet_addr_of(struct stream *s, const struct net_stream_conf *c,
                        struct where *w)
{
    const struct addrinfo hint = {.ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *a = NULL;
    char *end;
    unsigned long port;

    if (!c->host || !*c->host || !c->port || !*c->port)
        return err_set(w->err, -EINVAL,
                       "-netdev stream: host= or port= is missing");
    snprintf(w->text, sizeof(w->text), "-netdev stream,host=%.100s,port=%.20s",
             c->host, c->port);
    port = strtoul(c->port, &end, 10);
    if (*end || port > 65535)
        return err_set(w->err, -EINVAL,
                       "%s: the port is no number from 0 to 65535", w->text);
    if (getaddrinfo(c->host, c->port, &hint, &a))
        return err_set(w->err, -EINVAL,
                       "%s: the host must be an address in numbers, as "
                       "127.0.0.1 or ::1",
                       w->text);
    memcpy(&s->addr, a->ai_addr, a->ai_addrlen);
    s->addr_len = a->ai_addrlen;
    freeaddrinfo(a);
    return 0;
}

/* Takes a dead socket out of the way; a live one is somebody's. */
static int clear_path(const struct stream *s, const char *path,
                      const struct where *w)
{
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(w->err, -EEXIST,
                       "%s: that exists and is no socket: remove it or choose "
                       "another path",
                       w->text);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(w->err, -errno, "%s: no socket to be had: %s", w->text,
                       strerror(errno));
    rc = connect(fd, (const struct sockaddr *)&s->addr, s->addr_len) < 0 ? errno
                                                                         : 0;
    close(fd);
    if (rc != ECONNREFUSED)
        return err_set(w->err, -EADDRINUSE,
                       "%s: in use by another program: choose another path",
                       w->text);
    unlink(path);
    return 0;
}

static int listen_on(struct stream *s, const char *path, const struct where *w)
{
    const struct sockaddr *a = (const struct sockaddr *)&s->addr;
    const int on = 1;
    struct stat st;
    int rc;

    if (path && clear_path(s, path, w) < 0)
        return -EEXIST;
    s->dial_fd =
        socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->dial_fd >= 0 && !path)
        setsockopt(s->dial_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (s->dial_fd < 0 || bind(s->dial_fd, a, s->addr_len) < 0 ||
        listen(s->dial_fd, 1) < 0)
        return err_set(w->err, -errno, "%s: cannot listen there: %s", w->text,
                       strerror(errno));
    if (path && lstat(path, &st) == 0) {
        s->path_dev = st.st_dev;
        s->path_ino = st.st_ino;
        memcpy(s->path, path, strlen(path) + 1);
    }
    rc = loop_add(s->loop, &s->dial_src, s->dial_fd, LOOP_IN, on_accept, s);
    if (rc < 0)
        return err_set(w->err, rc, "%s: cannot be waited for: %s", w->text,
                       strerror(-rc));
    return 0;
}

/* Connects, waiting a bounded time: an fd or -errno. */
static int connect_wait(const struct stream *s)
{
    struct pollfd f = {.events = POLLOUT};
    int err = 0, rc;
    socklen_t len = sizeof(err);

    f.fd = socket(s->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  0);
    if (f.fd < 0)
        return -errno;
    if (connect(f.fd, (const struct sockaddr *)&s->addr, s->addr_len) == 0)
        return f.fd;
    err = errno;
    if (err == EINPROGRESS) {
        do
            rc = poll(&f, 1, CONNECT_MS);
        while (rc < 0 && errno == EINTR);
        err = ETIMEDOUT;
        if (rc > 0 && getsockopt(f.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
            err = errno;
        if (!err)
            return f.fd;
    }
    close(f.fd);
    return -err;
}

static int connect_to(struct stream *s, const struct where *w)
{
    int rc;

    if (s->redial_ns) {
        if (dial(s) < 0)
            net_stream_dial_again(s);
        return 0;
    }
    rc = connect_wait(s);
    if (rc >= 0)
        rc = connected(s, rc);
    if (rc < 0)
        return err_set(w->err, rc,
                       "%s: cannot connect: %s: start the other side first, "
                       "or add server=on, or reconnect=1",
                       w->text, strerror(-rc));
    return 0;
}

static int take_over(struct stream *s, int fd, struct where *w)
{
    int type = 0, flags = fcntl(fd, F_GETFL), rc;
    socklen_t len = sizeof(type);

    snprintf(w->text, sizeof(w->text), "-netdev stream,fd=%d", fd);
    s->addr_len = sizeof(s->addr);
    if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        type != SOCK_STREAM ||
        getpeername(fd, (struct sockaddr *)&s->addr, &s->addr_len) < 0)
        return err_set(w->err, -EINVAL,
                       "%s: that is no connected stream socket", w->text);
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return err_set(w->err, -errno, "%s: cannot be set up: %s", w->text,
                       strerror(errno));
    rc = peer_up(s, fd);
    if (rc < 0)
        return err_set(w->err, rc, "%s: cannot be waited for: %s", w->text,
                       strerror(-rc));
    return 0;
}

static int open_kind(struct stream *s, const struct net_stream_conf *c,
                     struct where *w)
{
    int rc;

    if (c->kind == NET_STREAM_FD)
        return take_over(s, c->fd, w);
    rc = c->kind == NET_STREAM_UNIX ? unix_addr(s, c->path, w)
                                    : inet_addr_of(s, c, w);
    if (rc < 0)
        return rc;
    if (c->server)
        return listen_on(s, c->kind == NET_STREAM_UNIX ? c->path : NULL, w);
    return connect_to(s, w);
}

struct net *net_stream_open(struct loop *loop, const struct net_stream_conf *c,
                            struct err *e)
{
    struct stream *s = calloc(1, sizeof(*s));
    struct where w = {"", e};

    if (!s) {
        err_set(e, -ENOMEM, "-netdev stream: out of memory");
        return NULL;
    }
    net_stream_init(s, loop);
    s->dial_fd = -1;
    s->server = c->server && c->kind != NET_STREAM_FD;
    if (!s->server && c->kind != NET_STREAM_FD)
        s->redial_ns = c->reconnect_ms * NS_PER_MS;
    timer_init(&s->redial, loop_clock(loop), on_redial, s);
    if (open_kind(s, c, &w) < 0) {
        s->net.ops->close(&s->net);
        return NULL;
    }
    return &s->net;
}
