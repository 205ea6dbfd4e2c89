/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded trace: what a guest did to its devices, and what of the world
 * they saw meanwhile. A head that tells the machine, then records, little-
 * endian, numbers as LEB128. A request comes behind all that was read, written
 * and submitted while it was served, so that who replays has that at hand.
 * Whatever is decoded here is hostile. No allocation; any thread.
 *
 * head    magic, version 2 bytes, length of the rest 2 bytes, fields
 * record  tag, nanoseconds since the record before, fields of its kind
 */
#ifndef HVMD_TRACE_H
#define HVMD_TRACE_H

#include <hvmd/err.h>
#include <hvmd/machine.h>

#define TRACE_VERSION 1
/* Of one transfer from guest memory; the rest of a longer one is left out. */
#define TRACE_BYTES_MAX 131072u
#define TRACE_HEAD_MAX  1024u
#define TRACE_RAM_MOST  (UINT64_C(1) << 44) /* the most of -m */
#define TRACE_REC_MAX   80u                 /* a record without its bytes */

enum trace_kind {
    TRACE_END = 1, /* value: enum trace_why */
    TRACE_READ,    /* devices read len bytes of guest memory at addr */
    TRACE_WROTE,   /* they wrote len bytes there; hash of those */
    TRACE_BLK,     /* unit, op, addr, len: result BLK_QUEUED, 0 or -errno */
    TRACE_DONE,    /* a request of the unit ended: result */
    TRACE_IO,      /* an ioreq was served */
};

enum trace_why {
    TRACE_WHY_CLOSED,
    TRACE_WHY_CAP,   /* the file is as large as it may be */
    TRACE_WHY_SLOW,  /* the disk did not follow */
    TRACE_WHY_ERROR, /* nor take more */
};

#define TRACE_IN       0x01u /* the guest reads */
#define TRACE_PTR      0x02u /* data: where in guest memory */
#define TRACE_DF       0x04u
#define TRACE_BUFFERED 0x08u
#define TRACE_HASHED   0x10u /* hash: of what the guest read to memory */

struct trace_rec {
    enum trace_kind kind;
    uint64_t dt_ns;
    uint8_t type, size, flags; /* as in struct ioreq; TRACE_IN... */
    uint8_t unit, op;
    uint32_t count, len, hash;
    int32_t result;
    uint64_t addr;
    uint64_t data; /* written, read, or an address */
    uint64_t value;
    const uint8_t *bytes; /* READ: len, in the caller's or the trace's memory */
};

/* Into TRACE_REC_MAX bytes; how many. The bytes of a READ are to follow. */
size_t trace_put(uint8_t *to, const struct trace_rec *);
/* Into TRACE_HEAD_MAX bytes; how many. */
size_t trace_put_head(uint8_t *to, const struct machine_conf *);

/* A trace in memory. */
struct trace {
    const uint8_t *data;
    size_t len, at;
    struct trace_head {
        struct machine_conf conf; /* no back ends, sizes of ROMs only */
        struct trace_disk {
            uint64_t size_bytes;
            uint32_t phys_block_bytes;
            bool medium, read_only, can_discard;
            char serial[21];
        } disk[MACHINE_DISKS];
        uint8_t serials; /* bits */
        bool parallel;
        bool cable[MACHINE_NICS];
    } head;
};

/* -EINVAL: this is no trace of a machine that can be made. */
int trace_open(struct trace *, const uint8_t *, size_t len, struct err *);
/*
 * 1: a record; 0: the end (TRACE_END is a record as any); -ENODATA: it stops
 * within a record; -EINVAL: no record. at stays in front of what is wrong.
 */
int trace_next(struct trace *, struct trace_rec *);

#define TRACE_HASH_INIT 0x811c9dc5u
/* FNV-1a. */
static inline uint32_t trace_hash(uint32_t h, const void *p, size_t len)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < len; i++)
        h = (h ^ b[i]) * 0x01000193u;
    return h;
}

#endif
