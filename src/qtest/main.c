/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvmd-qtest: the machine without Xen and without a guest, driven by the text
 * protocol of QEMU's device tests. Everything is open and made before the
 * first command is answered; SIGTERM and the end of the input end it well.
 */
#include "qtest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_signal(void *ctx, unsigned events)
{
    loop_stop(((struct qtest *)ctx)->loop, 0);
}

static int watch_signals(struct qtest *q, struct err *e)
{
    sigset_t set;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_set(e, -errno, "signalfd: %s", strerror(errno));
    return loop_add(q->loop, &q->signals, fd, LOOP_IN, on_signal, q);
}

static int make_board(struct qtest *q, struct err *e)
{
    q->board = board_new(&q->args.board, e);
    memset(q->args.board.image, 0, sizeof(q->args.board.image));
    if (!q->board)
        return -EINVAL;
    wire_init(&q->wire, q->board);
    return 0;
}

static int run(struct qtest *q, int argc, char **argv, struct err *e)
{
    int rc;

    q->loop = loop_new();
    if (!q->loop)
        return err_set(e, -errno, "epoll: %s", strerror(errno));
    rc = args_parse(&q->args, argc, argv, loop_clock(q->loop), e);
    if (rc)
        return rc;
    if (q->args.help || q->args.version) {
        printf(q->args.version ? "hvmd-qtest %s\n"
                               : "hvmd-qtest %s: see hvmd-qtest(1)\n",
               HVMD_VERSION);
        return 0;
    }
    rc = watch_signals(q, e);
    rc = rc ? rc : make_board(q, e);
    rc = rc ? rc : qtest_open_wire(q, e);
    rc = rc ? rc : qtest_open_qmp(q, e);
    if (rc)
        return rc;
    rc = loop_run(q->loop);
    return rc < 0 ? err_set(e, rc, "epoll: %s", strerror(-rc)) : rc;
}

/* In reverse, and of a start that failed half-way too. */
static void finish(struct qtest *q)
{
    qtest_close_qmp(q);
    board_free(q->board);
    qtest_close_wire(q);
    loop_del(q->loop, &q->signals);
    if (q->signals.fd > 0)
        close(q->signals.fd);
    args_free(&q->args);
    loop_free(q->loop);
}

int main(int argc, char **argv)
{
    struct qtest q = {.in = -1, .out = -1};
    struct err e = {.text = ""};
    int rc = run(&q, argc, argv, &e);

    if (q.loop)
        finish(&q);
    if (rc < 0)
        fprintf(stderr, "hvmd-qtest: %s\n", e.text);
    return rc ? 1 : 0;
}
