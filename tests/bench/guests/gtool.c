/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gtool: the measuring tool in the benches' Linux guest, static.
 *   mark TEXT                   write a line to Xen's console (port 0xe9)
 *   seqread DEV MIB KIB         sequential O_DIRECT read, KIB per request
 *   seqwrite DEV MIB KIB
 *   randread DEV OPS SPANMIB    4 KiB O_DIRECT reads at random places, queue
 * depth 1 The result is one line: NAME VALUE UNIT SECONDS */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *s)
{
    fprintf(stderr, "gtool: %s: %s\n", s, strerror(errno));
    exit(1);
}

static void *buffer(size_t n)
{
    void *p;
    if (posix_memalign(&p, 4096, n))
        die("memory");
    memset(p, 0x5a, n);
    return p;
}

static int seq(const char *name, const char *dev, long mib, long kib, int wr)
{
    int fd = open(dev, (wr ? O_WRONLY : O_RDONLY) | O_DIRECT);
    size_t bs = (size_t)kib << 10;
    char *b = buffer(bs);
    uint64_t left = (uint64_t)mib << 20;
    if (fd < 0)
        die(dev);
    double t = now();
    while (left) {
        size_t n = left < bs ? left : bs;
        if ((wr ? write(fd, b, n) : read(fd, b, n)) != (ssize_t)n)
            die("transfer");
        left -= n;
    }
    if (wr)
        fsync(fd);
    t = now() - t;
    printf("%s %.3f MB/s %.3f\n", name, (double)mib * 1.048576 / t, t);
    return 0;
}

static int randread(const char *dev, long ops, long span)
{
    int fd = open(dev, O_RDONLY | O_DIRECT);
    char *b = buffer(4096);
    uint64_t s = 88172645463325252ull;
    if (fd < 0)
        die(dev);
    double t = now();
    for (long i = 0; i < ops; i++) {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        off_t at = (off_t)(s % ((uint64_t)span << 8)) << 12;
        if (pread(fd, b, 4096, at) != 4096)
            die("read");
    }
    t = now() - t;
    printf("randread %.1f IOPS %.3f\n", ops / t, t);
    return 0;
}

int main(int c, char **v)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (c >= 3 && !strcmp(v[1], "mark")) {
        if (iopl(3))
            die("iopl");
        for (const char *s = v[2]; *s; s++)
            outb(*s, 0xe9);
        outb('\n', 0xe9);
        return 0;
    }
    if (c >= 5 && !strcmp(v[1], "seqread"))
        return seq(v[1], v[2], atol(v[3]), atol(v[4]), 0);
    if (c >= 5 && !strcmp(v[1], "seqwrite"))
        return seq(v[1], v[2], atol(v[3]), atol(v[4]), 1);
    if (c >= 5 && !strcmp(v[1], "randread"))
        return randread(v[2], atol(v[3]), atol(v[4]));
    fprintf(stderr, "gtool: bad arguments\n");
    return 2;
}
