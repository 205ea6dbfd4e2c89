/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the platform device: xenplat.c (ports, BARs, life
 * cycle), unplug.c (what happens at an unplug), journal.c (what is kept and
 * said of it). Loop thread only.
 */
#ifndef XENPLAT_PRIV_H
#define XENPLAT_PRIV_H

#include "xenplat.h"

#include <hvmd/guestline.h>
#include <hvmd/machine.h>
#include <hvmd/pci.h>

#define XENPLAT_IGNORE 0x01u /* the rescue switch is on */
#define XENPLAT_USED   0x02u /* and was of use since the last reset */

/* All that is saved; the journal by columns, oldest first. */
struct xenplat_regs {
    uint64_t ev_wall_ns[XENPLAT_EVENTS];
    uint64_t events; /* of all time */
    uint32_t ev_build[XENPLAT_EVENTS];
    uint32_t build; /* of the guest's drivers */
    uint16_t ev_product[XENPLAT_EVENTS];
    uint16_t ev_value[XENPLAT_EVENTS];
    uint16_t product;
    uint16_t unplug; /* done, so far */
    uint8_t ev_via[XENPLAT_EVENTS];
    uint8_t ev_went[XENPLAT_EVENTS];
    uint8_t ev_ignored[XENPLAT_EVENTS];
    uint8_t kept; /* events in the columns */
    uint8_t flags;
    uint8_t refused; /* the magic number says so */
    uint8_t ignore;
    uint8_t cfg[256];
    uint8_t pad[4]; /* always 0 */
};

enum { LOG_GUEST, LOG_UNPLUG, LOG_DRIVER };

struct xenplat {
    struct dev dev; /* first */
    struct pci_dev pci;
    struct xenplat_regs regs;
    bool rom_locked; /* what the hypervisor was told last */
    struct guestline line;
};

/* unplug.c: value was written by way of via; mask: what it stands for. */
void xenplat_unplug(struct xenplat *, enum xenplat_via, uint16_t value,
                    uint16_t mask);
/* The drivers have given product and build. */
void xenplat_greet(struct xenplat *);
/* Restored state: what went there goes here. */
void xenplat_replay(struct xenplat *);

/* journal.c: time, product and build are filled in here. */
void xenplat_record(struct xenplat *, struct xenplat_event *);

#endif
