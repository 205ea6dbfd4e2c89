/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvmd's figures and journal, gathered from a machine on the bench. */
#include "ctl/ctl_stats.h"
#include "devices/xenplat/xenplat.h"
#include "hvmd.h"
#include "machine/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UNPLUG 0x10 /* hvm-emulated-unplug.pandoc */

/* What the two parts that are not here would say. */
void xen_counts(const struct xen *x, struct xen_counts *c)
{
    *c = (struct xen_counts){
        .requests = 11, .buffered = 22, .unknown = 33, .malformed = 44};
}

unsigned console_clients(const struct console *c)
{
    return 5;
}

uint64_t console_cpu_ns(struct console *c)
{
    return 55;
}

struct bed {
    struct rig *r;
    struct hvmd h;
    struct ctl_stats s;
    struct ctl_unplug u;
};

static int setup(void **state)
{
    struct bed *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    b->r = rig_new();
    b->h.loop = loop_new();
    b->h.smaps_fd = ctl_proc_open();
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;

    close(b->h.smaps_fd);
    loop_free(b->h.loop);
    rig_free(b->r);
    free(b);
    return 0;
}
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void start(struct bed *b)
{
    rig_start(b->r);
    b->h.machine = b->r->m;
    b->h.machine_conf = b->r->conf;
}

static const struct ctl_stats *look(struct bed *b)
{
    memset(&b->s, 0, sizeof(b->s));
    hvmd_stats(&b->h, &b->s);
    return &b->s;
}

static const struct ctl_dev *dev(struct bed *b, const char *name)
{
    for (unsigned i = 0; i < b->s.ndevs; i++)
        if (strcmp(b->s.dev[i].name, name) == 0)
            return &b->s.dev[i];
    fail_msg("no device %s", name);
    return NULL;
}

static void test_figures(void **state)
{
    struct bed *b = *state;
    const struct ctl_stats *s;
    unsigned i;

    start(b);
    s = look(b);
    assert_int_equal(s->ioreqs, 11);
    assert_int_equal(s->buffered, 22);
    assert_int_equal(s->unknown, 33);
    assert_int_equal(s->malformed, 44);
    assert_int_equal(s->viewers, 5);
    assert_int_equal(s->viewers_cpu_ns, 55);
    assert_true(s->proc.has_memory && s->proc.pss_bytes && s->proc.cpu_ns);
    for (i = 0; machine_dev_at(b->r->m, i); i++)
        assert_string_equal(s->dev[i].name,
                            machine_dev_at(b->r->m, i)->ops->name);
    assert_int_equal(s->ndevs, i);
    assert_false(s->stepped_aside);
    for (i = 0; i < MACHINE_DISKS; i++) {
        assert_true(s->disk[i].present && s->disk[i].attached);
        assert_int_equal(s->disk[i].cdrom, b->r->conf.disk[i].cdrom);
        assert_ptr_equal(s->disk[i].blk, b->r->conf.disk[i].blk);
    }
    assert_int_equal(s->nnics, b->r->conf.nnics);
    assert_true(s->nnics > 0 && s->nic[0].attached);
    assert_memory_equal(s->nic[0].mac, b->r->conf.nic[0].mac, 6);
    /* by device and kind */
    assert_int_equal(dev(b, "ide")->hits[HIT_PIO_RD], 0);
    rig_in(b->r, 0x1f7, 1);
    rig_in(b->r, 0x1f7, 1);
    rig_out(b->r, 0x1f6, 1, 0xa0);
    rig_cfg(b->r, PCI_DEVFN(1, 1), 0, 4);
    look(b);
    assert_int_equal(dev(b, "ide")->hits[HIT_PIO_RD], 2);
    assert_int_equal(dev(b, "ide")->hits[HIT_PIO_WR], 1);
    assert_int_equal(dev(b, "ide")->hits[HIT_CFG_RD], 1);
}

static void test_aside(void **state)
{
    struct bed *b = *state;
    const struct ctl_stats *s;

    start(b);
    rig_out(b->r, UNPLUG, 2, XENPLAT_AUX_DISKS);
    s = look(b);
    assert_false(s->stepped_aside); /* the primary master is there */
    assert_true(s->disk[0].attached && s->nic[0].attached);
    rig_out(b->r, UNPLUG, 2, XENPLAT_DISKS);
    s = look(b);
    assert_false(s->stepped_aside); /* a card is there */
    assert_false(s->disk[0].attached);
    assert_null(s->disk[0].blk);
    assert_true(s->disk[0].present && s->nic[0].attached);
    rig_out(b->r, UNPLUG, 2, XENPLAT_NICS);
    s = look(b);
    assert_true(s->stepped_aside);
    assert_false(s->nic[0].attached);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        assert_int_equal(s->disk[i].attached, b->r->conf.disk[i].cdrom);
}

/* Nothing there to step aside from is not stepping aside. */
static void test_bare(void **state)
{
    struct bed *b = *state;

    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        b->r->conf.disk[i].present &= b->r->conf.disk[i].cdrom;
    b->r->conf.nnics = 0;
    start(b);
    assert_false(look(b)->stepped_aside);
    assert_int_equal(b->s.nnics, 0);
    rig_out(b->r, UNPLUG, 2, XENPLAT_DISKS | XENPLAT_NICS);
    assert_true(look(b)->stepped_aside);
}

static void test_journal(void **state)
{
    struct bed *b = *state;
    struct err e;

    start(b);
    assert_int_equal(hvmd_unplug_journal(&b->h, &b->u, &e), 0);
    assert_int_equal(b->u.n, 0);
    assert_false(b->u.ignoring);
    assert_int_equal(hvmd_ignore_unplug(&b->h, true, &e), 0);
    rig_out(b->r, UNPLUG, 2, XENPLAT_DISKS);
    assert_false(look(b)->stepped_aside);
    assert_int_equal(hvmd_unplug_journal(&b->h, &b->u, &e), 0);
    assert_true(b->u.ignoring);
    assert_int_equal(b->u.n, 1);
    assert_true(b->u.event[0].ignored);
    assert_int_equal(b->u.mask, 0);
    assert_int_equal(hvmd_ignore_unplug(&b->h, false, &e), 0);
    rig_out(b->r, UNPLUG + 2, 2, 3);
    rig_out(b->r, UNPLUG, 4, 77);
    rig_out(b->r, UNPLUG, 2, XENPLAT_DISKS | XENPLAT_NICS);
    assert_int_equal(hvmd_unplug_journal(&b->h, &b->u, &e), 0);
    assert_false(b->u.ignoring);
    assert_int_equal(b->u.n, 2);
    assert_int_equal(b->u.total, 2);
    assert_int_equal(b->u.mask, 3);
    assert_int_equal(b->u.event[1].port_value, 3);
    assert_int_equal(b->u.event[1].product, 3);
    assert_string_equal(b->u.event[1].product_name, "linux");
    assert_int_equal(b->u.event[1].build, 77);
    assert_string_equal(b->u.event[1].via, "port");
    assert_non_null(strstr(b->u.event[1].went, "hda"));
    assert_non_null(strstr(b->u.event[1].went, "nics"));
    assert_false(b->u.event[1].ignored);
    assert_true(b->u.event[1].wall_ns > UINT64_C(1600000000) * NS_PER_S);
}

static void test_no_platform(void **state)
{
    struct bed *b = *state;
    struct err e;

    b->r->conf.xen_platform = false;
    start(b);
    rig_out(b->r, UNPLUG, 2, XENPLAT_DISKS | XENPLAT_NICS);
    assert_false(look(b)->stepped_aside);
    assert_true(b->s.disk[0].attached && b->s.nic[0].attached);
    assert_true(hvmd_unplug_journal(&b->h, &b->u, &e) < 0);
    assert_non_null(strstr(e.text, "no Xen platform device"));
    assert_true(hvmd_ignore_unplug(&b->h, true, &e) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_figures), T(test_aside),       T(test_bare),
        T(test_journal), T(test_no_platform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
