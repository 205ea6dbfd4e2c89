/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI bus 0: config space as data, BARs on the bus. See hvmd/pci.h.
 * Source: PCI Local Bus Specification 3.0, chapter 6 (registers), 6.2.5
 * (base addresses), 6.7 (capability list), 2.2.6 (INTx).
 */
#include <errno.h>
#include <hvmd/pci.h>
#include <stdlib.h>
#include <string.h>

#define PCI_FUNCTIONS 256u

#define PCI_CACHE_LINE     0x0c
#define PCI_LATENCY        0x0d
#define PCI_HEADER_MULTI   0x80u
#define PCI_STATUS_INTX    0x0008u
#define PCI_STATUS_CAPS    0x0010u
#define PCI_STATUS_ERRORS  0xf900u /* bits 8, 11-15: cleared by writing one */
#define PCI_COMMAND_PARITY 0x0040u
#define PCI_COMMAND_SERR   0x0100u
#define PCI_ROM_ENABLE     0x1u
#define PCI_HEADER_END     0x40u

struct pci_bus {
    struct hv *hv;
    struct bus *bus;
    struct gmem *gmem;
    struct pci_dev *fn[PCI_FUNCTIONS];
    bool claimed[PCI_FUNCTIONS];
    unsigned blocked; /* BARs waiting for a region in their way to go */
};

static unsigned bar_reg(unsigned n)
{
    return n == PCI_BAR_ROM ? PCI_ROM : PCI_BAR0 + 4 * n;
}

/* cfg is a plain array, not a register file: no side effects here. */
void pci_put(struct pci_dev *pd, unsigned reg, unsigned bytes, uint32_t val)
{
    for (unsigned i = 0; i < bytes && i < 4 && reg + i < 256; i++)
        pd->cfg[reg + i] = (uint8_t)(val >> (8 * i));
}

uint32_t pci_get(const struct pci_dev *pd, unsigned reg, unsigned bytes)
{
    uint32_t val = 0;

    for (unsigned i = 0; i < bytes && i < 4; i++) {
        uint32_t byte = reg + i < 256 ? pd->cfg[reg + i] : 0xff;

        val |= byte << (8 * i);
    }
    return val;
}

void pci_set_mask(struct pci_dev *pd, unsigned reg, unsigned bytes,
                  uint32_t mask)
{
    for (unsigned i = 0; i < bytes && i < 4 && reg + i < 256; i++)
        pd->wmask[reg + i] = (uint8_t)(mask >> (8 * i));
}

static void set_w1c(struct pci_dev *pd, unsigned reg, uint16_t mask)
{
    pd->w1c[reg] = (uint8_t)mask;
    pd->w1c[reg + 1] = (uint8_t)(mask >> 8);
}

void pci_setup(struct pci_dev *pd, struct dev *owner, uint8_t cfg[256],
               const struct pci_id *id)
{
    memset(pd, 0, sizeof(*pd));
    memset(cfg, 0, 256);
    pd->owner = owner;
    pd->cfg = cfg;
    for (unsigned i = 0; i < PCI_BARS; i++)
        pd->bar[i].addr = PCI_BAR_OFF;

    pci_put(pd, PCI_VENDOR_ID, 2, id->vendor);
    pci_put(pd, PCI_DEVICE_ID, 2, id->device);
    pci_put(pd, PCI_REVISION, 1, id->revision);
    pci_put(pd, PCI_CLASS_PROG, 1, id->prog);
    pci_put(pd, PCI_CLASS_DEVICE, 2, id->class_code);
    pci_put(pd, PCI_SUBSYS_VENDOR, 2, id->subsys_vendor);
    pci_put(pd, PCI_SUBSYS_ID, 2, id->subsys);
    pci_put(pd, PCI_INTERRUPT_PIN, 1, id->int_pin);

    pci_set_mask(pd, PCI_COMMAND, 2,
                 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
                     PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
                     PCI_COMMAND_INTX_OFF);
    set_w1c(pd, PCI_STATUS, PCI_STATUS_ERRORS);
    pci_set_mask(pd, PCI_CACHE_LINE, 1, 0xff);
    pci_set_mask(pd, PCI_LATENCY, 1, 0xf8);
    pci_set_mask(pd, PCI_INTERRUPT_LINE, 1, 0xff);
}

void pci_set_bar(struct pci_dev *pd, unsigned n, enum space space,
                 uint32_t size, bool prefetch, const struct io_ops *ops,
                 void *dev, void (*moved)(void *, uint64_t))
{
    struct pci_bar *bar = &pd->bar[n];
    uint32_t mask = ~(size - 1);
    uint32_t type = 0;

    *bar = (struct pci_bar){.size = size,
                            .space = space,
                            .prefetch = prefetch,
                            .ops = ops,
                            .dev = dev,
                            .moved = moved,
                            .addr = PCI_BAR_OFF};
    if (n == PCI_BAR_ROM)
        mask = (mask & ~0x7ffu) | PCI_ROM_ENABLE;
    else if (space == SPACE_PIO)
        mask &= ~0x3u, type = 0x1;
    else
        mask &= ~0xfu, type = prefetch ? 0x8 : 0;
    pci_put(pd, bar_reg(n), 4, type);
    pci_set_mask(pd, bar_reg(n), 4, mask);
}

/*
 * New ones go below the older ones, so that the head of the list is always
 * the lowest and needs no lengths to be remembered. 0: no room.
 */
unsigned pci_add_cap(struct pci_dev *pd, uint8_t id, unsigned len)
{
    unsigned lowest = pd->cfg[PCI_CAP_PTR];
    unsigned off;

    if (lowest == 0)
        lowest = 256;
    if (len < 2 || len > lowest - PCI_HEADER_END)
        return 0;
    off = (lowest - len) & ~3u;
    if (off < PCI_HEADER_END)
        return 0;
    pd->cfg[off] = id;
    pd->cfg[off + 1] = pd->cfg[PCI_CAP_PTR];
    pd->cfg[PCI_CAP_PTR] = (uint8_t)off;
    pd->cfg[PCI_STATUS] |= PCI_STATUS_CAPS;
    return off;
}

/* 6.2.5. Where the registers say that BAR n decodes. */
static uint64_t bar_wanted(const struct pci_dev *pd, unsigned n)
{
    const struct pci_bar *bar = &pd->bar[n];
    uint32_t command, val;
    uint64_t addr, last;

    if (!pd->present || bar->size == 0)
        return PCI_BAR_OFF;
    command = pci_get(pd, PCI_COMMAND, 2);
    val = pci_get(pd, bar_reg(n), 4);
    addr = val & ~(bar->size - 1);
    if (bar->space == SPACE_PIO) {
        if (!(command & PCI_COMMAND_IO))
            return PCI_BAR_OFF;
        addr &= ~UINT64_C(3);
    } else {
        if (!(command & PCI_COMMAND_MEMORY))
            return PCI_BAR_OFF;
        if (n == PCI_BAR_ROM && !(val & PCI_ROM_ENABLE))
            return PCI_BAR_OFF;
        addr &= ~UINT64_C(15);
    }
    last = addr + (bar->size - 1);
    /*
     * 0 is the register's reset value, and a range up to 4 GiB is what sizing
     * with the decoder left on leads to: it would cover the local APIC.
     */
    if (addr == 0 || last >= UINT32_MAX)
        return PCI_BAR_OFF;
    if (bar->space == SPACE_PIO && last > 0xffff)
        return PCI_BAR_OFF;
    return addr;
}

static void bar_drop(struct pci_dev *pd, struct pci_bar *bar)
{
    if (bar->mapped && bar->ops)
        bus_unmap(pd->bus->bus, bar->space, bar->addr);
    if (bar->addr != PCI_BAR_OFF && !bar->mapped)
        pd->bus->blocked--;
    bar->mapped = false;
    bar->addr = PCI_BAR_OFF;
}

static bool bar_try(struct pci_dev *pd, struct pci_bar *bar)
{
    if (bar->ops && bus_map(pd->bus->bus, bar->space, bar->addr, bar->size,
                            bar->ops, bar->dev, pd->owner->hits) != 0)
        return false;
    bar->mapped = true;
    if (bar->moved)
        bar->moved(bar->dev, bar->addr);
    return true;
}

/* Something may have gone out of the way of the BARs of any function. */
static void retry_blocked(struct pci_bus *bus)
{
    for (unsigned f = 0; f < PCI_FUNCTIONS && bus->blocked > 0; f++) {
        struct pci_dev *pd = bus->fn[f];

        for (unsigned n = 0; pd && n < PCI_BARS; n++) {
            struct pci_bar *bar = &pd->bar[n];

            if (bar->addr != PCI_BAR_OFF && !bar->mapped && bar_try(pd, bar))
                bus->blocked--;
        }
    }
}

static void update_bars(struct pci_dev *pd)
{
    uint64_t want[PCI_BARS];
    bool move[PCI_BARS];

    if (!pd->bus)
        return;
    /* Old places first: two BARs of one function may trade theirs. */
    for (unsigned n = 0; n < PCI_BARS; n++) {
        struct pci_bar *bar = &pd->bar[n];
        bool was_mapped = bar->mapped;

        want[n] = bar_wanted(pd, n);
        move[n] = want[n] != bar->addr;
        if (!move[n])
            continue;
        bar_drop(pd, bar);
        if (was_mapped && bar->moved)
            bar->moved(bar->dev, PCI_BAR_OFF);
    }
    for (unsigned n = 0; n < PCI_BARS; n++) {
        if (!move[n] || want[n] == PCI_BAR_OFF)
            continue;
        pd->bar[n].addr = want[n];
        if (!bar_try(pd, &pd->bar[n]))
            pd->bus->blocked++;
    }
    retry_blocked(pd->bus);
}

/* 6.2.3: the status bit shows the wire before the disable bit. */
static void update_intx(struct pci_dev *pd)
{
    bool level = (pd->cfg[PCI_STATUS] & PCI_STATUS_INTX) && pd->present &&
                 !(pci_get(pd, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF);

    irq_set(&pd->intx, level);
}

void pci_irq(struct pci_dev *pd, bool level)
{
    uint8_t status = pd->cfg[PCI_STATUS] & (uint8_t)~PCI_STATUS_INTX;

    if (level)
        status |= PCI_STATUS_INTX;
    pd->cfg[PCI_STATUS] = status;
    update_intx(pd);
}

static void claim(struct pci_bus *bus, unsigned devfn, bool on)
{
    if (bus->claimed[devfn] == on)
        return;
    bus->claimed[devfn] = on;
    if (bus->hv && bus->hv->ops->claim_pci)
        bus->hv->ops->claim_pci(bus->hv, devfn, on);
}

static bool slot_free(const struct pci_bus *bus, unsigned slot)
{
    for (unsigned fn = 0; fn < 8; fn++)
        if (bus->fn[PCI_DEVFN(slot, fn)])
            return false;
    return true;
}

/* 6.2.1: software looks at functions 1..7 only when function 0 says so. */
static void update_multi(struct pci_bus *bus, unsigned slot)
{
    struct pci_dev *first = bus->fn[PCI_DEVFN(slot, 0)];

    for (unsigned fn = 1; first && fn < 8; fn++) {
        if (!bus->fn[PCI_DEVFN(slot, fn)])
            continue;
        first->cfg[PCI_HEADER_TYPE] |= PCI_HEADER_MULTI;
        first->reset_cfg[PCI_HEADER_TYPE] |= PCI_HEADER_MULTI;
    }
}

int pci_add(struct pci_bus *bus, struct pci_dev *pd, unsigned devfn)
{
    if (devfn == PCI_DEVFN_AUTO) {
        unsigned slot = 2;

        while (slot < 32 && !slot_free(bus, slot))
            slot++;
        if (slot == 32)
            return -ENOSPC;
        devfn = PCI_DEVFN(slot, 0);
    }
    if (devfn >= PCI_FUNCTIONS)
        return -EINVAL;
    if (bus->fn[devfn])
        return -EEXIST;

    bus->fn[devfn] = pd;
    pd->bus = bus;
    pd->devfn = (uint8_t)devfn;
    pd->present = true;
    if (pd->cfg[PCI_INTERRUPT_PIN] >= 1 && pd->cfg[PCI_INTERRUPT_PIN] <= 4)
        irq_wire_intx(&pd->intx, bus->hv, PCI_SLOT(devfn),
                      pd->cfg[PCI_INTERRUPT_PIN] - 1u);
    memcpy(pd->reset_cfg, pd->cfg, sizeof(pd->reset_cfg));
    update_multi(bus, PCI_SLOT(devfn));
    claim(bus, devfn, true);
    return 0;
}

void pci_set_present(struct pci_dev *pd, bool present)
{
    if (pd->present == present)
        return;
    pd->present = present;
    if (!pd->bus)
        return;
    update_intx(pd);
    update_bars(pd);
    claim(pd->bus, pd->devfn, present);
}

void pci_reset(struct pci_dev *pd)
{
    if (!pd->bus)
        return; /* not added yet: cfg is as the owner set it up */
    memcpy(pd->cfg, pd->reset_cfg, sizeof(pd->reset_cfg));
    update_intx(pd);
    update_bars(pd);
}

/*
 * The header of restored state is held to what writes could have made of it
 * (R14); registers above 3f are the owner's to check.
 */
void pci_loaded(struct pci_dev *pd)
{
    for (unsigned i = 0; i < PCI_HEADER_END; i++) {
        uint8_t may = pd->wmask[i] | pd->w1c[i];

        if (i == PCI_STATUS)
            may |= PCI_STATUS_INTX;
        pd->cfg[i] = (uint8_t)((pd->cfg[i] & may) | (pd->reset_cfg[i] & ~may));
    }
    if (!pd->bus)
        return;
    update_bars(pd);
    update_intx(pd);
    irq_replay(&pd->intx);
}

bool pci_master(const struct pci_dev *pd)
{
    return pd->present && (pd->cfg[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0;
}

int pci_dma_read(struct pci_dev *pd, uint64_t gpa, void *dst, size_t len)
{
    if (!pci_master(pd)) {
        memset(dst, 0xff, len);
        return -EFAULT;
    }
    return gmem_read(pd->bus->gmem, gpa, dst, len);
}

int pci_dma_write(struct pci_dev *pd, uint64_t gpa, const void *src, size_t len)
{
    if (!pci_master(pd))
        return -EFAULT;
    return gmem_write(pd->bus->gmem, gpa, src, len);
}

struct pci_dev *pci_find(struct pci_bus *bus, unsigned devfn)
{
    struct pci_dev *pd = devfn < PCI_FUNCTIONS ? bus->fn[devfn] : NULL;

    return pd && pd->present ? pd : NULL;
}

uint32_t pci_cfg_read(struct pci_bus *bus, unsigned devfn, unsigned reg,
                      unsigned size)
{
    uint32_t ones = size >= 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
    struct pci_dev *pd = pci_find(bus, devfn);

    if (!pd || reg > 255)
        return ones;
    pd->owner->hits[HIT_CFG_RD]++;
    if (pd->reading)
        pd->reading(pd->owner, reg);
    return pci_get(pd, reg, size);
}

static bool touches(unsigned reg, unsigned size, unsigned from, unsigned len)
{
    return reg < from + len && reg + size > from;
}

void pci_cfg_write(struct pci_bus *bus, unsigned devfn, unsigned reg,
                   unsigned size, uint32_t val)
{
    struct pci_dev *pd = pci_find(bus, devfn);

    if (!pd || reg > 255)
        return;
    if (size > 4)
        size = 4;
    if (size > 256 - reg)
        size = 256 - reg;
    pd->owner->hits[HIT_CFG_WR]++;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(val >> (8 * i));
        uint8_t mask = pd->wmask[reg + i];
        uint8_t now = pd->cfg[reg + i];

        now = (uint8_t)((now & ~mask) | (byte & mask));
        now &= (uint8_t) ~(byte & pd->w1c[reg + i]);
        pd->cfg[reg + i] = now;
    }
    if (touches(reg, size, PCI_COMMAND, 2))
        update_intx(pd);
    if (touches(reg, size, PCI_COMMAND, 2) ||
        touches(reg, size, PCI_BAR0, 24) || touches(reg, size, PCI_ROM, 4))
        update_bars(pd);
    if (pd->wrote)
        pd->wrote(pd->owner, reg, size);
}

struct pci_bus *pci_bus_new(struct hv *hv, struct bus *bus, struct gmem *gmem)
{
    struct pci_bus *pci = calloc(1, sizeof(*pci));

    if (pci) {
        pci->hv = hv;
        pci->bus = bus;
        pci->gmem = gmem;
    }
    return pci;
}

/* The functions may be gone already: only the claims are looked at. */
void pci_bus_free(struct pci_bus *bus)
{
    if (!bus)
        return;
    for (unsigned f = 0; f < PCI_FUNCTIONS; f++)
        claim(bus, f, false);
    free(bus);
}
