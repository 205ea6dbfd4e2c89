/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "raw_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const dirs[] = {"/var/tmp", "/dev/shm"};

static const char *try_open(const char *path, int flags, bool ro)
{
    static struct err e;
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);
    int fd = open(path, flags);

    assert_true(fd >= 0);
    e.text[0] = 0;
    assert_null(blk_raw_open(p, fd, ro, path, &e));
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
    assert_non_null(strstr(e.text, path));
    assert_null(strchr(e.text, '\n'));
    pool_free(p);
    loop_free(l);
    return e.text;
}

static void test_refused(void **state)
{
    char path[] = "/var/tmp/hvmd-raw-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_non_null(strstr(try_open("/var/tmp", O_RDONLY, true), "directory"));
    assert_non_null(strstr(try_open("/var/tmp", O_RDONLY, false), "directory"));
    assert_non_null(strstr(try_open("/dev/zero", O_RDWR, false), "neither"));
    assert_non_null(strstr(try_open(path, O_RDWR, false), "empty"));
    assert_non_null(strstr(try_open(path, O_RDONLY, true), "empty"));
    assert_int_equal(ftruncate(fd, 1000), 0);
    assert_non_null(strstr(try_open(path, O_RDWR, false), "1000 bytes"));
    assert_non_null(strstr(try_open(path, O_RDWR, false), "truncate -s %512"));
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_non_null(strstr(try_open(path, O_RDONLY, false), "read-only"));
    assert_non_null(strstr(try_open(path, O_WRONLY, false), "read-only"));
    assert_non_null(strstr(try_open(path, O_RDWR, true), "writing"));
    assert_non_null(strstr(try_open(path, O_PATH, true), "path only"));
    close(fd);
    unlink(path);
}

static void test_xsa_142_xsa_266_read_only(void **state)
{
    uint8_t file[3000], in[4096];
    struct rig g;
    int fd;

    rig_open(&g, "/var/tmp", 512, O_RDONLY);
    assert_int_equal(g.b->size_bytes, 2048);
    rig_close(&g);

    /* The end of a cut CD image reads as zeros. */
    rig_open(&g, "/var/tmp", 3000, O_RDONLY);
    assert_int_equal(g.b->size_bytes, 4096);
    assert_true(g.b->read_only);
    assert_false(g.b->can_discard);
    fill(file, sizeof(file), 3);
    fd = open(g.path, O_WRONLY);
    assert_int_equal(pwrite(fd, file, 3000, 0), 3000);
    close(fd);
    memset(in, 0xee, sizeof(in));
    assert_int_equal(rig_do(&g, BLK_READ, 0, in, 4096), 0);
    assert_memory_equal(in, file, 3000);
    for (fd = 3000; fd < 4096; fd++)
        assert_int_equal(in[fd], 0);
    memset(in, 0xee, sizeof(in));
    assert_int_equal(rig_do(&g, BLK_READ, 3584, in, 512), 0);
    for (fd = 0; fd < 512; fd++)
        assert_int_equal(in[fd], 0);
    assert_int_equal(in[512], 0xee);
    memset(in, 0xee, sizeof(in));
    assert_int_equal(rig_do(&g, BLK_READ, 2560, in, 1024), 0);
    assert_memory_equal(in, file + 2560, 440);
    assert_int_equal(in[440], 0);
    assert_int_equal(in[1023], 0);

    assert_int_equal(rig_do(&g, BLK_WRITE, 0, in, 512), -EROFS);
    assert_int_equal(rig_do(&g, BLK_DISCARD, 0, NULL, 0), -EROFS);
    assert_int_equal(rig_do(&g, BLK_FLUSH, 0, NULL, 0), 0);
    rig_close(&g);
}

static void test_bad_requests(void **state)
{
    uint8_t buf[1024];
    struct rig g;

    rig_open(&g, "/var/tmp", 4096, O_RDWR);
    assert_int_equal(rig_do(&g, BLK_READ, 3584, buf, 1024), -EINVAL);
    assert_int_equal(rig_do(&g, BLK_READ, 4608, buf, 0), -EINVAL);
    assert_int_equal(rig_do(&g, BLK_WRITE, UINT64_MAX - 511, buf, 512),
                     -EINVAL);
    assert_int_equal(rig_do(&g, BLK_DISCARD, 512, NULL, UINT64_MAX), -EINVAL);
    g.iov[1] = (struct iovec){buf, 512};
    g.req[1] = (struct blk_req){.op = BLK_READ,
                                .len_bytes = 1024,
                                .iov = &g.iov[1],
                                .niov = 1,
                                .done = on_done};
    assert_int_equal(blk_submit(g.b, &g.req[1]), -EINVAL);
    g.req[1].len_bytes = 256;
    assert_int_equal(blk_submit(g.b, &g.req[1]), -EINVAL);
    assert_int_equal(rig_do(&g, BLK_READ, 4096, buf, 0), 0);
    assert_int_equal(g.b->errors, 6);
    assert_int_equal(pool_live(g.pool), 0);
    rig_close(&g);
}

/* Many requests at once, all over the disk; the file must be the model. */
static void parallel(const char *dir)
{
    const uint64_t size = 16 * MIB;
    const size_t most = 512 * 1024;
    uint8_t *model = calloc(1, size), *buf = malloc(REQS * most);
    uint8_t *back = malloc(size);
    unsigned round, i, seed = 1;
    uint64_t span = size / REQS, off, len;
    struct rig g;
    int fd;

    rig_open(&g, dir, size, O_RDWR);
    for (round = 0; round < 12; round++) {
        for (i = 0; i < REQS; i++) { /* each in its own span: disjoint */
            seed = seed * 1103515245u + 12345u;
            len = 512 * (1 + (seed >> 8) % (span / 512));
            off = i * span + (span - len) / 512 / 2 * 512;
            if (round % 3 == 2) {
                rig_submit(&g, i, BLK_READ, off, buf + i * most, len);
            } else {
                fill(buf + i * most, len, seed);
                memcpy(model + off, buf + i * most, len);
                rig_submit(&g, i, BLK_WRITE, off, buf + i * most, len);
            }
        }
        if (round % 2)
            rig_wait(&g);
        else
            g.b->ops->drain(g.b);
        loop_stop(g.loop, 0);
        loop_run(g.loop);
        for (i = 0; i < REQS; i++) {
            assert_int_equal(g.err[i], 0);
            if (round % 3 == 2)
                assert_memory_equal(buf + i * most, model + g.req[i].off_bytes,
                                    g.req[i].len_bytes);
        }
        assert_int_equal(rig_do(&g, BLK_FLUSH, 0, NULL, 0), 0);
    }
    fd = open(g.path, O_RDONLY);
    assert_int_equal(pread(fd, back, size, 0), size);
    assert_memory_equal(back, model, size);
    close(fd);
    assert_int_equal(g.b->errors, 0);
    assert_int_equal(g.b->wr_ops, 8 * REQS);
    assert_int_equal(g.b->rd_ops, 4 * REQS);
    rig_close(&g);
    free(model);
    free(buf);
    free(back);
}

static void test_parallel(void **state)
{
    unsigned i;

    for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        parallel(dirs[i]);
}

/* More iovecs than one system call takes, of odd lengths, both ways. */
static void many_iovecs(const char *dir)
{
    enum { N = 3000 };
    static struct iovec iov[N];
    uint8_t *out = malloc(4 * MIB), *in = malloc(4 * MIB);
    uint64_t len = 0;
    unsigned i;
    struct rig g;

    for (i = 0; i < N; i++) {
        iov[i].iov_base = out + len;
        iov[i].iov_len = i % 5 ? i % 777 : 0;
        len += iov[i].iov_len;
    }
    iov[N - 1].iov_len += 512 - len % 512;
    len += 512 - len % 512;
    fill(out, len, 9);
    rig_open(&g, dir, 4 * MIB, O_RDWR);
    g.req[0] = (struct blk_req){.op = BLK_WRITE,
                                .off_bytes = 512,
                                .len_bytes = len,
                                .iov = iov,
                                .niov = N,
                                .done = on_done,
                                .ctx = &g};
    g.err[0] = 1;
    assert_int_equal(blk_submit(g.b, &g.req[0]), BLK_QUEUED);
    g.open++;
    rig_wait(&g);
    assert_int_equal(g.err[0], 0);
    assert_int_equal(rig_do(&g, BLK_READ, 512, in, len), 0);
    assert_memory_equal(in, out, len);

    /* And reading through them; the array itself must stay as it was. */
    memset(out, 0, len);
    g.req[0].op = BLK_READ;
    g.req[0].iov = iov;
    g.req[0].niov = N;
    g.req[0].off_bytes = 512;
    g.req[0].len_bytes = len;
    g.err[0] = 1;
    assert_int_equal(blk_submit(g.b, &g.req[0]), BLK_QUEUED);
    g.open++;
    rig_wait(&g);
    assert_int_equal(g.err[0], 0);
    assert_memory_equal(in, out, len);
    assert_ptr_equal(iov[0].iov_base, out);
    assert_int_equal(iov[7].iov_len, 7);
    rig_close(&g);
    free(out);
    free(in);
}

static void test_many_iovecs(void **state)
{
    unsigned i;

    for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        many_iovecs(dirs[i]);
}

/* Bytes that are gone are an error, never what was in memory before. */
static void test_shrunk(void **state)
{
    uint8_t buf[8192];
    struct rig g;
    unsigned i;

    for (i = 0; i < 2; i++) {
        rig_open(&g, dirs[i], 64 * 1024, O_RDWR);
        assert_int_equal(truncate(g.path, 32768), 0);
        assert_int_equal(rig_do(&g, BLK_READ, 40960, buf, 4096), -EIO);
        assert_int_equal(rig_do(&g, BLK_READ, 28672, buf, 8192), -EIO);
        assert_int_equal(rig_do(&g, BLK_READ, 28672, buf, 4096), 0);
        assert_int_equal(g.b->errors, 2);
        rig_close(&g);
    }
}

static void test_at_once(void **state)
{
    uint8_t buf[64 * 1024];
    struct iovec v = {buf, 4096};
    struct rig g;
    int fd;

    /* Memory: never a worker. */
    rig_open(&g, "/dev/shm", MIB, O_RDWR);
    if (g.w->in_memory) {
        fill(buf, sizeof(buf), 4);
        assert_int_equal(rig_submit(&g, 0, BLK_WRITE, 4096, buf, sizeof(buf)),
                         0);
        assert_int_equal(rig_submit(&g, 0, BLK_READ, 4096, buf, sizeof(buf)),
                         0);
        assert_int_equal(rig_submit(&g, 0, BLK_FLUSH, 0, NULL, 0), 0);
        assert_int_equal(pool_live(g.pool), 0);
    }
    rig_close(&g);

    /* A file: reads of cached data, where the file system can tell. */
    rig_open(&g, "/var/tmp", MIB, O_RDWR);
    assert_int_equal(rig_do(&g, BLK_WRITE, 0, buf, sizeof(buf)), 0);
    fd = open(g.path, O_RDONLY);
    if (preadv2(fd, &v, 1, 0, RWF_NOWAIT) == 4096) {
        assert_int_equal(rig_submit(&g, 0, BLK_READ, 0, buf, sizeof(buf)), 0);
        assert_int_equal(rig_do(&g, BLK_FLUSH, 0, NULL, 0), 0);
        assert_int_equal(fdatasync(fd), 0);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        if (preadv2(fd, &v, 1, 0, RWF_NOWAIT) < 0) {
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            /* The one before may have started read-ahead: far from it. */
            rig_submit(&g, 0, BLK_READ, 0, buf, sizeof(buf));
            rig_wait(&g);
            assert_int_equal(g.err[0], 0);
        }
    }
    close(fd);
    rig_close(&g);
}

/* The worker's part with a gate before it, and a note of the order. */
static sem_t gate;
static atomic_uint seen;
static atomic_uint seen_ops[REQS];
static int flush_says;

static int gated_work(struct blk_req *r)
{
    unsigned n = atomic_fetch_add(&seen, 1);

    seen_ops[n % REQS] = (unsigned)r->op;
    sem_wait(&gate);
    if (r->op == BLK_FLUSH && flush_says)
        return flush_says;
    return raw_work(r);
}

static void wait_seen(unsigned n)
{
    unsigned ms;

    for (ms = 0; atomic_load(&seen) < n && ms < 5000; ms++)
        usleep(1000);
    usleep(2000); /* and not one more */
    assert_int_equal(atomic_load(&seen), n);
}

static void rig_gate(struct rig *g)
{
    g->w->d.work = gated_work;
    /* No writes on the loop, whatever the file system can do. */
    g->w->fsize_limit = 0;
    sem_init(&gate, 0, 0);
    atomic_store(&seen, 0);
    flush_says = 0;
}

static void rig_pass(struct rig *g, unsigned n, unsigned finished)
{
    while (n--)
        sem_post(&gate);
    while (g->finished < finished)
        pool_wait(g->pool);
    assert_int_equal(g->finished, finished);
}

static void test_flush_order(void **state)
{
    uint8_t buf[4096];
    struct rig g;

    fill(buf, sizeof(buf), 5);
    rig_open(&g, "/var/tmp", MIB, O_RDWR);
    rig_gate(&g);
    assert_int_equal(rig_submit(&g, 0, BLK_FLUSH, 0, NULL, 0), 0); /* clean */

    assert_int_equal(rig_submit(&g, 1, BLK_WRITE, 0, buf, 512), BLK_QUEUED);
    wait_seen(1);
    assert_int_equal(rig_submit(&g, 2, BLK_FLUSH, 0, NULL, 0), BLK_QUEUED);
    assert_int_equal(rig_submit(&g, 3, BLK_WRITE, 512, buf, 512), BLK_QUEUED);
    assert_int_equal(rig_submit(&g, 4, BLK_FLUSH, 0, NULL, 0), BLK_QUEUED);
    wait_seen(1); /* the other worker is free, yet nothing passes */

    rig_pass(&g, 1, 1);
    assert_int_equal(g.order[0], 1);
    wait_seen(3); /* flush and the next write, but not the next flush */
    assert_int_equal(seen_ops[1] + seen_ops[2], BLK_FLUSH + BLK_WRITE);
    rig_pass(&g, 2, 3);
    wait_seen(4);
    assert_int_equal(seen_ops[3], BLK_FLUSH);
    /* The last flush is under way: a further one may not claim it is done. */
    assert_int_equal(rig_submit(&g, 5, BLK_FLUSH, 0, NULL, 0), BLK_QUEUED);
    rig_pass(&g, 2, 5);
    assert_int_equal(rig_submit(&g, 6, BLK_FLUSH, 0, NULL, 0), 0);

    /* A write that had to line up makes the disk dirty after the flush. */
    rig_submit(&g, 7, BLK_WRITE, 0, buf, 512);
    rig_submit(&g, 8, BLK_FLUSH, 0, NULL, 0);
    rig_submit(&g, 9, BLK_WRITE, 0, buf, 512);
    rig_pass(&g, 3, 8);
    assert_int_equal(rig_submit(&g, 10, BLK_FLUSH, 0, NULL, 0), BLK_QUEUED);
    rig_pass(&g, 1, 9);
    rig_close(&g);
}

/* After a failed flush the host may have dropped data: never "done" again. */
static void test_flush_fails(void **state)
{
    uint8_t buf[512] = {1};
    struct rig g;

    rig_open(&g, "/var/tmp", MIB, O_RDWR);
    rig_gate(&g);
    flush_says = -EIO;
    rig_submit(&g, 0, BLK_WRITE, 0, buf, 512);
    rig_submit(&g, 1, BLK_FLUSH, 0, NULL, 0);
    rig_pass(&g, 2, 2);
    assert_int_equal(g.err[0], 0);
    assert_int_equal(g.err[1], -EIO);
    flush_says = 0;
    assert_int_equal(rig_submit(&g, 2, BLK_FLUSH, 0, NULL, 0), -EIO);
    assert_int_equal(g.b->errors, 2);
    rig_close(&g);
}

static void test_discard(void **state)
{
    uint8_t *buf = malloc(MIB), *zero = calloc(1, MIB);
    struct stat before, after;
    struct rig g;
    unsigned i;

    for (i = 0; i < 2; i++) {
        rig_open(&g, dirs[i], 4 * MIB, O_RDWR);
        fill(buf, MIB, 6);
        assert_int_equal(rig_do(&g, BLK_WRITE, MIB, buf, MIB), 0);
        assert_int_equal(rig_do(&g, BLK_FLUSH, 0, NULL, 0), 0);
        assert_int_equal(stat(g.path, &before), 0);
        if (g.b->can_discard) {
            assert_int_equal(rig_submit(&g, 0, BLK_DISCARD, MIB, NULL, MIB),
                             BLK_QUEUED);
            rig_wait(&g);
            assert_int_equal(g.err[0], 0);
            assert_int_equal(stat(g.path, &after), 0);
            assert_true(after.st_blocks <= before.st_blocks - 1024);
            assert_int_equal(after.st_size, 4 * MIB);
            assert_int_equal(rig_do(&g, BLK_READ, MIB, buf, MIB), 0);
            assert_memory_equal(buf, zero, MIB);
            g.b->can_discard = false;
        }
        assert_int_equal(rig_submit(&g, 0, BLK_DISCARD, MIB, NULL, MIB), 0);
        rig_close(&g);
    }
    free(buf);
    free(zero);
}

static void drain_in_done(struct blk_req *r, int err)
{
    struct rig *g = r->ctx;

    on_done(r, err);
    g->b->ops->drain(g->b);
    assert_int_equal(g->open, 0);
}

/* drain() inside a done() sees the rest of the same batch finished. */
static void test_drain_in_done(void **state)
{
    uint8_t buf[8][512];
    struct rig g;
    unsigned i;

    memset(buf, 0x11, sizeof(buf));
    rig_open(&g, "/var/tmp", MIB, O_RDWR);
    rig_gate(&g);
    for (i = 0; i < 8; i++) {
        rig_submit(&g, i, BLK_WRITE, i * 512, buf[i], 512);
        if (i < 2)
            g.req[i].done = drain_in_done;
    }
    for (i = 0; i < 8; i++)
        sem_post(&gate);
    usleep(20000);
    rig_wait(&g);
    assert_int_equal(g.finished, 8);
    g.b->ops->drain(g.b);
    rig_close(&g);
}

/* In a child: what it does to the process must not stay. 77: skipped. */
static void in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int limited(void)
{
    struct rlimit lim = {256 * 1024, 256 * 1024};
    uint8_t buf[4096] = {1};
    struct rig g;
    unsigned i;

    if (setrlimit(RLIMIT_FSIZE, &lim) < 0)
        return 77;
    for (i = 0; i < 2; i++) {
        rig_open(&g, dirs[i], 64 * 1024, O_RDWR);
        assert_int_equal(truncate(g.path, 64 * 1024), 0);
        g.b->size_bytes = g.w->file_bytes = MIB; /* as if it were large */
        if (rig_do(&g, BLK_WRITE, 128 * 1024, buf, 4096) != 0)
            return 1;
        if (rig_do(&g, BLK_WRITE, 512 * 1024, buf, 4096) != -EFBIG)
            return 2;
        if (rig_do(&g, BLK_WRITE, 254 * 1024, buf, 4096) != -EFBIG)
            return 3;
        rig_close(&g);
    }
    return 0;
}

/* RLIMIT_FSIZE is an error for the guest, not the end of the process. */
static void test_file_limit(void **state)
{
    in_child(limited);
}

static int full(void)
{
    const char *dir = "/mnt";
    uint8_t *buf;
    struct rig g;
    int i, err = 0;

    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", dir, "tmpfs", 0, "size=4m") < 0)
        return 77;
    buf = malloc(MIB);
    memset(buf, 0x77, MIB);
    rig_open(&g, dir, 16 * MIB, O_RDWR);
    for (i = 0; i < 16 && !err; i++)
        err = rig_do(&g, BLK_WRITE, (uint64_t)i * MIB, buf, MIB);
    if (err != -ENOSPC || i < 3)
        return 1;
    if (rig_do(&g, BLK_WRITE, 15 * MIB, buf, 65536) != -ENOSPC)
        return 2; /* small ones, tried on the loop */
    if (rig_do(&g, BLK_READ, 0, buf, 65536) != 0 || buf[0] != 0x77)
        return 3;
    /* Discarding makes room again. */
    if (rig_do(&g, BLK_DISCARD, 0, NULL, 2 * MIB) != 0)
        return 4;
    if (rig_do(&g, BLK_WRITE, 15 * MIB, buf, 65536) != 0)
        return 5;
    rig_close(&g);
    free(buf);
    return 0;
}

static void test_no_space(void **state)
{
    if (getuid() != 0)
        skip();
    in_child(full);
}

/* A loop device, where there is one to be had. */
static void test_block_device(void **state)
{
    char path[] = "/var/tmp/hvmd-raw-XXXXXX", cmd[256], dev[128] = "";
    uint8_t *out, *in;
    struct err e = {""};
    struct rig g;
    FILE *p;
    int fd;

    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 8 * MIB), 0);
    snprintf(cmd, sizeof(cmd), "losetup --show -f %s 2>/dev/null", path);
    p = getuid() == 0 ? popen(cmd, "r") : NULL;
    if (p) {
        if (!fgets(dev, sizeof(dev), p))
            dev[0] = 0;
        pclose(p);
    }
    dev[strcspn(dev, "\n")] = 0;
    if (!dev[0]) {
        close(fd);
        unlink(path);
        skip();
    }
    out = malloc(MIB);
    in = malloc(MIB);
    memset(&g, 0, sizeof(g));
    g.loop = loop_new();
    g.pool = pool_new(g.loop, 2);
    g.b = blk_raw_open(g.pool, open(dev, O_RDWR), false, dev, &e);
    assert_non_null(g.b);
    g.w = (struct raw *)g.b;
    assert_true(g.w->is_dev);
    assert_int_equal(g.b->size_bytes, 8 * MIB);
    assert_true(g.b->phys_block_bytes >= 512);
    fill(out, MIB, 8);
    assert_int_equal(rig_do(&g, BLK_WRITE, MIB + 512, out, MIB), 0);
    assert_int_equal(rig_do(&g, BLK_FLUSH, 0, NULL, 0), 0);
    assert_int_equal(pread(fd, in, MIB, MIB + 512), MIB);
    assert_memory_equal(in, out, MIB);
    if (g.b->can_discard) {
        assert_int_equal(rig_do(&g, BLK_DISCARD, MIB + 512, NULL, MIB), 0);
        assert_int_equal(rig_do(&g, BLK_READ, MIB + 4096, in, 4096), 0);
        assert_int_equal(in[0] | in[4095], 0);
    }
    g.b->ops->close(g.b);
    pool_free(g.pool);
    loop_free(g.loop);
    snprintf(cmd, sizeof(cmd), "losetup -d %s", dev);
    assert_int_equal(system(cmd), 0);
    close(fd);
    unlink(path);
    free(out);
    free(in);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_xsa_142_xsa_266_read_only),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_many_iovecs),
        cmocka_unit_test(test_shrunk),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_flush_order),
        cmocka_unit_test(test_flush_fails),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_drain_in_done),
        cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_block_device),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
