/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "region.h"

static uint32_t min32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

bool rect_clip(struct rect *r, uint32_t w, uint32_t h)
{
    if (r->x >= w || r->y >= h)
        return false;
    r->w = min32(r->w, w - r->x);
    r->h = min32(r->h, h - r->y);
    return r->w && r->h;
}

static bool common(const struct rect *a, const struct rect *b, struct rect *c)
{
    uint32_t x2 = min32(a->x + a->w, b->x + b->w);
    uint32_t y2 = min32(a->y + a->h, b->y + b->h);

    c->x = max32(a->x, b->x);
    c->y = max32(a->y, b->y);
    if (c->x >= x2 || c->y >= y2)
        return false;
    c->w = x2 - c->x;
    c->h = y2 - c->y;
    return true;
}

/* Makes a the smallest rectangle that holds both. */
static void join(struct rect *a, const struct rect *b)
{
    uint32_t x = min32(a->x, b->x), y = min32(a->y, b->y);

    a->w = max32(a->x + a->w, b->x + b->w) - x;
    a->h = max32(a->y + a->h, b->y + b->h) - y;
    a->x = x;
    a->y = y;
}

/* Are they together one rectangle, side by side or one on the other? */
static bool adjacent(const struct rect *a, const struct rect *b)
{
    if (a->x == b->x && a->w == b->w)
        return a->y + a->h == b->y || b->y + b->h == a->y;
    if (a->y == b->y && a->h == b->h)
        return a->x + a->w == b->x || b->x + b->w == a->x;
    return false;
}

/*
 * r overlaps nothing in g, unless g came to be a bounding rectangle meanwhile;
 * then they are joined.
 */
static void append(struct region *g, struct rect r)
{
    struct rect c;

    for (unsigned i = 0; i < g->n; i++) {
        if (!adjacent(&g->r[i], &r) && !common(&g->r[i], &r, &c))
            continue;
        join(&r, &g->r[i]);
        g->r[i] = g->r[--g->n];
        i = -1u; /* the larger one may have new neighbours */
    }
    if (g->n < REGION_MAX) {
        g->r[g->n++] = r;
        return;
    }
    for (unsigned i = 0; i < g->n; i++)
        join(&r, &g->r[i]);
    g->r[0] = r;
    g->n = 1;
}

/* What is left of a without c, which lies in it, in up to four pieces. */
static unsigned pieces(const struct rect *a, const struct rect *c,
                       struct rect out[4])
{
    unsigned n = 0;

    if (c->y > a->y)
        out[n++] = (struct rect){a->x, a->y, a->w, c->y - a->y};
    if (c->y + c->h < a->y + a->h)
        out[n++] =
            (struct rect){a->x, c->y + c->h, a->w, a->y + a->h - c->y - c->h};
    if (c->x > a->x)
        out[n++] = (struct rect){a->x, c->y, c->x - a->x, c->h};
    if (c->x + c->w < a->x + a->w)
        out[n++] =
            (struct rect){c->x + c->w, c->y, a->x + a->w - c->x - c->w, c->h};
    return n;
}

void region_subtract(struct region *g, const struct rect *r)
{
    struct region left = {0};
    struct rect c, p[4];

    for (unsigned i = 0; i < g->n; i++) {
        if (!common(&g->r[i], r, &c)) {
            append(&left, g->r[i]);
            continue;
        }
        for (unsigned k = pieces(&g->r[i], &c, p); k; k--)
            append(&left, p[k - 1]);
    }
    *g = left;
}

void region_add(struct region *g, const struct rect *r)
{
    region_subtract(g, r);
    append(g, *r);
}

void region_intersect(struct region *to, const struct region *a,
                      const struct region *b)
{
    struct rect c;

    to->n = 0;
    for (unsigned i = 0; i < a->n; i++)
        for (unsigned k = 0; k < b->n; k++)
            if (common(&a->r[i], &b->r[k], &c))
                region_add(to, &c);
}
