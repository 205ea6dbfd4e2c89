/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Calls of the system have no context. */
static struct pool *host;

#define WRAPPED(type, name, ...)                                               \
    type __real_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__)

void host_current(struct pool *p)
{
    host = p;
}

void host_file_look(struct host_file *f)
{
    f->moved = f->off = f->len = 0;
    f->fail = 0;
    memset(f->calls, 0, sizeof(f->calls));
}

uint64_t host_unit(const struct host_file *f)
{
    int n = f->lba_bytes;

    return f->dev_fails & 2 || n < 512 || n & (n - 1) ? 512 : (uint64_t)n;
}

static struct host_file *file_of(int fd)
{
    for (unsigned i = 0; host && i < HOST_FILES; i++)
        if (fd >= 0 && host->file[i].fd == fd)
            return &host->file[i];
    return NULL;
}

static int failed(struct host_file *f, int err)
{
    if (err != EINTR)
        f->fail = -err;
    errno = err;
    return -1;
}

/* -1: it fails. Else how many bytes it does at most, in *most. */
static int begin(struct host_file *f, enum host_call c, uint64_t *most)
{
    f->calls[c]++;
    f->fail = 0;
    if (!f->next[c].n)
        return 0;
    f->next[c].n--;
    if (f->next[c].err)
        return failed(f, f->next[c].err);
    *most = f->next[c].most;
    return 0;
}

static ssize_t transfer(struct host_file *f, enum host_call c,
                        const struct iovec *iov, int n, off_t off)
{
    struct iovec part[IOV_MAX];
    uint64_t most = UINT64_MAX;
    ssize_t got;
    int i;

    MUST(n >= 0 && n <= IOV_MAX && off >= 0);
    if (begin(f, c, &most) < 0)
        return -1;
    if (c == HOST_WRITE && !f->is_dev) {
        MUST(host->working || (uint64_t)off < f->limit); /* SIGXFSZ */
        if ((uint64_t)off >= f->limit)
            return failed(f, EFBIG);
        if (most > f->limit - (uint64_t)off)
            most = f->limit - (uint64_t)off;
    }
    for (i = 0; i < n && most; i++) {
        part[i] = iov[i];
        if (part[i].iov_len > most)
            part[i].iov_len = most;
        most -= part[i].iov_len;
    }
    got = c == HOST_READ ? preadv2(f->back, part, i, off, 0)
                         : pwritev2(f->back, part, i, off, 0);
    MUST(got >= 0);
    f->moved += (uint64_t)got;
    if (!got)
        f->fail = -EIO;
    return got;
}

static ssize_t transfer2(struct host_file *f, enum host_call c,
                         const struct iovec *iov, int n, off_t off, int flags)
{
    MUST(!(flags & ~RWF_NOWAIT) && (flags || f->in_memory));
    if (flags && f->no_nowait[c]) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return transfer(f, c, iov, n, off);
}

WRAPPED(ssize_t, preadv64v2, int fd, const struct iovec *iov, int n, off_t off,
        int flags)
{
    struct host_file *f = file_of(fd);

    return f ? transfer2(f, HOST_READ, iov, n, off, flags)
             : __real_preadv64v2(fd, iov, n, off, flags);
}

WRAPPED(ssize_t, pwritev64v2, int fd, const struct iovec *iov, int n, off_t off,
        int flags)
{
    struct host_file *f = file_of(fd);

    return f ? transfer2(f, HOST_WRITE, iov, n, off, flags)
             : __real_pwritev64v2(fd, iov, n, off, flags);
}

WRAPPED(ssize_t, preadv64, int fd, const struct iovec *iov, int n, off_t off)
{
    struct host_file *f = file_of(fd);

    MUST(!f || host->working);
    return f ? transfer(f, HOST_READ, iov, n, off)
             : __real_preadv64(fd, iov, n, off);
}

WRAPPED(ssize_t, pwritev64, int fd, const struct iovec *iov, int n, off_t off)
{
    struct host_file *f = file_of(fd);

    MUST(!f || host->working);
    return f ? transfer(f, HOST_WRITE, iov, n, off)
             : __real_pwritev64(fd, iov, n, off);
}

WRAPPED(int, fdatasync, int fd)
{
    struct host_file *f = file_of(fd);
    uint64_t most;

    if (!f)
        return __real_fdatasync(fd);
    MUST(host->working);
    return begin(f, HOST_SYNC, &most);
}

static int punch(struct host_file *f, uint64_t off, uint64_t len)
{
    uint64_t most;

    if (begin(f, HOST_PUNCH, &most) < 0)
        return -1;
    f->off = off;
    f->len = len;
    return fallocate(f->back, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                     (off_t)off, (off_t)len);
}

WRAPPED(int, fallocate64, int fd, int mode, off_t off, off_t len)
{
    struct host_file *f = file_of(fd);

    if (!f)
        return __real_fallocate64(fd, mode, off, len);
    MUST(mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) && len > 0);
    if (host->opening) {
        MUST((uint64_t)off >= f->bytes);
        errno = EOPNOTSUPP;
        return f->no_punch ? -1 : 0;
    }
    MUST(host->working && !f->is_dev);
    return punch(f, (uint64_t)off, (uint64_t)len);
}

static int discard_dev(struct host_file *f, const uint64_t *range)
{
    uint64_t unit = host_unit(f);

    if (f->no_punch) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if ((range[0] | range[1]) % unit) {
        MUST(host->opening); /* only to ask */
        errno = EINVAL;
        return -1;
    }
    MUST(host->working && range[1] && range[1] <= f->bytes &&
         range[0] <= f->bytes - range[1]);
    return punch(f, range[0], range[1]);
}

WRAPPED(int, ioctl, int fd, unsigned long op, ...)
{
    struct host_file *f = file_of(fd);
    unsigned bit = op == BLKGETSIZE64 ? 1 : op == BLKSSZGET ? 2 : 4;
    va_list args;
    void *arg;

    va_start(args, op);
    arg = va_arg(args, void *);
    va_end(args);
    if (!f)
        return __real_ioctl(fd, op, arg);
    MUST(f->is_dev);
    if (op == BLKDISCARD)
        return discard_dev(f, arg);
    if (f->dev_fails & bit) {
        errno = ENOTTY;
        return -1;
    }
    if (op == BLKGETSIZE64)
        *(uint64_t *)arg = f->bytes;
    else if (op == BLKSSZGET)
        *(int *)arg = f->lba_bytes;
    else
        *(unsigned *)arg = f->phys_bytes;
    return 0;
}

WRAPPED(int, fstat64, int fd, struct stat *st)
{
    struct host_file *f = file_of(fd);
    int rc = __real_fstat64(fd, st);

    if (f && f->is_dev && rc == 0)
        st->st_mode = S_IFBLK | 0600;
    return rc;
}

WRAPPED(int, fstatfs64, int fd, struct statfs *fs)
{
    struct host_file *f = file_of(fd);
    int rc = __real_fstatfs64(fd, fs);

    if (f && rc == 0)
        fs->f_type = !f->in_memory ? EXT4_SUPER_MAGIC
                     : f->no_punch ? RAMFS_MAGIC
                                   : TMPFS_MAGIC;
    return rc;
}

WRAPPED(int, getrlimit64, int what, struct rlimit *limit)
{
    int rc = __real_getrlimit64(what, limit);

    if (host && host->opening && what == RLIMIT_FSIZE)
        limit->rlim_cur = host->opening->limit;
    return rc;
}

void pool_submit(struct pool *p, struct blk_req *r)
{
    MUST(p->nqueue < HOST_QUEUE);
    r->next = NULL;
    p->queue[p->nqueue++] = r;
}

void pool_wait(struct pool *p)
{
    if (!p->nready) {
        MUST(p->nqueue); /* or it would wait for ever */
        host_work(p, 0);
    }
    host_reap(p);
}

void host_work(struct pool *p, unsigned k)
{
    struct blk_req *r = p->queue[k];
    struct pool_disk *d = (struct pool_disk *)r->blk;

    p->nqueue--;
    memmove(&p->queue[k], &p->queue[k + 1],
            (p->nqueue - k) * sizeof(p->queue[0]));
    p->working = true;
    r->err = d->work(r);
    p->working = false;
    p->worked(p, r);
    p->ready[p->nready++] = r;
}

void host_reap(struct pool *p)
{
    while (p->nready) {
        struct blk_req *r = p->ready[0];

        p->nready--;
        memmove(&p->ready[0], &p->ready[1], p->nready * sizeof(p->ready[0]));
        ((struct pool_disk *)r->blk)->finish(r, r->err);
    }
}
