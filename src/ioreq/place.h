/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where video memory waits until the guest places its BAR. */
#ifndef HVMD_PLACE_H
#define HVMD_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#define PLACE_LOW_LIMIT  UINT64_C(0xf0000000) /* libxl's default hole */
#define PLACE_4G         (UINT64_C(1) << 32)
#define PLACE_VRAM_MOST  (UINT64_C(256) << 20)
#define PLACE_LARGE_PAGE (UINT64_C(2) << 20)
#define PLACE_PAGE       UINT64_C(4096)

/*
 * The first frame behind the guest's memory, which libxl splits at low_limit
 * (0: its default); never where the hole begins, for there BARs go.
 */
static inline uint64_t place_staging_gfn(uint64_t ram, uint64_t low_limit)
{
    uint64_t limit = low_limit ? low_limit : PLACE_LOW_LIMIT;
    uint64_t end = ram;

    if (ram > limit)
        end = PLACE_4G + (ram - limit);
    else if (ram + PLACE_VRAM_MOST > limit)
        end = PLACE_4G;
    return (end + PLACE_LARGE_PAGE - 1) / PLACE_LARGE_PAGE *
           (PLACE_LARGE_PAGE / PLACE_PAGE);
}

/*
 * Half in the waiting place, half not: frames cannot be moved there one by one
 * without some landing on others that have yet to go.
 */
static inline bool place_clashes(uint64_t gfn, uint64_t staging, uint64_t pages)
{
    return gfn != staging && (gfn - staging < pages || staging - gfn < pages);
}

#endif
