/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvmd on Xen: the hypervisor seam of one domain. Opens the handles, keeps an
 * ioreq server and feeds its requests to a machine. Loop thread.
 * Source: xen/include/public/hvm/dm_op.h, the headers of Xen's libraries.
 */
#ifndef HVMD_IOREQ_XEN_H
#define HVMD_IOREQ_XEN_H

#include <hvmd/gmem.h>
#include <hvmd/hv.h>
#include <hvmd/loop.h>
#include <hvmd/machine.h>

struct xen;

/*
 * ram_bytes: what -m says, and low_limit_bytes where the hole below 4 GiB
 * begins (0: as libxl does by itself), to find a staging place for video
 * memory.
 */
struct xen *xen_open(unsigned domid, uint64_t ram_bytes,
                     uint64_t low_limit_bytes, struct log *, struct err *);
void xen_close(struct xen *);
struct hv *xen_hv(struct xen *);
struct gmem *xen_gmem(struct xen *);
/* Binds the vCPUs' event channels and starts to serve the machine. */
int xen_serve(struct xen *, struct machine *, struct loop *, struct err *);
/*
 * Before xen_serve(): strings of requests go by this memory instead, and watch
 * hears of all that is served (ring.h).
 */
struct ring_watch;
void xen_watch(struct xen *, struct ring_watch *, struct gmem *);
/* Takes requests or leaves them waiting (toolstack's stop and cont). */
int xen_enable(struct xen *, bool on);
/*
 * A restored domain has its video memory already, at this frame (HV_GFN_NONE:
 * none). Before the machine is made. -EINVAL: no frame of a guest.
 */
int xen_adopt_vram(struct xen *, uint64_t gfn);
/* Where it is now; HV_GFN_NONE: there is none. */
uint64_t xen_vram_gfn(const struct xen *);
/*
 * While on, all that is written for the guest is reported, page by page; of
 * video memory by xen_enable(false) at the latest.
 */
void xen_log_dirty(struct xen *, bool on);
/* The guest's memory map may be another: nothing mapped is kept. */
void xen_forget(struct xen *);
/* The guest needs little from now on: mappings of its memory are dropped. */
void xen_rest(struct xen *);
unsigned xen_vcpus(const struct xen *);

/* Since start: requests of vCPUs, buffered writes, those without effect. */
struct xen_counts {
    uint64_t requests, buffered, unknown, malformed;
};
void xen_counts(const struct xen *, struct xen_counts *);

/* Presses the guest's power button, which is Xen's (PM1a_STS). */
int xen_power_button(struct xen *);

#endif
