/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Xen platform device 5853:0001, by which guests find that they run on
 * Xen, and by which their PV drivers take the emulated disks and cards away.
 * conf: "devfn" (02.0); "ignore_unplug" number, 1: as xenplat_ignore_next().
 * init fails when the slot or the ports are taken. Loop thread only.
 * Source: Xen, docs/misc/hvm-emulated-unplug.pandoc.
 */
#ifndef HVMD_DEVICES_XENPLAT_H
#define HVMD_DEVICES_XENPLAT_H

#include <hvmd/dev.h>

extern const struct dev_ops xenplat_ops;

/* Bits of the mask that drivers write. NVMe: there is none to unplug. */
#define XENPLAT_DISKS     0x0001u /* IDE disks; CD drives always stay */
#define XENPLAT_NICS      0x0002u
#define XENPLAT_AUX_DISKS 0x0004u /* IDE disks but the primary master */
#define XENPLAT_NVME      0x0008u
#define XENPLAT_ALL       0x000fu

/* What drivers asked for so far and was done; holds for the machine's life. */
uint16_t xenplat_unplug_mask(const struct dev *);

/* How it was asked for */
enum xenplat_via {
    XENPLAT_VIA_PORT,    /* the mask, word write to port 0x10 */
    XENPLAT_VIA_ALL,     /* BAR 0 offset 4: disks and cards (old SUSE, VMDP) */
    XENPLAT_VIA_ONE,     /* BAR 0 offset 8: 1 disks, 2 cards (old VMDP) */
    XENPLAT_VIA_REFUSED, /* not at all: drivers gave product and build, and */
                         /* were told not to load (blacklist, rescue switch) */
    XENPLAT_VIAS
};

/* What went: bits 0 to 3 are the IDE units hda to hdd */
#define XENPLAT_WENT_UNIT(u) (1u << (u))
#define XENPLAT_WENT_DISKS   0x0fu
#define XENPLAT_WENT_NICS    0x10u /* all cards */
#define XENPLAT_WENT_ALL     0x1fu

#define XENPLAT_EVENTS 16u

struct xenplat_event {
    uint64_t wall_ns; /* since 1970, UTC */
    uint32_t build;   /* what the driver said of itself; 0: nothing */
    uint16_t product;
    uint16_t port_value; /* as written; 0 when refused */
    uint8_t via;         /* enum xenplat_via */
    uint8_t went;        /* 0: there was nothing left to unplug */
    bool ignored;        /* the rescue switch was on */
};

/*
 * The unplug journal: copies the latest events, oldest first, at most max;
 * returns how many. XENPLAT_EVENTS are kept; those that took something are
 * kept longest, so that a guest cannot wash them out by repeating itself.
 */
unsigned xenplat_journal(const struct dev *, struct xenplat_event *out,
                         unsigned max);
/* Events of all time, also those no longer kept. */
uint64_t xenplat_events(const struct dev *);

/*
 * The rescue switch, for a guest whose PV drivers are broken. While it is on,
 * drivers that give their product and build read the "blacklisted" magic
 * number and do not load, and whatever is written to unplug is recorded as
 * ignored and does nothing. It serves one boot: from the first time it was of
 * use it stays on, also over a kexec, until the machine is reset.
 */
void xenplat_ignore_next(struct dev *, bool);
bool xenplat_ignoring(const struct dev *);

/* Of xen/include/public/hvm/pvdrivers.h; NULL: not registered. */
const char *xenplat_product_name(uint16_t product);
/* "port", "bar0-all", "bar0-one", "refused" */
const char *xenplat_via_name(uint8_t via);
/* "hda hdb nics", "nothing"; always terminated. */
void xenplat_went_text(uint8_t went, char *buf, size_t len);

#endif
