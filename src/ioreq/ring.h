/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two request rings that a hypervisor shares with a device model: one
 * synchronous slot per vCPU and one ring of buffered writes. Slots are copied
 * once, validated, and only the copy is used (rule R1); nothing here knows
 * Xen's libraries, so tests and fuzzers feed it plain memory. Loop thread.
 * Source: xen/include/public/hvm/ioreq.h.
 */
#ifndef HVMD_RING_H
#define HVMD_RING_H

#include <hvmd/gmem.h>
#include <hvmd/log.h>
#include <hvmd/machine.h>

#define RING_VCPUS_MAX 128   /* slots of 32 bytes in one page */
#define RING_COUNT_MAX 4096u /* elements of one request; Xen sends fewer */

#define RING_SLOT_BYTES 32

/* A request of many elements that has used up its turn. */
struct ring_job {
    uint32_t next; /* element to go on with; 0: none waits */
    uint8_t copy[RING_SLOT_BYTES];
};

struct ring;

/* Hears of a request once it is served, before the vCPU goes on. */
struct ring_watch {
    /* copy: the struct ioreq; data: what a read of the value form yields. */
    void (*served)(struct ring_watch *, const struct ring *, const void *copy,
                   uint64_t data, bool buffered);
};

struct ring {
    void *sync_page;
    void *buf_page;
    unsigned vcpus;
    struct machine *machine;
    struct gmem *gmem;
    struct log *log;
    struct log_bucket bucket;
    /* Drop every mapping of guest memory. */
    void (*invalidate)(void *ctx);
    /* The guest set its clock this many seconds ahead. */
    void (*timeoffset)(void *ctx, int64_t seconds);
    void *ctx;
    struct ring_watch *watch; /* of ring_watched_...(); may be NULL */
    /* Of the time stamp counter, for one turn of a request; 0: no limit. */
    uint64_t budget_cycles;
    struct ring_job job[RING_VCPUS_MAX];
    unsigned unfinished; /* jobs that wait for their next turn */
    uint64_t requests, buffered, unknown, malformed;
};

/*
 * Serves a waiting request of vcpu for one turn; true: answered, notify its
 * port. False with ring_waiting() still true: call again.
 */
bool ring_sync(struct ring *, unsigned vcpu);
/* True when the vCPU's slot holds a request, or one has not ended yet. */
bool ring_waiting(const struct ring *, unsigned vcpu);
/* Takes what is in the buffered ring, at most once around; true: some. */
bool ring_buffered(struct ring *);
/* The same, and the watch, which must be there, is told. */
bool ring_watched_sync(struct ring *, unsigned vcpu);
bool ring_watched_buffered(struct ring *);

#endif
