/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xs_link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenstore.h>

#define PATH_MOST 256u

struct question {
    uint32_t type;
    xs_link_value *done; /* reads */
    char path[PATH_MOST];
};

struct xs_link {
    struct loop *loop;
    struct log *log;
    struct loop_src src;
    xs_link_event *event;
    void *ctx;
    bool down;
    /* Open questions, answered in this order. */
    struct question q[XS_LINK_WAITING];
    uint32_t first, next; /* numbers, modulo XS_LINK_WAITING */
    size_t in_len, out_len;
    char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
    char out[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
};

static void give_up(struct xs_link *x, const char *why)
{
    if (x->down)
        return;
    x->down = true;
    loop_del(x->loop, &x->src);
    log_line(x->log,
             "xenstore: %s; commands given there are not heard any "
             "more",
             why);
}

static void flush(struct xs_link *x)
{
    ssize_t n;

    while (x->out_len) {
        n = write(x->src.fd, x->out, x->out_len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            give_up(x, strerror(errno));
            return;
        }
        if (n <= 0)
            break;
        x->out_len -= (size_t)n;
        memmove(x->out, x->out + n, x->out_len);
    }
    loop_want(x->loop, &x->src, LOOP_IN | (x->out_len ? LOOP_OUT : 0));
}

/* Two words, the first with its NUL; the second as it is, if there is one. */
static int ask(struct xs_link *x, uint32_t type, const char *path,
               const char *word, size_t word_len, xs_link_value *done)
{
    size_t path_len = strlen(path) + 1;
    struct xsd_sockmsg m = {.type = type,
                            .req_id = x->next,
                            .len = (uint32_t)(path_len + word_len)};
    struct question *q = &x->q[x->next % XS_LINK_WAITING];

    if (x->down)
        return -EPIPE;
    if (path_len > PATH_MOST || word_len > XENSTORE_PAYLOAD_MAX - PATH_MOST)
        return -EINVAL;
    if (x->next - x->first == XS_LINK_WAITING ||
        x->out_len + sizeof(m) + m.len > sizeof(x->out))
        return -EBUSY;
    q->type = type;
    q->done = done;
    memcpy(q->path, path, path_len);
    memcpy(x->out + x->out_len, &m, sizeof(m));
    x->out_len += sizeof(m);
    memcpy(x->out + x->out_len, path, path_len);
    x->out_len += path_len;
    if (word_len)
        memcpy(x->out + x->out_len, word, word_len);
    x->out_len += word_len;
    x->next++;
    flush(x);
    return 0;
}

int xs_link_watch(struct xs_link *x, const char *path, const char *token)
{
    return ask(x, XS_WATCH, path, token, strlen(token) + 1, NULL);
}

int xs_link_write(struct xs_link *x, const char *path, const char *value)
{
    return ask(x, XS_WRITE, path, value, strlen(value), NULL);
}

int xs_link_read(struct xs_link *x, const char *path, xs_link_value *done)
{
    for (uint32_t i = x->first; i != x->next; i++) {
        const struct question *q = &x->q[i % XS_LINK_WAITING];

        if (q->done == done && !strcmp(q->path, path))
            return 0;
    }
    return ask(x, XS_READ, path, NULL, 0, done);
}

static void take_event(struct xs_link *x, const char *body, size_t len)
{
    const char *token = body + strlen(body) + 1;

    if (token >= body + len) {
        give_up(x, "a watch event without its token");
        return;
    }
    x->event(x->ctx, body, token);
}

/* body is terminated behind its len bytes. */
static void take_answer(struct xs_link *x, const struct xsd_sockmsg *m,
                        const char *body)
{
    struct question q;

    if (x->first == x->next || m->req_id != x->first) {
        give_up(x, "an answer that nobody asked for");
        return;
    }
    q = x->q[x->first++ % XS_LINK_WAITING];
    if (m->type != XS_ERROR && m->type != q.type) {
        give_up(x, "an answer of another kind");
        return;
    }
    if (m->type == XS_ERROR && (!q.done || strcmp(body, "ENOENT")))
        log_line(x->log, "xenstore: %s of '%s' fails: %s",
                 q.type == XS_WATCH   ? "the watch"
                 : q.type == XS_WRITE ? "the writing"
                                      : "the reading",
                 q.path, body);
    if (q.done)
        q.done(x->ctx, q.path, m->type == XS_ERROR ? NULL : body);
}

/* Whole messages at the beginning of in[]. */
static void take(struct xs_link *x)
{
    struct xsd_sockmsg m;
    size_t used;
    char after;

    while (!x->down && x->in_len >= sizeof(m)) {
        memcpy(&m, x->in, sizeof(m));
        if (m.len > XENSTORE_PAYLOAD_MAX) {
            give_up(x, "a message longer than there can be");
            return;
        }
        used = sizeof(m) + m.len;
        if (x->in_len < used)
            return;
        after = x->in[used];
        x->in[used] = 0;
        if (m.type == XS_WATCH_EVENT)
            take_event(x, x->in + sizeof(m), m.len);
        else
            take_answer(x, &m, x->in + sizeof(m));
        x->in[used] = after;
        x->in_len -= used;
        memmove(x->in, x->in + used, x->in_len);
    }
}

static void on_ready(void *ctx, unsigned events)
{
    struct xs_link *x = ctx;
    ssize_t n;

    if (events & LOOP_OUT)
        flush(x);
    if (x->down || !(events & (LOOP_IN | LOOP_HUP)))
        return;
    /* one byte is kept for the NUL */
    n = read(x->src.fd, x->in + x->in_len, sizeof(x->in) - 1 - x->in_len);
    if (n > 0) {
        x->in_len += (size_t)n;
        take(x);
    } else if (n == 0) {
        give_up(x, "the connection has ended");
    } else if (errno != EAGAIN && errno != EINTR) {
        give_up(x, strerror(errno));
    }
}

/* As libxenstore finds it: the daemon's socket, else the kernel's device. */
static int connect_store(void)
{
    static const char *const device[] = {"/dev/xen/xenbus", "/proc/xen/xenbus"};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *path = getenv("XENSTORED_PATH"), *dir = NULL;
    int fd, rc, n;

    if (!path)
        dir = getenv("XENSTORED_RUNDIR");
    n = path ? snprintf(a.sun_path, sizeof(a.sun_path), "%s", path)
             : snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket",
                        dir ? dir : "/var/run/xenstored");
    if (n < 0 || (size_t)n >= sizeof(a.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (!connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        rc = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : fd;
        if (rc < 0)
            close(fd);
        return rc;
    }
    rc = -errno;
    close(fd);
    for (unsigned i = 0; i < 2 && !path; i++) {
        fd = open(device[i], O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return rc;
}

struct xs_link *xs_link_open(struct loop *loop, xs_link_event *event, void *ctx,
                             struct log *log, struct err *e)
{
    struct xs_link *x = calloc(1, sizeof(*x));
    int fd, rc;

    if (!x) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    x->loop = loop;
    x->log = log;
    x->event = event;
    x->ctx = ctx;
    fd = connect_store();
    rc = fd < 0 ? fd : loop_add(loop, &x->src, fd, LOOP_IN, on_ready, x);
    if (!rc)
        return x;
    if (fd >= 0)
        close(fd);
    free(x);
    err_set(e, rc, "cannot reach xenstore: %s; is xenstored running?",
            strerror(-rc));
    return NULL;
}

void xs_link_close(struct xs_link *x)
{
    if (!x)
        return;
    if (!x->down)
        loop_del(x->loop, &x->src);
    close(x->src.fd);
    free(x);
}
