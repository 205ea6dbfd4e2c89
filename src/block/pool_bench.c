/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the way to a worker and back costs: one request at a time (latency,
 * as IDE has it) and 32 at a time, against the same read done on the loop.
 * Run by meson test --benchmark.
 */
#include "raw.h"

#include <hvmd/loop.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define N     100000u
#define DEPTH 32u

struct bench {
    struct pool_disk d;
    struct loop *loop;
    struct blk_req req[DEPTH];
    unsigned left, open;
};

static int no_work(struct blk_req *r)
{
    return 0;
}

static void again(struct blk_req *r, int err)
{
    struct bench *b = (struct bench *)r->blk;

    if (b->left) {
        b->left--;
        pool_submit(b->d.pool, r);
    } else if (--b->open == 0) {
        loop_stop(b->loop, 0);
    }
}

static uint64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void hand_off(struct loop *l, struct pool *p, unsigned depth)
{
    struct bench *b = calloc(1, sizeof(*b));
    uint64_t t0, cpu;
    unsigned i;

    if (!b)
        exit(1);
    b->d.pool = p;
    b->d.work = no_work;
    b->d.finish = again;
    b->loop = l;
    b->left = N;
    b->open = depth;
    t0 = clock_now(loop_clock(l));
    cpu = cpu_us();
    for (i = 0; i < depth; i++) {
        b->req[i].blk = &b->d.blk;
        pool_submit(p, &b->req[i]);
    }
    loop_run(l);
    printf("hand-off, %2u in flight: %6.2f us each, %6.2f us of CPU\n", depth,
           (double)(clock_now(loop_clock(l)) - t0) / 1e3 / N,
           (double)(cpu_us() - cpu) / N);
    free(b);
}

static void on_read(struct blk_req *r, int err)
{
    loop_stop(r->ctx, err);
}

static void reads(struct loop *l, struct pool *p, const char *dir, size_t len)
{
    struct iovec iov = {calloc(1, len), len};
    struct blk_req r = {.op = BLK_READ,
                        .len_bytes = len,
                        .iov = &iov,
                        .niov = 1,
                        .done = on_read,
                        .ctx = l};
    unsigned i, at_once = 0;
    char path[64];
    struct blk *b;
    uint64_t t0;
    int fd;

    snprintf(path, sizeof(path), "%s/hvmd-bench-XXXXXX", dir);
    fd = mkstemp(path);
    if (fd < 0 || !iov.iov_base)
        exit(1);
    unlink(path);
    if (pwrite(fd, iov.iov_base, len, 0) != (ssize_t)len)
        exit(1);
    b = blk_raw_open(p, fd, false, path, NULL);
    if (!b)
        exit(1);
    t0 = clock_now(loop_clock(l));
    for (i = 0; i < N / 10; i++) {
        if (blk_submit(b, &r) == BLK_QUEUED)
            loop_run(l);
        else
            at_once++;
    }
    printf("cached read, %6zu bytes, %-8s: %6.2f us each, %u %% at once\n", len,
           dir, (double)(clock_now(loop_clock(l)) - t0) / 1e3 / i,
           at_once * 100 / i);
    b->ops->close(b);
    free(iov.iov_base);
}

int main(void)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);

    if (!p)
        return 1;
    hand_off(l, p, 1);
    hand_off(l, p, DEPTH);
    reads(l, p, "/var/tmp", 512);
    reads(l, p, "/var/tmp", 65536);
    reads(l, p, "/var/tmp", 512 * 1024);
    reads(l, p, "/dev/shm", 65536);
    pool_free(p);
    loop_free(l);
    return 0;
}
