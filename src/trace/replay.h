/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a recorded trace to a machine on a bench: the clock goes as it went,
 * devices find in guest memory what they found, disks are done when they were.
 * What the guest read then, and what devices wrote to its memory, is compared
 * with what comes now. Disks without an image read as zeros. Traces are
 * hostile.
 */
#ifndef HVMD_REPLAY_H
#define HVMD_REPLAY_H

#include "trace.h"

#define REPLAY_PLACES 64
#define REPLAY_DMA    0xffu /* in the place of an ioreq's type */

/* Where what was read differs, and how often. */
struct replay_place {
    uint8_t type, size;
    bool memory; /* a string that was put to guest memory; its hashes */
    uint64_t addr, then, now;
    uint64_t first; /* the number of the request */
    uint64_t times;
};

struct replay_counts {
    uint64_t requests, elements;
    uint64_t compared;      /* what depends on the guest alone */
    uint64_t differ;        /* of those */
    uint64_t skipped;       /* what depends on what is not in the trace */
    uint64_t reads, unread; /* of guest memory: recorded, not asked for */
    uint64_t other_blk;     /* disk requests that were not recorded like that */
    uint64_t lost;          /* records beyond what one request may have */
    int end;                /* enum trace_why, or -errno: the trace is cut */
    struct replay_place place[REPLAY_PLACES];
    unsigned nplaces;
};

struct replay;

/*
 * data stays the caller's until replay_free(). fd: images to read disks from,
 * -1 for zeros. NULL with the reason in err.
 */
struct replay *replay_new(const uint8_t *data, size_t len,
                          const int fd[MACHINE_DISKS], struct err *);
/* Serves requests, at most so many; false: the trace has ended. */
bool replay_run(struct replay *, uint64_t most);
const struct replay_counts *replay_counts(const struct replay *);
void replay_free(struct replay *);

/* As words of steps (docs/FUZZING.md) to stdout, a seed of so many requests. */
int trace_tell(struct trace *, uint64_t each);

#endif
