/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What disk back ends see of the worker threads. A request travels through
 * intrusive lists (blk_req.next): nothing is allocated for it. Everything
 * but work() runs on the loop thread. Workers block all signals, call no
 * malloc and end themselves when they have had nothing to do for a while.
 */
#ifndef BLOCK_POOL_H
#define BLOCK_POOL_H

#include <hvmd/block.h>

struct pool_disk {
    struct blk blk; /* first: blk_req.blk points here */
    struct pool *pool;
    unsigned in_flight; /* submitted to the disk, done() not yet called */
    /* On a worker. 0 or -errno; touches only the request and constants. */
    int (*work)(struct blk_req *);
    /* On the loop, after work(), with its result. */
    void (*finish)(struct blk_req *, int err);
};

/* Hands r (r->blk set) to a worker. finish() follows, never from in here. */
void pool_submit(struct pool *, struct blk_req *r);
/* Blocks until something is finished, and finishes it. Not when idle. */
void pool_wait(struct pool *);
/*
 * Starts all workers now and keeps them: for a process that is about to give
 * up the right to create threads. 0 or -errno.
 */
int pool_keep(struct pool *);
/* Workers that exist now. */
unsigned pool_live(struct pool *);
/* Nothing to do for this long ends a worker; for tests. */
void pool_set_idle(struct pool *, unsigned ms);

#endif
