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

#define ARGS_MOST    16u /* of each kind of option */
#define ARGS_VGA_MIB 16u

/* Whom to talk to: "stdio", or the path of a socket; NULL: nobody. */
struct args_peer {
    const char *path;
    bool listens; /* we do, else they */
};

struct args {
    struct board_conf board; /* strings are of here and of argv */
    struct args_peer qtest, qmp;
    bool help, version;
    /* private to the parser */
    bool nodefaults, snapshot;
    bool own_serial;
    bool own_net; /* cards are asked for: there is none by default */
    unsigned
        other_cards; /* of kinds that are not here: their slots stay free */
    uint32_t slots;  /* taken, bits */
    const char *vga;
    struct keyval drive[ARGS_MOST], blockdev[ARGS_MOST], device[ARGS_MOST],
        chardev[ARGS_MOST];
    unsigned ndrives, nblockdevs, ndevices, nchardevs;
    const char *mon, *qtest_chardev;
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

/* Handlers of options; args_board.c */
int args_take_accel(struct args *, const char *, struct err *);
int args_take_machine(struct args *, const char *, struct err *);
int args_take_m(struct args *, const char *, struct err *);
int args_take_smp(struct args *, const char *, struct err *);
int args_take_boot(struct args *, const char *, struct err *);
int args_take_uuid(struct args *, const char *, struct err *);
/* args_dev.c */
int args_take_nic(struct args *, const char *, struct err *);
int args_take_net(struct args *, const char *, struct err *);
int args_take_netdev(struct args *, const char *, struct err *);
/* Slots of what QEMU puts on the board, before those of -device. */
int args_board_slots(struct args *, struct err *);
/* One -device. */
int args_device(struct args *, struct keyval *, struct err *);
/* Names of those that clients are told of; NULL past the last. */
const char *args_driver(unsigned i);
/* drives.c: -drive, -blockdev and disks of -device become images. */
int args_drives(struct args *, struct err *);
/* A disk of -device; takes the keys that are about disks. */
int args_disk(struct args *, const char *driver, struct keyval *, struct err *);
/* nodes.c: what a disk wants of its image. */
struct want {
    bool read_only, snapshot;
    unsigned depth; /* private */
};
bool args_on(const char *v);
#define ARGS_NULL_BYTES (UINT64_C(1) << 30) /* of null-co without a size */
/* A name as in file=; size: of zeros. *im may be left open on an error. */
int args_open_name(struct args *, const char *name, uint64_t size,
                   const struct want *, struct image **, struct err *);
/* The node whose keys begin with prefix; *im as above. */
int args_open_node(struct args *, struct keyval *, const char *prefix,
                   struct want *, struct image **, struct err *);
struct keyval *args_find_node(struct args *, const char *name);
/* The value of -global DRIVER.prop=, or NULL. */
const char *args_global(const struct args *, const char *driver,
                        const char *prop);

#endif
