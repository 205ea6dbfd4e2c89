/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct image *of(struct blk *b)
{
    return (struct image *)b;
}

static int move_map(struct image *im, const struct blk_req *r)
{
    uint64_t at = r->off_bytes;

    for (unsigned i = 0; i < r->niov; at += r->iov[i++].iov_len) {
        uint64_t n = r->iov[i].iov_len;
        uint64_t left = at < im->file_bytes ? im->file_bytes - at : 0;

        if (r->op == BLK_READ && n > left)
            memset((uint8_t *)r->iov[i].iov_base + left, 0, n - left);
        if (n > left)
            n = left;
        if (r->op == BLK_READ)
            memcpy(r->iov[i].iov_base, im->map + at, n);
        else
            memcpy(im->map + at, r->iov[i].iov_base, n);
    }
    return 0;
}

static int move_file(struct image *im, const struct blk_req *r)
{
    uint64_t at = r->off_bytes;

    for (unsigned i = 0; i < r->niov; i++) {
        uint8_t *p = r->iov[i].iov_base;
        size_t left = r->iov[i].iov_len;

        while (left) {
            ssize_t n = r->op == BLK_READ ? pread(im->fd, p, left, (off_t)at)
                                          : pwrite(im->fd, p, left, (off_t)at);

            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return -errno;
            if (n == 0 && r->op == BLK_WRITE)
                return -EIO;
            if (n == 0) { /* the file was cut, or is no whole sector */
                memset(p, 0, left);
                n = (ssize_t)left;
            }
            p += n;
            left -= (size_t)n;
            at += (uint64_t)n;
        }
    }
    return 0;
}

static int discard(struct image *im, const struct blk_req *r)
{
    if (im->ignore_discard || im->fd < 0)
        return 0;
    if (im->map) {
        memset(im->map + r->off_bytes, 0, r->len_bytes);
        return 0;
    }
    if (fallocate(im->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)r->off_bytes, (off_t)r->len_bytes) < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    return 0;
}

static int perform(struct image *im, const struct blk_req *r)
{
    int rc = 0;

    switch (r->op) {
    case BLK_READ:
    case BLK_WRITE:
        if (im->map)
            rc = move_map(im, r);
        else if (im->fd >= 0)
            rc = move_file(im, r);
        else
            for (unsigned i = 0; i < r->niov && r->op == BLK_READ; i++)
                memset(r->iov[i].iov_base, 0, r->iov[i].iov_len);
        break;
    case BLK_FLUSH: /* the test reads the file, not the disk below it */
        im->blk.flush_ops++;
        return 0;
    case BLK_DISCARD:
        return discard(im, r);
    }
    if (rc)
        im->blk.errors++;
    else if (r->op == BLK_READ)
        im->blk.rd_ops++, im->blk.rd_bytes += r->len_bytes;
    else
        im->blk.wr_ops++, im->blk.wr_bytes += r->len_bytes;
    return rc;
}

static bool comes_with(enum image_event ev, enum blk_op op)
{
    switch (ev) {
    case IMAGE_EV_NONE:
        return true;
    case IMAGE_EV_READ:
        return op == BLK_READ;
    case IMAGE_EV_WRITE:
        return op == BLK_WRITE;
    case IMAGE_EV_FLUSH_OS:
    case IMAGE_EV_FLUSH_DISK:
        return op == BLK_FLUSH;
    default:
        return false;
    }
}

/* What the rules do to a request; also moves the state on. */
static int apply_rules(struct image *im, enum blk_op op, uint64_t *delay_ns)
{
    unsigned next = im->state;
    bool chosen = false;
    int err = 0;

    for (unsigned i = 0; i < im->nrules; i++) {
        struct image_rule *r = &im->rule[i];

        if (r->spent || !comes_with(r->event, op) ||
            (r->state && r->state != im->state))
            continue;
        if (r->set_state) {
            next = r->new_state;
            continue;
        }
        if (chosen || !(r->ops & 1u << op))
            continue;
        chosen = true;
        r->spent = r->once;
        err = r->err;
        *delay_ns = r->delay_ns;
    }
    im->state = next;
    return err;
}

static int hold(struct image *im, struct blk_req *r, enum image_hold why,
                int err)
{
    if (im->held.req) /* the flush of an unplug beside a request */
        return err ? -err : perform(im, r);
    im->held.req = r;
    im->held.why = why;
    im->held.err = err;
    return BLK_QUEUED;
}

/* A fault, told to the guest or kept for when the machine goes on. */
static int fault(struct image *im, struct blk_req *r, int err)
{
    enum image_policy p = r->op == BLK_READ ? im->rerror : im->werror;
    int rc;

    im->blk.errors++;
    if (p == IMAGE_IGNORE)
        return 0;
    if (p == IMAGE_REPORT || (p == IMAGE_ENOSPC && err != ENOSPC))
        return -err;
    rc = hold(im, r, HOLD_STOP, 0);
    if (rc == BLK_QUEUED && im->stopped)
        im->stopped(im->ctx);
    return rc;
}

static int submit(struct blk *b, struct blk_req *r)
{
    struct image *im = of(b);
    uint64_t delay_ns = 0;
    int err, rc;

    if (r->op != BLK_FLUSH && (r->off_bytes > b->size_bytes ||
                               r->len_bytes > b->size_bytes - r->off_bytes))
        return -EINVAL;
    if (b->read_only && r->op != BLK_READ)
        return -EROFS;
    if (im->tag[0] && comes_with(im->break_at, r->op)) {
        memcpy(im->held.tag, im->tag, sizeof(im->tag));
        im->tag[0] = 0;
        return hold(im, r, HOLD_BREAK, 0);
    }
    err = im->nrules ? apply_rules(im, r->op, &delay_ns) : 0;
    if (delay_ns && im->timed) {
        rc = hold(im, r, HOLD_DELAY, err);
        if (rc == BLK_QUEUED)
            timer_set(&im->delay, clock_now(im->delay.clock) + delay_ns);
        return rc;
    }
    if (!err) {
        rc = perform(im, r);
        if (!rc)
            return 0;
        err = -rc;
    }
    return fault(im, r, err);
}

/* The held request goes on as if it came now. */
static void go_on(struct image *im, int err)
{
    struct blk_req *r = im->held.req;
    int rc;

    im->held.req = NULL;
    im->held.why = HOLD_NOT;
    timer_cancel(&im->delay);
    rc = err ? fault(im, r, err) : perform(im, r);
    if (rc != BLK_QUEUED)
        r->done(r, rc);
}

static void delay_over(void *ctx)
{
    struct image *im = ctx;

    if (im->held.why == HOLD_DELAY)
        go_on(im, im->held.err);
}

static void drain(struct blk *b)
{
    struct image *im = of(b);

    if (im->held.req)
        go_on(im, 0);
}

static void close_image(struct blk *b)
{
    struct image *im = of(b);

    drain(b);
    if (im->map)
        munmap(im->map, im->file_bytes);
    if (im->fd >= 0)
        close(im->fd);
    free(im);
}

static const struct blk_ops image_ops = {
    .submit = submit,
    .drain = drain,
    .close = close_image,
};

static int open_file(struct image *im, const struct image_conf *c,
                     struct err *e)
{
    bool rd = c->read_only || c->snapshot;
    struct stat st;

    im->fd = open(c->path, (rd ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (im->fd < 0 || fstat(im->fd, &st) < 0)
        return err_set(e, -errno, "cannot open %.200s: %s", c->path,
                       strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, -EINVAL, "%.200s is no plain file", c->path);
    im->file_bytes = (uint64_t)st.st_size;
    im->blk.size_bytes = (im->file_bytes + 511) & ~UINT64_C(511);
    if (!c->snapshot || !im->file_bytes)
        return 0;
    im->map = mmap(NULL, im->file_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_NORESERVE, im->fd, 0);
    if (im->map == MAP_FAILED) {
        im->map = NULL;
        return err_set(e, -errno, "%.200s: mmap: %s", c->path, strerror(errno));
    }
    /* a part of a sector would be written behind the mapping */
    im->blk.size_bytes = im->file_bytes & ~UINT64_C(511);
    return 0;
}

struct image *image_new(const struct image_conf *c, struct err *e)
{
    struct image *im = calloc(1, sizeof(*im));

    if (!im) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    im->blk = (struct blk){.ops = &image_ops,
                           .size_bytes = c->size_bytes,
                           .phys_block_bytes = 512,
                           .read_only = c->read_only,
                           .can_discard = !c->read_only};
    im->fd = -1;
    im->state = 1;
    im->werror = IMAGE_ENOSPC;
    im->timed = c->clock != NULL;
    timer_init(&im->delay, c->clock, delay_over, im);
    if (c->path && open_file(im, c, e)) {
        close_image(&im->blk);
        return NULL;
    }
    return im;
}

int image_resume(struct image *im, const char *tag, struct err *e)
{
    if (im->held.why != HOLD_BREAK || strcmp(im->held.tag, tag))
        return err_set(e, -ENOENT, "no request waits for '%.31s'", tag);
    go_on(im, 0);
    return 0;
}

void image_cont(struct image *im)
{
    struct blk_req *r = im->held.req;
    int rc;

    if (im->held.why != HOLD_STOP)
        return;
    im->held.req = NULL;
    im->held.why = HOLD_NOT;
    rc = submit(&im->blk, r);
    if (rc != BLK_QUEUED)
        r->done(r, rc);
}
