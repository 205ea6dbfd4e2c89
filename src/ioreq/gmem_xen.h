/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory by foreign mappings, cached in chunks of 1 MiB: a bounded
 * number, least recently used dropped first, all dropped on INVALIDATE (a
 * mapping pins the old frame and does not follow the guest's memory map).
 * Loop thread; workers touch only the bytes of pinned chunks.
 */
#ifndef HVMD_GMEM_XEN_H
#define HVMD_GMEM_XEN_H

#include <hvmd/gmem.h>
#include <xendevicemodel.h>
#include <xenforeignmemory.h>

#define GMEM_CHUNK_PAGES 256u /* 1 MiB */
/* 2 GiB, which takes 4 MiB of page tables at the most. */
#define GMEM_CHUNKS_MAX 2048u

struct gmem *gmem_xen_new(xenforeignmemory_handle *, xendevicemodel_handle *,
                          domid_t);
void gmem_xen_free(struct gmem *);
/* Drops every mapping; pinned ones go when they are unpinned. */
void gmem_xen_invalidate(struct gmem *);
/*
 * The same when little is to come: the cache's own memory goes back as well,
 * if nothing is pinned.
 */
void gmem_xen_rest(struct gmem *);
/* While on, what is written for the guest is reported page by page. */
void gmem_xen_log_dirty(struct gmem *, bool on);

#endif
