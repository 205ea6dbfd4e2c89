/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl_sock.h"
#include "usock.h"

#include <errno.h>
#include <fcntl.h>
#include <hvmd/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_NS NS_PER_S
#define LABEL    "control socket"

struct ctl_sock {
    struct loop *loop;
    struct qmp_ctx *ctx;
    struct usock sock;
    struct loop_src src;
    struct timer retry; /* accept() found no descriptor */
    struct timer reap;  /* a client has gone */
    struct place {
        struct ctl_sock *owner;
        struct qmp *qmp; /* NULL: free */
        bool gone;       /* to be freed from the loop */
    } place[CTL_CLIENTS];
};

static uint64_t now(struct ctl_sock *c)
{
    return clock_now(loop_clock(c->loop));
}

static void clear(struct place *p)
{
    qmp_free(p->qmp);
    p->qmp = NULL;
    p->gone = false;
}

static void client_gone(void *ctx)
{
    struct place *p = ctx;

    p->gone = true;
    timer_set(&p->owner->reap, now(p->owner));
}

static void reap(void *ctx)
{
    struct ctl_sock *c = ctx;

    for (unsigned i = 0; i < CTL_CLIENTS; i++)
        if (c->place[i].gone)
            clear(&c->place[i]);
}

/* A free place, or that of the most silent client; NULL: all are in use. */
static struct place *find_place(struct ctl_sock *c)
{
    struct place *silent = NULL;

    reap(c);
    for (unsigned i = 0; i < CTL_CLIENTS; i++) {
        struct place *p = &c->place[i];

        if (!p->qmp)
            return p;
        if (!silent || qmp_heard_ns(p->qmp) < qmp_heard_ns(silent->qmp))
            silent = p;
    }
    if (now(c) - qmp_heard_ns(silent->qmp) < CTL_SILENT_NS)
        return NULL;
    bucket_log(c->ctx->log, &c->ctx->bucket, "qmp",
               LABEL ": a silent client makes room for another");
    clear(silent);
    return silent;
}

/* One message and good-bye; what does not fit into the socket is not sent. */
static void turn_away(struct ctl_sock *c, int fd)
{
    static const char full[] =
        "{\"error\":{\"class\":\"GenericError\",\"desc\":\"all places of this "
        "socket are taken; end another client or try again\"}}\r\n";

    bucket_log(c->ctx->log, &c->ctx->bucket, "qmp",
               LABEL ": a client too many is turned away");
    send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void accept_client(void *ctx, unsigned events)
{
    struct ctl_sock *c = ctx;
    struct qmp_client client = {
        .label = LABEL, .in_max = CTL_IN_MAX, .gone = client_gone};
    struct place *p;
    int fd = accept4(c->sock.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        /* No descriptors, no memory: not again at once. */
        loop_want(c->loop, &c->src, 0);
        timer_set(&c->retry, now(c) + RETRY_NS);
        return;
    }
    p = find_place(c);
    if (!p) {
        turn_away(c, fd);
        return;
    }
    p->owner = c;
    client.fd = fd;
    client.ctx = p;
    p->qmp = qmp_serve(c->loop, &client, c->ctx);
}

static void accept_again(void *ctx)
{
    struct ctl_sock *c = ctx;

    loop_want(c->loop, &c->src, LOOP_IN);
}

/* Only we may put sockets there: who could, could answer in our place. */
static int make_dir(const char *dir, struct err *e)
{
    struct stat st;
    int fd, rc;

    if (mkdir(dir, 0700) && errno != EEXIST) {
        rc = -errno;
        return err_set(e, rc, "cannot make the folder %s: %s", dir,
                       strerror(-rc));
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return err_set(e, rc, "cannot use the folder %s: %s", dir,
                       strerror(-rc));
    }
    close(fd);
    if (st.st_uid != geteuid() || (st.st_mode & 0022))
        return err_set(e, -EPERM,
                       "others may write to %s (owner %u, mode %04o): make it "
                       "%u's with mode 0700",
                       dir, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777,
                       (unsigned)geteuid());
    return 0;
}

struct ctl_sock *ctl_sock_new(struct loop *loop, const char *dir,
                              unsigned domid, struct qmp_ctx *ctx,
                              struct err *e)
{
    struct ctl_sock *c = calloc(1, sizeof(*c));
    char path[4096];
    int rc;

    if (!c) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    c->loop = loop;
    c->ctx = ctx;
    usock_init(&c->sock);
    timer_init(&c->retry, loop_clock(loop), accept_again, c);
    timer_init(&c->reap, loop_clock(loop), reap, c);
    rc = make_dir(dir, e);
    if (!rc) {
        snprintf(path, sizeof(path), "%s/%u.sock", dir, domid);
        rc = usock_listen(&c->sock, path, "-control", e);
    }
    if (!rc) {
        rc = loop_add(loop, &c->src, c->sock.fd, LOOP_IN, accept_client, c);
        if (rc)
            err_set(e, rc, "cannot watch the socket %s: %s", path,
                    strerror(-rc));
    }
    if (rc) {
        ctl_sock_free(c);
        return NULL;
    }
    return c;
}

void ctl_sock_free(struct ctl_sock *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < CTL_CLIENTS; i++)
        if (c->place[i].qmp)
            clear(&c->place[i]);
    timer_cancel(&c->retry);
    timer_cancel(&c->reap);
    loop_del(c->loop, &c->src);
    usock_close(&c->sock);
    free(c);
}
