/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one hvmd says of itself (query-hvmd-stats), as plain values: counters
 * since its start, bytes, ns. Taken from its answer with bounds; what is
 * missing there is 0. Text is printable ASCII.
 */
#ifndef HVMCTL_FIGURES_H
#define HVMCTL_FIGURES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define FIG_DEVS  64u
#define FIG_DISKS 16u
#define FIG_NICS  16u

enum fig_kind { PIO_RD, PIO_WR, MMIO_RD, MMIO_WR, CFG_RD, CFG_WR, FIG_KINDS };

struct figures {
    unsigned domid, vcpus, viewers;
    uint64_t pid;
    char name[256], version[32], status[24];
    bool aside;
    uint64_t uptime_ns, cpu_ns, user_ns, system_ns, voluntary, involuntary;
    uint64_t viewers_cpu_ns; /* of hvmd-vnc, a process of its own */
    bool has_memory;
    uint64_t rss_bytes, pss_bytes, private_dirty_bytes, swap_bytes;
    uint64_t ioreqs, buffered, unknown, malformed, log_bytes, log_dropped;
    struct fig_dev {
        char name[32]; /* with the instance, unless it is 0: "uart1" */
        uint64_t hits[FIG_KINDS], mistakes;
    } dev[FIG_DEVS];
    unsigned ndevs;
    struct fig_disk {
        unsigned unit;
        char id[64];
        bool cdrom, attached, medium;
        uint64_t size_bytes, rd_ops, rd_bytes, wr_ops, wr_bytes, flush_ops;
        uint64_t errors;
    } disk[FIG_DISKS];
    unsigned ndisks;
    struct fig_nic {
        unsigned index;
        char id[64], model[32], mac[24];
        bool attached;
        uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
        uint64_t rx_filtered, rx_held, rx_errors, tx_errors, tx_segments;
        uint64_t interrupts, dropped;
    } nic[FIG_NICS];
    unsigned nnics;
};

void figures_parse(struct figures *, struct json_object *);
/* "emulating", "stepped aside" or what else it is: "paused" ... */
const char *figures_state(const struct figures *);
const char *fig_kind_name(unsigned kind); /* "PIO-RD" */
/* hda to hdd, "disk9" beyond. */
void disk_name(unsigned unit, char buf[16]);

#endif
