/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGHUP (by which libxl ends a device model), SIGINT and SIGTERM end the
 * loop, with status 0. A dead peer is seen by EPIPE, a disk image that would
 * outgrow RLIMIT_FSIZE by EFBIG.
 */
#ifndef SYS_SIGNALS_H
#define SYS_SIGNALS_H

#include <hvmd/err.h>
#include <hvmd/loop.h>

struct signals {
    struct loop_src src;
    struct loop *loop;
};

/* 0, or -errno and the sentence. */
int signals_watch(struct signals *, struct loop *, struct err *);
/* Of a watch that failed or was none, too. */
void signals_close(struct signals *);

#endif
