/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that is done when the trace says so. */
#ifndef HVMD_TAPE_H
#define HVMD_TAPE_H

#include "trace.h"

struct tape {
    struct blk blk;
    int fd; /* of an image, only read; -1: zeros */
    struct blk_req *head, **end;
    /* What became of the request: BLK_QUEUED, 0 or -errno. */
    int (*outcome)(void *ctx, struct tape *, const struct blk_req *);
    void *ctx;
    uint8_t unit;
};

void tape_init(struct tape *, const struct trace_disk *, int fd);
/* Ends the oldest request; false: none waits. */
bool tape_done(struct tape *, int err);

#endif
