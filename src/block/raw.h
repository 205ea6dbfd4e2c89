/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw disk: raw.c has the order of requests (loop thread), raw_open.c
 * looks at the file, raw_work.c moves the bytes (workers).
 */
#ifndef BLOCK_RAW_H
#define BLOCK_RAW_H

#include "pool.h"

struct raw {
    struct pool_disk d; /* first */
    /* Constant after open; workers read these and no others. */
    int fd;
    bool is_dev;
    uint64_t file_bytes;  /* read-only: size_bytes may be a little more */
    uint32_t lba_bytes;   /* of a block device: the unit of discarding */
    uint64_t fsize_limit; /* RLIMIT_FSIZE */
    bool in_memory;       /* tmpfs, ramfs */
    /* Loop thread */
    bool no_nowait_rd, no_nowait_wr; /* RWF_NOWAIT is not to be had */
    bool dirty; /* written to since the last flush was started */
    int flush_err;
    unsigned writing, flushing;       /* with the workers */
    struct blk_req *held, **held_end; /* behind a waiting flush */
};

/* Size, geometry and abilities from the fd; the sentence if it will not do. */
int raw_probe(struct raw *, const char *path, struct err *);
/* pool_disk.work. r->err: bytes of it already moved. */
int raw_work(struct blk_req *r);

#endif
