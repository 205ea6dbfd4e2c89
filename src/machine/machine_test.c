/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../devices/ide/ide.h"
#include "rig.h"

#include <errno.h>
#include <hvmd/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct rig *r = rig_new();

    rig_start(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static void enumeration(void **state)
{
    static const struct {
        unsigned devfn;
        uint32_t id;
        uint16_t class_code;
    } want[] = {
        {PCI_DEVFN(0, 0), 0x12378086, 0x0600},
        {PCI_DEVFN(1, 0), 0x70008086, 0x0601},
        {PCI_DEVFN(1, 1), 0x70108086, 0x0101},
        {PCI_DEVFN(1, 3), 0x71138086, 0x0680},
        {PCI_DEVFN(2, 0), 0x00015853, 0xff80},
        {PCI_DEVFN(3, 0), 0x11111234, 0x0300},
        {PCI_DEVFN(4, 0), 0x813910ec, 0x0200},
    };
    struct rig *r = *state;

    assert_int_equal(rig_firmware(r), 7);
    assert_int_equal(r->b->pci_claims, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(rig_cfg(r, want[i].devfn, 0, 4), want[i].id);
        assert_int_equal(rig_cfg(r, want[i].devfn, 0x0a, 2),
                         want[i].class_code);
    }
    /* slot 1 has more than its function 0, no other slot has */
    for (unsigned slot = 0; slot < 4; slot++)
        assert_int_equal(rig_cfg(r, PCI_DEVFN(slot, 0), 0x0e, 1),
                         slot == 1 ? 0x80 : 0);
    assert_int_equal(r->b->pci_link[0], 5);
    assert_int_equal(r->b->pci_link[2], 11);
    /* as the firmware placed them: bus master DMA, VRAM, platform */
    assert_int_equal(rig_cfg(r, PCI_DEVFN(1, 1), 0x20, 4), 0xc001);
    assert_int_equal(rig_in(r, 0xc002, 1) & 0x01, 0);
    assert_int_equal(rig_cfg(r, PCI_DEVFN(2, 0), 0x10, 4), 0xc101);
    assert_int_equal(rig_cfg(r, PCI_DEVFN(2, 0), 0x14, 4), 0xf0000008);
    assert_true(machine_is_mmio(r->m, 0xf0000000));
    assert_true(machine_is_mmio(r->m, 0xf0ffffff));
    assert_int_equal(rig_cfg(r, PCI_DEVFN(3, 0), 0x10, 4), 0xf1000008);
    assert_int_equal(r->b->vram_gfn, 0xf1000);
    assert_false(machine_is_mmio(r->m, 0x1000));
    assert_true(machine_is_mmio(r->m, 0xa0000));
    /* the option ROM where it was put */
    uint32_t rom = rig_cfg(r, PCI_DEVFN(3, 0), PCI_ROM, 4);

    assert_int_equal(rom & 1, 1);
    assert_int_equal(rig_read(r, IO_MMIO, rom & ~1u, 2), 0xaa55);
}

/* The same through the ports, for software that knows no other way. */
static void configuration_ports(void **state)
{
    struct rig *r = *state;

    rig_out(r, 0xcf8, 4, 0x80000800);
    assert_int_equal(rig_in(r, 0xcfc, 4), 0x70008086);
    assert_int_equal(rig_in(r, 0xcfe, 2), 0x7000);
    rig_out(r, 0xcf8, 4, 0x80000860);
    rig_out(r, 0xcfd, 1, 0x0b);
    assert_int_equal(r->b->pci_link[1], 11);
    assert_int_equal(rig_cfg(r, 8, 0x61, 1), 0x0b);
}

static void malformed(void **state)
{
    struct rig *r = *state;
    static const uint8_t sizes[] = {0, 3, 5, 16, 255};
    uint64_t out;

    for (unsigned i = 0; i < sizeof(sizes); i++) {
        struct io_msg msg = {.kind = IO_MMIO, .size = sizes[i]};

        assert_int_equal(machine_io(r->m, &msg, &out), -EINVAL);
    }
    struct io_msg wide = {.kind = IO_PIO, .size = 8};

    assert_int_equal(machine_io(r->m, &wide, &out), -EINVAL);
    assert_int_equal(rig_read(r, IO_PIO, 0x10000, 1), 0xff);
    assert_int_equal(rig_read(r, IO_PIO, 0x100000010, 2), 0xffff);
    assert_int_equal(rig_read(r, IO_PIO, 0xffff, 4), 0xffffffff);
    assert_int_equal(rig_read(r, IO_PCI, 0x10000, 4), 0xffffffff);
    assert_int_equal(rig_read(r, IO_PCI, UINT64_MAX, 4), 0xffffffff);
    assert_true(rig_read(r, IO_MMIO, UINT64_MAX - 3, 8) == UINT64_MAX);
    rig_write(r, IO_MMIO, UINT64_MAX - 3, 8, 0);
    rig_write(r, IO_PIO, 0xffff, 4, 0);
    rig_write(r, IO_PCI, 0x10004, 4, 7);
}

static void acpi_hand_shake(void **state)
{
    struct rig *r = *state;

    rig_firmware(r);
    assert_int_equal(rig_in(r, 0xb004, 2) & 1, 0);
    rig_out(r, 0xb2, 1, 0xf1);
    assert_int_equal(rig_in(r, 0xb004, 2) & 1, 1);
    assert_int_equal(rig_in(r, 0xaf00, 1), 0x03);
    assert_int_equal(machine_set_vcpu(r->m, 3, true), 0);
    assert_int_equal(rig_in(r, 0xaf00, 1), 0x0b);
    assert_int_equal(machine_set_vcpu(r->m, 4, true), -EINVAL);
    assert_int_equal(r->b->isa_level[9], 0);
    rig_out(r, 0xafe2, 2, 4);
    assert_int_equal(r->b->isa_level[9], 1);
    rig_out(r, 0xafe0, 2, 4);
    assert_int_equal(r->b->isa_level[9], 0);
}

static void power_off(void **state)
{
    struct rig *r = *state;

    rig_firmware(r);
    assert_int_equal(r->b->shutdown, -1);
    rig_out(r, 0xb004, 2, 0x2001);
    assert_int_equal(r->b->shutdown, HV_POWEROFF);
    assert_int_equal(r->events[MACHINE_POWEROFF], 1);
    assert_non_null(strstr(r->b->log_text, "guest power-off"));
}

static void suspend_and_wake(void **state)
{
    struct rig *r = *state;

    rig_firmware(r);
    assert_int_equal(machine_wakeup(r->m), -EINVAL);
    rig_out(r, 0xb004, 2, 0x2401);
    assert_true(r->b->suspended);
    rig_out(r, 0x70, 1, 0x0f); /* what SeaBIOS looks at when it starts */
    assert_int_equal(rig_in(r, 0x71, 1), 0xfe);
    assert_int_equal(r->events[MACHINE_SUSPEND], 1);
    assert_int_equal(machine_wakeup(r->m), 0);
    assert_false(r->b->suspended);
    assert_int_equal(r->events[MACHINE_WAKEUP], 1);
    assert_int_equal(r->b->shutdown, -1);
}

static int refuse(struct hv *hv, bool on)
{
    (void)hv, (void)on;
    return -EOPNOTSUPP;
}

/* Nobody is told that a guest sleeps, or woke, when the hypervisor refused. */
static void suspend_that_is_refused(void **state)
{
    struct rig *r = *state;
    const struct hv_ops *real = r->b->hv.ops;
    struct hv_ops ops = *real;

    ops.suspend = refuse;
    rig_firmware(r);
    r->b->hv.ops = &ops;
    rig_out(r, 0xb004, 2, 0x2401);
    assert_false(machine_suspended(r->m));
    assert_int_equal(r->events[MACHINE_SUSPEND], 0);
    r->b->hv.ops = real;
    rig_out(r, 0xb004, 2, 0x2401);
    assert_true(machine_suspended(r->m));
    r->b->hv.ops = &ops;
    assert_int_equal(machine_wakeup(r->m), -EOPNOTSUPP);
    assert_true(machine_suspended(r->m));
    assert_int_equal(r->events[MACHINE_WAKEUP], 0);
    r->b->hv.ops = real;
    assert_int_equal(machine_wakeup(r->m), 0);
}

/* Each way a PC is reset. The domain ends: devices stay as they are. */
static void resets(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint16_t port;
        uint8_t val;
    } way[] = {{0xcf9, 0x06}, {0x64, 0xfe}, {0x92, 0x03}};

    rig_cfg_set(r, 8, 0x60, 1, 5);
    for (unsigned i = 0; i < 3; i++) {
        r->b->shutdown = -1;
        rig_out(r, way[i].port, 1, way[i].val);
        assert_int_equal(r->b->shutdown, HV_REBOOT);
        assert_int_equal(r->events[MACHINE_RESET], i + 1);
    }
    assert_non_null(strstr(r->b->log_text, "guest reset"));
    r->b->shutdown = -1;
    machine_reset(r->m);
    assert_int_equal(r->b->shutdown, HV_REBOOT);
    assert_int_equal(r->b->pci_link[0], 5);
}

static size_t state_len(const struct dev *d)
{
    return d->ops->state ? state_bytes(d->ops->state) : 0;
}

static uint8_t *save_all(struct rig *r, size_t *len)
{
    uint8_t *out;
    size_t at = 0;
    struct dev *d;

    *len = 0;
    for (unsigned i = 0; (d = machine_dev_at(r->m, i)); i++)
        *len += state_len(d);
    out = malloc(*len);
    assert_non_null(out);
    for (unsigned i = 0; (d = machine_dev_at(r->m, i)); i++)
        if (d->ops->state)
            at += state_save(d->ops->state, d, out + at);
    *len = at;
    return out;
}

static void reset_in_place(void **state)
{
    struct rig *r = *state;
    size_t len, after_len;
    uint8_t *fresh = save_all(r, &len), *after;

    rig_firmware(r);
    rig_out(r, 0xb2, 1, 0xf1);
    rig_out(r, 0x12, 2, 3);
    after = save_all(r, &after_len);
    assert_memory_not_equal(fresh, after, len);
    free(after);
    machine_reset_devices(r->m);
    after = save_all(r, &after_len);
    assert_int_equal(len, after_len);
    assert_memory_equal(fresh, after, len);
    assert_int_equal(r->b->vram_gfn, HV_GFN_NONE);
    assert_int_equal(rig_firmware(r), 7);
    free(fresh);
    free(after);
}

static void two_machines(void **state)
{
    struct rig *a = *state, *b = rig_new();
    size_t len, now_len;
    uint8_t *before, *now;

    rig_start(b);
    before = save_all(b, &len);
    rig_firmware(a);
    rig_out(a, 0xb2, 1, 0xf1);
    rig_out(a, 0x80, 1, 0x5a);
    rig_out(a, 0x10, 1, 1);
    rig_out(a, 0xcf9, 1, 6);
    rig_out(a, 0x1f6, 1, 0xf0);
    rig_out(a, 0x3c8, 1, 0x77);
    rig_out(a, 0x3f8 + 7, 1, 0x99);
    now = save_all(b, &now_len);
    assert_int_equal(len, now_len);
    assert_memory_equal(before, now, len);
    assert_int_equal(b->b->shutdown, -1);
    assert_false(b->b->rom_locked);
    assert_int_equal(b->b->pci_link[0], 0);
    assert_int_equal(rig_in(b, 0x80, 1), 0);
    assert_int_equal(rig_in(a, 0x80, 1), 0x5a);
    rig_free(b);
    assert_int_equal(rig_in(a, 0x3f8 + 7, 1), 0x99);
    free(before);
    free(now);
}

static void every_state_is_covered(void **state)
{
    struct rig *r = *state;
    struct dev *d;
    unsigned n = 0;

    for (; (d = machine_dev_at(r->m, n)); n++) {
        assert_ptr_equal(machine_dev(r->m, d->ops->name, d->instance), d);
        if (!d->ops->state)
            continue;
        if (!state_covers(d->ops->state))
            fail_msg("%s: bytes of the state in no field", d->ops->name);
    }
    assert_true(n >= 10);
    assert_null(machine_dev(r->m, "i440fx", 1));
    assert_null(machine_dev(r->m, "nothing", 0));
    assert_non_null(machine_display(r->m));
    assert_non_null(machine_input(r->m));
}

/* Saved, loaded into a machine fresh from power-on, saved again: equal. */
static void save_and_load(void **state)
{
    struct rig *r = *state, *other = rig_new();
    size_t len, again_len, at = 0;
    uint8_t *saved, *again;
    struct dev *d;
    struct err e;

    rig_firmware(r);
    rig_out(r, 0xb2, 1, 0xf1);
    rig_out(r, 0xafe2, 2, 4);
    machine_set_vcpu(r->m, 2, true);
    rig_out(r, 0x1ce, 2, 4);
    rig_out(r, 0x3f8 + 3, 1, 0x03);
    rig_out(r, 0x64, 1, 0x60);
    rig_out(r, 0x60, 1, 0x47);
    saved = save_all(r, &len);

    rig_start(other);
    for (unsigned i = 0; (d = machine_dev_at(other->m, i)); i++) {
        uint8_t *one = malloc(state_len(d) + 1);
        size_t n = 0;

        assert_non_null(one);
        if (d->ops->state)
            n = state_save(d->ops->state, machine_dev_at(r->m, i), one);
        if (n)
            assert_int_equal(state_load(d->ops->state, d, saved + at, n, &e),
                             0);
        at += n;
        free(one);
    }
    again = save_all(other, &again_len);
    assert_int_equal(len, again_len);
    assert_memory_equal(saved, again, len);
    assert_int_equal(other->b->pci_link[2], 11);
    assert_int_equal(other->b->isa_level[9], 1);
    assert_int_equal(other->b->vram_gfn, r->b->vram_gfn);
    assert_int_equal(rig_in(other, 0xb004, 2) & 1, 1);
    assert_int_equal(rig_in(other, 0xc002, 1), rig_in(r, 0xc002, 1));
    rig_free(other);
    free(saved);
    free(again);
}

static bool has_disk(struct rig *r, unsigned unit)
{
    return ide_unit_is_disk(machine_dev(r->m, "ide", 0), unit);
}

static uint8_t cmos(struct rig *r, uint8_t index)
{
    rig_out(r, 0x70, 1, index);
    return (uint8_t)rig_in(r, 0x71, 1);
}

/* The BIOS could name 504 MiB by cylinder, head and sector, not more. */
static void bios_translates_large_disks(void **state)
{
    const uint64_t most = UINT64_C(1024) * 16 * 63 * 512;

    for (unsigned i = 0; i < 2; i++) {
        struct rig *r = rig_new();

        r->conf.disk[1].blk->size_bytes = most + i * 512;
        r->conf.disk[2].blk->size_bytes = UINT64_C(1) << 33; /* a DVD */
        rig_start(r);
        assert_int_equal(cmos(r, 0x39), i << 2);
        rig_free(r);
    }
}

/* A guest whose PV drivers use the same image must not see the disk too. */
static void pv_drivers_unplug_the_disks(void **state)
{
    struct rig *r = rig_new();
    unsigned disks = 0, cds = 0;

    rig_start(r);
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        disks += has_disk(r, u);
        cds += ide_unit_is_cd(machine_dev(r->m, "ide", 0), u);
    }
    assert_true(disks > 1 && cds > 0);
    rig_out(r, 0x10, 2, 2); /* NICs */
    assert_true(has_disk(r, 0));
    rig_out(r, 0x10, 2, 4); /* all but the primary master */
    assert_true(has_disk(r, 0));
    for (unsigned u = 1; u < MACHINE_DISKS; u++)
        assert_false(has_disk(r, u));
    rig_out(r, 0x10, 2, 1);
    rig_out(r, 0x10, 2, 1);
    assert_false(has_disk(r, 0));
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        cds -= ide_unit_is_cd(machine_dev(r->m, "ide", 0), u);
    assert_int_equal(cds, 0);
    rig_free(r);
}

static void pausing(void **state)
{
    struct rig *r = *state;
    uint64_t now;

    bench_step(r->b, 1000);
    machine_pause(r->m, true);
    machine_pause(r->m, true);
    now = clock_now(&r->b->clock);
    bench_step(r->b, 5000);
    assert_true(clock_now(&r->b->clock) == now);
    assert_true(machine_idle(r->m));
    machine_pause(r->m, false);
    bench_step(r->b, 1000);
    assert_true(clock_now(&r->b->clock) == now + 1000);
}

static void fired(void *ctx)
{
    ++*(unsigned *)ctx;
}

/* The bench waited for ever for a timer whose clock had stood for a while. */
static void a_timer_after_a_pause(void **state)
{
    struct rig *r = *state;
    unsigned times = 0;
    struct timer t;

    machine_pause(r->m, true);
    bench_step(r->b, 5000);
    machine_pause(r->m, false);
    timer_init(&t, &r->b->clock, fired, &times);
    timer_set(&t, clock_now(&r->b->clock) + 1000);
    bench_step(r->b, 999);
    assert_int_equal(times, 0);
    bench_step(r->b, 1);
    assert_int_equal(times, 1);
}

/* A disk request in flight while the machine goes away. */
static void freed_while_busy(void **state)
{
    struct rig *r = *state;

    blk_mem_hold(r->conf.disk[0].blk, true);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f2, 1, 1);
    rig_out(r, 0x1f3, 1, 0);
    rig_out(r, 0x1f4, 1, 0);
    rig_out(r, 0x1f5, 1, 0);
    rig_out(r, 0x1f7, 1, 0x20);
    assert_false(machine_idle(r->m));
    assert_int_equal(rig_in(r, 0x3f6, 1) & 0x80, 0x80);
}

static size_t take_all(struct chr *c, const uint8_t *buf, size_t len)
{
    return len;
}

static void any_room(struct chr *c, size_t n)
{
}

/* COM1 and COM3 share a line: one must not lower it while the other holds. */
static void serial_ports_share_lines(void **state)
{
    static const struct chr_ops ops = {.write = take_all, .rx_room = any_room};
    static const uint16_t com[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    struct rig *r = rig_new();
    struct chr chr[4] = {
        {.ops = &ops}, {.ops = &ops}, {.ops = &ops}, {.ops = &ops}};

    for (unsigned i = 0; i < 4; i++)
        r->conf.serial[i] = &chr[i];
    rig_start(r);
    for (unsigned i = 0; i < 4; i++) {
        rig_out(r, com[i] + 4, 1, 0x08); /* OUT2 */
        rig_out(r, com[i] + 1, 1, 0x02); /* transmitter empty */
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(r->b->isa_level[4], i < 3);
        assert_int_equal(r->b->isa_level[3], 1);
        assert_int_equal(rig_in(r, com[i] + 2, 1), 0x02);
        assert_int_equal(rig_in(r, com[i] + 2, 1), 0x01);
    }
    assert_int_equal(r->b->isa_level[4], 0);
    assert_int_equal(r->b->isa_level[3], 0);
    rig_free(r);
}

static void note_gsi(void *ctx, unsigned gsi, bool level)
{
    int *seen = ctx;

    *seen = (int)gsi * (level ? 1 : -1);
}

static void the_bench_tells_of_interrupt_inputs(void **state)
{
    struct rig *r = rig_new();
    struct hv *hv = &r->b->hv;
    int seen = 0;

    r->b->gsi = note_gsi;
    r->b->gsi_ctx = &seen;
    hv->ops->isa_irq(hv, 14, true);
    assert_int_equal(seen, 14);
    hv->ops->pci_intx(hv, 3, 0, true); /* link 3, routed nowhere yet */
    assert_int_equal(seen, 14);
    hv->ops->pci_link(hv, 3, 11);
    assert_int_equal(seen, 11);
    hv->ops->pci_intx(hv, 2, 1, true);
    hv->ops->pci_intx(hv, 3, 0, false);
    assert_int_equal(seen, 11); /* the other one holds it */
    hv->ops->pci_intx(hv, 2, 1, false);
    assert_int_equal(seen, -11);
    hv->ops->isa_irq(hv, 14, false);
    assert_int_equal(seen, -14);
    rig_start(r);
    rig_free(r);
}

static void serial(void **state)
{
    struct rig *r = *state;

    rig_out(r, 0x3f8 + 3, 1, 0x03);
    rig_out(r, 0x3f8 + 4, 1, 0x0b);
    rig_out(r, 0x3f8 + 1, 1, 0x01);
    rig_out(r, 0x3f8, 1, 'x');
    bench_step(r->b, 10 * NS_PER_MS);
    assert_int_equal(r->tx_bytes, 1);
    rig_serial_in(r, 'y', 1);
    bench_step(r->b, 10 * NS_PER_MS);
    assert_int_equal(r->b->isa_level[4], 1);
    assert_int_equal(rig_in(r, 0x3f8, 1), 'y');
    assert_int_equal(r->b->isa_level[4], 0);
}

static void keyboard(void **state)
{
    struct rig *r = *state;
    struct input *in = machine_input(r->m);

    rig_out(r, 0x64, 1, 0x60);
    rig_out(r, 0x60, 1, 0x41); /* interrupt, translation */
    in->ops->key(in->dev, 0x1e, true);
    bench_step(r->b, 10 * NS_PER_MS);
    assert_int_equal(r->b->isa_level[1], 1);
    assert_int_equal(rig_in(r, 0x60, 1), 0x1e);
    assert_int_equal(r->b->isa_level[1], 0);
}

static struct rig *variant(struct rig *r)
{
    rig_start(r);
    rig_firmware(r);
    return r;
}

static void variants(void **state)
{
    struct rig *r = rig_new();

    /* machine "pc": no platform device, VGA moves up */
    r->conf.xen_platform = false;
    variant(r);
    assert_int_equal(rig_cfg(r, PCI_DEVFN(2, 0), 0, 4), 0x11111234);
    assert_int_equal(rig_in(r, 0x10, 2), 0xffff);
    rig_free(r);

    r = rig_new();
    r->conf.vga = VGA_NONE;
    variant(r);
    assert_null(machine_display(r->m));
    assert_int_equal(rig_in(r, 0x3c8, 1), 0xff);
    rig_free(r);

    r = rig_new();
    r->conf.vga = VGA_CIRRUS;
    variant(r);
    assert_non_null(machine_display(r->m));
    rig_free(r);

    r = rig_new();
    r->conf.acpi = false;
    variant(r);
    assert_int_equal(rig_cfg(r, PCI_DEVFN(1, 3), 0, 4), 0xffffffff);
    rig_out(r, 0xb2, 1, 0xf1);
    assert_int_equal(machine_wakeup(r->m), -EINVAL);
    assert_int_equal(machine_set_vcpu(r->m, 0, true), -EINVAL);
    rig_free(r);

    r = rig_new();
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        r->conf.serial[i] = i == 1 ? &r->chr : NULL;
    variant(r);
    assert_int_equal(rig_in(r, 0x3f8 + 7, 1), 0xff);
    rig_out(r, 0x2f8 + 7, 1, 0x3c);
    assert_int_equal(rig_in(r, 0x2f8 + 7, 1), 0x3c);
    rig_free(r);

    /* no disk at all, no ROM */
    r = rig_new();
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        if (r->conf.disk[u].blk)
            r->conf.disk[u].blk->ops->close(r->conf.disk[u].blk);
        r->conf.disk[u] = (struct machine_disk){.present = false};
    }
    r->conf.vga_rom = (struct rom){.data = NULL};
    variant(r);
    rig_free(r);
}

/* 03.0 is the screen's, so 28 slots are left. */
static void cards_in_every_slot(void **state)
{
    struct rig *r = rig_new();
    struct err e = {.text = ""};

    r->conf.nnics = 29;
    assert_null(machine_new(&r->conf, &r->host, &e));
    assert_non_null(strstr(e.text, "slot"));
    rig_free(r);
    r = rig_new();
    r->conf.nnics = 28;
    for (unsigned i = 1; i < 28; i++)
        r->conf.nic[i].mac[5] = (uint8_t)i;
    rig_start(r);
    for (unsigned i = 0; i < 28; i++) {
        unsigned devfn = PCI_DEVFN(4 + i, 0);

        assert_int_equal(rig_read(r, IO_PCI, devfn << 8, 4), 0x813910ec);
        rig_write(r, IO_PCI, devfn << 8 | PCI_BAR0, 4, 0xc000 + 0x100 * i);
        rig_write(r, IO_PCI, devfn << 8 | PCI_COMMAND, 2, PCI_COMMAND_IO);
    }
    for (unsigned i = 1; i < 28; i++)
        assert_int_equal(rig_in(r, (uint16_t)(0xc005 + 0x100 * i), 1), i);
    rig_free(r);
}

static void bad_conf(void **state)
{
    struct rig *r = rig_new();
    struct err e = {.text = ""};

    r->conf.vcpus = 5;
    assert_null(machine_new(&r->conf, &r->host, &e));
    assert_non_null(strstr(e.text, "vCPU"));
    assert_null(strchr(e.text, '\n'));
    rig_free(r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(enumeration),
        T(configuration_ports),
        T(malformed),
        T(acpi_hand_shake),
        T(power_off),
        T(suspend_and_wake),
        T(suspend_that_is_refused),
        T(resets),
        T(reset_in_place),
        T(two_machines),
        T(every_state_is_covered),
        T(save_and_load),
        cmocka_unit_test(bios_translates_large_disks),
        cmocka_unit_test(pv_drivers_unplug_the_disks),
        T(pausing),
        T(a_timer_after_a_pause),
        T(freed_while_busy),
        T(serial),
        cmocka_unit_test(serial_ports_share_lines),
        cmocka_unit_test(the_bench_tells_of_interrupt_inputs),
        T(keyboard),
        cmocka_unit_test(variants),
        cmocka_unit_test(cards_in_every_slot),
        cmocka_unit_test(bad_conf),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
