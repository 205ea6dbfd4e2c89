/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share about one domain on Xen. */
#ifndef HVMD_IOREQ_XEN_PRIV_H
#define HVMD_IOREQ_XEN_PRIV_H

#include "gmem_xen.h"
#include "ring.h"
#include "spin.h"
#include "xen.h"

#include <time.h>
#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>

struct xen {
    struct hv hv;
    struct gmem *gmem;
    struct log *log;
    domid_t domid;
    xendevicemodel_handle *dmod;
    xenforeignmemory_handle *fmem;
    xenevtchn_handle *evtchn;
    xc_interface *xc; /* what no stable call does: VRAM, S3, power button */

    /* server.c */
    ioservid_t id;
    bool created, enabled;
    xenforeignmemory_resource_handle *pages;
    void *gfn_page[2]; /* the older way: sync, buffered */
    struct ring ring;  /* its gmem: ours unless xen_watch() set another */
    unsigned vcpus;
    evtchn_port_t port[RING_VCPUS_MAX]; /* local, per vCPU */
    evtchn_port_t buf_port;
    evtchn_port_t masked[RING_VCPUS_MAX + 1]; /* taken, to be unmasked */
    unsigned nmasked;
    struct loop *loop;
    struct loop_src src;
    struct spin spin;
    int64_t timeoffset_s;

    /* vram.c */
    uint64_t vram_staging_gfn, vram_gfn; /* vram_gfn: where it is now */
    uint32_t vram_pages;
    xen_pfn_t *vram_gfns;
    uint8_t *vram_map;
    bool vram_stale;         /* the guest's memory map may have changed */
    uint64_t vram_mapped_ns; /* coarse */
    uint64_t vram_failed_ns; /* coarse; when it could not be mapped, or 0 */
    struct log_bucket vram_bucket;
    uint64_t *vram_bits; /* one per page */
    bool vram_adopt;     /* the pages are there already, at vram_gfn */
    bool log_dirty;      /* the toolstack copies the guest's memory */
    uint8_t *vram_wrote; /* one bit per page, since log_dirty */
};

extern const struct hv_ops xen_hv_ops;

/* Of a tick of the kernel, a few ms; costs no system call. */
static inline uint64_t coarse_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int xen_vram_alloc(struct hv *, uint32_t pages);
uint8_t *xen_vram_ptr(struct hv *);
int xen_vram_move(struct hv *, uint64_t gfn);
int xen_vram_dirty(struct hv *, uint32_t pages, uint8_t *bits);
void xen_vram_wrote(struct hv *, uint64_t off, uint64_t len);
/* Tells Xen of the pages written since log_dirty. */
void xen_vram_report(struct xen *);
void xen_vram_unmap(struct xen *);
void xen_vram_invalidate(struct xen *);

int xen_server_create(struct xen *, struct err *);
void xen_server_destroy(struct xen *);

#endif
