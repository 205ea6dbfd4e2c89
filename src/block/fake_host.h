/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host of raw disks as a fuzzer has it: the calls of raw*.c on a file that
 * is in memory, which fail and fall short when told to, and in place of
 * pool.c workers that work when told to, on one thread. Linked with --wrap:
 * tests/fuzz/meson.build.
 */
#ifndef BLOCK_FAKE_HOST_H
#define BLOCK_FAKE_HOST_H

#include "../bench/fuzz.h"
#include "pool.h"

#define HOST_FILES 2
#define HOST_QUEUE 64

enum host_call { HOST_READ, HOST_WRITE, HOST_SYNC, HOST_PUNCH, HOST_CALLS };

struct host_file {
    int fd;   /* the disk's, -1: none */
    int back; /* our own */
    bool is_dev, in_memory, no_punch;
    bool no_nowait[2];   /* HOST_READ, HOST_WRITE */
    uint8_t dev_fails;   /* bits: size, lba, phys */
    int lba_bytes;       /* of a device */
    unsigned phys_bytes; /* of a device */
    uint64_t limit;      /* RLIMIT_FSIZE */
    uint64_t bytes;      /* at open */
    struct {
        unsigned n;
        int err;       /* 0: short */
        uint32_t most; /* bytes */
    } next[HOST_CALLS];
    /* Since host_file_look() */
    uint64_t moved, off, len; /* read or written; discarded */
    unsigned calls[HOST_CALLS];
    int fail; /* -errno that the request must end with */
};

struct pool {
    struct host_file file[HOST_FILES];
    struct blk_req *queue[HOST_QUEUE], *ready[HOST_QUEUE];
    unsigned nqueue, nready;
    struct host_file *opening; /* NULL: none */
    bool working;              /* may block; else RWF_NOWAIT or memory only */
    /* After each piece of work, before its finish(). */
    void (*worked)(struct pool *, struct blk_req *);
};

/* Whose files and workers they are; NULL: the real ones. */
void host_current(struct pool *);
void host_file_look(struct host_file *);
/* Bytes that a device discards at a time. */
uint64_t host_unit(const struct host_file *);
/* The k-th of the queue is worked on. */
void host_work(struct pool *, unsigned k);
/* What has been worked on is finished. */
void host_reap(struct pool *);

#endif
