/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw disks: what runs on a worker and may block. */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Entries per system call: 512 KiB when every guest page is one. */
#define WINDOW 128

/* Where a transfer is in the submitter's iovecs, which are not changed. */
struct cursor {
    const struct iovec *iov;
    unsigned niov;
    size_t skip; /* of iov[0] */
};

static void advance(struct cursor *c, uint64_t bytes)
{
    size_t room;

    while (c->niov) {
        room = c->iov[0].iov_len - c->skip;
        if (bytes < room) {
            c->skip += bytes;
            return;
        }
        bytes -= room;
        c->iov++;
        c->niov--;
        c->skip = 0;
    }
}

/* The next part, at most max bytes. */
static unsigned window(const struct cursor *c, struct iovec *win, uint64_t max)
{
    size_t skip = c->skip;
    unsigned i;

    for (i = 0; i < c->niov && i < WINDOW && max; i++) {
        win[i].iov_base = (char *)c->iov[i].iov_base + skip;
        win[i].iov_len = c->iov[i].iov_len - skip;
        if (win[i].iov_len > max)
            win[i].iov_len = max;
        max -= win[i].iov_len;
        skip = 0;
    }
    return i;
}

/* The last sector of a read-only image whose size is no whole number. */
static void zero_tail(struct cursor *c, uint64_t bytes)
{
    struct iovec win[WINDOW];
    unsigned i, n;

    while (bytes && (n = window(c, win, bytes)) != 0)
        for (i = 0; i < n; i++) {
            memset(win[i].iov_base, 0, win[i].iov_len);
            advance(c, win[i].iov_len);
            bytes -= win[i].iov_len;
        }
}

static int move(const struct raw *w, struct blk_req *r)
{
    struct cursor c = {.iov = r->iov, .niov = r->niov};
    uint64_t pos = r->off_bytes + (uint64_t)r->err;
    uint64_t end = r->off_bytes + r->len_bytes;
    uint64_t stop = end;
    struct iovec win[WINDOW];
    unsigned n;
    ssize_t got;

    if (r->op == BLK_READ && stop > w->file_bytes)
        stop = w->file_bytes;
    advance(&c, (uint64_t)r->err);
    while (pos < stop) {
        n = window(&c, win, stop - pos);
        if (r->op == BLK_READ)
            got = preadv(w->fd, win, (int)n, (off_t)pos);
        else
            got = pwritev(w->fd, win, (int)n, (off_t)pos);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -EIO; /* the file has shrunk under us */
        pos += (uint64_t)got;
        advance(&c, (uint64_t)got);
    }
    if (pos < end)
        zero_tail(&c, end - pos);
    return 0;
}

static int discard_dev(const struct raw *w, const struct blk_req *r)
{
    uint64_t unit = w->lba_bytes;
    uint64_t end = r->off_bytes + r->len_bytes;
    uint64_t range[2];

    /* Only units that lie wholly inside. */
    range[0] = (r->off_bytes + unit - 1) / unit * unit;
    end = end / unit * unit;
    if (end <= range[0])
        return 0;
    range[1] = end - range[0];
    while (ioctl(w->fd, BLKDISCARD, range) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int discard(const struct raw *w, const struct blk_req *r)
{
    int err;

    if (w->is_dev)
        return discard_dev(w, r);
    do {
        err = fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        (off_t)r->off_bytes, (off_t)r->len_bytes);
    } while (err < 0 && errno == EINTR);
    return err < 0 ? -errno : 0;
}

/* An interrupted one has failed nothing, and a failed one is for good. */
static int flush(const struct raw *w)
{
    while (fdatasync(w->fd) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int raw_work(struct blk_req *r)
{
    const struct raw *w = (const struct raw *)r->blk;

    switch (r->op) {
    case BLK_READ:
    case BLK_WRITE:
        return move(w, r);
    case BLK_FLUSH:
        return flush(w);
    case BLK_DISCARD:
        return discard(w, r);
    }
    return -EINVAL;
}
