/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port and MMIO address spaces: who answers where. The bus guarantees to a
 * handler off + size <= len, size 1, 2, 4 or 8, a value masked to its size,
 * and only widths between min and max: wider accesses are split, ascending;
 * a narrower read reads the aligned min-wide unit and extracts, a narrower
 * write passes the value in its lane with zeros around. Unclaimed: all ones.
 * An access that straddles two handlers is split into bytes. Loop thread only.
 */
#ifndef HVMD_BUS_H
#define HVMD_BUS_H

#include <hvmd/hv.h>
#include <stddef.h>

struct io_ops {
    uint64_t (*rd)(void *dev, uint32_t off, unsigned size);
    void (*wr)(void *dev, uint32_t off, unsigned size, uint64_t val);
    /*
     * Optional. Ports: INS/OUTS, n items of size bytes at one port, buf is
     * packed; an item never reaches beyond the region. Returns the items
     * served, from the first; the rest is done one by one through rd/wr. buf
     * may be guest memory: read or write each byte once, never read back.
     */
    size_t (*rep)(void *dev, uint32_t off, unsigned size, bool wr, void *buf,
                  size_t n);
    /*
     * Optional. MMIO: len bytes at ascending offsets, where the width of the
     * accesses makes no difference (ROM, linear memory). As rep otherwise.
     */
    size_t (*mem)(void *dev, uint32_t off, bool wr, void *buf, size_t len);
    uint8_t min, max; /* widths taken; 0 means 1 and 4 */
};

/* What is counted of a device; the bus counts by 2 * space + write. */
enum hit_kind {
    HIT_PIO_RD,
    HIT_PIO_WR,
    HIT_MMIO_RD,
    HIT_MMIO_WR,
    HIT_CFG_RD, /* PCI config space */
    HIT_CFG_WR,
    HIT_KINDS,
};

#define BUS_REGIONS_MAX 192

struct bus_region {
    uint64_t base, len;
    const struct io_ops *ops;
    void *dev;
    uint64_t *hits; /* HIT_KINDS counters, for statistics; may be NULL */
};

struct bus {
    struct hv *hv; /* claims follow bus_map()/bus_unmap(); may be NULL */
    struct bus_space {
        struct bus_region r[BUS_REGIONS_MAX]; /* sorted by base */
        unsigned n;
        unsigned last; /* index of the last hit */
    } space[2];
};

void bus_init(struct bus *, struct hv *);
/* -EEXIST: overlaps; -ENOSPC; -EINVAL: empty, wraps, or ports above ffff. */
int bus_map(struct bus *, enum space, uint64_t base, uint64_t len,
            const struct io_ops *, void *dev, uint64_t *hits);
void bus_unmap(struct bus *, enum space, uint64_t base);
/* The region holding addr, or NULL. Valid until the next map or unmap. */
struct bus_region *bus_find(struct bus *, enum space, uint64_t addr);

uint64_t bus_read(struct bus *, enum space, uint64_t addr, unsigned size);
void bus_write(struct bus *, enum space, uint64_t addr, unsigned size,
               uint64_t val);
/*
 * As many of n items as the device serves in one call of rep or mem, at one
 * port or at ascending addresses; 0: it takes the next one through rd or wr.
 */
size_t bus_burst(struct bus *, enum space, uint64_t addr, unsigned size,
                 bool wr, void *buf, size_t n);
/* n items at one port, in order, by rep where the device has it. */
void bus_rep(struct bus *, uint64_t port, unsigned size, bool wr, void *buf,
             size_t n);
/* n items at ascending addresses, by mem where the device has it. */
void bus_copy(struct bus *, uint64_t addr, unsigned size, bool wr, void *buf,
              size_t n);

#endif
