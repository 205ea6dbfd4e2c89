/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of pixels as at most REGION_MAX rectangles that do not overlap. When
 * they get too many, the set becomes their bounding rectangle: more than was
 * put in, never less. Pixels; x + w and y + h below 2^31.
 */
#ifndef HVMD_VNC_REGION_H
#define HVMD_VNC_REGION_H

#include <hvmd/display.h>

#define REGION_MAX 64

struct region {
    unsigned n; /* 0: empty */
    struct rect r[REGION_MAX];
};

/* Cuts r to w x h pixels; false: nothing is left. */
bool rect_clip(struct rect *r, uint32_t w, uint32_t h);

void region_add(struct region *, const struct rect *);
void region_subtract(struct region *, const struct rect *);
/* to: what both have. */
void region_intersect(struct region *to, const struct region *,
                      const struct region *);

#endif
