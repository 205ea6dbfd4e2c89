/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source: getrusage(2), clock_gettime(2), proc(5): smaps_rollup. */
#include "ctl_stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int ctl_proc_open(void)
{
    return open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
}

static uint64_t tv_ns(const struct timeval *tv)
{
    return (uint64_t)tv->tv_sec * NS_PER_S + (uint64_t)tv->tv_usec * NS_PER_US;
}

/* "Pss:      123 kB"; 0 when there is no such line. */
static uint64_t line_bytes(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    unsigned long long kib = 0;

    if (at)
        sscanf(at + strlen(key), " %llu", &kib);
    return (uint64_t)kib * 1024;
}

static void read_memory(int fd, struct ctl_proc *p)
{
    char text[4096];
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return;
    text[n] = 0;
    p->rss_bytes = line_bytes(text, "\nRss:");
    p->pss_bytes = line_bytes(text, "\nPss:");
    p->private_dirty_bytes = line_bytes(text, "\nPrivate_Dirty:");
    p->swap_bytes = line_bytes(text, "\nSwap:");
    p->has_memory = p->rss_bytes != 0;
}

void ctl_proc_read(int smaps_fd, struct ctl_proc *p)
{
    struct timespec t;
    struct rusage u;

    memset(p, 0, sizeof(*p));
    if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
        p->cpu_ns = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
    if (!getrusage(RUSAGE_SELF, &u)) {
        p->user_ns = tv_ns(&u.ru_utime);
        p->system_ns = tv_ns(&u.ru_stime);
        p->voluntary = (uint64_t)u.ru_nvcsw;
        p->involuntary = (uint64_t)u.ru_nivcsw;
    }
    read_memory(smaps_fd, p);
}
