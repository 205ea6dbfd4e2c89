/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

const uint8_t rig_mac[6] = {0x00, 0x16, 0x3e, 0x12, 0x34, 0x56};

struct rig *rig_new_for(unsigned revision, bool cable, const struct rom *rom)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct conf c = {.n = 0};
    struct err e;

    assert_non_null(r);
    r->b = bench_new(RIG_RAM);
    r->pci = pci_bus_new(&r->b->hv, &r->b->bus, &r->b->gmem);
    r->b->env.pci = r->pci;
    if (cable)
        r->net = net_mem_new();
    conf_set_ptr(&c, "mac", (void *)(uintptr_t)rig_mac);
    conf_set_ptr(&c, "net", r->net);
    conf_set_ptr(&c, "rom", (void *)(uintptr_t)rom);
    conf_set_num(&c, "revision", revision);
    conf_set_num(&c, "devfn", PCI_DEVFN(RIG_SLOT, 0));
    r->dev = dev_new(&rtl8139_ops, &r->b->env, 0, &c, &e);
    assert_non_null(r->dev);
    r->rtl = (struct rtl *)r->dev;
    rig_cfg_wr(r, PCI_BAR0, 4, RIG_PIO);
    rig_cfg_wr(r, PCI_BAR0 + 4, 4, RIG_MMIO);
    rig_cfg_wr(r, PCI_COMMAND, 2,
               PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    return r;
}

struct rig *rig_new(void)
{
    return rig_new_for(0x20, true, NULL);
}

void rig_free(struct rig *r)
{
    dev_free(r->dev);
    if (r->net) {
        assert_null(r->net->rx);
        assert_null(r->net->rx_end);
        assert_null(r->net->tx_ready);
        assert_null(r->net->link);
        r->net->ops->close(r->net);
    }
    assert_int_equal(r->b->pins, 0);
    pci_bus_free(r->pci);
    bench_free(r->b);
    free(r);
}

struct rig *rig_move(struct rig *old)
{
    size_t n = state_bytes(&rtl_state_desc);
    struct rig *r =
        rig_new_for(old->rtl->cplus ? 0x20 : 0x10, old->net != NULL, NULL);
    uint8_t *buf = malloc(n), *again = malloc(n);
    struct err e;

    assert_non_null(buf);
    assert_non_null(again);
    old->dev->ops->pause(old->dev, true);
    state_save(&rtl_state_desc, old->dev, buf);
    memcpy(r->b->ram, old->b->ram, RIG_RAM);
    if (r->net)
        r->net->down = old->net->down;
    bench_step(r->b, old->b->now_ns);
    r->dev->ops->pause(r->dev, true);
    assert_int_equal(state_load(&rtl_state_desc, r->dev, buf, n, &e), 0);
    state_save(&rtl_state_desc, r->dev, again);
    assert_memory_equal(buf, again, n);
    assert_int_equal(rig_irq(r), rig_irq(old));
    r->dev->ops->pause(r->dev, false);
    free(buf);
    free(again);
    rig_free(old);
    return r;
}

bool rig_irq(const struct rig *r)
{
    return r->b->intx_level[RIG_SLOT][0];
}

uint32_t rig_cfg(struct rig *r, unsigned reg, unsigned size)
{
    return pci_cfg_read(r->pci, PCI_DEVFN(RIG_SLOT, 0), reg, size);
}

void rig_cfg_wr(struct rig *r, unsigned reg, unsigned size, uint32_t v)
{
    pci_cfg_write(r->pci, PCI_DEVFN(RIG_SLOT, 0), reg, size, v);
}

uint32_t rig_rd(struct rig *r, unsigned off, unsigned size)
{
    return (uint32_t)bus_read(&r->b->bus, SPACE_PIO, RIG_PIO + off, size);
}

void rig_wr(struct rig *r, unsigned off, unsigned size, uint32_t v)
{
    bus_write(&r->b->bus, SPACE_PIO, RIG_PIO + off, size, v);
}

void rig_unlock(struct rig *r, bool on)
{
    rig_wr1(r, RTL_9346CR, on ? EEM_CONFIG : EEM_NORMAL);
}

uint8_t rig_ee_clock(struct rig *r, bool di)
{
    uint8_t pins = (uint8_t)(EEM_PROGRAM | EE_CS | (di ? EE_DI : 0));

    rig_wr1(r, RTL_9346CR, pins);
    rig_wr1(r, RTL_9346CR, pins | EE_SK);
    return rig_rd1(r, RTL_9346CR) & EE_DO;
}

void rig_ee_cmd(struct rig *r, uint32_t bits, unsigned n)
{
    rig_wr1(r, RTL_9346CR, EEM_PROGRAM);
    rig_wr1(r, RTL_9346CR, EEM_PROGRAM | EE_CS);
    while (n-- > 0)
        rig_ee_clock(r, bits >> n & 1);
}

void rig_ee_end(struct rig *r)
{
    rig_wr1(r, RTL_9346CR, EEM_NORMAL);
}

uint16_t rig_ee_read(struct rig *r, unsigned word)
{
    uint16_t val = 0;

    rig_ee_cmd(r, 6u << 6 | word, 9);
    for (unsigned i = 0; i < 16; i++)
        val = (uint16_t)(val << 1 | rig_ee_clock(r, false));
    rig_ee_end(r);
    return val;
}
