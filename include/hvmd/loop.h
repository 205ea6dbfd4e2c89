/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: one thread, which owns all device state. Sources are
 * embedded in their owners. Callbacks never block. (src/sys/loop.c)
 */
#ifndef HVMD_LOOP_H
#define HVMD_LOOP_H

#include <hvmd/timer.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_IN  1u
#define LOOP_OUT 2u
#define LOOP_HUP 4u /* reported always: error or hang-up */
/* In want: told once per change, not as long as it lasts (eventfds unread). */
#define LOOP_EDGE 8u

struct loop;

struct loop_src {
    int fd;
    unsigned want; /* LOOP_IN | LOOP_OUT */
    bool added;
    void (*ready)(void *ctx, unsigned events);
    void *ctx;
};

struct loop *loop_new(void);
void loop_free(struct loop *);
/* Fills src and watches fd; -errno (-EPERM: a regular file, always ready). */
int loop_add(struct loop *, struct loop_src *src, int fd, unsigned want,
             void (*ready)(void *ctx, unsigned events), void *ctx);
/* Changes what is waited for; 0 keeps only LOOP_HUP. */
void loop_want(struct loop *, struct loop_src *, unsigned want);
/* Safe in any callback; pending events of the source are discarded. */
void loop_del(struct loop *, struct loop_src *);
/* Host time, never frozen: for what is not guest-visible (VNC, buckets). */
struct clock *loop_clock(struct loop *);
/* The VM clock to be served too (at most one). */
void loop_serve(struct loop *, struct clock *vm);
/* Before each wait: true when it found work (then the loop does not sleep). */
void loop_poll(struct loop *, bool (*poll)(void *ctx), void *ctx);
int loop_run(struct loop *); /* until loop_stop(); returns its argument */
void loop_stop(struct loop *, int status);

#endif
