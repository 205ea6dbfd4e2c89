/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371SB (PIIX3), function 01.0: the ISA bridge. PIRQ routing goes to
 * the hypervisor, which has the interrupt controllers and their edge/level
 * register. Also the ports of the board that are no chip of their own: 0x92
 * (fast reset, A20), 0xb2/0xb3 (APM), 0x402 (firmware's messages).
 * Source: Intel 82371SB data sheet (290550-002), sections 2.1 and 2.5.8;
 * port 0x92: IBM PS/2 system control port A. A20 is always on in a guest.
 */
#include "i440fx.h"

#include <hvmd/guestline.h>
#include <hvmd/machine.h>
#include <hvmd/pci.h>
#include <string.h>

#define PIRQRC        0x60 /* A..D */
#define PIRQRC_OFF    0x80u
#define PORT92_INIT   0x01u
#define PORT92_A20    0x02u
#define PORT92_BITS   0xcbu /* also 3: CMOS lock, 7-6: lamp */
#define DEBUG_PRESENT 0xe9u

enum { LOG_BIOS };

struct piix3_regs {
    uint8_t cfg[256];
    uint8_t apmc, apms;
    uint8_t port92;
};

struct piix3 {
    struct dev dev;
    struct pci_dev pci;
    struct piix3_regs regs;
    uint8_t route[4]; /* what the hypervisor was told last */
    struct guestline bios;
};

/* clang-format off */
/* reg bytes reset  wmask   name, section 2.1 */
static const struct piix3_reg {
    uint8_t reg, bytes;
    uint32_t reset, wmask;
} piix3_regs[] = {
    { 0x04, 2, 0x0007, 0x0108 },     /* PCICMD: SERR#, special cycles */
    { 0x06, 2, 0x0200, 0x0000 },     /* PCISTS, error bits by writing one */
    { 0x0c, 2, 0x0000, 0x0000 },     /* no cache line nor latency register */
    { 0x3c, 1, 0x00,   0x00 },       /* no interrupt line */
    { 0x4c, 1, 0x4d,   0xff },       /* IORT */
    { 0x4e, 2, 0x0003, 0x07ff },     /* XBCS */
    { 0x60, 4, 0x80808080, 0x8f8f8f8f }, /* PIRQRC[A:D] */
    { 0x69, 1, 0x02,   0xfe },       /* TOM */
    { 0x6a, 2, 0x0000, 0x808f },     /* MSTAT */
    { 0x70, 1, 0x80,   0xef },       /* MBIRQ0 */
    { 0x76, 2, 0x0c0c, 0x8f8f },     /* MBDMA[1:0] */
    { 0x78, 2, 0x0002, 0xffff },     /* PCSC */
    { 0x80, 1, 0x00,   0x7f },       /* APICBASE */
    { 0x82, 1, 0x00,   0x0f },       /* DLC */
    { 0xa0, 1, 0x08,   0x1f },       /* SMICNTL */
    { 0xa2, 2, 0x0000, 0x00ff },     /* SMIEN */
    { 0xa4, 4, 0x00000000, 0xa000ffff }, /* SEE */
    { 0xa8, 1, 0x0f,   0xff },       /* FTMR */
    { 0xaa, 2, 0x0000, 0x00ff },     /* SMIREQ */
    { 0xac, 1, 0x00,   0xff },       /* CTLTMR */
    { 0xae, 1, 0x00,   0xff },       /* CTHTMR */
};
/* clang-format on */

/* 2.1.11: bit 7 set: not routed; 0, 1, 2, 8 and 13 are reserved. */
static uint8_t route_of(uint8_t pirqrc)
{
    const uint16_t valid = 0xdef8;
    unsigned irq = pirqrc & 0x0f;

    if ((pirqrc & PIRQRC_OFF) || !(valid >> irq & 1))
        return 0;
    return (uint8_t)irq;
}

static void update_routes(struct piix3 *isa, bool force)
{
    for (unsigned link = 0; link < 4; link++) {
        uint8_t irq = route_of(isa->regs.cfg[PIRQRC + link]);

        if (irq == isa->route[link] && !force)
            continue;
        isa->route[link] = irq;
        isa->dev.env.hv->ops->pci_link(isa->dev.env.hv, link, irq);
    }
}

static void piix3_wrote(struct dev *dev, unsigned reg, unsigned size)
{
    update_routes((struct piix3 *)dev, false);
}

static uint64_t port92_rd(void *ctx, uint32_t off, unsigned size)
{
    return ((struct piix3 *)ctx)->regs.port92;
}

static void port92_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct piix3 *isa = ctx;
    bool rise = (val & PORT92_INIT) && !(isa->regs.port92 & PORT92_INIT);

    isa->regs.port92 = val & PORT92_BITS;
    if (rise)
        machine_request(isa->dev.env.machine, MACHINE_RESET);
}

static const struct io_ops port92_io = {
    .rd = port92_rd, .wr = port92_wr, .min = 1, .max = 1};

/* 2.5.8: APMC raises an SMI, which the ACPI function answers; APMS is data. */
static uint64_t apm_rd(void *ctx, uint32_t off, unsigned size)
{
    struct piix3 *isa = ctx;

    return off == 0 ? isa->regs.apmc : isa->regs.apms;
}

static void apm_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct piix3 *isa = ctx;

    if (off == 1) {
        isa->regs.apms = (uint8_t)val;
        return;
    }
    isa->regs.apmc = (uint8_t)val;
    machine_apm(isa->dev.env.machine, (uint8_t)val);
}

static const struct io_ops apm_io = {
    .rd = apm_rd, .wr = apm_wr, .min = 1, .max = 1};

static uint64_t debug_rd(void *ctx, uint32_t off, unsigned size)
{
    return DEBUG_PRESENT;
}

static void debug_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct piix3 *isa = ctx;

    guestline_put(&isa->bios, isa->dev.env.log, &isa->dev.bucket[LOG_BIOS],
                  "bios", (char)val);
}

static size_t debug_rep(void *ctx, uint32_t off, unsigned size, bool wr,
                        void *buf, size_t n)
{
    uint8_t *p = buf;

    /* a region of one port: size is 1 */
    if (!wr)
        memset(p, DEBUG_PRESENT, n);
    for (size_t i = 0; wr && i < n; i++)
        debug_wr(ctx, 0, 1, p[i]);
    return n;
}

static const struct io_ops debug_io = {
    .rd = debug_rd, .wr = debug_wr, .rep = debug_rep, .min = 1, .max = 1};

static int piix3_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    static const struct pci_id id = {
        .vendor = 0x8086, .device = 0x7000, .class_code = 0x0601};
    struct piix3 *isa = (struct piix3 *)dev;
    int rc;

    pci_setup(&isa->pci, dev, isa->regs.cfg, &id);
    for (unsigned i = 0; i < sizeof(piix3_regs) / sizeof(piix3_regs[0]); i++) {
        const struct piix3_reg *r = &piix3_regs[i];

        pci_put(&isa->pci, r->reg, r->bytes, r->reset);
        pci_set_mask(&isa->pci, r->reg, r->bytes, r->wmask);
    }
    isa->pci.wrote = piix3_wrote;
    rc = pci_add(dev->env.pci, &isa->pci, PCI_DEVFN(1, 0));
    if (rc < 0)
        return err_set(e, rc, "the ISA bridge finds PCI slot 1 taken");
    rc = dev_map(dev, SPACE_PIO, 0x92, 1, &port92_io);
    if (rc == 0)
        rc = dev_map(dev, SPACE_PIO, 0xb2, 2, &apm_io);
    if (rc == 0)
        rc = dev_map(dev, SPACE_PIO, 0x402, 1, &debug_io);
    if (rc < 0)
        return err_set(e, rc, "cannot map the ports of the ISA bridge");
    return 0;
}

static void piix3_reset(struct dev *dev, enum reset_kind kind)
{
    struct piix3 *isa = (struct piix3 *)dev;

    pci_reset(&isa->pci);
    update_routes(isa, true);
    isa->regs.apmc = 0;
    isa->regs.apms = 0;
    isa->regs.port92 = PORT92_A20;
}

static void piix3_loaded(void *ctx)
{
    struct piix3 *isa = ctx;

    isa->regs.port92 &= PORT92_BITS;
    pci_loaded(&isa->pci);
    update_routes(isa, true);
}

static const struct field piix3_fields[] = {
    FIELD_ARRAY(struct piix3_regs, cfg, 1),
    FIELD(struct piix3_regs, apmc, 1),
    FIELD(struct piix3_regs, apms, 1),
    FIELD(struct piix3_regs, port92, 1),
    FIELD_END,
};

static const struct state_desc piix3_state = {
    .name = "piix3",
    .version = 1,
    .off = offsetof(struct piix3, regs),
    .size = sizeof(struct piix3_regs),
    .fields = piix3_fields,
    .loaded = piix3_loaded,
};

const struct dev_ops piix3_ops = {
    .name = "piix3",
    .size = sizeof(struct piix3),
    .init = piix3_init,
    .reset = piix3_reset,
    .state = &piix3_state,
};
