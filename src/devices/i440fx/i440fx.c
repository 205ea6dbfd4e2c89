/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 440FX: the PCI and memory controller (PMC) as function 00.0, the
 * configuration ports, and the reset control register, which sits in the
 * middle of them. Under a hypervisor the memory is not ours: DRAM timing, PAM
 * and SMRAM registers keep what is written and change no mapping.
 * Source: Intel 82441FX PMC data sheet (290549-001), section 3; reset control:
 * Intel 82371SB data sheet (290550-002), section 2.5.5.
 */
#include "i440fx.h"

#include <hvmd/machine.h>
#include <hvmd/pci.h>
#include <string.h>

#define CONFADD_ENABLE 0x80000000u
#define CONFADD_BITS   0x80fffffcu

#define RC_CPU  0x04u /* RCPU: reset on the change from 0 to 1 */
#define RC_BITS 0x06u

#define SMRAM       0x72
#define SMRAM_DOPEN 0x40u
#define SMRAM_DLCK  0x10u

struct i440fx_regs {
    uint8_t cfg[256];
    uint32_t confadd; /* CF8 */
    uint8_t rc;       /* CF9 */
    uint8_t pad[3];   /* always 0 */
};

struct i440fx {
    struct dev dev;
    struct pci_dev pci;
    struct i440fx_regs regs;
};

/* clang-format off */
/* reg bytes reset  wmask   name, section 3.2.x */
static const struct pmc_reg {
    uint8_t reg, bytes;
    uint16_t reset, wmask;
} pmc_regs[] = {
    { 0x04, 2, 0x0006, 0x0140 }, /* PCICMD */
    { 0x06, 2, 0x0280, 0x0000 }, /* PCISTS, error bits by writing one */
    { 0x0c, 1, 0x00,   0x00 },   /* no cache line register */
    { 0x0d, 1, 0x00,   0xf8 },   /* MLT */
    { 0x0f, 1, 0x00,   0x00 },   /* BIST */
    { 0x3c, 1, 0x00,   0x00 },   /* no interrupt line */
    { 0x50, 2, 0x0000, 0xb73f }, /* PMCCFG: 15, 13, 12 straps and modes */
    { 0x52, 1, 0x00,   0xc0 },   /* DETURBO */
    { 0x53, 1, 0x80,   0xf7 },   /* DBC */
    { 0x54, 1, 0x00,   0x82 },   /* AXC */
    { 0x55, 2, 0x0000, 0xffff }, /* DRT */
    { 0x57, 1, 0x01,   0x7f },   /* DRAMC */
    { 0x58, 1, 0x10,   0x7f },   /* DRAMT */
    { 0x59, 1, 0x00,   0x30 },   /* PAM0: F0000 only */
    { 0x5a, 1, 0x00,   0x33 },   /* PAM1 */
    { 0x5b, 1, 0x00,   0x33 },
    { 0x5c, 1, 0x00,   0x33 },
    { 0x5d, 1, 0x00,   0x33 },
    { 0x5e, 1, 0x00,   0x33 },
    { 0x5f, 1, 0x00,   0x33 },   /* PAM6 */
    { 0x60, 1, 0x01,   0xff },   /* DRB0 */
    { 0x61, 1, 0x01,   0xff },
    { 0x62, 1, 0x01,   0xff },
    { 0x63, 1, 0x01,   0xff },
    { 0x64, 1, 0x01,   0xff },
    { 0x65, 1, 0x01,   0xff },
    { 0x66, 1, 0x01,   0xff },
    { 0x67, 1, 0x01,   0xff },   /* DRB7 */
    { 0x68, 1, 0x00,   0xc0 },   /* FDHC */
    { 0x70, 1, 0x00,   0xff },   /* MTT */
    { 0x71, 1, 0x10,   0xf8 },   /* CLT */
    { 0x72, 1, 0x02,   0x78 },   /* SMRAM */
    { 0x90, 1, 0x00,   0x1f },   /* ERRCMD */
    { 0x91, 1, 0x00,   0x00 },   /* ERRSTS */
    { 0x93, 1, 0x00,   0x06 },   /* TRC */
};
/* clang-format on */

/* 3.2.20: once locked, SMRAM cannot be opened nor its enables changed. */
static void apply_smram_lock(struct i440fx *fx)
{
    bool locked = (fx->regs.cfg[SMRAM] & SMRAM_DLCK) != 0;

    if (locked)
        fx->regs.cfg[SMRAM] &= (uint8_t)~SMRAM_DOPEN;
    pci_set_mask(&fx->pci, SMRAM, 1, locked ? 0x20 : 0x78);
}

static void pmc_wrote(struct dev *dev, unsigned reg, unsigned size)
{
    apply_smram_lock((struct i440fx *)dev);
}

/* 0xcf8: a register only as a whole; its second byte alone is RC. */
static uint64_t confadd_rd(void *ctx, uint32_t off, unsigned size)
{
    struct i440fx *fx = ctx;

    if (off == 0 && size == 4)
        return fx->regs.confadd;
    if (off == 1 && size == 1)
        return fx->regs.rc;
    return UINT32_MAX;
}

static void confadd_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct i440fx *fx = ctx;

    if (off == 0 && size == 4) {
        fx->regs.confadd = (uint32_t)val & CONFADD_BITS;
    } else if (off == 1 && size == 1) {
        bool rise = (val & RC_CPU) && !(fx->regs.rc & RC_CPU);

        fx->regs.rc = val & RC_BITS;
        if (rise)
            machine_request(fx->dev.env.machine, MACHINE_RESET);
    }
}

static const struct io_ops confadd_io = {.rd = confadd_rd, .wr = confadd_wr};

/*
 * 0xcfc. A hypervisor that turns these accesses into configuration requests
 * does so for the functions it was told of; here come the others, and all of
 * them on the bench.
 */
static uint64_t confdata_rd(void *ctx, uint32_t off, unsigned size)
{
    struct i440fx *fx = ctx;
    uint32_t add = fx->regs.confadd;

    if (!(add & CONFADD_ENABLE) || (add >> 16 & 0xff) != 0)
        return UINT32_MAX;
    return pci_cfg_read(fx->dev.env.pci, add >> 8 & 0xff, (add & 0xfc) + off,
                        size);
}

static void confdata_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct i440fx *fx = ctx;
    uint32_t add = fx->regs.confadd;

    if (!(add & CONFADD_ENABLE) || (add >> 16 & 0xff) != 0)
        return;
    pci_cfg_write(fx->dev.env.pci, add >> 8 & 0xff, (add & 0xfc) + off, size,
                  (uint32_t)val);
}

static const struct io_ops confdata_io = {.rd = confdata_rd, .wr = confdata_wr};

static int i440fx_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    static const struct pci_id id = {.vendor = 0x8086,
                                     .device = 0x1237,
                                     .revision = 0x02,
                                     .class_code = 0x0600};
    struct i440fx *fx = (struct i440fx *)dev;
    int rc;

    pci_setup(&fx->pci, dev, fx->regs.cfg, &id);
    for (unsigned i = 0; i < sizeof(pmc_regs) / sizeof(pmc_regs[0]); i++) {
        const struct pmc_reg *r = &pmc_regs[i];

        pci_put(&fx->pci, r->reg, r->bytes, r->reset);
        pci_set_mask(&fx->pci, r->reg, r->bytes, r->wmask);
    }
    fx->pci.w1c[0x91] = 0x11; /* ERRSTS: multiple and single bit error */
    fx->pci.wrote = pmc_wrote;
    rc = pci_add(dev->env.pci, &fx->pci, PCI_DEVFN(0, 0));
    if (rc < 0)
        return err_set(e, rc, "the host bridge finds PCI slot 0 taken");
    rc = dev_map(dev, SPACE_PIO, 0xcf8, 4, &confadd_io);
    if (rc == 0)
        rc = dev_map(dev, SPACE_PIO, 0xcfc, 4, &confdata_io);
    if (rc < 0)
        return err_set(e, rc, "cannot map the PCI configuration ports");
    return 0;
}

static void i440fx_reset(struct dev *dev, enum reset_kind kind)
{
    struct i440fx *fx = (struct i440fx *)dev;

    pci_reset(&fx->pci);
    apply_smram_lock(fx);
    fx->regs.confadd = 0;
    fx->regs.rc = 0;
}

static void i440fx_loaded(void *ctx)
{
    struct i440fx *fx = ctx;

    fx->regs.confadd &= CONFADD_BITS;
    pci_loaded(&fx->pci);
    apply_smram_lock(fx);
}

static const struct field i440fx_fields[] = {
    FIELD_ARRAY(struct i440fx_regs, cfg, 1),
    FIELD(struct i440fx_regs, confadd, 1),
    FIELD_MAX(struct i440fx_regs, rc, 1, RC_BITS),
    FIELD_ARRAY_MAX(struct i440fx_regs, pad, 1, 0),
    FIELD_END,
};

static const struct state_desc i440fx_state = {
    .name = "i440fx",
    .version = 1,
    .off = offsetof(struct i440fx, regs),
    .size = sizeof(struct i440fx_regs),
    .fields = i440fx_fields,
    .loaded = i440fx_loaded,
};

const struct dev_ops i440fx_ops = {
    .name = "i440fx",
    .size = sizeof(struct i440fx),
    .init = i440fx_init,
    .reset = i440fx_reset,
    .state = &i440fx_state,
};
