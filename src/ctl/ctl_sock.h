/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvmd's own control socket, DIR/DOMID.sock, for hvmctl and for whoever
 * watches the host: the QMP of the toolstack's sockets, for many clients at a
 * time, so that nobody ever waits behind libxl or makes it wait.
 *
 * DIR is made with mode 0700; one that is there must be ours and closed to
 * others. At most CTL_CLIENTS at a time, each with CTL_IN_MAX bytes of an
 * unfinished command and one reply of at most 1 MiB; who takes nothing for
 * 10 s is closed. When all places are taken, the client that has been silent
 * longest and for at least CTL_SILENT_NS makes room; if none has, the new one
 * gets one error message and is closed. No timer runs while clients are idle.
 * Loop thread. Errors: NULL with a sentence in err.
 */
#ifndef HVMD_CTL_SOCK_H
#define HVMD_CTL_SOCK_H

#include "qmp.h"

#define CTL_CLIENTS   16u
#define CTL_IN_MAX    8192u
#define CTL_SILENT_NS (10 * NS_PER_S)

struct ctl_sock;

/* ctx outlives it. */
struct ctl_sock *ctl_sock_new(struct loop *, const char *dir, unsigned domid,
                              struct qmp_ctx *ctx, struct err *);
/* Closes the clients, removes the socket. NULL is fine. */
void ctl_sock_free(struct ctl_sock *);

#endif
