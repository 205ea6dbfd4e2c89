/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors of the wire. A socket is never waited for; answers that it does
 * not take at once stop the reading until they are out. The end of the input,
 * once all is answered, is the end of the program.
 */
#include "qtest.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536u

int qtest_connect(const char *path, const char *option, struct err *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path))
        return err_set(e, -ENAMETOOLONG,
                       "%s: the path is longer than %zu "
                       "bytes",
                       option, sizeof(addr.sun_path) - 1);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int rc = -errno;

        if (fd >= 0)
            close(fd);
        return err_set(e, rc, "%s: cannot connect to %.120s: %s", option, path,
                       strerror(-rc));
    }
    return fd;
}

static void end(struct qtest *q)
{
    loop_stop(q->loop, 0);
}

/*
 * Standard output may be a pipe that is full, and others may have it open too,
 * so it blocks or not as it is: wait for room, or for a signal to end by, and
 * write no more than there is room for then.
 */
static ssize_t write_out(struct qtest *q, const char *text, size_t len)
{
    struct pollfd p[2] = {{.fd = q->out, .events = POLLOUT},
                          {.fd = q->signals.src.fd, .events = POLLIN}};
    ssize_t n;

    if (poll(p, 2, -1) < 0)
        return -1;
    if (p[1].revents && !p[0].revents) {
        errno = ECANCELED;
        return -1;
    }
    n = write(q->out, text, len < PIPE_BUF ? len : PIPE_BUF);
    if (n < 0 && errno == EAGAIN) /* somebody else was quicker */
        errno = EINTR;
    return n;
}

static ssize_t write_some(struct qtest *q, const char *text, size_t len)
{
    return q->socket ? send(q->out, text, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                     : write_out(q, text, len);
}

/* False: some is left, or the other side is gone. */
static bool flush(struct qtest *q)
{
    struct wire *w = &q->wire;
    size_t at = 0;
    ssize_t n = 0;

    while (at < w->out_len) {
        n = write_some(q, w->out + at, w->out_len - at);
        if (n > 0)
            at += (size_t)n;
        else if (n < 0 && errno != EINTR)
            break;
    }
    if (at < w->out_len && errno != EAGAIN)
        end(q);
    else if (at < w->out_len)
        loop_want(q->loop, &q->client, LOOP_OUT);
    if (at) {
        w->out_len -= at;
        memmove(w->out, w->out + at, w->out_len);
    }
    if (!w->out_len && q->ended)
        end(q);
    return !w->out_len;
}

/* False: the program ends. */
static bool fill(struct qtest *q)
{
    size_t room;
    char *at = wire_room(&q->wire, READ_BYTES, &room);
    ssize_t n;

    if (!at) { /* no memory for a line */
        end(q);
        return false;
    }
    n = q->socket ? recv(q->in, at, room - 1, MSG_DONTWAIT)
                  : read(q->in, at, room - 1);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n < 0) {
        end(q);
        return false;
    }
    if (!n) {
        wire_end(&q->wire);
        q->ended = true;
        return true;
    }
    wire_took(&q->wire, (size_t)n);
    return true;
}

static void on_client(void *ctx, unsigned events)
{
    struct qtest *q = ctx;

    if (events & LOOP_OUT) {
        if (!flush(q) || q->ended)
            return;
        loop_want(q->loop, &q->client, LOOP_IN);
    }
    if ((events & (LOOP_IN | LOOP_HUP)) && fill(q))
        flush(q);
}

static bool on_plain(void *ctx)
{
    struct qtest *q = ctx;

    if (!fill(q))
        return false;
    flush(q);
    return !q->ended;
}

static void on_ready(void *ctx)
{
    flush(ctx);
}

static int begin(struct qtest *q, int in, int out)
{
    q->in = in;
    q->out = out;
    return loop_add(q->loop, &q->client, in, LOOP_IN, on_client, q);
}

/* The first one; there is one. */
static void on_caller(void *ctx, unsigned events)
{
    struct qtest *q = ctx;
    int fd = accept4(q->door.fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
        return;
    loop_del(q->loop, &q->door_src);
    usock_close(&q->door);
    if (fd < 0 || begin(q, fd, fd))
        end(q);
}

static int open_door(struct qtest *q, const char *path, struct err *e)
{
    int rc = usock_listen(&q->door, path, "-qtest", e);

    if (rc)
        return rc;
    rc = loop_add(q->loop, &q->door_src, q->door.fd, LOOP_IN, on_caller, q);
    return rc ? err_set(e, rc, "epoll: %s", strerror(-rc)) : 0;
}

int qtest_open_wire(struct qtest *q, struct err *e)
{
    struct args_peer peer = q->args.qtest;
    int rc, fd;

    q->wire.ready = on_ready;
    q->wire.ctx = q;
    if (!peer.path)
        return 0;
    q->socket = strcmp(peer.path, "stdio") != 0;
    if (peer.listens)
        return open_door(q, peer.path, e);
    fd = q->socket ? qtest_connect(peer.path, "-qtest", e) : STDIN_FILENO;
    if (fd < 0)
        return fd;
    rc = begin(q, fd, q->socket ? fd : STDOUT_FILENO);
    if (rc == -EPERM) { /* a plain file */
        loop_poll(q->loop, on_plain, q);
        rc = 0;
    }
    return rc ? err_set(e, rc, "epoll: %s", strerror(-rc)) : 0;
}

void qtest_close_wire(struct qtest *q)
{
    loop_del(q->loop, &q->door_src);
    usock_close(&q->door);
    loop_del(q->loop, &q->client);
    if (q->socket && q->in >= 0)
        close(q->in);
    wire_free(&q->wire);
}
