/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../../bench/bench.h"
#include "i440fx.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hvmd/machine.h>

/* Stands for the machine: remembers what was asked of it. */
struct fake {
    struct machine_head head;
    unsigned resets, apms;
    uint8_t apm;
};

static int on_request(struct machine *m, enum machine_event e)
{
    if (e == MACHINE_RESET)
        ((struct fake *)m)->resets++;
    return 0;
}

static void on_apm(struct machine *m, uint8_t cmd)
{
    struct fake *f = (struct fake *)m;

    f->apms++;
    f->apm = cmd;
}

struct rig {
    struct bench *b;
    struct fake fake;
    struct dev *fx, *isa, *dma;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct err e;

    r->b = bench_new(1 << 20);
    r->fake.head = (struct machine_head){on_request, on_apm};
    r->b->env.pci = pci_bus_new(&r->b->hv, &r->b->bus, &r->b->gmem);
    r->b->env.machine = (struct machine *)&r->fake;
    r->fx = dev_new(&i440fx_ops, &r->b->env, 0, NULL, &e);
    r->isa = dev_new(&piix3_ops, &r->b->env, 0, NULL, &e);
    r->dma = dev_new(&i8237_ops, &r->b->env, 0, NULL, &e);
    *state = r;
    return r->fx && r->isa && r->dma ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    dev_free(r->dma);
    dev_free(r->isa);
    dev_free(r->fx);
    pci_bus_free(r->b->env.pci);
    bench_free(r->b);
    free(r);
    return 0;
}

/* Configuration mechanism 1, as firmware does it. */
static uint32_t cfg_rd(struct bench *b, unsigned devfn, unsigned reg,
                       unsigned size)
{
    bench_outl(b, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
    return (uint32_t)bus_read(&b->bus, SPACE_PIO, 0xcfc + (reg & 3), size);
}

static void cfg_wr(struct bench *b, unsigned devfn, unsigned reg, unsigned size,
                   uint32_t val)
{
    bench_outl(b, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
    bus_write(&b->bus, SPACE_PIO, 0xcfc + (reg & 3), size, val);
}

static void covers(void **state)
{
    assert_true(state_covers(i440fx_ops.state));
    assert_true(state_covers(piix3_ops.state));
    assert_true(state_covers(i8237_ops.state));
}

static void slots_taken(void **state)
{
    struct rig *r = *state;
    struct err e;

    assert_null(dev_new(&i440fx_ops, &r->b->env, 1, NULL, &e));
    assert_non_null(strstr(e.text, "slot 0"));
    assert_null(dev_new(&piix3_ops, &r->b->env, 1, NULL, &e));
    assert_null(dev_new(&i8237_ops, &r->b->env, 1, NULL, &e));
}

static void pmc_defaults(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    static const struct {
        uint8_t reg, bytes;
        uint32_t val;
    } want[] = {
        {0x00, 4, 0x12378086}, {0x04, 2, 0x0006},     {0x06, 2, 0x0280},
        {0x08, 4, 0x06000002}, {0x0d, 1, 0},          {0x0e, 1, 0},
        {0x0f, 1, 0},          {0x3c, 2, 0},          {0x50, 2, 0},
        {0x52, 1, 0},          {0x53, 1, 0x80},       {0x54, 1, 0},
        {0x55, 2, 0},          {0x57, 1, 0x01},       {0x58, 1, 0x10},
        {0x59, 1, 0},          {0x5a, 2, 0},          {0x5c, 4, 0},
        {0x60, 4, 0x01010101}, {0x64, 4, 0x01010101}, {0x68, 1, 0},
        {0x70, 1, 0},          {0x71, 1, 0x10},       {0x72, 1, 0x02},
        {0x90, 1, 0},          {0x91, 1, 0},          {0x93, 1, 0},
    };

    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(cfg_rd(b, 0, want[i].reg, want[i].bytes), want[i].val);
    /* every register written with ones, then reset: the same again */
    for (unsigned reg = 0; reg < 256; reg++)
        cfg_wr(b, 0, reg, 1, 0xff);
    assert_int_equal(cfg_rd(b, 0, 0x00, 4), 0x12378086);
    assert_int_equal(cfg_rd(b, 0, 0x04, 4), 0x02800146);
    assert_int_equal(cfg_rd(b, 0, 0x08, 4), 0x06000002);
    assert_int_equal(cfg_rd(b, 0, 0x59, 1), 0x30);
    assert_int_equal(cfg_rd(b, 0, 0x5c, 4), 0x33333333);
    assert_int_equal(cfg_rd(b, 0, 0x72, 1), 0x3a); /* closed by the lock */
    i440fx_ops.reset(r->fx, RESET_POWER);
    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(cfg_rd(b, 0, want[i].reg, want[i].bytes), want[i].val);
}

static void smram_lock(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;

    cfg_wr(b, 0, 0x72, 1, 0x4a);
    assert_int_equal(cfg_rd(b, 0, 0x72, 1), 0x4a);
    cfg_wr(b, 0, 0x70, 4, 0x001a0000);
    assert_int_equal(cfg_rd(b, 0, 0x72, 1), 0x1a);
    cfg_wr(b, 0, 0x72, 1, 0x42);
    assert_int_equal(cfg_rd(b, 0, 0x72, 1), 0x1a);
}

static void mechanism_1(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;

    assert_int_equal(bench_inl(b, 0xcf8), 0);
    bench_outl(b, 0xcf8, 0xffffffff);
    assert_int_equal(bench_inl(b, 0xcf8), 0x80fffffc);
    assert_int_equal(bench_inl(b, 0xcfc), 0xffffffff); /* bus 255 */
    bench_outl(b, 0xcf8, 0x80000000);
    assert_int_equal(bench_inl(b, 0xcfc), 0x12378086);
    assert_int_equal(bench_inw(b, 0xcfe), 0x1237);
    assert_int_equal(bench_inb(b, 0xcfd), 0x80);
    assert_int_equal(bench_inw(b, 0xcfd), 0x3780);
    /* only whole writes reach the address register */
    bench_outb(b, 0xcf8, 0x04);
    bench_outw(b, 0xcf8, 0x0804);
    bench_outb(b, 0xcfb, 0);
    assert_int_equal(bench_inl(b, 0xcf8), 0x80000000);
    assert_int_equal(bench_inb(b, 0xcf8), 0xff);
    assert_int_equal(bench_inw(b, 0xcfa), 0xffff);
    /* across both: bytes, of which the upper ones are data */
    assert_int_equal(bench_inl(b, 0xcfa), 0x8086ffff);
    /* disabled: plain ports, on which nobody is */
    bench_outl(b, 0xcf8, 0x00000000);
    assert_int_equal(bench_inl(b, 0xcfc), 0xffffffff);
    bench_outl(b, 0xcfc, 0);
    /* absent function */
    assert_int_equal(cfg_rd(b, PCI_DEVFN(9, 0), 0, 4), 0xffffffff);
    cfg_wr(b, PCI_DEVFN(9, 0), 4, 4, 7);
}

static void reset_control(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    bench_outb(b, 0xcf9, 0x02);
    assert_int_equal(r->fake.resets, 0);
    assert_int_equal(bench_inb(b, 0xcf9), 0x02);
    bench_outb(b, 0xcf9, 0x06);
    assert_int_equal(r->fake.resets, 1);
    bench_outb(b, 0xcf9, 0x06); /* only the change counts */
    assert_int_equal(r->fake.resets, 1);
    bench_outb(b, 0xcf9, 0x00);
    bench_outb(b, 0xcf9, 0x0e);
    assert_int_equal(r->fake.resets, 2);
    assert_int_equal(bench_inl(b, 0xcf8), 0);
    bench_outl(b, 0xcf8, 0x80000600); /* an address, not a reset */
    bench_outw(b, 0xcf9, 0x0606);
    assert_int_equal(r->fake.resets, 2);
}

static void port92(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    assert_int_equal(bench_inb(b, 0x92), 0x02);
    bench_outb(b, 0x92, 0xfe);
    assert_int_equal(bench_inb(b, 0x92), 0xca);
    assert_int_equal(r->fake.resets, 0);
    bench_outb(b, 0x92, 0x03);
    bench_outb(b, 0x92, 0x03);
    assert_int_equal(r->fake.resets, 1);
    piix3_ops.reset(r->isa, RESET_BUS);
    assert_int_equal(bench_inb(b, 0x92), 0x02);
}

static void apm_ports(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    bench_outb(b, 0xb2, 0xf1);
    assert_int_equal(r->fake.apm, 0xf1);
    assert_int_equal(bench_inb(b, 0xb2), 0xf1);
    bench_outb(b, 0xb3, 0x5a);
    assert_int_equal(bench_inb(b, 0xb3), 0x5a);
    assert_int_equal(r->fake.apms, 1);
    bench_outw(b, 0xb2, 0x11f0);
    assert_int_equal(r->fake.apm, 0xf0);
    assert_int_equal(r->fake.apms, 2);
    assert_int_equal(bench_inw(b, 0xb2), 0x11f0);
}

static void isa_bridge(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    unsigned f = PCI_DEVFN(1, 0);

    assert_int_equal(cfg_rd(b, f, 0, 4), 0x70008086);
    assert_int_equal(cfg_rd(b, f, 4, 4), 0x02000007);
    assert_int_equal(cfg_rd(b, f, 8, 4), 0x06010000);
    assert_int_equal(cfg_rd(b, f, 0x60, 4), 0x80808080);
    assert_int_equal(cfg_rd(b, f, 0x4e, 2), 0x0003);
    cfg_wr(b, f, 4, 2, 0);
    assert_int_equal(cfg_rd(b, f, 4, 2), 0x0007);
    cfg_wr(b, f, 0x4e, 2, 0xffff);
    assert_int_equal(cfg_rd(b, f, 0x4e, 2), 0x07ff);
}

static void pirq_routes(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    unsigned f = PCI_DEVFN(1, 0);

    cfg_wr(b, f, 0x60, 1, 5);
    cfg_wr(b, f, 0x61, 1, 10);
    cfg_wr(b, f, 0x62, 2, 0x050b);
    assert_int_equal(b->pci_link[0], 5);
    assert_int_equal(b->pci_link[1], 10);
    assert_int_equal(b->pci_link[2], 11);
    assert_int_equal(b->pci_link[3], 5);
    cfg_wr(b, f, 0x60, 1, 0x85);
    assert_int_equal(b->pci_link[0], 0);
    assert_int_equal(cfg_rd(b, f, 0x60, 1), 0x85);
    for (unsigned irq = 0; irq < 16; irq++) {
        bool reserved =
            irq == 0 || irq == 1 || irq == 2 || irq == 8 || irq == 13;

        cfg_wr(b, f, 0x61, 1, 0x70 | irq);
        assert_int_equal(b->pci_link[1], reserved ? 0 : irq);
        assert_int_equal(cfg_rd(b, f, 0x61, 1), irq);
    }
    /* after a restore the hypervisor hears all of them again */
    uint8_t *saved = malloc(state_bytes(piix3_ops.state));
    struct err e;

    state_save(piix3_ops.state, r->isa, saved);
    piix3_ops.reset(r->isa, RESET_POWER);
    assert_int_equal(b->pci_link[2], 0);
    memset(b->pci_link, 0x0e, sizeof(b->pci_link));
    assert_int_equal(state_load(piix3_ops.state, r->isa, saved,
                                state_bytes(piix3_ops.state), &e),
                     0);
    assert_int_equal(b->pci_link[0], 0);
    assert_int_equal(b->pci_link[1], 15);
    assert_int_equal(b->pci_link[2], 11);
    free(saved);
}

static void debug_port(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    static const char text[] = "hello \x1b[31mred\r\nlast";
    uint8_t in[4] = {0};

    assert_int_equal(bench_inb(b, 0x402), 0xe9);
    bus_rep(&b->bus, 0x402, 1, false, in, 4);
    assert_int_equal(in[3], 0xe9);
    bus_rep(&b->bus, 0x402, 1, true, (void *)(uintptr_t)text, sizeof(text) - 1);
    assert_non_null(strstr(b->log_text, "bios: hello \\x1b[31mred\n"));
    assert_null(strstr(b->log_text, "last"));
    bench_outb(b, 0x402, '\n');
    assert_non_null(strstr(b->log_text, "bios: last\n"));
    /* flooding it: bounded in the log */
    for (unsigned i = 0; i < 100000; i++)
        bench_outb(b, 0x402, i % 7 ? 'x' : '\n');
    assert_true(b->log.guest_bytes < 4096);
    for (unsigned i = 0; i < 100000; i++)
        bench_outb(b, 0x402, 0xff);
    assert_true(b->log.guest_bytes < 8192);
}

static void dma_registers(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;

    /* reset: all masked, flip-flop low */
    assert_int_equal(bench_inb(b, 0x0f), 0xff);
    assert_int_equal(bench_inb(b, 0xde), 0xff);
    for (unsigned ch = 0; ch < 4; ch++) {
        uint16_t at = (uint16_t)(ch * 2);

        bench_outb(b, 0x0c, 0);
        bench_outb(b, at, (uint8_t)(0x10 + ch));
        bench_outb(b, at, (uint8_t)(0x20 + ch));
        bench_outb(b, (uint16_t)(at + 1), (uint8_t)(0x30 + ch));
        bench_outb(b, (uint16_t)(at + 1), (uint8_t)(0x40 + ch));
    }
    bench_outb(b, 0x0c, 0);
    assert_int_equal(bench_inb(b, 0x04), 0x12);
    assert_int_equal(bench_inb(b, 0x04), 0x22);
    assert_int_equal(bench_inb(b, 0x05), 0x32);
    assert_int_equal(bench_inb(b, 0x05), 0x42);
    /* the flip-flop belongs to the controller, not to the channel */
    assert_int_equal(bench_inb(b, 0x00), 0x10);
    assert_int_equal(bench_inb(b, 0x02), 0x21);
    /* second controller: own flip-flop, even ports */
    bench_outb(b, 0xd8, 0);
    bench_outb(b, 0xc4, 0x77);
    bench_outb(b, 0xc4, 0x88);
    assert_int_equal(bench_inb(b, 0xc4), 0x77);
    assert_int_equal(bench_inb(b, 0xc5), 0x88);
    assert_int_equal(bench_inb(b, 0x00), 0x10);
    /* masks */
    bench_outb(b, 0x0a, 0x02);
    assert_int_equal(bench_inb(b, 0x0f), 0xfb);
    bench_outb(b, 0x0a, 0x06);
    assert_int_equal(bench_inb(b, 0x0f), 0xff);
    bench_outb(b, 0x0e, 0);
    assert_int_equal(bench_inb(b, 0x0f), 0xf0);
    bench_outb(b, 0x0f, 0xf5);
    assert_int_equal(bench_inb(b, 0x0f), 0xf5);
    /* software requests show in the status, terminal counts never */
    bench_outb(b, 0x09, 0x05);
    assert_int_equal(bench_inb(b, 0x08), 0x20);
    bench_outb(b, 0x09, 0x01);
    assert_int_equal(bench_inb(b, 0x08), 0x00);
    bench_outb(b, 0x0b, 0x45);
    bench_outb(b, 0x08, 0x04);
    bench_outb(b, 0x00, 1);
    bench_outb(b, 0x0d, 0); /* master clear */
    assert_int_equal(bench_inb(b, 0x0f), 0xff);
    bench_outb(b, 0x02, 0xaa);
    assert_int_equal(bench_inb(b, 0x02), 0x21);
    assert_int_equal(bench_inb(b, 0x0d), 0);
}

static void dma_pages(void **state)
{
    struct bench *b = ((struct rig *)*state)->b;

    for (uint16_t i = 0; i < 16; i++) {
        bench_outb(b, (uint16_t)(0x80 + i), (uint8_t)(0xa0 + i));
        bench_outb(b, (uint16_t)(0x480 + i), (uint8_t)(0x50 + i));
    }
    for (uint16_t i = 0; i < 16; i++) {
        assert_int_equal(bench_inb(b, (uint16_t)(0x80 + i)), 0xa0 + i);
        assert_int_equal(bench_inb(b, (uint16_t)(0x480 + i)), 0x50 + i);
    }
    bench_outw(b, 0x80, 0x1234);
    assert_int_equal(bench_inw(b, 0x80), 0x1234);
}

static void round_trip(void **state)
{
    struct rig *r = *state;
    struct dev *all[] = {r->fx, r->isa, r->dma};

    bench_outl(r->b, 0xcf8, 0x80000808);
    bench_outb(r->b, 0x92, 0xc2);
    bench_outb(r->b, 0x02, 0x99);
    for (unsigned i = 0; i < 3; i++) {
        const struct state_desc *s = all[i]->ops->state;
        size_t len = state_bytes(s);
        uint8_t *one = malloc(len), *two = malloc(len);
        struct err e;

        state_save(s, all[i], one);
        all[i]->ops->reset(all[i], RESET_POWER);
        state_save(s, all[i], two);
        assert_memory_not_equal(one, two, len);
        assert_int_equal(state_load(s, all[i], one, len, &e), 0);
        state_save(s, all[i], two);
        assert_memory_equal(one, two, len);
        memset(two, 0xff, len);
        state_load(s, all[i], two, len, &e);
        memset(two, 0x01, len);
        state_load(s, all[i], two, len, &e);
        free(one);
        free(two);
    }
    bench_outb(r->b, 0x0c, 0);
    bench_inl(r->b, 0xcfc);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(covers),      T(slots_taken),   T(pmc_defaults), T(smram_lock),
        T(mechanism_1), T(reset_control), T(port92),       T(apm_ports),
        T(isa_bridge),  T(pirq_routes),   T(debug_port),   T(dma_registers),
        T(dma_pages),   T(round_trip),
    };

    return cmocka_run_group_tests_name("i440fx", tests, NULL, NULL);
}
