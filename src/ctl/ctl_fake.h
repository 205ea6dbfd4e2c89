/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests: the operations of an hvmd that serves nobody. Its figures change
 * by a fixed step each time they are asked for, and its clock by one second,
 * so rates are known.
 */
#ifndef HVMD_CTL_FAKE_H
#define HVMD_CTL_FAKE_H

#include "ctl_stats.h"
#include "qmp.h"

#define FAKE_IOREQS   1234u /* a second */
#define FAKE_BUFFERED 500u
#define FAKE_CPU_NS   (45 * NS_PER_MS) /* 4.5 % */
#define FAKE_IDE_RD   1000u            /* of ide, port reads a second */

struct fake {
    struct loop *loop;
    struct qmp_ctx *ctx; /* not NULL: events come before each of its figures */
    struct blk disk, cd;
    uint64_t asked;
    bool aside, ignoring, busy;
    bool no_platform, no_memory, no_screen;
    unsigned conts, dumps;
};

void fake_init(struct fake *, struct loop *);
extern const struct qmp_ops fake_ops; /* opaque: struct fake */

#endif
