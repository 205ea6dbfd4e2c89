/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, as QEMU's device tests and the reproducers of bug reports
 * spell it. What is not served is refused by one sentence, but for what makes
 * no difference here.
 */
#ifndef HVMD_QTEST_ARGS_H
#define HVMD_QTEST_ARGS_H

#include "board.h"
#include "keyval.h"

#define ARGS_MOST 16u /* of each kind of option */

struct args {
    struct board_conf board; /* strings are of here and of argv */
    const char *qtest;       /* "stdio", or the path of a socket; NULL: none */
    const char *qmp;         /* the path of a socket; NULL: none */
    bool help, version;
    /* private to the parser */
    bool nodefaults, snapshot;
    const char *vga;
    struct keyval drive[ARGS_MOST], blockdev[ARGS_MOST], device[ARGS_MOST],
        chardev[ARGS_MOST];
    unsigned ndrives, nblockdevs, ndevices, nchardevs;
    const char *mon;
    struct global {
        char driver[24], prop[24];
        const char *val;
    } global[ARGS_MOST];
    unsigned nglobals;
    struct clock *clock;
};

/* clock: real time, for delays of the block layer; may be NULL. */
int args_parse(struct args *, int argc, char **argv, struct clock *clock,
               struct err *);
/* Images that no board took over are closed too. */
void args_free(struct args *);

/* drives.c: -drive, -blockdev and disks of -device become images. */
int args_drives(struct args *, struct err *);
/* A disk of -device; takes the keys that are about disks. */
int args_disk(struct args *, const char *driver, struct keyval *, struct err *);
/* The value of -global DRIVER.prop=, or NULL. */
const char *args_global(const struct args *, const char *driver,
                        const char *prop);

#endif
