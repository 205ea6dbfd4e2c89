/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP sockets: listening, one client, bytes in and out. */
#include "qmp_impl.h"
#include "usock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_NS NS_PER_S

struct qmp {
    struct qmp *next;   /* of the servers */
    struct qmp *beside; /* of all that have or take a client */
    struct loop *loop;
    struct qmp_ctx *ctx;
    char label[64];
    struct usock sock; /* no fd: the one client was given to us */
    struct loop_src lsrc;
    void (*gone)(void *ctx);
    void *gone_ctx;
    /* the client */
    int fd; /* -1: none */
    struct loop_src src;
    struct timer timer; /* client: output stalls; none: accept again */
    struct qmp_text text;
    char in[QMP_READ_BYTES];
    size_t in_len, in_at;
    char *out;
    size_t out_len, out_at;
    char ev[QMP_EVENTS_BYTES]; /* events that have not gone out */
    size_t ev_len, ev_at;
    uint64_t waiting; /* not 0: the token of a command put off */
    struct json_object *later_id;
    bool later_has_id, later_text;
    int fds[QMP_FDS_MAX]; /* for the next complete command */
    unsigned nfds;
    size_t in_max;
    uint64_t heard_ns;
    unsigned errors; /* syntax errors in a row */
    bool negotiated;
    bool closing;  /* when the output is out */
    bool replying; /* then, ops->replied */
    bool quit;     /* and ops->quit */
};

const char *qmp_label(const struct qmp *q)
{
    return q->label;
}

void qmp_filename(const struct qmp *q, char *buf, size_t len)
{
    snprintf(buf, len, "unix:%s,server=on", q->sock.path);
}

bool qmp_connected(const struct qmp *q)
{
    return q->fd >= 0;
}

struct qmp *qmp_next(const struct qmp *q)
{
    return q->next;
}

static void drop_fds(struct qmp *q)
{
    while (q->nfds) {
        q->nfds--;
        if (q->fds[q->nfds] >= 0)
            close(q->fds[q->nfds]);
    }
}

/* What had to wait until the reply was out. */
static void after_reply(struct qmp *q)
{
    if (q->replying && q->ctx->ops->replied)
        q->ctx->ops->replied(q->ctx->opaque);
    q->replying = false;
    if (!q->quit)
        return;
    q->quit = false;
    if (q->ctx->ops->quit)
        q->ctx->ops->quit(q->ctx->opaque);
}

static bool anybody(const struct qmp_ctx *ctx)
{
    const struct qmp *q = ctx->all;

    while (q && q->fd < 0)
        q = q->beside;
    return q;
}

static void close_client(struct qmp *q)
{
    if (q->fd < 0)
        return;
    timer_cancel(&q->timer);
    loop_del(q->loop, &q->src);
    close(q->fd);
    q->fd = -1;
    qmp_text_free(&q->text);
    drop_fds(q);
    fdset_leave(&q->ctx->fdset, q, !anybody(q->ctx));
    free(q->out);
    q->out = NULL;
    q->out_len = q->out_at = q->in_len = q->in_at = 0;
    q->ev_len = q->ev_at = 0;
    q->negotiated = false;
    q->waiting = 0;
    json_object_put(q->later_id);
    q->later_id = NULL;
    loop_want(q->loop, &q->lsrc, LOOP_IN);
    after_reply(q);
    if (q->gone)
        q->gone(q->gone_ctx);
}

static bool pending(const struct qmp *q)
{
    return q->out_at < q->out_len;
}

/* What the client is waited for. */
static void settle(struct qmp *q)
{
    unsigned want = 0;

    if (q->fd < 0)
        return;
    if (pending(q) || q->ev_len)
        want = LOOP_OUT;
    else if (!q->waiting) /* what was read already must not wait for more */
        want = q->in_at < q->in_len ? LOOP_OUT : LOOP_IN;
    loop_want(q->loop, &q->src, want);
}

/* Events go before a reply or behind it, never inside; and so the reverse. */
static bool events_first(const struct qmp *q)
{
    return q->ev_len && (q->ev_at || !q->out_at);
}

static void forget_reply(struct qmp *q)
{
    free(q->out);
    q->out = NULL;
    q->out_len = q->out_at = 0;
    timer_cancel(&q->timer);
}

static ssize_t send_some(struct qmp *q)
{
    bool ev = events_first(q);
    const char *from = ev ? q->ev + q->ev_at : q->out + q->out_at;
    size_t len = ev ? q->ev_len - q->ev_at : q->out_len - q->out_at;
    ssize_t n = send(q->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n <= 0)
        return n;
    if (!ev)
        q->out_at += (size_t)n;
    else if ((q->ev_at += (size_t)n) == q->ev_len)
        q->ev_at = q->ev_len = 0;
    if (q->out && !pending(q))
        forget_reply(q);
    return n;
}

/* False: the client is gone. */
static bool flush(struct qmp *q)
{
    ssize_t n;

    while (pending(q) || q->ev_len) {
        n = send_some(q);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            settle(q);
            if (!pending(q)) /* only events wait */
                after_reply(q);
            return true;
        }
        if (n <= 0) {
            close_client(q);
            return false;
        }
        if (pending(q))
            timer_set(&q->timer, clock_now(loop_clock(q->loop)) + QMP_STALL_NS);
    }
    settle(q);
    after_reply(q);
    return true;
}

/* Queues one message (owned); false: the client is gone. */
static bool post(struct qmp *q, struct json_object *msg)
{
    const char *text = NULL;
    size_t len = 0;

    q->replying = true;
    if (msg)
        text = json_object_to_json_string_length(
            msg, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (!text || len > QMP_OUT_MAX || pending(q)) {
        json_object_put(msg);
        close_client(q);
        return false;
    }
    q->out = malloc(len + 2);
    if (q->out) {
        memcpy(q->out, text, len);
        memcpy(q->out + len, "\r\n", 2);
        q->out_len = len + 2;
        q->out_at = 0;
    }
    json_object_put(msg);
    if (!q->out) {
        close_client(q);
        return false;
    }
    timer_set(&q->timer, clock_now(loop_clock(q->loop)) + QMP_STALL_NS);
    return flush(q);
}

static bool run_command(struct qmp *q, struct json_object *request)
{
    struct qmp_call call = {.qmp = q,
                            .ctx = q->ctx,
                            .fds = q->fds,
                            .nfds = q->nfds,
                            .token = ++q->ctx->tokens};
    struct json_object *reply = qmp_dispatch(&call, &q->negotiated, request);

    q->errors = 0;
    drop_fds(q);
    if (call.later && !reply) {
        q->waiting = call.token;
        q->later_has_id =
            json_object_object_get_ex(request, "id", &q->later_id);
        json_object_get(q->later_id);
        q->later_text = call.text;
        json_object_put(request);
        settle(q);
        return true;
    }
    json_object_put(request);
    q->quit = call.quit;
    return post(q, reply);
}

void qmp_finish(struct qmp_ctx *ctx, uint64_t token, const struct err *e)
{
    struct json_object *reply;
    struct qmp *q;

    for (q = ctx->all; q && q->waiting != token; q = q->beside)
        ;
    if (!q || !token)
        return;
    q->waiting = 0;
    reply = qmp_late_reply(e, q->later_text);
    if (q->later_has_id)
        json_object_object_add(reply, "id", q->later_id);
    q->later_id = NULL;
    if (post(q, reply))
        settle(q);
}

/* From anywhere, also from the middle of a guest's access or a command. */
void qmp_tell_all(struct qmp_ctx *ctx, const char *text, size_t len)
{
    struct qmp *q;

    for (q = ctx->all; q; q = q->beside) {
        if (q->fd < 0 || !q->negotiated || q->closing)
            continue;
        if (len > sizeof(q->ev) - q->ev_len) {
            ctx->events_lost++;
            continue;
        }
        memcpy(q->ev + q->ev_len, text, len);
        q->ev_len += len;
        loop_want(q->loop, &q->src, LOOP_OUT);
    }
}

static bool syntax_error(struct qmp *q, bool last)
{
    drop_fds(q);
    if (++q->errors >= QMP_ERRORS_MAX)
        last = true;
    q->closing = last;
    if (last)
        bucket_log(q->ctx->log, &q->ctx->bucket, "qmp",
                   "%s: closing a client that does not speak QMP", q->label);
    return post(q, qmp_error(QMP_GENERIC,
                             last ? "this is not QMP; the connection is closed"
                                  : "not a JSON object; the rest of the line "
                                    "is skipped"));
}

/* Carries out what was read, one command at a time; false: client gone. */
static bool work(struct qmp *q)
{
    struct json_object *obj = NULL;
    bool here = true;
    size_t used;

    while (here && !pending(q) && !q->closing && !q->waiting &&
           q->in_at < q->in_len) {
        switch (qmp_text_feed(&q->text, q->in + q->in_at, q->in_len - q->in_at,
                              &used, &obj)) {
        case QMP_MORE:
            q->in_at += used;
            break;
        case QMP_OBJECT:
            q->in_at += used;
            here = run_command(q, obj);
            break;
        case QMP_SYNTAX:
            q->in_at += used;
            here = syntax_error(q, false);
            break;
        case QMP_TOO_LONG:
            q->in_at = q->in_len;
            here = syntax_error(q, true);
            break;
        }
    }
    if (here && q->closing && !pending(q)) {
        close_client(q);
        here = false;
    }
    return here;
}

static void take_fds(struct qmp *q, struct msghdr *msg)
{
    struct cmsghdr *c;
    size_t n, i;
    int fd;

    for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (i = 0; i < n; i++) {
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (q->nfds < QMP_FDS_MAX)
                q->fds[q->nfds++] = fd;
            else
                close(fd);
        }
    }
}

/* One chunk; false: the client is gone. */
static bool fill(struct qmp *q)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(QMP_FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {q->in, sizeof(q->in)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(q->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0) {
        close_client(q);
        return false;
    }
    q->heard_ns = clock_now(loop_clock(q->loop));
    take_fds(q, &msg);
    if (n == 0) { /* what it asked for has been answered */
        close_client(q);
        return false;
    }
    q->in_len = (size_t)n;
    q->in_at = 0;
    return true;
}

static void client_ready(void *ctx, unsigned events)
{
    struct qmp *q = ctx;

    if (q->waiting && (events & LOOP_HUP)) {
        close_client(q);
        return;
    }
    if ((pending(q) || q->ev_len) && !flush(q))
        return;
    if (pending(q))
        return;
    if (!work(q)) /* what was read before the output stalled */
        return;
    if (!pending(q) && !q->waiting && q->in_at == q->in_len && fill(q) &&
        !work(q))
        return;
    settle(q);
}

/* fd is ours from here on, also on an error. */
static int start_client(struct qmp *q, int fd)
{
    int rc = qmp_text_init(&q->text, q->in_max);

    if (!rc)
        rc = loop_add(q->loop, &q->src, fd, LOOP_IN, client_ready, q);
    if (rc) {
        qmp_text_free(&q->text);
        close(fd);
        return rc;
    }
    q->fd = fd;
    q->heard_ns = clock_now(loop_clock(q->loop));
    q->errors = 0;
    q->negotiated = q->closing = false;
    loop_want(q->loop, &q->lsrc, 0);
    post(q, qmp_greeting());
    return 0;
}

static void accept_client(void *ctx, unsigned events)
{
    struct qmp *q = ctx;
    int fd;

    if (q->fd >= 0)
        return;
    fd = accept4(q->sock.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        start_client(q, fd);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        /* No descriptors, no memory: not again at once. */
        loop_want(q->loop, &q->lsrc, 0);
        timer_set(&q->timer, clock_now(loop_clock(q->loop)) + RETRY_NS);
    }
}

static void timed_out(void *ctx)
{
    struct qmp *q = ctx;

    if (q->fd < 0) {
        loop_want(q->loop, &q->lsrc, LOOP_IN);
        return;
    }
    bucket_log(q->ctx->log, &q->ctx->bucket, "qmp",
               "%s: closing a client that does not read", q->label);
    close_client(q);
}

static int listen_path(struct qmp *q, const char *path, struct err *e)
{
    char option[sizeof(q->label) + 16];

    snprintf(option, sizeof(option), "-chardev %s", q->label);
    return usock_listen(&q->sock, path, option, e);
}

static int listen_fd(struct qmp *q, int fd, struct err *e)
{
    struct sockaddr_un addr;
    socklen_t len = sizeof(addr), one = sizeof(int);
    int on = 0;

    memset(&addr, 0, sizeof(addr));
    q->sock.fd = fd;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &one) || !on ||
        getsockname(fd, (struct sockaddr *)&addr, &len) ||
        addr.sun_family != AF_UNIX)
        return err_set(e, -EINVAL,
                       "-chardev %s fd=%d is not a listening unix socket",
                       q->label, fd);
    if (len > offsetof(struct sockaddr_un, sun_path))
        snprintf(q->sock.path, sizeof(q->sock.path), "%.*s",
                 (int)(len - offsetof(struct sockaddr_un, sun_path)),
                 addr.sun_path);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) ||
        fcntl(fd, F_SETFD, FD_CLOEXEC))
        return err_set(e, -errno, "-chardev %s fd=%d: %s", q->label, fd,
                       strerror(errno));
    return 0;
}

static struct qmp *make(struct loop *loop, const char *label,
                        struct qmp_ctx *ctx)
{
    struct qmp *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    q->loop = loop;
    q->ctx = ctx;
    q->fd = -1;
    q->in_max = QMP_IN_MAX;
    usock_init(&q->sock);
    snprintf(q->label, sizeof(q->label), "%s", label);
    timer_init(&q->timer, loop_clock(loop), timed_out, q);
    q->beside = ctx->all;
    ctx->all = q;
    return q;
}

struct qmp *qmp_new(struct loop *loop, const struct qmp_listen *l,
                    struct qmp_ctx *ctx, struct err *e)
{
    struct qmp *q = make(loop, l->label, ctx), **end;
    int rc;

    if (!q) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    rc = l->path ? listen_path(q, l->path, e) : listen_fd(q, l->fd, e);
    if (!rc) {
        rc = loop_add(loop, &q->lsrc, q->sock.fd, LOOP_IN, accept_client, q);
        if (rc)
            err_set(e, rc, "cannot watch the socket of -chardev %s: %s",
                    q->label, strerror(-rc));
    }
    for (end = &ctx->servers; *end; end = &(*end)->next)
        ;
    *end = q;
    if (rc) {
        qmp_free(q);
        return NULL;
    }
    return q;
}

struct qmp *qmp_serve(struct loop *loop, const struct qmp_client *c,
                      struct qmp_ctx *ctx)
{
    struct qmp *q = make(loop, c->label, ctx);

    if (!q) {
        close(c->fd);
        return NULL;
    }
    q->in_max = c->in_max;
    if (start_client(q, c->fd)) {
        qmp_free(q);
        return NULL;
    }
    q->gone = c->gone;
    q->gone_ctx = c->ctx;
    if (q->fd < 0) { /* the greeting did not go out */
        qmp_free(q);
        return NULL;
    }
    return q;
}

uint64_t qmp_heard_ns(const struct qmp *q)
{
    return q->heard_ns;
}

void qmp_free(struct qmp *q)
{
    struct qmp **at;

    if (!q)
        return;
    for (at = &q->ctx->servers; *at; at = &(*at)->next) {
        if (*at == q) {
            *at = q->next;
            break;
        }
    }
    for (at = &q->ctx->all; *at; at = &(*at)->beside) {
        if (*at == q) {
            *at = q->beside;
            break;
        }
    }
    q->replying = q->quit = false;
    q->gone = NULL;
    close_client(q);
    timer_cancel(&q->timer);
    loop_del(q->loop, &q->lsrc);
    usock_close(&q->sock);
    free(q);
}
