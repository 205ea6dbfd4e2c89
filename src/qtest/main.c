/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvmd-qtest: the machine without Xen and without a guest, driven by the text
 * protocol of QEMU's device tests. Everything is open and made before the
 * first command is answered; SIGTERM and the end of the input end it well.
 */
#include "qtest.h"

#include "../sys/std_fds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    rc = signals_watch(&q->signals, q->loop, e);
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
    signals_close(&q->signals);
    args_free(&q->args);
    loop_free(q->loop);
}

int main(int argc, char **argv)
{
    struct qtest q = {.in = -1, .out = -1, .door.fd = -1};
    struct err e = {.text = ""};
    int rc;

    std_fds_claim();
    rc = run(&q, argc, argv, &e);

    if (q.loop)
        finish(&q);
    if (rc < 0)
        fprintf(stderr, "hvmd-qtest: %s\n", e.text);
    return rc ? 1 : 0;
}
