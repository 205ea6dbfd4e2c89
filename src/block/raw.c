/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw images and block devices, through the host's page cache.
 *
 * Never O_DIRECT: the buffers are foreign mappings of guest pages, which
 * have no struct page of dom0's own that direct I/O could pin; it fails with
 * EFAULT. The page cache copies, and that works on any mapping.
 *
 * What can be had without blocking is done at once on the loop: reads of
 * cached data and, where the file system can tell, writes that only fill
 * cache (RWF_NOWAIT); on tmpfs both, for there the file is memory. All else
 * goes to a worker.
 */
#include "raw.h"
#include "pool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* More is left to a worker, lest one disk holds up the loop by copying. */
#define INLINE_BYTES (UINT64_C(256) * 1024)

static void account(struct blk *b, const struct blk_req *r, int err)
{
    if (err)
        b->errors++;
    else if (r->op == BLK_READ) {
        b->rd_ops++;
        b->rd_bytes += r->len_bytes;
    } else if (r->op == BLK_WRITE) {
        b->wr_ops++;
        b->wr_bytes += r->len_bytes;
    } else if (r->op == BLK_FLUSH)
        b->flush_ops++;
}

static int check(const struct blk *b, const struct blk_req *r)
{
    uint64_t left = r->len_bytes;
    unsigned i;

    if (r->op == BLK_FLUSH)
        return 0;
    if (r->off_bytes > b->size_bytes || left > b->size_bytes - r->off_bytes)
        return -EINVAL;
    if (b->read_only && r->op != BLK_READ)
        return -EROFS;
    if (r->op == BLK_DISCARD)
        return 0;
    for (i = 0; i < r->niov; i++) {
        if (r->iov[i].iov_len > left)
            return -EINVAL;
        left -= r->iov[i].iov_len;
    }
    return left ? -EINVAL : 0;
}

/*
 * Tries on the loop. True: all of it done. False: r->err holds how many
 * bytes were, and a worker has to do the rest (or find out what is wrong).
 */
static bool try_now(struct raw *w, struct blk_req *r, bool *no_nowait)
{
    int flags = RWF_NOWAIT;
    ssize_t n;

    r->err = 0;
    if (r->len_bytes > INLINE_BYTES || r->niov > IOV_MAX ||
        r->off_bytes + r->len_bytes > w->file_bytes)
        return false;
    for (;;) {
        if (*no_nowait) {
            if (!w->in_memory)
                return false;
            flags = 0;
        }
        if (r->op == BLK_READ)
            n = preadv2(w->fd, r->iov, (int)r->niov, (off_t)r->off_bytes,
                        flags);
        else
            n = pwritev2(w->fd, r->iov, (int)r->niov, (off_t)r->off_bytes,
                         flags);
        if (n >= 0 || !flags || (errno != EOPNOTSUPP && errno != ENOSYS))
            break;
        *no_nowait = true;
    }
    if (n > 0)
        r->err = (int)n;
    return n >= 0 && (uint64_t)n == r->len_bytes;
}

static void queue(struct raw *w, struct blk_req *r)
{
    if (r->op == BLK_WRITE || r->op == BLK_DISCARD) {
        w->dirty = true;
        w->writing++;
    }
    if (r->op == BLK_FLUSH) {
        w->dirty = false;
        w->flushing++;
    }
    pool_submit(w->d.pool, r);
}

/*
 * A flush starts when the writes before it have ended, since fdatasync()
 * need not see what a write() still under way brings. Writes after it line
 * up behind, so that it cannot be put off for ever.
 */
static bool must_hold(const struct raw *w, const struct blk_req *r)
{
    if (r->op == BLK_READ)
        return false;
    return w->held || (r->op == BLK_FLUSH && w->writing);
}

static void hold(struct raw *w, struct blk_req *r)
{
    r->next = NULL;
    *w->held_end = r;
    w->held_end = &r->next;
}

static void release_held(struct raw *w)
{
    struct blk_req *r;

    while ((r = w->held)) {
        if (r->op == BLK_FLUSH && w->writing)
            break;
        w->held = r->next;
        if (!w->held)
            w->held_end = &w->held;
        queue(w, r);
    }
}

/* True when the answer is known at once, in *err. */
static bool at_once(struct raw *w, struct blk_req *r, int *err)
{
    *err = 0;
    r->err = 0;
    switch (r->op) {
    case BLK_READ:
        return !r->len_bytes || try_now(w, r, &w->no_nowait_rd);
    case BLK_WRITE:
        if (!r->len_bytes)
            return true;
        /*
         * Beyond RLIMIT_FSIZE a write raises SIGXFSZ, deadly here; workers
         * have it blocked and see EFBIG.
         */
        if (w->held || r->off_bytes + r->len_bytes > w->fsize_limit)
            return false;
        w->dirty = true;
        return try_now(w, r, &w->no_nowait_wr);
    case BLK_FLUSH:
        *err = w->flush_err;
        if (*err)
            return true;
        /* Memory has nothing to sync to. */
        return !w->held && !w->writing && !w->flushing &&
               (!w->dirty || w->in_memory);
    case BLK_DISCARD:
        return !r->len_bytes || !w->d.blk.can_discard;
    }
    *err = -EINVAL;
    return true;
}

static int raw_submit(struct blk *b, struct blk_req *r)
{
    struct raw *w = (struct raw *)b;
    int err = check(b, r);

    if (err) {
        b->errors++;
        return err;
    }
    r->blk = b;
    if (at_once(w, r, &err)) {
        account(b, r, err);
        return err;
    }
    w->d.in_flight++;
    if (must_hold(w, r))
        hold(w, r);
    else
        queue(w, r);
    return BLK_QUEUED;
}

static void raw_finish(struct blk_req *r, int err)
{
    struct raw *w = (struct raw *)r->blk;

    switch (r->op) {
    case BLK_READ:
        break;
    case BLK_DISCARD:
        w->writing--;
        if (err == -EOPNOTSUPP) {
            w->d.blk.can_discard = false;
            err = 0; /* discarding is advice */
        }
        break;
    case BLK_WRITE:
        w->writing--;
        break;
    case BLK_FLUSH:
        w->flushing--;
        /*
         * Linux tells of a failed write-back once and then holds the pages
         * clean: a later flush that succeeds would be a lie.
         */
        if (err)
            w->flush_err = err;
        else if (w->flush_err)
            err = w->flush_err;
        break;
    }
    account(&w->d.blk, r, err);
    release_held(w);
    w->d.in_flight--;
    r->done(r, err);
}

static void raw_drain(struct blk *b)
{
    struct raw *w = (struct raw *)b;

    while (w->d.in_flight)
        pool_wait(w->d.pool);
}

/*
 * No sync: the page cache outlives us, closing is prompt, and the kernel
 * itself writes a block device back when the last user closes it.
 */
static void raw_close(struct blk *b)
{
    struct raw *w = (struct raw *)b;

    raw_drain(b);
    close(w->fd);
    free(w);
}

static const struct blk_ops raw_ops = {
    .submit = raw_submit,
    .drain = raw_drain,
    .close = raw_close,
};

struct blk *blk_raw_open(struct pool *pool, int fd, bool read_only,
                         const char *path, struct err *e)
{
    struct raw *w = calloc(1, sizeof(*w));
    struct rlimit limit;

    if (!w) {
        close(fd);
        err_set(e, -ENOMEM, "%s: out of memory", path);
        return NULL;
    }
    w->fd = fd;
    w->d.blk.ops = &raw_ops;
    w->d.blk.read_only = read_only;
    w->d.pool = pool;
    w->d.work = raw_work;
    w->d.finish = raw_finish;
    w->held_end = &w->held;
    w->fsize_limit = UINT64_MAX;
    if (raw_probe(w, path, e) < 0) {
        close(fd);
        free(w);
        return NULL;
    }
    if (!w->is_dev && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        w->fsize_limit = limit.rlim_cur;
    return &w->d.blk;
}
