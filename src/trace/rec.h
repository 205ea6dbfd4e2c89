/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records a guest (-record): stands between the devices and guest memory,
 * between them and their disks, and hears of each request that was served.
 * Where nothing is recorded none of that is there. Bytes go to one of two
 * buffers; a disk worker writes the other. When it does not follow, or the
 * file has its greatest size, recording ends with a line in the log, the guest
 * goes on. Loop thread.
 */
#ifndef HVMD_REC_H
#define HVMD_REC_H

#include "../ioreq/ring.h"

#include <hvmd/block.h>
#include <hvmd/machine.h>

#define REC_FILE_MOST (UINT64_C(256) << 20)

struct rec;

/* Makes the file, which must not be there. Errors name the option. */
struct rec *rec_open(const char *path, struct pool *, struct log *,
                     struct err *);
/* For tests: the file's greatest size. */
void rec_set_cap(struct rec *, uint64_t bytes);
/* Requests of the disk are recorded until it is closed or rec is. */
void rec_disk(struct rec *, unsigned unit, struct blk *);
/* In place of this guest memory: what devices get, and what the ring gets. */
void rec_memory(struct rec *, struct gmem *real);
struct gmem *rec_device_memory(struct rec *);
struct gmem *rec_ring_memory(struct rec *);
struct ring_watch *rec_watch(struct rec *);
/* The machine is about to be made: writes the head, times start here. */
void rec_start(struct rec *, const struct machine_conf *, struct clock *);
/*
 * Writes the rest, waits for it; the disks' own operations are back. A file
 * that would hold nothing is removed. NULL: nothing to do.
 */
void rec_close(struct rec *);

#endif
