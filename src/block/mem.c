/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk in memory, for tests. Completes inside submit; or, held, one by one
 * when told, and only then moves the bytes: a device that lets go of its
 * buffers early is found out.
 */
#include <hvmd/block.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPS (BLK_DISCARD + 1)

struct mem {
    struct blk blk;
    uint8_t *data;
    bool hold;
    struct blk_req *head, **end;
    struct {
        unsigned n;
        int err;
    } fail[OPS];
};

static void copy(struct mem *m, const struct blk_req *r)
{
    uint8_t *p = m->data + r->off_bytes;
    unsigned i;

    for (i = 0; i < r->niov; i++) {
        if (r->op == BLK_READ)
            memcpy(r->iov[i].iov_base, p, r->iov[i].iov_len);
        else
            memcpy(p, r->iov[i].iov_base, r->iov[i].iov_len);
        p += r->iov[i].iov_len;
    }
}

static int perform(struct mem *m, const struct blk_req *r)
{
    struct blk *b = &m->blk;

    if (r->err) {
        b->errors++;
        return r->err;
    }
    switch (r->op) {
    case BLK_READ:
        copy(m, r);
        b->rd_ops++;
        b->rd_bytes += r->len_bytes;
        break;
    case BLK_WRITE:
        copy(m, r);
        b->wr_ops++;
        b->wr_bytes += r->len_bytes;
        break;
    case BLK_FLUSH:
        b->flush_ops++;
        break;
    case BLK_DISCARD:
        memset(m->data + r->off_bytes, 0, r->len_bytes);
        break;
    }
    return 0;
}

static int check(const struct blk *b, const struct blk_req *r)
{
    uint64_t sum = 0;
    unsigned i;

    if (r->op == BLK_FLUSH)
        return 0;
    if (r->off_bytes > b->size_bytes ||
        r->len_bytes > b->size_bytes - r->off_bytes)
        return -EINVAL;
    if (b->read_only && r->op != BLK_READ)
        return -EROFS;
    if (r->op == BLK_DISCARD)
        return 0;
    for (i = 0; i < r->niov; i++)
        sum += r->iov[i].iov_len;
    return sum == r->len_bytes ? 0 : -EINVAL;
}

static int mem_submit(struct blk *b, struct blk_req *r)
{
    struct mem *m = (struct mem *)b;
    int err = check(b, r);

    if (err) {
        b->errors++;
        return err;
    }
    r->blk = b;
    r->next = NULL;
    r->err = 0;
    if (m->fail[r->op].n) {
        m->fail[r->op].n--;
        r->err = m->fail[r->op].err;
    }
    if (!m->hold)
        return perform(m, r);
    *m->end = r;
    m->end = &r->next;
    return BLK_QUEUED;
}

bool blk_mem_release(struct blk *b)
{
    struct mem *m = (struct mem *)b;
    struct blk_req *r = m->head;

    if (!r)
        return false;
    m->head = r->next;
    if (!m->head)
        m->end = &m->head;
    r->done(r, perform(m, r));
    return true;
}

static void mem_drain(struct blk *b)
{
    while (blk_mem_release(b))
        ;
}

static void mem_close(struct blk *b)
{
    struct mem *m = (struct mem *)b;

    mem_drain(b);
    free(m->data);
    free(m);
}

static const struct blk_ops mem_ops = {
    .submit = mem_submit,
    .drain = mem_drain,
    .close = mem_close,
};

struct blk *blk_mem_new(uint64_t size_bytes, bool read_only)
{
    struct mem *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->data = calloc(1, size_bytes ? size_bytes : 1);
    if (!m->data) {
        free(m);
        return NULL;
    }
    m->blk.ops = &mem_ops;
    m->blk.size_bytes = size_bytes;
    m->blk.phys_block_bytes = 512;
    m->blk.read_only = read_only;
    m->blk.can_discard = !read_only;
    m->end = &m->head;
    return (struct blk *)m;
}

uint8_t *blk_mem_data(struct blk *b)
{
    return ((struct mem *)b)->data;
}

void blk_mem_hold(struct blk *b, bool hold)
{
    ((struct mem *)b)->hold = hold;
}

void blk_mem_fail(struct blk *b, enum blk_op op, unsigned n, int err)
{
    struct mem *m = (struct mem *)b;

    m->fail[op].n = n;
    m->fail[op].err = err;
}
