/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SIDE 40u

struct map {
    uint8_t at[SIDE][SIDE];
};

static void paint(struct map *m, const struct rect *r, uint8_t v)
{
    for (uint32_t y = r->y; y < r->y + r->h; y++)
        for (uint32_t x = r->x; x < r->x + r->w; x++)
            m->at[y][x] = v;
}

/* The region's pixels; no two rectangles overlap, none is empty. */
static void draw(const struct region *g, struct map *m)
{
    memset(m, 0, sizeof(*m));
    assert_true(g->n <= REGION_MAX);
    for (unsigned i = 0; i < g->n; i++) {
        const struct rect *r = &g->r[i];

        assert_true(r->w && r->h);
        assert_true(r->x + r->w <= SIDE && r->y + r->h <= SIDE);
        for (uint32_t y = r->y; y < r->y + r->h; y++)
            for (uint32_t x = r->x; x < r->x + r->w; x++) {
                assert_int_equal(m->at[y][x], 0);
                m->at[y][x] = 1;
            }
    }
}

static uint32_t pick(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static struct rect any(uint32_t *seed, uint32_t most)
{
    struct rect r;

    r.x = pick(seed, SIDE);
    r.y = pick(seed, SIDE);
    r.w = 1 + pick(seed, most);
    r.h = 1 + pick(seed, most);
    rect_clip(&r, SIDE, SIDE);
    return r;
}

/* Against a map of pixels: exact while it is not full, else a superset. */
static void compare(const struct region *g, const struct map *want, bool exact)
{
    struct map got;

    draw(g, &got);
    for (unsigned y = 0; y < SIDE; y++)
        for (unsigned x = 0; x < SIDE; x++)
            if (exact)
                assert_int_equal(got.at[y][x], want->at[y][x]);
            else
                assert_true(got.at[y][x] >= want->at[y][x]);
}

static void few_large(void **state)
{
    uint32_t seed = 1;

    for (unsigned round = 0; round < 500; round++) {
        struct region g = {0};
        struct map m = {{{0}}};

        for (unsigned i = 0; i < 12; i++) {
            struct rect r = any(&seed, 25);
            bool add = pick(&seed, 3);

            paint(&m, &r, add);
            if (add)
                region_add(&g, &r);
            else
                region_subtract(&g, &r);
            compare(&g, &m, true);
        }
    }
}

static void many_small(void **state)
{
    uint32_t seed = 2;

    for (unsigned round = 0; round < 50; round++) {
        struct region g = {0};
        struct map m = {{{0}}};

        for (unsigned i = 0; i < 300; i++) {
            struct rect r = any(&seed, 3);

            bool add = pick(&seed, 8);

            paint(&m, &r, add);
            if (add)
                region_add(&g, &r);
            else
                region_subtract(&g, &r);
            compare(&g, &m, false);
        }
        const struct rect all = {0, 0, SIDE, SIDE};
        region_subtract(&g, &all);
        assert_int_equal(g.n, 0);
    }
}

static void intersections(void **state)
{
    uint32_t seed = 3;

    for (unsigned round = 0; round < 500; round++) {
        struct region a = {0}, b = {0}, both;
        struct map ma, mb;

        for (unsigned i = 0; i < 4; i++) {
            struct rect r = any(&seed, 20), s = any(&seed, 20);

            region_add(&a, &r);
            region_add(&b, &s);
        }
        draw(&a, &ma);
        draw(&b, &mb);
        for (unsigned y = 0; y < SIDE; y++)
            for (unsigned x = 0; x < SIDE; x++)
                ma.at[y][x] &= mb.at[y][x];
        region_intersect(&both, &a, &b);
        compare(&both, &ma, true);
    }
}

static void neighbours_join(void **state)
{
    struct region g = {0};

    /* A screen scrolled in bands is one rectangle again. */
    for (uint32_t y = 0; y < SIDE; y += 4) {
        struct rect r = {0, (y * 3) % SIDE, SIDE, 4};

        region_add(&g, &r);
    }
    assert_int_equal(g.n, 1);
    assert_int_equal(g.r[0].h, SIDE);
    assert_int_equal(g.r[0].w, SIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_large),
        cmocka_unit_test(many_small),
        cmocka_unit_test(intersections),
        cmocka_unit_test(neighbours_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
