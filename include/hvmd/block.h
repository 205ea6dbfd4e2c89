/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk back ends. Offsets and sizes are bytes; devices issue whole sectors
 * inside size_bytes. Submitting and completing happen on the loop thread and
 * never block it; the bytes may be moved by workers. Errors are -errno.
 */
#ifndef HVMD_BLOCK_H
#define HVMD_BLOCK_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct blk;

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD };

/* Owned by the submitter, untouched by it from submit to done. */
struct blk_req {
    enum blk_op op;
    uint64_t off_bytes;
    uint64_t len_bytes; /* read, write: sum of iov; discard: the range */
    struct iovec *iov;  /* stays the submitter's, not changed */
    unsigned niov;
    /* On the loop, never inside blk_submit(); err 0 or -errno, whole or not. */
    void (*done)(struct blk_req *, int err);
    void *ctx; /* the submitter's */
    /* private to the back end */
    struct blk *blk;
    struct blk_req *next;
    int err;
};

#define BLK_QUEUED 1

struct blk_ops {
    /*
     * BLK_QUEUED: done() follows. 0 or -errno: finished already, no done()
     * (data that could be had without blocking).
     */
    int (*submit)(struct blk *, struct blk_req *);
    /* Waits until nothing is in flight; every done() has been called. */
    void (*drain)(struct blk *);
    void (*close)(struct blk *); /* drains, frees */
};

struct blk {
    const struct blk_ops *ops;
    uint64_t size_bytes;
    uint32_t phys_block_bytes; /* 512 or more, power of two */
    bool read_only;
    bool can_discard;
    uint64_t rd_bytes, wr_bytes, rd_ops, wr_ops, flush_ops, errors;
};

static inline int blk_submit(struct blk *b, struct blk_req *r)
{
    return b->ops->submit(b, r);
}

struct loop;
struct pool;

/* Worker threads shared by the disks of a process, started at first use. */
struct pool *pool_new(struct loop *, unsigned threads);
void pool_free(struct pool *);
/*
 * No requests are expected for a while: workers end as soon as they have
 * nothing to do, unless they are kept. The next request starts one again.
 */
void pool_rest(struct pool *);

/*
 * A raw image or block device from an open fd (owned from here on). The fd's
 * access mode is the access mode. path is for messages only.
 */
struct blk *blk_raw_open(struct pool *, int fd, bool read_only,
                         const char *path, struct err *);

/* Memory, for tests: hold: completions wait for blk_mem_release(). */
struct blk *blk_mem_new(uint64_t size_bytes, bool read_only);
uint8_t *blk_mem_data(struct blk *);
void blk_mem_hold(struct blk *, bool hold);
/* Completes the oldest held request; false: none. */
bool blk_mem_release(struct blk *);
/* The next n requests of kind op fail with err (-errno). */
void blk_mem_fail(struct blk *, enum blk_op op, unsigned n, int err);

#endif
