/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast a device test goes: 100,000 round trips over a socket, as disk
 * reads by DMA with tables shorter, as long and longer than the transfer.
 * qtest_bench HVMD-QTEST [ROUND TRIPS [SECONDS]]
 * With SECONDS it fails when both ends together take so much CPU time, three
 * times.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3u

struct client {
    int fd;
    char buf[4096];
    unsigned long trips, most;
};

static void die(const char *why)
{
    perror(why);
    exit(1);
}

/* One command and its answer's number; interrupts are passed over. */
static unsigned long __attribute__((format(printf, 2, 3)))
ask(struct client *c, const char *fmt, ...)
{
    size_t have = 0;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(c->buf, sizeof(c->buf) - 1, fmt, ap);
    va_end(ap);
    c->buf[len++] = '\n';
    if (write(c->fd, c->buf, (size_t)len) != len)
        die("write");
    c->trips++;
    for (;;) {
        ssize_t n = read(c->fd, c->buf + have, sizeof(c->buf) - 1 - have);
        char *line, *end;

        if (n <= 0)
            die("read");
        have += (size_t)n;
        c->buf[have] = 0;
        for (line = c->buf; (end = strchr(line, '\n')); line = end + 1) {
            if (!strncmp(line, "OK", 2))
                return line[2] == ' ' ? strtoul(line + 3, NULL, 0) : 0;
            if (strncmp(line, "IRQ ", 4)) {
                fprintf(stderr, "answer: %s", line);
                exit(1);
            }
        }
        have = (size_t)(c->buf + have - line);
        memmove(c->buf, line, have);
    }
}

static void one_read(struct client *c, unsigned sectors, unsigned size)
{
    unsigned long st, want = size < sectors * 512    ? 0
                             : size == sectors * 512 ? 4
                                                     : 5;

    ask(c, "outb 0xc000 0x0");
    ask(c, "outb 0xc002 0x6");
    ask(c, "writel 0x180000 0x100000");
    ask(c, "writel 0x180004 0x%x", 0x80000000u | (size & 0xffff));
    ask(c, "outl 0xc004 0x180000");
    ask(c, "outb 0x1f6 0xe0");
    ask(c, "outb 0x1f2 0x%x", sectors & 0xff);
    ask(c, "outb 0x1f3 0x0");
    ask(c, "outb 0x1f4 0x0");
    ask(c, "outb 0x1f5 0x0");
    ask(c, "outb 0x1f7 0xc8");
    ask(c, "outb 0xc000 0x9");
    while (((st = ask(c, "inb 0xc002")) & 5) == 1)
        ;
    if (st != want) {
        fprintf(stderr, "%u sectors, %u bytes: status %lx\n", sectors, size,
                st);
        exit(1);
    }
    ask(c, "inb 0x0");
    ask(c, "inb 0x1f7");
}

static void read_variants(struct client *c)
{
    for (unsigned sectors = 1; sectors <= 128; sectors *= 2)
        for (unsigned size = sectors * 512 - 8;
             size <= sectors * 512 + 8 && c->trips < c->most; size += 2)
            if (size <= 65536)
                one_read(c, sectors, size);
}

static pid_t start(const char *program, struct client *c)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char arg[sizeof(addr.sun_path) + 8];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t pid;

    snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/qtest_bench.%d",
             (int)getpid());
    snprintf(arg, sizeof(arg), "unix:%s", addr.sun_path);
    unlink(addr.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
        listen(fd, 1))
        die("socket");
    pid = fork();
    if (pid == 0) {
        execl(program, program, "-qtest", arg, "-drive",
              "file=null-co://,if=ide,format=raw", "-accel", "qtest", NULL);
        die(program);
    }
    c->fd = accept(fd, NULL, NULL);
    unlink(addr.sun_path);
    close(fd);
    return pid;
}

static double cpu_s(int whose)
{
    struct rusage u;

    getrusage(whose, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Seconds of CPU time, from a start of the program to its end. */
static double run(const char *program, unsigned long trips)
{
    struct client c = {.most = trips};
    double s, cpu = cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN);
    pid_t pid = start(program, &c);
    struct timespec a, b;
    int status;

    ask(&c, "irq_intercept_in ioapic");
    ask(&c, "outl 0xcf8 0x80000920");
    ask(&c, "outl 0xcfc 0xc000");
    ask(&c, "outl 0xcf8 0x80000904");
    ask(&c, "outw 0xcfc 0x7");
    clock_gettime(CLOCK_MONOTONIC, &a);
    c.trips = 0;
    while (c.trips < c.most)
        read_variants(&c);
    clock_gettime(CLOCK_MONOTONIC, &b);
    s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    close(c.fd); /* the end of its input ends it */
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "%s: status %#x\n", program, (unsigned)status);
        exit(1);
    }
    cpu = cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN) - cpu;
    printf("%lu round trips in %.2f s: %.1f us each, %.2f s of CPU time\n",
           c.trips, s, s / (double)c.trips * 1e6, cpu);
    return cpu;
}

int main(int argc, char **argv)
{
    unsigned long trips = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    double most = argc > 3 ? strtod(argv[3], NULL) : 0;

    if (argc < 2) {
        fprintf(stderr,
                "usage: qtest_bench HVMD-QTEST [ROUND TRIPS [SECONDS]]\n");
        return 2;
    }
    for (unsigned i = 0; i < TRIES; i++)
        if (run(argv[1], trips) < most || most <= 0)
            return 0;
    fprintf(stderr, "%u times longer than %.1f s\n", TRIES, most);
    return 1;
}
