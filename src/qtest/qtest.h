/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvmd-qtest, the program: what its parts share. Loop thread only. */
#ifndef HVMD_QTEST_H
#define HVMD_QTEST_H

#include "../ctl/qmp_impl.h"
#include "../ctl/usock.h"
#include "../sys/signals.h"
#include "args.h"
#include "wire.h"

struct qtest {
    struct args args;
    struct loop *loop;
    struct board *board;
    struct wire wire;
    struct signals signals;
    struct usock door; /* where the client of the wire comes in */
    struct loop_src door_src, client;
    int in, out; /* of the wire; -1: none */
    bool socket; /* in and out are one */
    bool ended;  /* no more comes in */
    bool plain;  /* stdin is a file: read whenever nothing else is to do */
    struct qmp *qmp;
    struct qmp_ctx ctx;
    struct qmp_cmd *cmds; /* ours before those of every hvmd */
    bool stopped;         /* by a fault, until "cont" */
};

/* wire_io.c */
int qtest_open_wire(struct qtest *, struct err *);
void qtest_close_wire(struct qtest *);
/* Connects to a socket that somebody listens at; -errno. */
int qtest_connect(const char *path, const char *option, struct err *);

/* monitor.c */
int qtest_open_qmp(struct qtest *, struct err *);
void qtest_close_qmp(struct qtest *);

#endif
