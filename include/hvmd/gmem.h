/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as devices see it: RAM only, never anybody's MMIO (rule R5).
 * A page that has no RAM reads as ff and swallows writes. Writes mark pages
 * dirty for migration. Addresses are guest-physical bytes. Loop thread only,
 * but for the bytes of a pinned iovec, which a block worker may touch.
 */
#ifndef HVMD_GMEM_H
#define HVMD_GMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct gmem;

struct gmem_ops {
    int (*read)(struct gmem *, uint64_t gpa, void *dst, size_t len);
    int (*write)(struct gmem *, uint64_t gpa, const void *src, size_t len);
    int (*pin)(struct gmem *, uint64_t gpa, size_t len, bool wr,
               struct iovec *iov, unsigned max);
    void (*unpin)(struct gmem *, uint64_t gpa, size_t len, bool wr,
                  const struct iovec *iov, unsigned n);
};

struct gmem {
    const struct gmem_ops *ops;
};

/* 0, or -EFAULT when any byte had no RAM (dst is filled all the same). */
static inline int gmem_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    return g->ops->read(g, gpa, dst, len);
}

/* 0, or -EFAULT when any byte had no RAM (the others are written). */
static inline int gmem_write(struct gmem *g, uint64_t gpa, const void *src,
                             size_t len)
{
    return g->ops->write(g, gpa, src, len);
}

/*
 * Maps [gpa, gpa + len) for a transfer: fills at most max iovecs covering it
 * in order and returns their number. wr: the transfer writes guest memory.
 * Pages without RAM are replaced by a scratch page (ff / sink). -ENOSPC: max
 * is too small (a span of len bytes needs at most GMEM_IOVS(len), usually 1);
 * -EINVAL: wraps; -EFAULT: so many pages without RAM were named of late that
 * these are not looked for. Every success is ended by one gmem_unpin() with the
 * same gpa, len and wr and the iovecs as they were given; it marks pages dirty.
 */
static inline int gmem_pin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                           struct iovec *iov, unsigned max)
{
    return g->ops->pin(g, gpa, len, wr, iov, max);
}
#define GMEM_IOVS(len) ((len) / 4096u + 2u)

static inline void gmem_unpin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                              const struct iovec *iov, unsigned n)
{
    g->ops->unpin(g, gpa, len, wr, iov, n);
}

#endif
