/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tape.h"

#include <string.h>
#include <unistd.h>

/* What is behind the end of an image reads as zeros too. */
static void fill(const struct tape *t, const struct blk_req *r)
{
    uint64_t at = r->off_bytes;

    for (unsigned i = 0; i < r->niov; i++) {
        size_t len = r->iov[i].iov_len;

        memset(r->iov[i].iov_base, 0, len);
        if (t->fd >= 0 && pread(t->fd, r->iov[i].iov_base, len, (off_t)at) < 0)
            memset(r->iov[i].iov_base, 0, len);
        at += len;
    }
}

static int submit(struct blk *b, struct blk_req *r)
{
    struct tape *t = (struct tape *)b;
    int rc = t->outcome(t->ctx, t, r);

    r->blk = b;
    r->next = NULL;
    if (rc != BLK_QUEUED) {
        if (!rc && r->op == BLK_READ)
            fill(t, r);
        return rc;
    }
    *t->end = r;
    t->end = &r->next;
    return rc;
}

bool tape_done(struct tape *t, int err)
{
    struct blk_req *r = t->head;

    if (!r)
        return false;
    t->head = r->next;
    if (!t->head)
        t->end = &t->head;
    if (!err && r->op == BLK_READ)
        fill(t, r);
    r->done(r, err);
    return true;
}

static void drain(struct blk *b)
{
    while (tape_done((struct tape *)b, 0))
        ;
}

static const struct blk_ops ops = {.submit = submit, .drain = drain};

void tape_init(struct tape *t, const struct trace_disk *d, int fd)
{
    *t = (struct tape){.blk = {.ops = &ops,
                               .size_bytes = d->size_bytes,
                               .phys_block_bytes = d->phys_block_bytes,
                               .read_only = d->read_only,
                               .can_discard = d->can_discard},
                       .fd = fd};
    t->end = &t->head;
}
