/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to raw disks in any order, with workers that take their time, calls
 * that fail or fall short, media that are changed, and images of any shape. A
 * model in memory says what each request must end with, what is read, and
 * what the file holds; fake_host.h is the host.
 */
#include "fake_host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define REQS   32u
#define PIECES 1300u /* more than IOV_MAX */
#define SECTOR 512u
#define GUARD  0xa5 /* stands around each piece */

enum state { FREE, SUBMITTED, WORKED };
enum then { THEN_NOTHING, THEN_MORE, THEN_DRAIN };

struct disk {
    struct blk *b; /* NULL: none */
    struct host_file *f;
    uint8_t *model; /* size_bytes */
    bool closing, can_discard;
    int flush_err;
    uint64_t changes, synced; /* so many are known to be on the disk */
    uint64_t touched;         /* the file may hold something as far as that */
    struct blk seen;          /* what the counters must be */
};

struct req {
    struct blk_req r;   /* first */
    struct iovec *sent; /* a copy of r.iov */
    uint8_t *buf;
    enum state state;
    struct disk *disk;
    enum then then;
    uint8_t salt;
    uint64_t moved; /* bytes that the model knows of */
    uint64_t seq, need;
    int must; /* what it ends with, once worked on */
};

struct rig {
    struct pool host; /* first */
    struct bytes in;
    struct disk disk[HOST_FILES];
    struct req req[REQS];
    bool inside;
    uint64_t seq;
};

/* What a request with that salt writes at those of its bytes. */
static void pattern(uint8_t salt, uint64_t at, uint8_t *p, size_t n)
{
    while (n) {
        size_t run = 256 - at % 256 < n ? 256 - at % 256 : n;
        uint8_t v = (uint8_t)(salt * 31u + at + at / 256 * 7u);

        for (size_t i = 0; i < run; i++)
            p[i] = (uint8_t)(v + i);
        at += run;
        p += run;
        n -= run;
    }
}

/* The model */

/* Bytes [from, to) of a request, piece by piece. */
static void each_piece(struct req *q, uint64_t from, uint64_t to,
                       void (*f)(struct req *, uint64_t at, uint8_t *p,
                                 size_t n))
{
    uint64_t at = 0;

    for (unsigned i = 0; i < q->r.niov && at < to; i++) {
        uint64_t end = at + q->sent[i].iov_len;
        uint64_t first = at < from ? from : at, last = end < to ? end : to;

        if (first < last)
            f(q, first, (uint8_t *)q->sent[i].iov_base + (first - at),
              last - first);
        at = end;
    }
}

static void put_bytes(struct req *q, uint64_t at, uint8_t *p, size_t n)
{
    pattern(q->salt, at, p, n);
}

static void model_bytes(struct req *q, uint64_t at, uint8_t *p, size_t n)
{
    pattern(q->salt, at, q->disk->model + q->r.off_bytes + at, n);
}

static void same_bytes(struct req *q, uint64_t at, uint8_t *p, size_t n)
{
    MUST(!memcmp(p, q->disk->model + q->r.off_bytes + at, n));
}

static void zero_bytes(struct req *q, uint64_t at, uint8_t *p, size_t n)
{
    MUST(!p[0] && !memcmp(p, p + 1, n - 1));
}

/* What the host has just moved for this request. */
static void follow(struct req *q)
{
    uint64_t to = q->moved + q->disk->f->moved;

    MUST(to <= q->r.len_bytes);
    if (q->r.op == BLK_WRITE && to > q->moved) {
        q->disk->changes++;
        if (q->disk->touched < q->r.off_bytes + to)
            q->disk->touched = q->r.off_bytes + to;
    }
    each_piece(q, q->moved, to,
               q->r.op == BLK_WRITE ? model_bytes : same_bytes);
    q->moved = to;
}

/* What can be read; behind the end of a read-only image it is zeros. */
static void all_moved(struct req *q)
{
    uint64_t end = q->r.len_bytes, off = q->r.off_bytes;
    uint64_t have = q->disk->f->bytes;

    if (q->r.op == BLK_READ && have < off + end)
        end = have < off ? 0 : have - off;
    MUST(q->moved == end);
    if (q->r.op == BLK_READ)
        each_piece(q, end, q->r.len_bytes, zero_bytes);
}

static void discarded(struct req *q)
{
    struct disk *d = q->disk;
    uint64_t unit = d->f->is_dev ? host_unit(d->f) : 1;
    uint64_t from = (q->r.off_bytes + unit - 1) / unit * unit;
    uint64_t to = (q->r.off_bytes + q->r.len_bytes) / unit * unit;

    if (from >= to) {
        MUST(!d->f->calls[HOST_PUNCH]);
        return;
    }
    MUST(d->f->off == from && d->f->len == to - from);
    memset(d->model + from, 0, to - from);
    d->changes++;
}

/* No write that came before may still be under way. */
static void flushed(struct rig *g, struct req *q)
{
    for (unsigned i = 0; i < REQS; i++) {
        struct req *w = &g->req[i];

        MUST(w->state != SUBMITTED || w->disk != q->disk || w->seq >= q->seq ||
             w->r.op == BLK_READ || w->r.op == BLK_FLUSH);
    }
    if (q->disk->f->calls[HOST_SYNC] && !q->disk->f->fail)
        q->disk->synced = q->disk->changes;
}

/* A flush that waits must not be put off by writes that came after it. */
static void not_overtaken(struct rig *g, struct req *q)
{
    for (unsigned i = 0; i < REQS; i++) {
        struct req *f = &g->req[i];
        unsigned k = 0;

        if (f->state != SUBMITTED || f->disk != q->disk || f->seq > q->seq ||
            f->r.op != BLK_FLUSH)
            continue;
        while (k < g->host.nqueue && g->host.queue[k] != &f->r)
            k++;
        MUST(k < g->host.nqueue);
    }
}

static void on_worked(struct pool *p, struct blk_req *r)
{
    struct rig *g = (struct rig *)p;
    struct req *q = (struct req *)r;

    MUST(q->state == SUBMITTED);
    q->state = WORKED;
    q->must = q->disk->f->fail;
    if (r->op == BLK_WRITE || r->op == BLK_DISCARD)
        not_overtaken(g, q);
    if (r->op == BLK_READ || r->op == BLK_WRITE)
        follow(q);
    else if (r->op == BLK_FLUSH)
        flushed(g, q);
    else if (!q->must)
        discarded(q);
    MUST(r->err == q->must);
    host_file_look(q->disk->f);
}

/* Whatever way it ended: counters, guards, the model's last word. */
static void ended(struct req *q, int err)
{
    struct disk *d = q->disk;
    uint64_t at = 0;

    if (q->r.op == BLK_FLUSH && !err)
        MUST(d->f->in_memory || d->synced >= q->need);
    if ((q->r.op == BLK_READ || q->r.op == BLK_WRITE) && !err)
        all_moved(q);
    d->seen.errors += err != 0;
    d->seen.rd_ops += !err && q->r.op == BLK_READ;
    d->seen.wr_ops += !err && q->r.op == BLK_WRITE;
    d->seen.flush_ops += !err && q->r.op == BLK_FLUSH;
    d->seen.rd_bytes += !err && q->r.op == BLK_READ ? q->r.len_bytes : 0;
    d->seen.wr_bytes += !err && q->r.op == BLK_WRITE ? q->r.len_bytes : 0;
    MUST(d->b->errors == d->seen.errors && d->b->rd_ops == d->seen.rd_ops &&
         d->b->wr_ops == d->seen.wr_ops && d->b->rd_bytes == d->seen.rd_bytes &&
         d->b->wr_bytes == d->seen.wr_bytes &&
         d->b->flush_ops == d->seen.flush_ops &&
         d->b->can_discard == d->can_discard);
    MUST(!memcmp(q->r.iov, q->sent, q->r.niov * sizeof(q->sent[0])));
    for (unsigned i = 0; i < q->r.niov; i++) {
        MUST(q->buf[at] == GUARD);
        at += 1 + q->sent[i].iov_len;
    }
    MUST(q->buf[at] == GUARD);
    free(q->r.iov);
    free(q->sent);
    free(q->buf);
    q->state = FREE;
}

/* Requests */

static void request(struct rig *g, enum blk_op op, unsigned how);

static void another(struct rig *g)
{
    enum blk_op op = (enum blk_op)(take8(&g->in) & 3);

    request(g, op, take8(&g->in));
}

static void on_done(struct blk_req *r, int err)
{
    struct req *q = (struct req *)r;
    struct rig *g = r->ctx;
    struct disk *d = q->disk;

    MUST(!g->inside && q->state == WORKED);
    if (r->op == BLK_FLUSH) {
        if (q->must)
            d->flush_err = q->must;
        q->must = d->flush_err;
    } else if (r->op == BLK_DISCARD && q->must == -EOPNOTSUPP) {
        d->can_discard = false;
        q->must = 0;
    }
    MUST(err == q->must);
    ended(q, err);
    if (d->closing)
        return;
    if (q->then == THEN_DRAIN)
        d->b->ops->drain(d->b);
    else if (q->then == THEN_MORE)
        another(g);
}

/* What is wrong with it, or 0. */
static int refused(const struct req *q, uint64_t sum)
{
    uint64_t size = q->disk->b->size_bytes;

    if (q->r.op == BLK_FLUSH)
        return 0;
    if (q->r.off_bytes > size || q->r.len_bytes > size - q->r.off_bytes)
        return -EINVAL;
    if (q->disk->b->read_only && q->r.op != BLK_READ)
        return -EROFS;
    return q->r.op == BLK_DISCARD || sum == q->r.len_bytes ? 0 : -EINVAL;
}

static void submit(struct rig *g, struct req *q, uint64_t sum)
{
    struct disk *d = q->disk;
    int rc, no = refused(q, sum);

    q->seq = ++g->seq;
    q->need = d->changes;
    q->state = SUBMITTED;
    host_file_look(d->f);
    g->inside = true;
    rc = blk_submit(d->b, &q->r);
    g->inside = false;
    MUST(!no || rc == no);
    MUST(!no || !d->f->calls[HOST_READ] || !d->f->calls[HOST_WRITE]);
    if (!no && (q->r.op == BLK_READ || q->r.op == BLK_WRITE))
        follow(q);
    host_file_look(d->f);
    if (rc == BLK_QUEUED)
        return;
    if (q->r.op == BLK_FLUSH && !rc)
        flushed(g, q);
    MUST(rc == (no || q->r.op != BLK_FLUSH ? no : d->flush_err));
    ended(q, rc);
}

static struct iovec *some_iov(unsigned n)
{
    struct iovec *v = calloc(n ? n : 1, sizeof(*v));

    MUST(v);
    return v;
}

/* Pieces of step bytes, the last one has the rest, and lie more; guards
 * between. The sum. */
static uint64_t lay_out(struct req *q, uint64_t len, uint64_t step, int lie)
{
    uint64_t n = (len + step - 1) / step, at = 1;

    q->r.niov = n < PIECES ? (unsigned)n : PIECES;
    q->r.iov = some_iov(q->r.niov);
    q->sent = some_iov(q->r.niov);
    len += q->r.niov ? (uint64_t)lie : 0;
    q->buf = malloc(len + q->r.niov + 1); /* exact, for a sanitizer */
    MUST(q->buf);
    memset(q->buf, GUARD, len + q->r.niov + 1);
    for (unsigned i = 0; i < q->r.niov; i++) {
        uint64_t left = len - (at - 1 - i);

        q->r.iov[i].iov_base = q->buf + at;
        q->r.iov[i].iov_len = i + 1 < q->r.niov ? step : left;
        at += q->r.iov[i].iov_len + 1;
    }
    memcpy(q->sent, q->r.iov, q->r.niov * sizeof(q->sent[0]));
    return q->r.niov ? len : 0;
}

static void range(struct rig *g, struct req *q, bool odd)
{
    uint64_t size = q->disk->b->size_bytes;
    uint64_t off = take(&g->in, odd ? 3 : 2), len = take(&g->in, odd ? 2 : 1);

    if (odd) {
        off = off >= 0xfffff0 ? UINT64_MAX - (off & 15) : off % (size + 600);
        len = len == 0xffff ? UINT64_MAX : len % 5000;
    } else {
        off = off % (size / SECTOR + 2) * SECTOR;
        len *= size > 256 * 1024 ? 4096 : SECTOR;
        if (off < size && len > size - off)
            len = len % 7 ? size - off : len;
    }
    q->r.off_bytes = off;
    q->r.len_bytes = len;
}

/* how: 1 the other disk, 2 odd bytes, 4 something follows, 8 pieces. */
static void request(struct rig *g, enum blk_op op, unsigned how)
{
    struct disk *d = &g->disk[how & 1];
    struct req *q = g->req;
    uint64_t sum = 0;
    int lie = 0;

    while (q < g->req + REQS && q->state != FREE)
        q++;
    if (q == g->req + REQS || !d->b || d->closing)
        return;
    q->r = (struct blk_req){.op = op, .done = on_done, .ctx = g};
    q->disk = d;
    q->moved = 0;
    q->salt = (uint8_t)(g->seq + 1);
    if (op != BLK_FLUSH)
        range(g, q, how & 2);
    q->then = how & 4 ? (enum then)(take8(&g->in) % 3) : THEN_NOTHING;
    if (op == BLK_READ || op == BLK_WRITE) {
        uint64_t len =
            q->r.len_bytes > d->b->size_bytes + 8192 ? SECTOR : q->r.len_bytes;
        uint64_t step = how & 8 ? 1 + take(&g->in, 2) : len + 1;

        if (how & 8 && step > 0xff00)
            lie = step & 1 ? 1 : -1;
        sum = lay_out(q, len, step, lie);
        if (op == BLK_WRITE)
            each_piece(q, 0, sum, put_bytes);
    } else {
        lay_out(q, 0, 1, 0);
    }
    submit(g, q, sum);
}

/* Disks */

static void bad_open(struct rig *g, const char *path, int flags, int64_t size,
                     bool read_only)
{
    struct err e = {""};
    char name[64];
    int fd = path ? open(path, flags | O_CLOEXEC)
                  : memfd_create("disk", MFD_CLOEXEC),
        again;

    MUST(fd >= 0);
    if (!path) {
        MUST(ftruncate(fd, size) == 0);
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        again = open(name, flags | O_CLOEXEC);
        MUST(again >= 0);
        close(fd);
        fd = again;
    }
    MUST(!blk_raw_open(&g->host, fd, read_only, "a disk", &e));
    MUST(strstr(e.text, "a disk") && fcntl(fd, F_GETFD) < 0);
}

/* What no disk can be made of; size of the file where path is NULL. */
static const struct {
    const char *path;
    int flags;
    off_t size;
    bool read_only, odd; /* odd: and some bytes more */
} bad[] = {
    {"/", O_RDONLY, 0, true},         {"/dev/null", O_RDWR, 0, false},
    {NULL, O_RDONLY, 512, false},     {NULL, O_RDWR, 512, true},
    {NULL, O_PATH, 512, true},        {NULL, O_RDWR, 0, false},
    {NULL, O_RDWR, 512, false, true}, {NULL, O_RDWR, INT64_MAX, false},
};

#define BAD (sizeof(bad) / sizeof(bad[0]))

static void bad_opens(struct rig *g)
{
    unsigned n = take8(&g->in) % (BAD + 1);
    struct err e = {""};
    off_t more;

    if (n == BAD) {
        MUST(!blk_raw_open(&g->host, -1, false, "a disk", &e) && e.text[0]);
        return;
    }
    more = bad[n].odd ? take8(&g->in) % 511 + 1 : 0;
    bad_open(g, bad[n].path, bad[n].flags, bad[n].size + more,
             bad[n].read_only);
}

/* The host of one disk, and how large that is. */
static void host_file(struct rig *g, struct host_file *f, unsigned kind,
                      bool read_only)
{
    unsigned n = (unsigned)take(&g->in, 2);

    *f = (struct host_file){.fd = -1, .limit = RLIM_INFINITY};
    f->is_dev = kind & 2;
    f->in_memory = kind & 4 && !f->is_dev;
    f->no_nowait[HOST_READ] = kind & 8;
    f->no_nowait[HOST_WRITE] = kind & 16;
    f->no_punch = kind & 32;
    f->bytes = SECTOR * (1 + n % 64);
    if (kind & 64 && n % 8 == 7) /* some that are too large for the loop */
        f->bytes += 512 * 1024;
    if (read_only && !f->is_dev)
        f->bytes -= (n >> 8) % SECTOR;
    if (kind & 128)
        f->limit = take(&g->in, 2) * 16;
    if (!f->is_dev)
        return;
    n = take8(&g->in);
    f->lba_bytes = n & 4 ? 768 : (int)(SECTOR << (n & 3));
    f->phys_bytes = n & 8 ? 256 : 4096;
    f->dev_fails = n >> 4 & 7;
    if (f->dev_fails & 1 && n & 128)
        f->dev_fails &= 6;
}

/* Its beginning and its end. */
static void fill_image(struct disk *d)
{
    uint64_t n = d->f->bytes < 2048 ? d->f->bytes : 2048;

    pattern(0x55, 0, d->model, n);
    pattern(0x66, 0, d->model + d->f->bytes - n, n);
    MUST(pwrite(d->f->back, d->model, d->f->bytes, 0) == (ssize_t)d->f->bytes);
}

static void open_disk(struct rig *g, unsigned unit)
{
    struct disk *d = &g->disk[unit];
    unsigned kind = take8(&g->in);
    bool read_only = kind & 1;
    struct err e = {""};
    char path[64];

    *d = (struct disk){.f = &g->host.file[unit]};
    host_file(g, d->f, kind, read_only);
    d->f->back = memfd_create("disk", MFD_CLOEXEC);
    MUST(d->f->back >= 0 && ftruncate(d->f->back, (off_t)d->f->bytes) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", d->f->back);
    d->f->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    MUST(d->f->fd >= 0);
    g->host.opening = d->f;
    d->b = blk_raw_open(&g->host, d->f->fd, read_only, "a disk", &e);
    g->host.opening = NULL;
    MUST(!d->b == (d->f->is_dev && d->f->dev_fails & 1));
    MUST(!d->b == !!e.text[0]);
    if (!d->b) {
        MUST(fcntl(d->f->fd, F_GETFD) < 0);
        close(d->f->back);
        d->f->fd = -1;
        return;
    }
    if (d->f->is_dev)
        d->f->limit = RLIM_INFINITY;
    MUST(d->b->read_only == read_only && d->b->size_bytes >= d->f->bytes &&
         d->b->size_bytes < d->f->bytes + (read_only ? 2048 : 1) &&
         d->b->size_bytes % (read_only ? 2048 : SECTOR) == 0);
    MUST(d->b->phys_block_bytes >= SECTOR &&
         !(d->b->phys_block_bytes & (d->b->phys_block_bytes - 1)));
    d->can_discard = !read_only && !d->f->no_punch;
    MUST(d->b->can_discard == d->can_discard);
    d->model = calloc(1, d->b->size_bytes);
    MUST(d->model);
    if (read_only)
        fill_image(d);
}

static void close_disk(struct rig *g, unsigned unit)
{
    struct disk *d = &g->disk[unit];
    uint8_t part[8192];
    uint64_t at = 0;
    ssize_t n;

    if (!d->b)
        return;
    d->closing = true;
    d->b->ops->close(d->b);
    d->b = NULL;
    MUST(fcntl(d->f->fd, F_GETFD) < 0);
    for (unsigned i = 0; i < REQS; i++)
        MUST(g->req[i].state == FREE || g->req[i].disk != d);
    while (at < d->touched &&
           (n = pread(d->f->back, part, sizeof(part), (off_t)at)) > 0) {
        MUST(!memcmp(part, d->model + at, (size_t)n));
        at += (uint64_t)n;
    }
    MUST(at <= d->f->bytes);
    close(d->f->back);
    d->f->fd = -1;
    free(d->model);
}

static void change_medium(struct rig *g, unsigned unit)
{
    if (g->disk[unit].closing) /* we are in its close() */
        return;
    close_disk(g, unit);
    open_disk(g, unit);
}

static void fail_calls(struct rig *g, struct disk *d)
{
    static const int errs[] = {0,      EIO,        ENOSPC, EINTR,
                               EAGAIN, EOPNOTSUPP, EFBIG,  ENOSYS};
    uint8_t how = take8(&g->in);
    enum host_call c = how & 3;

    d->f->next[c].err = errs[how >> 2 & 7];
    d->f->next[c].n = 1 + (how >> 5);
    d->f->next[c].most = 0;
    if (!d->f->next[c].err)
        d->f->next[c].most = (uint32_t)take(&g->in, 2);
}

/* Somebody cuts the image. */
static void shrink(struct rig *g, struct disk *d)
{
    uint64_t to = take(&g->in, 2);

    if (!d->b || d->f->is_dev || to >= d->f->bytes)
        return;
    memset(d->model + to, 0, d->b->size_bytes - to);
    MUST(ftruncate(d->f->back, (off_t)to) == 0);
}

static void one_step(struct rig *g)
{
    uint8_t op = take8(&g->in);
    unsigned a = op >> 4;
    struct disk *d = &g->disk[a & 1];

    switch (op & 15) {
    case 0 ... 3:
        request(g, (enum blk_op)(op & 3), a);
        break;
    case 4:
    case 5:
        if (g->host.nqueue)
            host_work(&g->host, a % g->host.nqueue);
        break;
    case 6:
        host_reap(&g->host);
        break;
    case 7:
        while (g->host.nqueue || g->host.nready)
            pool_wait(&g->host);
        break;
    case 8:
        if (d->b)
            d->b->ops->drain(d->b);
        for (unsigned i = 0; i < REQS; i++)
            MUST(!d->b || g->req[i].state == FREE || g->req[i].disk != d);
        break;
    case 9:
        change_medium(g, a & 1);
        break;
    case 10:
    case 11:
        if (d->b)
            fail_calls(g, d);
        break;
    case 12:
        shrink(g, d);
        break;
    case 13:
        bad_opens(g);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rig *g = calloc(1, sizeof(*g));

    MUST(g);
    g->in = (struct bytes){data, len};
    g->host.worked = on_worked;
    host_current(&g->host);
    for (unsigned i = 0; i < HOST_FILES; i++)
        open_disk(g, i);
    while (g->in.left)
        one_step(g);
    for (unsigned i = 0; i < HOST_FILES; i++)
        close_disk(g, i);
    MUST(!g->host.nqueue && !g->host.nready);
    host_current(NULL);
    free(g);
    return 0;
}
