/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hvmd says of itself: the figures behind query-hvmd-stats and the
 * unplug journal behind query-hvmd-unplug. Plain values, filled by main where
 * the parts are known; counters since start, never reset; bytes, ns. Strings
 * are borrowed from their owners. Loop thread only.
 */
#ifndef HVMD_CTL_STATS_H
#define HVMD_CTL_STATS_H

#include <hvmd/bus.h>
#include <hvmd/machine.h>

#define CTL_DEVS   64
#define CTL_EVENTS 16

/* Of the process itself, all threads together; hvmd-vnc is told apart. */
struct ctl_proc {
    uint64_t cpu_ns;
    uint64_t user_ns, system_ns;     /* the kernel's estimate of the parts */
    uint64_t voluntary, involuntary; /* context switches */
    bool has_memory;                 /* the kernel tells the rest */
    uint64_t rss_bytes, pss_bytes, private_dirty_bytes, swap_bytes;
};

/*
 * smaps_fd: of ctl_proc_open(), which works after a chroot too; -1: no memory
 * figures. Reading takes a walk through the page tables: when asked only.
 */
int ctl_proc_open(void);
void ctl_proc_read(int smaps_fd, struct ctl_proc *);

struct ctl_stats {
    uint64_t uptime_ns;
    bool stepped_aside; /* no emulated hard disk, no emulated card left */
    unsigned viewers;
    uint64_t viewers_cpu_ns; /* of hvmd-vnc, also of those that ended */
    struct ctl_proc proc;
    uint64_t ioreqs, buffered, unknown, malformed;
    struct ctl_dev {
        const char *name;
        unsigned instance;
        uint64_t hits[HIT_KINDS];
        uint64_t mistakes;
    } dev[CTL_DEVS];
    unsigned ndevs;
    struct ctl_disk {
        bool present;  /* the guest was configured with it */
        bool attached; /* not unplugged */
        bool cdrom;
        const char *id;        /* may be NULL */
        const struct blk *blk; /* NULL: no medium, or given back */
    } disk[MACHINE_DISKS];
    struct ctl_nic {
        const char *id, *model; /* id may be NULL */
        uint8_t mac[6];
        bool attached;
        uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
        uint64_t rx_filtered; /* not for this station */
        uint64_t rx_held;     /* times the cable had to wait for room */
        uint64_t rx_errors, tx_errors;
        uint64_t tx_segments; /* large sends handed over whole */
        uint64_t interrupts;
        uint64_t dropped; /* by the back end */
    } nic[MACHINE_NICS];
    unsigned nnics;
    uint64_t log_bytes, log_dropped; /* lines on the guest's behalf */
};

struct ctl_unplug {
    bool ignoring; /* the rescue switch */
    uint16_t mask; /* done so far */
    uint64_t total;
    unsigned n;
    struct ctl_unplug_event {
        uint64_t wall_ns; /* since 1970 */
        uint32_t build;
        uint16_t product, port_value;
        const char *via, *product_name; /* product_name may be NULL */
        char went[32];
        bool ignored;
    } event[CTL_EVENTS];
};

#endif
