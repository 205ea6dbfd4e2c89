/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rec_file.h"

#include "../block/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A guest that writes to its disks fills 10 MB/s and more. */
#define BUF_BYTES (8u << 20)
/* TRACE_END always has room. */
#define ROOM (BUF_BYTES - TRACE_REC_MAX)

struct rec_file {
    struct pool_disk out; /* so a worker takes it for a disk's request */
    struct blk_req req;
    struct iovec iov;
    bool busy; /* a worker has the other buffer */
    bool ended;
    uint8_t *buf; /* the one that is filled; the other: spare */
    uint8_t *spare;
    size_t len;
    int fd;
    uint64_t off, cap;
    size_t head; /* bytes of it */
    struct log *log;
    char *path;
};

static struct rec_file *of(struct blk_req *r)
{
    return (struct rec_file *)r->blk;
}

static int write_all(int fd, const uint8_t *p, size_t len, uint64_t off)
{
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int work(struct blk_req *r)
{
    return write_all(of(r)->fd, r->iov->iov_base, r->len_bytes, r->off_bytes);
}

static void end(struct rec_file *f, enum trace_why why, int err)
{
    static const char *const text[] = {
        [TRACE_WHY_CAP] = "the file has its greatest size",
        [TRACE_WHY_SLOW] = "the file is not written fast enough",
    };
    struct trace_rec t = {.kind = TRACE_END, .value = why};

    if (f->ended)
        return;
    f->ended = true;
    f->len += trace_put(f->buf + f->len, &t);
    if (why != TRACE_WHY_CLOSED)
        log_line(f->log, "-record %s: %s, recording has ended", f->path,
                 why == TRACE_WHY_ERROR ? strerror(-err) : text[why]);
}

static void finished(struct blk_req *r, int err)
{
    struct rec_file *f = of(r);

    f->busy = false;
    f->out.in_flight--;
    if (!err)
        return;
    /* Buffers begin with a record: what is in front of this one is whole. */
    f->off = r->off_bytes;
    f->len = 0;
    f->ended = false;
    end(f, TRACE_WHY_ERROR, err);
}

/* Hands what there is to a worker. False: it has the last one still. */
static bool submit(struct rec_file *f)
{
    uint8_t *full = f->buf;

    if (f->busy)
        return false;
    f->iov = (struct iovec){full, f->len};
    f->req = (struct blk_req){.op = BLK_WRITE,
                              .off_bytes = f->off,
                              .len_bytes = f->len,
                              .iov = &f->iov,
                              .niov = 1,
                              .blk = &f->out.blk};
    f->busy = true;
    f->out.in_flight++;
    f->off += f->len;
    f->len = 0;
    f->buf = f->spare;
    f->spare = full;
    pool_submit(f->out.pool, &f->req);
    return true;
}

bool rec_file_put(struct rec_file *f, const struct trace_rec *t,
                  const struct iovec *iov, unsigned niov)
{
    size_t bytes = t->kind == TRACE_READ ? t->len : 0;
    size_t most = TRACE_REC_MAX + bytes;

    if (f->ended)
        return false;
    if (f->off + f->len + most + TRACE_REC_MAX > f->cap) {
        end(f, TRACE_WHY_CAP, 0);
        return false;
    }
    if (most > ROOM - f->len && !submit(f)) {
        end(f, TRACE_WHY_SLOW, 0);
        return false;
    }
    f->len += trace_put(f->buf + f->len, t);
    for (unsigned i = 0; bytes && i < niov; i++) {
        size_t n = iov[i].iov_len < bytes ? iov[i].iov_len : bytes;

        memcpy(f->buf + f->len, iov[i].iov_base, n);
        f->len += n;
        bytes -= n;
    }
    return true;
}

void rec_file_head(struct rec_file *f, const struct machine_conf *c)
{
    f->head = trace_put_head(f->buf, c);
    f->len = f->head;
}

bool rec_file_open(const struct rec_file *f)
{
    return !f->ended;
}

void rec_file_set_cap(struct rec_file *f, uint64_t bytes)
{
    f->cap = bytes;
}

static void destroy(struct rec_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->buf);
    free(f->spare);
    free(f->path);
    free(f);
}

static int open_file(struct rec_file *f, struct err *e)
{
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 0600);
    if (f->fd >= 0)
        return 0;
    if (errno == EEXIST)
        return err_set(e, -EEXIST,
                       "-record %s: the file is there already; move it away "
                       "or give another name",
                       f->path);
    return err_set(e, -errno, "-record %s: %s", f->path, strerror(errno));
}

struct rec_file *rec_file_new(const char *path, struct pool *pool,
                              struct log *log, uint64_t cap_bytes,
                              struct err *e)
{
    struct rec_file *f = calloc(1, sizeof(*f));

    if (!f) {
        err_set(e, -ENOMEM, "out of memory for -record");
        return NULL;
    }
    f->fd = -1;
    f->out.pool = pool;
    f->out.work = work;
    f->out.finish = finished;
    f->cap = cap_bytes;
    f->log = log;
    f->path = strdup(path);
    f->buf = malloc(BUF_BYTES);
    f->spare = malloc(BUF_BYTES);
    if (!f->path || !f->buf || !f->spare)
        err_set(e, -ENOMEM, "out of memory for -record");
    else if (!open_file(f, e))
        return f;
    destroy(f);
    return NULL;
}

void rec_file_close(struct rec_file *f)
{
    int rc;

    while (f->busy)
        pool_wait(f->out.pool);
    if (f->off + f->len <= f->head) {
        unlink(f->path); /* the guest never ran, or nothing could be written */
    } else {
        end(f, TRACE_WHY_CLOSED, 0);
        rc = write_all(f->fd, f->buf, f->len, f->off);
        /* of a buffer that did not fit some may be behind */
        if (!rc && ftruncate(f->fd, (off_t)(f->off + f->len)) < 0)
            rc = -errno;
        if (rc < 0)
            log_line(f->log, "-record %s: %s, its end is missing", f->path,
                     strerror(-rc));
    }
    destroy(f);
}
