/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a machine can ask of a hypervisor. Two implementations: Xen
 * (src/ioreq/hv_xen.c) and the in-process bench (src/bench/hv_bench.c).
 * Calls return 0 or -errno and happen on the loop thread. Frame numbers are
 * guest frames (4 KiB); slot is a PCI device number on bus 0.
 * Source: xen/include/public/hvm/dm_op.h.
 */
#ifndef HVMD_HV_H
#define HVMD_HV_H

#include <stdbool.h>
#include <stdint.h>

enum space { SPACE_PIO, SPACE_MMIO };
enum hv_shutdown { HV_POWEROFF, HV_REBOOT, HV_CRASH, HV_WATCHDOG };

#define HV_PAGE_BYTES 4096u
#define HV_GFN_NONE   UINT64_MAX

struct hv;

struct hv_ops {
    /* Route accesses to [base, base + len) here, or stop to. */
    int (*claim)(struct hv *, enum space, uint64_t base, uint64_t len, bool on);
    int (*claim_pci)(struct hv *, unsigned devfn, bool on);
    int (*isa_irq)(struct hv *, unsigned irq, bool level);
    int (*pci_intx)(struct hv *, unsigned slot, unsigned pin, bool level);
    /* PIRQ route of link 0..3; irq 0: none. */
    int (*pci_link)(struct hv *, unsigned link, unsigned irq);
    int (*msi)(struct hv *, uint64_t addr, uint32_t data);
    /*
     * Video memory: allocated once at start-up at a staging place. The
     * mapping is the hypervisor's own and may be dropped between requests
     * (the guest can balloon the pages out): ask for it at each use, NULL
     * when it cannot be had. vram_move: gfn HV_GFN_NONE is the staging place.
     */
    int (*vram_alloc)(struct hv *, uint32_t pages);
    uint8_t *(*vram_ptr)(struct hv *);
    int (*vram_move)(struct hv *, uint64_t gfn);
    /*
     * Pages of VRAM written since the last call, one bit each (LSB first),
     * bits for all of it; pages 0 stops tracking. First call: all ones.
     * Any error: treat all as dirty.
     */
    int (*vram_dirty)(struct hv *, uint32_t pages, uint8_t *bits);
    /*
     * Bytes of video memory were written by the mapping above; for migration.
     * NULL: nobody wants to know.
     */
    void (*vram_wrote)(struct hv *, uint64_t off, uint64_t len);
    /* C0000-FFFFF read-only or not (platform flag). */
    int (*rom_lock)(struct hv *, bool on);
    int (*shutdown)(struct hv *, enum hv_shutdown);
    /* ACPI S3: on enters, off wakes the domain. */
    int (*suspend)(struct hv *, bool on);
};

struct hv {
    const struct hv_ops *ops;
};

#endif
