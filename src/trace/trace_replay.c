/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace_replay [-d UNIT=IMAGE] [-v] TRACE...   replays, compares, measures
 * trace_replay -c BYTES TRACE OUT              the beginning of a trace
 * trace_replay -s COUNT TRACE                  as text, COUNT requests a seed
 * Exit status: 0, 1 when something differs, 2 when there is no trace.
 */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int usage(void)
{
    fputs("usage: trace_replay [-d UNIT=IMAGE] [-v] TRACE...\n"
          "       trace_replay -c BYTES TRACE OUT\n"
          "       trace_replay -s COUNT TRACE\n",
          stderr);
    return 2;
}

static const uint8_t *load(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st)) {
        perror(path);
        return NULL;
    }
    *len = (size_t)st.st_size;
    p = mmap(NULL, *len ? *len : 1, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED) {
        perror(path);
        return NULL;
    }
    return p;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *how_it_ends(int end)
{
    switch (end) {
    case TRACE_WHY_CLOSED:
        return "the guest's end";
    case TRACE_WHY_CAP:
        return "the file's greatest size";
    case TRACE_WHY_SLOW:
        return "a disk that did not follow";
    case TRACE_WHY_ERROR:
        return "a disk that took no more";
    case -ENODATA:
        return "a record that is cut";
    default:
        return "a record that is none";
    }
}

static void show(const struct replay_counts *n)
{
    static const char *const what[] = {"port", "memory", "config"};

    for (unsigned i = 0; i < n->nplaces; i++) {
        const struct replay_place *p = &n->place[i];

        printf("  %s %#llx",
               p->type == REPLAY_DMA ? "DMA to"
                                     : what[p->type < 3 ? p->type : 0],
               (unsigned long long)p->addr);
        if (p->type != REPLAY_DMA)
            printf(" size %u%s", p->size, p->memory ? " (string)" : "");
        printf(": %llu times, first at request %llu: %#llx then, %#llx now\n",
               (unsigned long long)p->times, (unsigned long long)p->first,
               (unsigned long long)p->then, (unsigned long long)p->now);
    }
}

static int replay(const char *path, const int *fd, bool verbose)
{
    const struct replay_counts *n;
    struct err e = {.text = ""};
    struct replay *r;
    const uint8_t *data;
    double begun;
    size_t len;
    int rc;

    data = load(path, &len);
    r = data ? replay_new(data, len, fd, &e) : NULL;
    if (!r) {
        if (data)
            fprintf(stderr, "%s: %s\n", path, e.text);
        return 2;
    }
    begun = now_s();
    while (replay_run(r, 1000000))
        ;
    begun = now_s() - begun;
    n = replay_counts(r);
    printf("%s: %llu requests of %llu accesses in %.3f s, %.0f requests/s; "
           "%llu reads compared, %llu differ, %llu not compared; ends by %s\n",
           path, (unsigned long long)n->requests,
           (unsigned long long)n->elements, begun,
           (double)n->requests / (begun > 0 ? begun : 1e-9),
           (unsigned long long)n->compared, (unsigned long long)n->differ,
           (unsigned long long)n->skipped, how_it_ends(n->end));
    if (verbose)
        printf("  guest memory read %llu times, %llu times not again; disk "
               "requests unlike then: %llu; records left out: %llu\n",
               (unsigned long long)n->reads, (unsigned long long)n->unread,
               (unsigned long long)n->other_blk, (unsigned long long)n->lost);
    show(n);
    rc = n->differ || n->end < 0;
    replay_free(r);
    return rc;
}

/* A second name of it too. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Whole requests, with what belongs to them. */
static int cut(size_t most, const char *from, const char *to)
{
    struct trace_rec end = {.kind = TRACE_END, .value = TRACE_WHY_CAP}, rec;
    uint8_t last[TRACE_REC_MAX];
    size_t len, keep, n = trace_put(last, &end);
    const uint8_t *data = load(from, &len);
    struct err e = {.text = ""};
    struct trace t;
    FILE *f;

    if (!data)
        return 2;
    if (same_file(from, to)) { /* it is read while that is written */
        fprintf(stderr, "%s: the trace itself cannot be the output\n", to);
        return 2;
    }
    if (trace_open(&t, data, len, &e) < 0) {
        fprintf(stderr, "%s: %s\n", from, e.text);
        return 2;
    }
    for (keep = t.at; trace_next(&t, &rec) > 0 && t.at + n <= most;)
        if (rec.kind == TRACE_IO)
            keep = t.at;
    f = fopen(to, "wb");
    if (!f || fwrite(data, 1, keep, f) != keep || fwrite(last, 1, n, f) != n ||
        fclose(f)) {
        perror(to);
        return 2;
    }
    return 0;
}

static int tell(const char *what, const char *path)
{
    unsigned long each = strtoul(what, NULL, 0);
    struct err e = {.text = ""};
    const uint8_t *data;
    struct trace t;
    size_t len;

    if (!each)
        return usage();
    data = load(path, &len);
    if (!data)
        return 2;
    if (trace_open(&t, data, len, &e) < 0) {
        fprintf(stderr, "%s: %s\n", path, e.text);
        return 2;
    }
    return trace_tell(&t, each) < 0;
}

static int take_disk(int *fd, const char *arg)
{
    char *end;
    unsigned long unit = strtoul(arg, &end, 10);

    if (end == arg || *end != '=' || unit >= MACHINE_DISKS)
        return usage();
    fd[unit] = open(end + 1, O_RDONLY | O_CLOEXEC);
    if (fd[unit] >= 0)
        return 0;
    perror(end + 1);
    return 2;
}

int main(int argc, char **argv)
{
    int fd[MACHINE_DISKS] = {-1, -1, -1, -1}, opt, rc = 0;
    bool verbose = false;

    while ((opt = getopt(argc, argv, "d:vc:s:")) != -1) {
        switch (opt) {
        case 'd':
            rc = take_disk(fd, optarg);
            if (rc)
                return rc;
            break;
        case 'v':
            verbose = true;
            break;
        case 'c':
            return argc - optind == 2 ? cut(strtoul(optarg, NULL, 0),
                                            argv[optind], argv[optind + 1])
                                      : usage();
        case 's':
            return argc - optind == 1 ? tell(optarg, argv[optind]) : usage();
        default:
            return usage();
        }
    }
    if (optind == argc)
        return usage();
    for (; optind < argc; optind++) {
        int one = replay(argv[optind], fd, verbose);

        rc = one > rc ? one : rc;
    }
    return rc;
}
