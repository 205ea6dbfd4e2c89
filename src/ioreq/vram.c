/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Video memory on Xen: ordinary pages of the domain, populated once behind its
 * RAM, and moved in its memory map to where the guest puts the BAR. The guest
 * then writes it without exits.
 */
#include "place.h"
#include "xen_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>

#define LARGE_ORDER 9u /* 2 MiB: fewer hypercalls, fewer page tables */
#define GFN_MOST    (UINT64_C(1) << 40) /* no x86 has frames above */
/* Where pages are missing, the next try comes so much later (rule R4). */
#define RETRY_NS (100 * NS_PER_MS)

static struct xen *of(struct hv *hv)
{
    return (struct xen *)hv;
}

static int populate(struct xen *x, uint32_t pages)
{
    uint32_t large = pages >> LARGE_ORDER, done = 0;
    xen_pfn_t *gfn = calloc(pages, sizeof(*gfn));
    int rc = 0;

    if (!gfn)
        return -ENOMEM;
    for (uint32_t i = 0; i < large; i++)
        gfn[i] = x->vram_staging_gfn + ((uint64_t)i << LARGE_ORDER);
    if (large && !xc_domain_populate_physmap_exact(x->xc, x->domid, large,
                                                   LARGE_ORDER, 0, gfn))
        done = large << LARGE_ORDER;
    for (uint32_t i = done; i < pages; i++)
        gfn[i - done] = x->vram_staging_gfn + i;
    if (done < pages && xc_domain_populate_physmap_exact(
                            x->xc, x->domid, pages - done, 0, 0, gfn))
        rc = -errno;
    free(gfn);
    return rc;
}

int xen_adopt_vram(struct xen *x, uint64_t gfn)
{
    if (gfn != HV_GFN_NONE && gfn >= GFN_MOST)
        return -EINVAL;
    x->vram_adopt = true;
    x->vram_gfn = gfn;
    return 0;
}

uint64_t xen_vram_gfn(const struct xen *x)
{
    return x->vram_pages ? x->vram_gfn : HV_GFN_NONE;
}

/*
 * What Xen forgets at a save is where caching does not follow the MTRRs. It
 * keeps few such ranges for a domain: one that is left is taken back.
 */
static void pin(struct xen *x, bool on)
{
    if (x->vram_gfn != x->vram_staging_gfn)
        xendevicemodel_pin_memory_cacheattr(
            x->dmod, x->domid, x->vram_gfn, x->vram_gfn + x->vram_pages - 1,
            on ? XEN_DMOP_MEM_CACHEATTR_WB : XEN_DMOP_DELETE_MEM_CACHEATTR);
}

/* All pages must be there: the mapping is whole or fails. */
static int adopt(struct xen *x, uint32_t pages)
{
    if (x->vram_gfn == HV_GFN_NONE)
        return -ENXIO;
    x->vram_pages = pages;
    if (!xen_vram_ptr(&x->hv)) {
        x->vram_pages = 0;
        return -ENXIO;
    }
    pin(x, true);
    return 0;
}

int xen_vram_alloc(struct hv *hv, uint32_t pages)
{
    struct xen *x = of(hv);
    int rc;

    if (x->vram_pages)
        return -EEXIST;
    x->vram_bits = calloc((pages + 63) / 64, sizeof(uint64_t));
    x->vram_gfns = calloc(pages, sizeof(x->vram_gfns[0]));
    x->vram_wrote = calloc((pages + 7) / 8, 1);
    if (!x->vram_bits || !x->vram_gfns || !x->vram_wrote)
        return -ENOMEM;
    if (x->vram_adopt)
        return adopt(x, pages);
    rc = populate(x, pages);
    if (rc < 0)
        return rc;
    x->vram_pages = pages;
    x->vram_gfn = x->vram_staging_gfn;
    return 0;
}

/* Mapped at first use after start, and again after the guest ballooned. */
uint8_t *xen_vram_ptr(struct hv *hv)
{
    struct xen *x = of(hv);

    if (x->vram_stale && coarse_ns() - x->vram_mapped_ns >= RETRY_NS)
        xen_vram_unmap(x);
    if (x->vram_map || !x->vram_pages)
        return x->vram_map;
    if (x->vram_failed_ns && coarse_ns() - x->vram_failed_ns < RETRY_NS)
        return NULL;
    for (uint32_t i = 0; i < x->vram_pages; i++)
        x->vram_gfns[i] = x->vram_gfn + i;
    x->vram_map =
        xenforeignmemory_map(x->fmem, x->domid, PROT_READ | PROT_WRITE,
                             x->vram_pages, x->vram_gfns, NULL);
    x->vram_mapped_ns = coarse_ns();
    x->vram_failed_ns = x->vram_map ? 0 : x->vram_mapped_ns;
    return x->vram_map;
}

void xen_vram_unmap(struct xen *x)
{
    if (x->vram_map)
        xenforeignmemory_unmap(x->fmem, x->vram_map, x->vram_pages);
    x->vram_map = NULL;
    x->vram_stale = false;
}

/*
 * Mapping 4096 pages takes a millisecond or more: a guest that balloons page
 * by page must not make us do it each time. Until then we hold the frames that
 * were there; a guest that balloons its screen out sees the wrong ones.
 */
void xen_vram_invalidate(struct xen *x)
{
    x->vram_stale = x->vram_map != NULL;
}

/* The frames stay the same, so the mapping need not change. */
int xen_vram_move(struct hv *hv, uint64_t gfn)
{
    struct xen *x = of(hv);

    if (gfn == HV_GFN_NONE)
        gfn = x->vram_staging_gfn;
    if (gfn == x->vram_gfn || !x->vram_pages)
        return 0;
    if (place_clashes(gfn, x->vram_staging_gfn, x->vram_pages))
        return -EINVAL;
    /* What is mapped of the frames at both places is somewhere else then. */
    gmem_xen_invalidate(x->gmem);
    x->vram_failed_ns = 0;
    pin(x, false);
    /* One that overlaps its old place would overwrite itself on the way. */
    if (gfn - x->vram_gfn < x->vram_pages ||
        x->vram_gfn - gfn < x->vram_pages) {
        if (xendevicemodel_relocate_memory(x->dmod, x->domid, x->vram_pages,
                                           x->vram_gfn, x->vram_staging_gfn))
            return -errno;
        x->vram_gfn = x->vram_staging_gfn;
    }
    if (xendevicemodel_relocate_memory(x->dmod, x->domid, x->vram_pages,
                                       x->vram_gfn, gfn)) {
        int rc = -errno;

        bucket_log(x->log, &x->vram_bucket, "hvmd",
                   "video memory cannot be moved to frame %#llx: %s",
                   (unsigned long long)gfn, strerror(-rc));
        return rc;
    }
    x->vram_gfn = gfn;
    pin(x, true);
    if (x->log_dirty) /* at their new place all are news */
        memset(x->vram_wrote, 0xff, (x->vram_pages + 7) / 8);
    return 0;
}

void xen_vram_wrote(struct hv *hv, uint64_t off, uint64_t len)
{
    struct xen *x = of(hv);

    if (!x->log_dirty || !len)
        return;
    for (uint64_t p = off / HV_PAGE_BYTES;
         p <= (off + len - 1) / HV_PAGE_BYTES && p < x->vram_pages; p++)
        x->vram_wrote[p / 8] |= (uint8_t)(1u << (p % 8));
}

static bool wrote(const struct xen *x, uint32_t page)
{
    return page < x->vram_pages && x->vram_wrote[page / 8] & (1u << (page % 8));
}

void xen_vram_report(struct xen *x)
{
    uint32_t first = 0, end;

    if (!x->log_dirty || !x->vram_pages)
        return;
    for (; first < x->vram_pages; first = end + 1) {
        for (end = first; wrote(x, end); end++)
            ;
        if (end > first &&
            xendevicemodel_modified_memory(x->dmod, x->domid,
                                           x->vram_gfn + first, end - first))
            bucket_log(x->log, &x->vram_bucket, "hvmd",
                       "Xen is not told of changed video memory: %s",
                       strerror(errno));
    }
    memset(x->vram_wrote, 0, (x->vram_pages + 7) / 8);
}

void xen_log_dirty(struct xen *x, bool on)
{
    if (x->log_dirty == on)
        return;
    gmem_xen_log_dirty(x->gmem, on);
    x->log_dirty = on;
    if (!x->vram_pages)
        return;
    memset(x->vram_wrote, 0, (x->vram_pages + 7) / 8);
    if (!on) /* a viewer's look begins it anew */
        xendevicemodel_track_dirty_vram(x->dmod, x->domid, 0, 0, NULL);
}

/*
 * While the toolstack logs dirty pages all of them, these among them, are
 * tracked for it: to stop tracking these would hide their changes from it.
 */
int xen_vram_dirty(struct hv *hv, uint32_t pages, uint8_t *bits)
{
    struct xen *x = of(hv);
    size_t bytes = (pages + 7) / 8;

    if (x->log_dirty)
        return pages ? -EBUSY : 0;
    if (!pages)
        return xendevicemodel_track_dirty_vram(x->dmod, x->domid, 0, 0, NULL)
                   ? -errno
                   : 0;
    if (pages > x->vram_pages)
        return -EINVAL;
    if (xendevicemodel_track_dirty_vram(x->dmod, x->domid, x->vram_gfn, pages,
                                        (unsigned long *)x->vram_bits))
        return -errno;
    memcpy(bits, x->vram_bits, bytes);
    return 0;
}
