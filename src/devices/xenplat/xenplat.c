/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports, BARs and life cycle; see xenplat.h.
 * Source: Xen docs/misc/hvm-emulated-unplug.pandoc (ports 0x10-0x13, mask);
 * ids and BARs as the xen_platform device of earlier device models.
 */
#include "priv.h"

#include <errno.h>
#include <string.h>

/* The fixed ports, hvm-emulated-unplug.pandoc */
#define PLAT_PORT     0x10
#define PLAT_BYTES    16
#define PLAT_MAGIC    0x49d2u /* 0x10, word read */
#define PLAT_REFUSED  0xd249u /* the same, drivers shall not load */
#define PLAT_VERSION  1u      /* 0x12, byte read */
#define FLAG_ROM_LOCK 0x01u   /* 0x10, byte */

/* The older way, offsets in BAR 0 */
#define BAR0_BYTES      0x100
#define BAR0_FLAGS      0
#define BAR0_UNPLUG_ALL 4
#define BAR0_UNPLUG     8
#define BAR1_BYTES      (16u << 20)

static void apply_flags(struct xenplat *xp)
{
    bool lock = (xp->regs.flags & FLAG_ROM_LOCK) != 0;

    if (lock == xp->rom_locked)
        return;
    /* Refused: the flag reads back as it is. */
    if (xp->dev.env.hv->ops->rom_lock(xp->dev.env.hv, lock) == 0)
        xp->rom_locked = lock;
    xp->regs.flags = xp->rom_locked ? FLAG_ROM_LOCK : 0;
}

static void set_flags(struct xenplat *xp, uint8_t val)
{
    xp->regs.flags = val & FLAG_ROM_LOCK;
    apply_flags(xp);
}

static void log_char(struct xenplat *xp, uint8_t c)
{
    guestline_put(&xp->line, xp->dev.env.log, &xp->dev.bucket[LOG_GUEST],
                  "guest", (char)c);
}

static uint64_t ports_rd(void *ctx, uint32_t off, unsigned size)
{
    struct xenplat *xp = ctx;

    if (off == 0 && size == 2)
        return xp->regs.refused ? PLAT_REFUSED : PLAT_MAGIC;
    if (off == 0 && size == 1)
        return xp->regs.flags;
    if (off == 2 && size == 1)
        return PLAT_VERSION;
    return UINT32_MAX;
}

static void driver_says(struct xenplat *xp)
{
    bucket_log(xp->dev.env.log, &xp->dev.bucket[LOG_DRIVER], "xenplat",
               "guest drivers: product %u build %u", xp->regs.product,
               xp->regs.build);
}

static void ports_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct xenplat *xp = ctx;

    if (off == 0 && size == 1) {
        set_flags(xp, (uint8_t)val);
    } else if (off == 0 && size == 2) {
        xenplat_unplug(xp, XENPLAT_VIA_PORT, (uint16_t)val, (uint16_t)val);
    } else if (off == 0 && size == 4) {
        xp->regs.build = (uint32_t)val;
        driver_says(xp);
        xenplat_greet(xp);
    } else if (off == 2 && size == 2) {
        xp->regs.product = (uint16_t)val;
    } else if (off == 2 && size == 1) {
        log_char(xp, (uint8_t)val);
    }
}

static const struct io_ops ports_io = {.rd = ports_rd, .wr = ports_wr};

static uint64_t bar0_rd(void *ctx, uint32_t off, unsigned size)
{
    struct xenplat *xp = ctx;

    return off == BAR0_FLAGS ? xp->regs.flags : 0xff;
}

static void bar0_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct xenplat *xp = ctx;

    if (off == BAR0_FLAGS)
        set_flags(xp, (uint8_t)val);
    else if (off == BAR0_UNPLUG_ALL && val == 1)
        xenplat_unplug(xp, XENPLAT_VIA_ALL, 1, XENPLAT_DISKS | XENPLAT_NICS);
    else if (off == BAR0_UNPLUG && val == 1)
        xenplat_unplug(xp, XENPLAT_VIA_ONE, 1, XENPLAT_DISKS);
    else if (off == BAR0_UNPLUG && val == 2)
        xenplat_unplug(xp, XENPLAT_VIA_ONE, 2, XENPLAT_NICS);
    else if (off == BAR0_UNPLUG)
        log_char(xp, (uint8_t)val);
}

static const struct io_ops bar0_io = {
    .rd = bar0_rd, .wr = bar0_wr, .min = 1, .max = 1};

/* Address space for grant tables and the like: nothing answers but zeros. */
static uint64_t bar1_rd(void *ctx, uint32_t off, unsigned size)
{
    return 0;
}

static size_t bar1_mem(void *ctx, uint32_t off, bool wr, void *buf, size_t len)
{
    if (!wr)
        memset(buf, 0, len);
    return len;
}

static const struct io_ops bar1_io = {
    .rd = bar1_rd, .mem = bar1_mem, .min = 1, .max = 8};

static int xenplat_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    static const struct pci_id id = {.vendor = 0x5853,
                                     .device = 0x0001,
                                     .subsys_vendor = 0x5853,
                                     .subsys = 0x0001,
                                     .revision = 0x01,
                                     .class_code = 0xff80,
                                     .int_pin = 1};
    struct xenplat *xp = (struct xenplat *)dev;
    unsigned devfn = (unsigned)conf_num(conf, "devfn", PCI_DEVFN(2, 0));
    int rc;

    pci_setup(&xp->pci, dev, xp->regs.cfg, &id);
    pci_set_bar(&xp->pci, 0, SPACE_PIO, BAR0_BYTES, false, &bar0_io, xp, NULL);
    pci_set_bar(&xp->pci, 1, SPACE_MMIO, BAR1_BYTES, true, &bar1_io, xp, NULL);
    rc = pci_add(dev->env.pci, &xp->pci, devfn);
    if (rc < 0)
        return err_set(e, rc, "the Xen platform device finds PCI slot %u taken",
                       PCI_SLOT(devfn));
    xenplat_ignore_next(dev, conf_num(conf, "ignore_unplug", 0) != 0);
    rc = dev_map(dev, SPACE_PIO, PLAT_PORT, PLAT_BYTES, &ports_io);
    if (rc < 0)
        return err_set(e, rc, "cannot map the Xen platform ports");
    return 0;
}

/* The journal goes on, and what went stays away. */
static void xenplat_reset(struct dev *dev, enum reset_kind kind)
{
    struct xenplat *xp = (struct xenplat *)dev;

    pci_reset(&xp->pci);
    xp->regs.build = 0;
    xp->regs.product = 0;
    xp->regs.refused = 0;
    if (xp->regs.ignore & XENPLAT_USED)
        xp->regs.ignore = 0;
    set_flags(xp, 0);
}

static void xenplat_loaded(void *ctx)
{
    struct xenplat *xp = ctx;

    pci_loaded(&xp->pci);
    apply_flags(xp);
    xenplat_replay(xp);
}

static const struct field xenplat_fields[] = {
    FIELD_ARRAY(struct xenplat_regs, cfg, 1),
    FIELD(struct xenplat_regs, build, 1),
    FIELD(struct xenplat_regs, product, 1),
    FIELD_MAX(struct xenplat_regs, unplug, 1, XENPLAT_ALL),
    FIELD_MAX(struct xenplat_regs, flags, 1, FLAG_ROM_LOCK),
    FIELD_MAX(struct xenplat_regs, refused, 1, 1),
    FIELD_MAX(struct xenplat_regs, ignore, 1, XENPLAT_IGNORE | XENPLAT_USED),
    FIELD(struct xenplat_regs, events, 1),
    FIELD_MAX(struct xenplat_regs, kept, 1, XENPLAT_EVENTS),
    FIELD_ARRAY(struct xenplat_regs, ev_wall_ns, 1),
    FIELD_ARRAY(struct xenplat_regs, ev_build, 1),
    FIELD_ARRAY(struct xenplat_regs, ev_product, 1),
    FIELD_ARRAY(struct xenplat_regs, ev_value, 1),
    FIELD_ARRAY_MAX(struct xenplat_regs, ev_via, 1, XENPLAT_VIAS - 1),
    FIELD_ARRAY_MAX(struct xenplat_regs, ev_went, 1, XENPLAT_WENT_ALL),
    FIELD_ARRAY_MAX(struct xenplat_regs, ev_ignored, 1, 1),
    FIELD_ARRAY_MAX(struct xenplat_regs, pad, 1, 0),
    FIELD_END,
};

static int xenplat_check(const void *state, struct err *e)
{
    const struct xenplat_regs *r = state;

    if (r->kept > r->events)
        return err_set(e, -EINVAL,
                       "state of xenplat: field kept is %u, of %llu events",
                       r->kept, (unsigned long long)r->events);
    return 0;
}

static const struct state_desc xenplat_state = {
    .name = "xenplat",
    .version = 1,
    .off = offsetof(struct xenplat, regs),
    .size = sizeof(struct xenplat_regs),
    .fields = xenplat_fields,
    .check = xenplat_check,
    .loaded = xenplat_loaded,
};

const struct dev_ops xenplat_ops = {
    .name = "xenplat",
    .size = sizeof(struct xenplat),
    .init = xenplat_init,
    .reset = xenplat_reset,
    .state = &xenplat_state,
};
