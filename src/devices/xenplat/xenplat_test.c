/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../../bench/bench.h"
#include "priv.h"
#include "xenplat.h"

#include <hvmd/machine.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Its machine, as the device sees it: the head and, behind it, the test's. */
struct fake {
    struct machine_head head;
    unsigned disks; /* units still there */
    unsigned nics;
    const char *product; /* on the blacklist */
    uint32_t build;
};

struct rig {
    struct bench *b;
    struct dev *xp;
    struct fake m;
};

static unsigned unplug_disks(struct machine *m, bool keep_first)
{
    struct fake *f = (struct fake *)m;
    unsigned went = f->disks & (keep_first ? ~1u : ~0u);

    f->disks &= ~went;
    return went;
}

static unsigned unplug_nics(struct machine *m)
{
    struct fake *f = (struct fake *)m;
    unsigned n = f->nics;

    f->nics = 0;
    return n;
}

static bool blacklisted(struct machine *m, const char *product, uint32_t build)
{
    struct fake *f = (struct fake *)m;

    return f->product && !strcmp(f->product, product) && f->build == build;
}

#define XP PCI_DEVFN(2, 0)

static uint32_t cfg_rd(struct rig *r, unsigned reg, unsigned size)
{
    return pci_cfg_read(r->b->env.pci, XP, reg, size);
}

static void cfg_wr(struct rig *r, unsigned reg, unsigned size, uint32_t val)
{
    pci_cfg_write(r->b->env.pci, XP, reg, size, val);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct err e;

    r->m = (struct fake){.head = {.unplug_disks = unplug_disks,
                                  .unplug_nics = unplug_nics,
                                  .blacklisted = blacklisted},
                         .disks = 3,
                         .nics = 2};
    r->b = bench_new(1 << 20);
    r->b->env.machine = (struct machine *)&r->m;
    r->b->env.pci = pci_bus_new(&r->b->hv, &r->b->bus, &r->b->gmem);
    r->xp = dev_new(&xenplat_ops, &r->b->env, 0, NULL, &e);
    *state = r;
    return r->xp ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    dev_free(r->xp);
    pci_bus_free(r->b->env.pci);
    bench_free(r->b);
    free(r);
    return 0;
}

static void covers(void **state)
{
    assert_true(state_covers(xenplat_ops.state));
}

static void config(void **state)
{
    struct rig *r = *state;
    struct err e;

    assert_int_equal(cfg_rd(r, 0, 4), 0x00015853);
    assert_int_equal(cfg_rd(r, 8, 4), 0xff800001);
    assert_int_equal(cfg_rd(r, 0x2c, 4), 0x00015853);
    assert_int_equal(cfg_rd(r, 0x3d, 1), 1);
    cfg_wr(r, 0x10, 4, 0xffffffff);
    cfg_wr(r, 0x14, 4, 0xffffffff);
    assert_int_equal(cfg_rd(r, 0x10, 4), 0xffffff01);
    assert_int_equal(cfg_rd(r, 0x14, 4), 0xff000008);
    assert_null(dev_new(&xenplat_ops, &r->b->env, 1, NULL, &e));
    assert_non_null(strstr(e.text, "slot 2"));
}

static void detection(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;

    assert_int_equal(bench_inw(b, 0x10), 0x49d2);
    assert_int_equal(bench_inb(b, 0x10), 0);
    assert_int_equal(bench_inl(b, 0x10), 0xffffffff);
    assert_int_equal(bench_inb(b, 0x12), 1);
    assert_int_equal(bench_inw(b, 0x12), 0xffff);
    for (uint16_t port = 0x13; port < 0x20; port++)
        assert_int_equal(bench_inb(b, port), 0xff);
}

static void rom_lock(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    bench_outb(b, 0x10, 0xff);
    assert_true(b->rom_locked);
    assert_int_equal(bench_inb(b, 0x10), 1);
    bench_outb(b, 0x10, 0xfe);
    assert_false(b->rom_locked);
    assert_int_equal(bench_inb(b, 0x10), 0);
    bench_outb(b, 0x10, 1);
    xenplat_ops.reset(r->xp, RESET_POWER);
    assert_false(b->rom_locked);
}

static int refuse(struct hv *hv, bool on)
{
    return -EOPNOTSUPP;
}

static void rom_lock_refused(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;
    const struct hv_ops *real = b->hv.ops;
    struct hv_ops ops = *real;

    ops.rom_lock = refuse;
    b->hv.ops = &ops;
    bench_outb(b, 0x10, 1);
    assert_int_equal(bench_inb(b, 0x10), 0);
    b->hv.ops = real;
}

static void linux_drivers(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    bench_outw(b, 0x12, 3);
    bench_outl(b, 0x10, 0x60100);
    assert_int_equal(bench_inw(b, 0x10), 0x49d2);
    assert_int_equal(xenplat_unplug_mask(r->xp), 0);
    bench_outw(b, 0x10, 3);
    assert_int_equal(xenplat_unplug_mask(r->xp), 3);
    assert_non_null(strstr(b->log_text, "product 3 build 393472"));
    assert_non_null(strstr(b->log_text, "linux drivers, build 393472: unplug "
                                        "0x3 by port takes hda hdb nics"));
    bench_outw(b, 0x10, 3); /* again, as after kexec: harmless */
    assert_int_equal(xenplat_unplug_mask(r->xp), 3);
    bench_outw(b, 0x10, 0xfff4);
    assert_int_equal(xenplat_unplug_mask(r->xp), 7);
}

static void each_bit(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    struct xenplat_event ev;

    bench_outw(b, 0x10, 0x0008); /* NVMe: there is none */
    assert_int_equal(r->m.disks, 3);
    assert_int_equal(r->m.nics, 2);
    bench_outw(b, 0x10, 0xfff0);
    assert_int_equal(r->m.disks, 3);
    assert_int_equal(xenplat_unplug_mask(r->xp), 8);
    bench_outw(b, 0x10, 0x0004);
    assert_int_equal(r->m.disks, 1);
    bench_outw(b, 0x10, 0x0002);
    assert_int_equal(r->m.nics, 0);
    assert_int_equal(xenplat_journal(r->xp, &ev, 1), 1);
    assert_int_equal(ev.went, XENPLAT_WENT_NICS);
    bench_outw(b, 0x10, 0x0005);
    assert_int_equal(r->m.disks, 0);
    assert_int_equal(xenplat_journal(r->xp, &ev, 1), 1);
    assert_int_equal(ev.went, XENPLAT_WENT_UNIT(0));
    assert_int_equal(xenplat_events(r->xp), 5);
    /* other widths are other registers */
    r->m.disks = 3;
    bench_outb(b, 0x10, 1);
    bench_outl(b, 0x10, 1);
    bench_outb(b, 0x11, 1);
    assert_int_equal(r->m.disks, 3);
}

static void journal_as_text(void **state)
{
    char text[32];

    xenplat_went_text(XENPLAT_WENT_UNIT(1) | XENPLAT_WENT_NICS, text,
                      sizeof(text));
    assert_string_equal(text, "hdb nics");
    xenplat_went_text(0, text, sizeof(text));
    assert_string_equal(text, "nothing");
    xenplat_went_text(1, text, 1);
    assert_string_equal(text, "");
    assert_string_equal(xenplat_via_name(XENPLAT_VIAS - 1), "refused");
    assert_string_equal(xenplat_via_name(XENPLAT_VIAS), "unknown");
}

static void journal(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    struct xenplat_event ev[XENPLAT_EVENTS + 1];

    assert_int_equal(xenplat_journal(r->xp, ev, XENPLAT_EVENTS), 0);
    bench_outw(b, 0x10, 2);
    bench_outw(b, 0x12, 0xffff);
    bench_outl(b, 0x10, 12);
    bench_outw(b, 0x10, 4);
    assert_int_equal(xenplat_journal(r->xp, ev, 99), 2);
    assert_int_equal(ev[0].product | ev[0].build, 0);
    assert_int_equal(ev[0].port_value, 2);
    assert_int_equal(ev[0].via, XENPLAT_VIA_PORT);
    assert_int_equal(ev[0].went, XENPLAT_WENT_NICS);
    assert_true(ev[0].wall_ns > UINT64_C(1700000000) * NS_PER_S);
    assert_true(ev[1].wall_ns >= ev[0].wall_ns);
    assert_int_equal(ev[1].product, 0xffff);
    assert_int_equal(ev[1].build, 12);
    assert_int_equal(ev[1].went, XENPLAT_WENT_UNIT(1));
    assert_int_equal(xenplat_journal(r->xp, ev, 1), 1);
    assert_int_equal(ev[0].port_value, 4);
    assert_int_equal(xenplat_journal(r->xp, ev, 0), 0);
    /* a guest that repeats itself does not wash out what counts */
    for (unsigned i = 0; i < 1000; i++)
        bench_outw(b, 0x10, (uint16_t)(i << 4));
    bench_outw(b, 0x10, 1);
    bench_outw(b, 0x10, 0);
    assert_int_equal(xenplat_events(r->xp), 1004);
    assert_int_equal(xenplat_journal(r->xp, ev, XENPLAT_EVENTS + 1), 16);
    assert_int_equal(ev[0].went, XENPLAT_WENT_NICS);
    assert_int_equal(ev[1].went, XENPLAT_WENT_UNIT(1));
    assert_int_equal(ev[2].port_value, (1000 - 12) << 4);
    assert_int_equal(ev[13].port_value, 999 << 4);
    assert_int_equal(ev[14].went, XENPLAT_WENT_UNIT(0));
    assert_int_equal(ev[15].port_value, 0);
    assert_true(b->log.guest_bytes < 8192);
    /* a reset of the machine ends nothing of it */
    xenplat_ops.reset(r->xp, RESET_POWER);
    assert_int_equal(xenplat_events(r->xp), 1004);
    assert_int_equal(xenplat_unplug_mask(r->xp), 7);
    bench_outw(b, 0x10, 0);
    assert_int_equal(xenplat_journal(r->xp, ev, 1), 1);
    assert_int_equal(ev[0].product | ev[0].build, 0);
}

/* When, and what went, is told however much the guest has said before. */
static void told_after_a_flood(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    const char *line;
    int y, mo, d, h, mi, s, end = 0;

    r->m.disks = 1;
    for (unsigned i = 0; i < 1000; i++)
        bench_outw(b, 0x10, 8);
    b->log.guest_bytes = LOG_GUEST_CAP_BYTES;
    bench_outw(b, 0x10, 1);
    line = strstr(b->log_text, " drivers without a name: unplug 0x1 by port "
                               "takes hda\n");
    assert_non_null(line);
    while (line > b->log_text && line[-1] != '\n')
        line--;
    assert_int_equal(sscanf(line, "xenplat: %4d-%2d-%2d %2d:%2d:%2dZ%n", &y,
                            &mo, &d, &h, &mi, &s, &end),
                     6);
    assert_int_equal(end, strlen("xenplat: 2026-11-21 04:12:33Z"));
    for (unsigned i = 0; i < 1000; i++)
        bench_outw(b, 0x10, 1);
    assert_int_equal(b->log.guest_bytes, LOG_GUEST_CAP_BYTES);
}

static void journal_of_bar0(void **state)
{
    static const struct {
        uint16_t off;
        uint8_t val, via, went;
    } way[] = {{8, 2, XENPLAT_VIA_ONE, XENPLAT_WENT_NICS},
               {8, 1, XENPLAT_VIA_ONE, 3},
               {4, 1, XENPLAT_VIA_ALL, 0x13}};
    struct rig *r = *state;
    struct xenplat_event ev;

    cfg_wr(r, 0x10, 4, 0xc000);
    cfg_wr(r, 4, 2, 3);
    for (unsigned size = 1; size <= 4; size *= 2) {
        for (unsigned i = 0; i < 3; i++) {
            r->m.disks = 3;
            r->m.nics = 1;
            bus_write(&r->b->bus, SPACE_PIO, 0xc000u + way[i].off, size,
                      way[i].val);
            assert_int_equal(xenplat_journal(r->xp, &ev, 1), 1);
            assert_int_equal(ev.via, way[i].via);
            assert_int_equal(ev.went, way[i].went);
            assert_int_equal(ev.port_value, way[i].val);
        }
    }
    bench_outb(r->b, 0xc004, 2);
    bench_outb(r->b, 0xc005, 1);
    bench_outb(r->b, 0xc008, 3);
    assert_int_equal(xenplat_events(r->xp), 9);
    assert_non_null(strstr(r->b->log_text, "drivers without a name: unplug "
                                           "0x1 by bar0-all takes hda hdb"));
}

static void refused(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    struct xenplat_event ev[2];

    r->m.product = "gplpv-windows";
    r->m.build = 375;
    bench_outw(b, 0x12, 2);
    bench_outl(b, 0x10, 374);
    assert_int_equal(bench_inw(b, 0x10), 0x49d2);
    bench_outl(b, 0x10, 375);
    assert_int_equal(bench_inw(b, 0x10), 0xd249);
    assert_int_equal(xenplat_journal(r->xp, ev, 2), 1);
    assert_int_equal(ev[0].via, XENPLAT_VIA_REFUSED);
    assert_false(ev[0].ignored);
    assert_int_equal(ev[0].build, 375);
    assert_non_null(strstr(b->log_text, "blacklist"));
    /* drivers that do not obey will use the PV disks */
    bench_outw(b, 0x10, 1);
    assert_int_equal(r->m.disks, 0);
    /* others may come, as by kexec */
    bench_outw(b, 0x12, 3);
    bench_outl(b, 0x10, 375);
    assert_int_equal(bench_inw(b, 0x10), 0x49d2);
    bench_outw(b, 0x12, 2);
    bench_outl(b, 0x10, 375);
    xenplat_ops.reset(r->xp, RESET_POWER);
    assert_int_equal(bench_inw(b, 0x10), 0x49d2);
}

static void rescue(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    struct xenplat_event ev[2];

    assert_false(xenplat_ignoring(r->xp));
    xenplat_ignore_next(r->xp, true);
    xenplat_ops.reset(r->xp, RESET_POWER); /* not of use yet: stays */
    assert_true(xenplat_ignoring(r->xp));
    assert_int_equal(bench_inw(b, 0x10), 0x49d2);
    bench_outw(b, 0x12, 3);
    bench_outl(b, 0x10, 6);
    assert_int_equal(bench_inw(b, 0x10), 0xd249);
    for (unsigned i = 0; i < 3; i++) { /* one boot, kexec and all */
        bench_outw(b, 0x10, 7);
        assert_int_equal(r->m.disks, 3);
        assert_int_equal(r->m.nics, 2);
        bench_outl(b, 0x10, 6);
        assert_int_equal(bench_inw(b, 0x10), 0xd249);
    }
    assert_int_equal(xenplat_unplug_mask(r->xp), 0);
    assert_int_equal(xenplat_events(r->xp), 7);
    assert_int_equal(xenplat_journal(r->xp, ev, 2), 2);
    assert_true(ev[0].ignored && ev[1].ignored);
    assert_int_equal(ev[0].port_value, 7);
    assert_int_equal(ev[0].went, 0);
    assert_int_equal(ev[1].via, XENPLAT_VIA_REFUSED);
    assert_non_null(strstr(b->log_text, "0x7 by port ignored"));
    xenplat_ops.reset(r->xp, RESET_POWER);
    assert_false(xenplat_ignoring(r->xp));
    bench_outw(b, 0x10, 7);
    assert_int_equal(r->m.disks | r->m.nics, 0);
    xenplat_ignore_next(r->xp, true);
    xenplat_ignore_next(r->xp, false);
    assert_false(xenplat_ignoring(r->xp));
}

static void rescue_by_conf(void **state)
{
    struct rig *r = *state;
    struct conf c = {.n = 0};
    struct dev_env env = r->b->env;
    struct bench *b = bench_new(1 << 20);
    struct dev *d;
    struct err e;

    env.hv = &b->hv;
    env.bus = &b->bus;
    env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf_set_num(&c, "ignore_unplug", 1);
    d = dev_new(&xenplat_ops, &env, 0, &c, &e);
    assert_non_null(d);
    assert_true(xenplat_ignoring(d));
    bench_outw(b, 0x10, 1);
    assert_int_equal(r->m.disks, 3);
    dev_free(d);
    pci_bus_free(env.pci);
    bench_free(b);
}

static void names(void **state)
{
    static const uint16_t known[] = {1, 2, 3, 4, 5, 0xffff};
    char text[32];

    for (unsigned i = 0; i < 6; i++)
        assert_non_null(xenplat_product_name(known[i]));
    assert_string_equal(xenplat_product_name(3), "linux");
    assert_null(xenplat_product_name(0));
    assert_null(xenplat_product_name(6));
    assert_null(xenplat_product_name(0xfffe));
    assert_string_equal(xenplat_via_name(XENPLAT_VIA_REFUSED), "refused");
    assert_string_equal(xenplat_via_name(255), "unknown");
    xenplat_went_text(0, text, sizeof(text));
    assert_string_equal(text, "nothing");
    xenplat_went_text(0xe0, text, sizeof(text));
    assert_string_equal(text, "nothing");
    xenplat_went_text(0x1f, text, sizeof(text));
    assert_string_equal(text, "hda hdb hdc hdd nics");
    for (size_t len = 1; len < 24; len++) {
        memset(text, 'x', sizeof(text));
        xenplat_went_text(0x1f, text, len);
        assert_true(strlen(text) < len);
        assert_int_equal(text[len], 'x');
    }
}

static void guest_text(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;

    for (const char *p = "up\x07 and\n"; *p; p++)
        bench_outb(b, 0x12, (uint8_t)*p);
    assert_non_null(strstr(b->log_text, "guest: up\\x07 and\n"));
    for (unsigned i = 0; i < 200000; i++)
        bench_outb(b, 0x12, (uint8_t)i);
    assert_true(b->log.guest_bytes < 8192);
}

static void bars(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    uint8_t buf[8] = {1, 2, 3};

    cfg_wr(r, 0x10, 4, 0xc000);
    cfg_wr(r, 0x14, 4, 0xf2000000);
    cfg_wr(r, 4, 2, 3);
    bus_write(&b->bus, SPACE_MMIO, 0xf2123450, 8, UINT64_MAX);
    assert_int_equal(bus_read(&b->bus, SPACE_MMIO, 0xf2123450, 8), 0);
    bus_copy(&b->bus, 0xf2fffff8, 1, false, buf, 8);
    assert_int_equal(buf[0] | buf[1] | buf[2], 0);
    assert_int_equal(bench_inb(b, 0xc001), 0xff);
    bench_outb(b, 0xc000, 1);
    assert_true(b->rom_locked);
    assert_int_equal(bench_inb(b, 0xc000), 1);
    assert_int_equal(bench_inb(b, 0x10), 1);
    bench_outl(b, 0xc008, 2);
    assert_int_equal(xenplat_unplug_mask(r->xp), 2);
    bench_outb(b, 0xc008, 1);
    assert_int_equal(xenplat_unplug_mask(r->xp), 3);
    for (const char *p = "hi\n"; *p; p++)
        bench_outb(b, 0xc008, (uint8_t)*p);
    assert_non_null(strstr(b->log_text, "guest: hi\n"));
}

static void restore(void **state)
{
    struct rig *r = *state;
    const struct state_desc *s = xenplat_ops.state;
    size_t len = state_bytes(s);
    uint8_t *one = malloc(len), *two = malloc(len);
    struct err e;

    cfg_wr(r, 0x10, 4, 0xc000);
    cfg_wr(r, 4, 2, 1);
    bench_outb(r->b, 0x10, 1);
    bench_outw(r->b, 0x10, 5);
    xenplat_ignore_next(r->xp, true);
    bench_outw(r->b, 0x12, 3);
    bench_outl(r->b, 0x10, 99);
    state_save(s, r->xp, one);
    xenplat_ops.reset(r->xp, RESET_POWER);
    r->m.disks = 3; /* as on another machine */
    assert_int_equal(state_load(s, r->xp, one, len, &e), 0);
    assert_true(r->b->rom_locked);
    assert_int_equal(xenplat_unplug_mask(r->xp), 5);
    assert_int_equal(r->m.disks, 0);
    assert_int_equal(r->m.nics, 2);
    assert_int_equal(xenplat_events(r->xp), 2);
    assert_true(xenplat_ignoring(r->xp));
    assert_int_equal(bench_inw(r->b, 0x10), 0xd249);
    assert_int_equal(bench_inb(r->b, 0xc000), 1);
    state_save(s, r->xp, two);
    assert_memory_equal(one, two, len);
    two[len - 1] = 1;
    assert_int_equal(state_load(s, r->xp, two, len, &e), -EINVAL);
    free(one);
    free(two);
}

static void a_journal_longer_than_its_events_is_refused(void **state)
{
    struct xenplat_regs regs = {.events = 2, .kept = 2};
    struct err e;

    assert_int_equal(xenplat_ops.state->check(&regs, &e), 0);
    regs.kept = 3;
    assert_int_equal(xenplat_ops.state->check(&regs, &e), -EINVAL);
    assert_non_null(strstr(e.text, "field kept is 3"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(covers),
        T(config),
        T(detection),
        T(rom_lock),
        T(rom_lock_refused),
        T(linux_drivers),
        T(each_bit),
        T(journal_as_text),
        T(journal),
        T(told_after_a_flood),
        T(journal_of_bar0),
        T(refused),
        T(rescue),
        T(rescue_by_conf),
        T(names),
        T(guest_text),
        T(bars),
        T(restore),
        cmocka_unit_test(a_journal_longer_than_its_events_is_refused),
    };

    return cmocka_run_group_tests_name("xenplat", tests, NULL, NULL);
}
