/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HVMD_RAW_RIG_H
#define HVMD_RAW_RIG_H

#include "raw.h"

#include <hvmd/loop.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB  (1024u * 1024u)
#define REQS 64

/* A disk on a temporary file, its loop, and requests with their results. */
struct rig {
    char path[256];
    struct loop *loop;
    struct pool *pool;
    struct blk *b;
    struct raw *w;
    struct blk_req req[REQS];
    struct iovec iov[REQS];
    int err[REQS]; /* 1: not done */
    unsigned order[REQS], finished, open;
    bool inside;
};

static inline void on_done(struct blk_req *r, int err)
{
    struct rig *g = r->ctx;
    unsigned i = (unsigned)(r - g->req);

    assert_false(g->inside);
    assert_int_equal(g->err[i], 1);
    g->err[i] = err;
    g->order[g->finished++ % REQS] = i;
    if (--g->open == 0)
        loop_stop(g->loop, 0);
}

static inline void rig_open(struct rig *g, const char *dir, uint64_t size,
                            int mode)
{
    struct err e = {""};
    int fd;

    memset(g, 0, sizeof(*g));
    snprintf(g->path, sizeof(g->path), "%s/hvmd-raw-XXXXXX", dir);
    fd = mkstemp(g->path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
    g->loop = loop_new();
    g->pool = pool_new(g->loop, 2);
    fd = open(g->path, mode);
    assert_true(fd >= 0);
    g->b = blk_raw_open(g->pool, fd, mode == O_RDONLY, g->path, &e);
    assert_string_equal(e.text, "");
    assert_non_null(g->b);
    g->w = (struct raw *)g->b;
}

static inline void rig_close(struct rig *g)
{
    g->b->ops->close(g->b);
    pool_free(g->pool);
    loop_free(g->loop);
    unlink(g->path);
}

/* Submits request i with an iovec of its own; the result of blk_submit(). */
static inline int rig_submit(struct rig *g, unsigned i, enum blk_op op,
                             uint64_t off, void *buf, uint64_t len)
{
    int err;

    g->iov[i] = (struct iovec){buf, len};
    g->req[i] = (struct blk_req){.op = op,
                                 .off_bytes = off,
                                 .len_bytes = len,
                                 .iov = &g->iov[i],
                                 .niov = 1,
                                 .done = on_done,
                                 .ctx = g};
    g->err[i] = 1;
    g->inside = true;
    err = blk_submit(g->b, &g->req[i]);
    g->inside = false;
    if (err == BLK_QUEUED)
        g->open++;
    else
        g->err[i] = err;
    return err;
}

static inline void rig_wait(struct rig *g)
{
    if (g->open)
        loop_run(g->loop);
    assert_int_equal(g->open, 0);
}

static inline int rig_do(struct rig *g, enum blk_op op, uint64_t off, void *buf,
                         uint64_t len)
{
    rig_submit(g, 0, op, off, buf, len);
    rig_wait(g);
    return g->err[0];
}

static inline void fill(uint8_t *p, size_t len, unsigned seed)
{
    size_t i;

    for (i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        p[i] = (uint8_t)(seed >> 16);
    }
}

#endif
