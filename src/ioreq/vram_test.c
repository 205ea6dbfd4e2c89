/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of changed video memory while a domain is migrated. */
#include "fake_xen.h"
#include "xen_priv.h"

#include <errno.h>
#include <hvmd/log.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 256u
#define PLACE UINT64_C(0x80000)

/* No request is served. */
int machine_io(struct machine *m, const struct io_msg *q, uint64_t *out)
{
    return -1;
}

size_t machine_burst(struct machine *m, enum io_kind kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n)
{
    return 0;
}

bool machine_is_mmio(struct machine *m, uint64_t addr)
{
    return false;
}

bool machine_idle(const struct machine *m)
{
    return true;
}

struct fixture {
    struct fake_xen fake;
    struct log log;
    struct xen *x;
};

static void quiet(void *ctx, const char *line, size_t len)
{
}

static int begin(void **state)
{
    static struct fixture f; /* cmocka's tests share it */
    struct err e;

    f = (struct fixture){.fake = {.vcpus = 1}, .log = {.write = quiet}};
    fake_xen_begin(&f.fake);
    f.x = xen_open(1, UINT64_C(1) << 30, 0, &f.log, &e);
    assert_non_null(f.x);
    assert_int_equal(xen_vram_alloc(&f.x->hv, PAGES), 0);
    assert_int_equal(xen_vram_move(&f.x->hv, PLACE), 0);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    xen_close(f->x);
    fake_xen_end(&f->fake);
    return 0;
}

static void told(struct fixture *f, unsigned nth, uint64_t page, uint32_t n)
{
    assert_true(nth < f->fake.nmodified);
    assert_int_equal(f->fake.modified[nth].first, PLACE + page);
    assert_int_equal(f->fake.modified[nth].n, n);
}

static void changed_pages_are_told_run_by_run(void **state)
{
    struct fixture *f = *state;
    struct hv *hv = &f->x->hv;

    xen_log_dirty(f->x, true);
    xen_vram_wrote(hv, 0x1fff, 2); /* the end of 1, the start of 2 */
    xen_vram_wrote(hv, 0x5000, 0x1000);
    xen_vram_wrote(hv, 0x7000, 0);
    xen_vram_wrote(hv, (PAGES - 1) * HV_PAGE_BYTES, 0x2000); /* to its end */
    xen_vram_report(f->x);
    assert_int_equal(f->fake.nmodified, 3);
    told(f, 0, 1, 2);
    told(f, 1, 5, 1);
    told(f, 2, PAGES - 1, 1);
    xen_vram_report(f->x); /* once */
    assert_int_equal(f->fake.nmodified, 3);
}

static void all_is_told_after_a_move(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(xen_vram_move(&f->x->hv, HV_GFN_NONE), 0);
    xen_log_dirty(f->x, true);
    assert_int_equal(xen_vram_move(&f->x->hv, PLACE), 0);
    xen_vram_report(f->x);
    assert_int_equal(f->fake.nmodified, 1);
    told(f, 0, 0, PAGES);
}

static void nothing_is_told_when_nobody_copies(void **state)
{
    struct fixture *f = *state;

    xen_vram_wrote(&f->x->hv, 0, 1);
    xen_vram_report(f->x);
    xen_log_dirty(f->x, true);
    xen_vram_report(f->x);
    xen_vram_wrote(&f->x->hv, 0, 1);
    xen_log_dirty(f->x, false);
    xen_log_dirty(f->x, true);
    xen_vram_report(f->x);
    assert_int_equal(f->fake.nmodified, 0);
}

/* Where the toolstack tracks all pages, a viewer must not change that. */
static void a_viewer_does_not_end_the_toolstacks_tracking(void **state)
{
    struct fixture *f = *state;
    uint8_t bits[PAGES / 8];

    assert_int_equal(xen_vram_dirty(&f->x->hv, PAGES, bits), 0);
    assert_int_equal(xen_vram_dirty(&f->x->hv, PAGES + 1, bits), -EINVAL);
    xen_log_dirty(f->x, true);
    assert_int_equal(xen_vram_dirty(&f->x->hv, PAGES, bits), -EBUSY);
    assert_int_equal(xen_vram_dirty(&f->x->hv, 0, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changed_pages_are_told_run_by_run,
                                        begin, end),
        cmocka_unit_test_setup_teardown(all_is_told_after_a_move, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_told_when_nobody_copies,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            a_viewer_does_not_end_the_toolstacks_tracking, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
