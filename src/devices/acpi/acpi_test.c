/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../../bench/bench.h"
#include "acpi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hvmd/machine.h>

struct fake {
    struct machine_head head;
    unsigned seen[4];
};

static int on_request(struct machine *m, enum machine_event e)
{
    ((struct fake *)m)->seen[e]++;
    return 0;
}

struct rig {
    struct bench *b;
    struct fake fake;
    struct dev *pm;
};

#define PM PCI_DEVFN(1, 3)

static uint32_t cfg_rd(struct rig *r, unsigned reg, unsigned size)
{
    return pci_cfg_read(r->b->env.pci, PM, reg, size);
}

static void cfg_wr(struct rig *r, unsigned reg, unsigned size, uint32_t val)
{
    pci_cfg_write(r->b->env.pci, PM, reg, size, val);
}

/* What the guest firmware programs. */
static void firmware(struct rig *r)
{
    cfg_wr(r, 0x20, 2, 0);
    cfg_wr(r, 0xd2, 2, 0);
    cfg_wr(r, 0x22, 2, 0);
    cfg_wr(r, 0x3c, 2, 9);
    cfg_wr(r, 0x40, 4, 0xb001);
    cfg_wr(r, 0x80, 1, 1);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct conf c = {.n = 0};
    struct err e;

    r->b = bench_new(1 << 20);
    r->fake.head.request = on_request;
    r->b->env.pci = pci_bus_new(&r->b->hv, &r->b->bus, &r->b->gmem);
    r->b->env.machine = (struct machine *)&r->fake;
    conf_set_num(&c, "vcpus", 3);
    conf_set_num(&c, "max_vcpus", 12);
    r->pm = dev_new(&acpi_ops, &r->b->env, 0, &c, &e);
    *state = r;
    return r->pm ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    dev_free(r->pm);
    pci_bus_free(r->b->env.pci);
    bench_free(r->b);
    free(r);
    return 0;
}

static void covers(void **state)
{
    assert_true(state_covers(acpi_ops.state));
}

static void bad_conf(void **state)
{
    struct rig *r = *state;
    struct err e;
    static const uint64_t bad[][2] = {{0, 1}, {2, 1}, {1, 257}, {1, 0}};

    for (unsigned i = 0; i < 4; i++) {
        struct conf c = {.n = 0};

        conf_set_num(&c, "vcpus", bad[i][0]);
        conf_set_num(&c, "max_vcpus", bad[i][1]);
        assert_null(dev_new(&acpi_ops, &r->b->env, 1, &c, &e));
        assert_non_null(strstr(e.text, "vCPU"));
    }
    assert_null(dev_new(&acpi_ops, &r->b->env, 1, NULL, &e));
    assert_non_null(strstr(e.text, "slot"));
}

static void config(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_rd(r, 0, 4), 0x71138086);
    assert_int_equal(cfg_rd(r, 8, 4), 0x06800003);
    assert_int_equal(cfg_rd(r, 4, 4), 0x02800000);
    assert_int_equal(cfg_rd(r, 0x40, 4), 1);
    assert_int_equal(cfg_rd(r, 0x80, 1), 0);
    assert_int_equal(cfg_rd(r, 0x90, 4), 1);
    assert_int_equal(cfg_rd(r, 0x3d, 1), 1);
    cfg_wr(r, 0x40, 4, 0xffffffff);
    assert_int_equal(cfg_rd(r, 0x40, 4), 0xffc1);
    cfg_wr(r, 0x90, 4, 0x1234b1ff);
    assert_int_equal(cfg_rd(r, 0x90, 4), 0xb1f1);
    cfg_wr(r, 0x58, 4, 0x11223344);
    assert_int_equal(cfg_rd(r, 0x58, 4), 0x11223344);
    firmware(r);
    assert_int_equal(cfg_rd(r, 0x40, 4), 0xb001);
    assert_int_equal(cfg_rd(r, 0x3c, 1), 9);
    acpi_ops.reset(r->pm, RESET_POWER);
    assert_int_equal(cfg_rd(r, 0x58, 4), 0);
    assert_int_equal(bench_inw(r->b, 0xb004), 0xffff);
}

static void relocation(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    assert_int_equal(bench_inw(b, 0xb004), 0xffff);
    cfg_wr(r, 0x40, 4, 0xb001);
    assert_int_equal(bench_inw(b, 0xb004), 0xffff);
    cfg_wr(r, 0x80, 1, 1);
    assert_int_equal(bench_inw(b, 0xb004), 0);
    /* the events and the timer belong to the hypervisor */
    assert_int_equal(bench_inl(b, 0xb000), 0xffffffff);
    assert_int_equal(bench_inl(b, 0xb008), 0xffffffff);
    cfg_wr(r, 0x40, 4, 0xc001);
    assert_int_equal(bench_inw(b, 0xb004), 0xffff);
    assert_int_equal(bench_inl(b, 0xc004), 0);
    /* over its own GPE block: stays unmapped, then comes back */
    cfg_wr(r, 0x40, 4, 0xae01);
    assert_int_equal(bench_inw(b, 0xc004), 0xffff);
    assert_int_equal(bench_inw(b, 0xae04), 0);
    cfg_wr(r, 0x40, 4, 1);
    assert_int_equal(bench_inw(b, 0x4), 0xffff);
    cfg_wr(r, 0x40, 4, 0xb001);
    assert_int_equal(bench_inw(b, 0xb004), 0);
    cfg_wr(r, 0x80, 1, 0);
    assert_int_equal(bench_inw(b, 0xb004), 0xffff);
}

static void hand_shake(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    firmware(r);
    assert_int_equal(bench_inw(b, 0xb004) & 1, 0);
    acpi_apm(r->pm, 0xf1);
    assert_int_equal(bench_inw(b, 0xb004) & 1, 1);
    acpi_apm(r->pm, 0x55);
    assert_int_equal(bench_inw(b, 0xb004) & 1, 1);
    acpi_apm(r->pm, 0xf0);
    assert_int_equal(bench_inw(b, 0xb004) & 1, 0);
    bench_outw(b, 0xb004, 0xdfff); /* all but SLP_EN: what is kept */
    assert_int_equal(bench_inw(b, 0xb004), 0x1c03);
    bench_outb(b, 0xb004, 0);
    assert_int_equal(bench_inw(b, 0xb004), 0x1c00);
    bench_outb(b, 0xb005, 0x04);
    assert_int_equal(bench_inw(b, 0xb004), 0x0400);
    assert_int_equal(bench_inb(b, 0xb005), 0x04);
    bench_outl(b, 0xb004, 0xffff0001);
    assert_int_equal(bench_inl(b, 0xb004), 0x0001);
}

static void sleeping(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    firmware(r);
    assert_int_equal(acpi_wakeup(r->pm), -EINVAL);
    bench_outw(b, 0xb004, 0x2001);
    assert_int_equal(r->fake.seen[MACHINE_POWEROFF], 1);
    assert_int_equal(bench_inw(b, 0xb004), 1);
    /* by the upper byte alone, the type set before */
    bench_outw(b, 0xb004, 0x0001);
    bench_outb(b, 0xb005, 0x20);
    assert_int_equal(r->fake.seen[MACHINE_POWEROFF], 2);
    bench_outw(b, 0xb004, 0x2401);
    assert_int_equal(r->fake.seen[MACHINE_SUSPEND], 1);
    assert_int_equal(acpi_wakeup(r->pm), 0);
    assert_int_equal(r->fake.seen[MACHINE_WAKEUP], 1);
    assert_int_equal(acpi_wakeup(r->pm), -EINVAL);
    for (unsigned type = 2; type < 8; type++)
        bench_outw(b, 0xb004, (uint16_t)(0x2001 | type << 10));
    assert_int_equal(r->pm->mistakes, 6);
    assert_int_equal(r->fake.seen[MACHINE_POWEROFF], 2);
    assert_int_equal(r->fake.seen[MACHINE_SUSPEND], 1);
    assert_int_equal(r->fake.seen[MACHINE_RESET], 0);
}

static void cpu_hotplug_and_sci(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    firmware(r);
    assert_int_equal(bench_inl(b, 0xaf00), 0x00000007);
    assert_int_equal(bench_inl(b, 0xaf1c), 0);
    bench_outb(b, 0xaf00, 0xff);
    assert_int_equal(bench_inb(b, 0xaf00), 0x07);
    bench_outw(b, 0xafe2, 0x0004);
    assert_int_equal(acpi_set_vcpu(r->pm, 12, true), -EINVAL);
    assert_int_equal(bench_inw(b, 0xafe0), 0);
    assert_int_equal(acpi_set_vcpu(r->pm, 11, true), 0);
    assert_int_equal(bench_inw(b, 0xaf00), 0x0807);
    assert_int_equal(bench_inl(b, 0xafe0), 0x00040004);
    assert_int_equal(b->isa_level[9], 0); /* ACPI is not on yet */
    acpi_apm(r->pm, 0xf1);
    assert_int_equal(b->isa_level[9], 1);
    /* the hypervisor drops the shared line for its own event */
    b->isa_level[9] = 0;
    bench_inw(b, 0xafe0);
    assert_int_equal(b->isa_level[9], 1);
    b->isa_level[9] = 0;
    bench_inw(b, 0xb004);
    assert_int_equal(b->isa_level[9], 1);
    b->isa_level[9] = 0;
    bench_inb(b, 0xaf01);
    assert_int_equal(b->isa_level[9], 1);
    bench_outw(b, 0xafe2, 0);
    assert_int_equal(b->isa_level[9], 0);
    bench_outb(b, 0xafe2, 4);
    assert_int_equal(b->isa_level[9], 1);
    /* writing ones clears, zeros do not; then nothing drives the line */
    bench_outw(b, 0xafe0, 0xfffb);
    assert_int_equal(b->isa_level[9], 1);
    bench_outb(b, 0xafe0, 0x04);
    assert_int_equal(b->isa_level[9], 0);
    assert_int_equal(bench_inl(b, 0xafe0), 0x00040000);
    b->isa_level[9] = 1; /* the hypervisor's own */
    bench_inl(b, 0xafe0);
    assert_int_equal(b->isa_level[9], 1);
    acpi_set_vcpu(r->pm, 2, false);
    assert_int_equal(bench_inw(b, 0xaf00), 0x0803);
    acpi_ops.reset(r->pm, RESET_BUS);
    assert_int_equal(bench_inw(b, 0xaf00), 0x0803);
    assert_int_equal(bench_inl(b, 0xafe0), 0);
    assert_int_equal(b->isa_level[9], 0);
    acpi_ops.reset(r->pm, RESET_POWER);
    assert_int_equal(bench_inw(b, 0xaf00), 0x0007);
}

static void other_ports(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;

    for (uint16_t at = 0xae00; at < 0xae10; at += 4)
        assert_int_equal(bench_inl(b, at), 0);
    bench_outl(b, 0xae08, 0);
    assert_int_equal(r->pm->mistakes, 0);
    bench_outl(b, 0xae08, 1u << 3);
    assert_int_equal(r->pm->mistakes, 1);
    assert_non_null(strstr(b->log_text, "eject of PCI slots 0x8"));
    bench_outl(b, 0xae04, 1); /* its neighbours eject nothing */
    bench_outl(b, 0xae0c, 1);
    assert_int_equal(r->pm->mistakes, 1);
    bench_outl(b, 0xb044, 0x1234);
    assert_non_null(strstr(b->log_text, "0x1234"));
    assert_int_equal(bench_inl(b, 0xb044), 0xffffffff);
}

static void restore(void **state)
{
    struct rig *r = *state;
    struct bench *b = r->b;
    const struct state_desc *s = acpi_ops.state;
    size_t len = state_bytes(s);
    uint8_t *one = malloc(len), *two = malloc(len);
    struct err e;

    firmware(r);
    acpi_apm(r->pm, 0xf1);
    bench_outw(b, 0xafe2, 4);
    acpi_set_vcpu(r->pm, 5, true);
    bench_outw(b, 0xb004, 0x2401);
    state_save(s, r->pm, one);
    acpi_ops.reset(r->pm, RESET_POWER);
    assert_int_equal(b->isa_level[9], 0);
    assert_int_equal(acpi_wakeup(r->pm), -EINVAL);
    assert_int_equal(state_load(s, r->pm, one, len, &e), 0);
    assert_int_equal(b->isa_level[9], 1);
    assert_int_equal(bench_inw(b, 0xb004), 0x0401);
    assert_int_equal(bench_inb(b, 0xaf00), 0x27);
    assert_int_equal(acpi_wakeup(r->pm), 0);
    state_load(s, r->pm, one, len, &e);
    state_save(s, r->pm, two);
    assert_memory_equal(one, two, len);
    for (unsigned fill = 0; fill < 256; fill++)
        for (size_t i = 0; i < len; i++) {
            memcpy(two, one, len);
            two[i] = (uint8_t)fill;
            if (state_load(s, r->pm, two, len, &e) == 0) {
                bench_inl(b, 0xafe0);
                assert_int_equal(cfg_rd(r, 0, 4), 0x71138086);
            }
        }
    free(one);
    free(two);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(covers),     T(bad_conf), T(config),      T(relocation),
        T(hand_shake), T(sleeping), T(other_ports), T(cpu_hotplug_and_sci),
        T(restore),
    };

    return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
